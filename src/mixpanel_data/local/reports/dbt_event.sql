-- Events in the shape of the table that the dbt package for Mixpanel (fivetran/dbt_mixpanel) reads.
--
-- FROM dbt_event(january)
--
-- A column is named after a property, without its dollar sign, and NULL where an event has no such property, or none
-- of that type; browser_version is the whole number, 17 of 17.6. The package wants times in the project's time zone;
-- here they are those of event_time, which is UTC. _fivetran_id is made of what tells one event from another;
-- _fivetran_synced is when Mixpanel took the event in.
CREATE OR REPLACE MACRO dbt_event(
  events  -- a table, a view or a CTE with columns as those of an export
) AS TABLE
WITH given AS NOT MATERIALIZED (
  FROM query_table(events)
), read AS (
  SELECT * REPLACE (properties::JSON AS properties), json_transform(properties::JSON, '{
    "$ae_session_length": "VARCHAR",
    "$app_build_number": "VARCHAR",
    "$app_version_string": "VARCHAR",
    "$bluetooth_enabled": "BOOLEAN",
    "$bluetooth_version": "VARCHAR",
    "$brand": "VARCHAR",
    "$browser": "VARCHAR",
    "$browser_version": "VARCHAR",
    "$carrier": "VARCHAR",
    "$city": "VARCHAR",
    "$current_url": "VARCHAR",
    "$device": "VARCHAR",
    "$device_id": "VARCHAR",
    "$distinct_id_before_identity": "VARCHAR",
    "$google_play_services": "VARCHAR",
    "$has_nfc": "BOOLEAN",
    "$has_telephone": "BOOLEAN",
    "$initial_referrer": "VARCHAR",
    "$initial_referring_domain": "VARCHAR",
    "$lib_version": "VARCHAR",
    "$manufacturer": "VARCHAR",
    "$model": "VARCHAR",
    "mp_country_code": "VARCHAR",
    "mp_keyword": "VARCHAR",
    "mp_lib": "VARCHAR",
    "mp_processing_time_ms": "BIGINT",
    "$os": "VARCHAR",
    "$os_version": "VARCHAR",
    "$radio": "VARCHAR",
    "$referrer": "VARCHAR",
    "$referring_domain": "VARCHAR",
    "$region": "VARCHAR",
    "$screen_dpi": "INTEGER",
    "$screen_height": "INTEGER",
    "$screen_width": "INTEGER",
    "$search_engine": "VARCHAR",
    "$wifi": "BOOLEAN"
  }') AS said
  FROM given
)
SELECT
  md5(to_json([event_name, distinct_id, event_time::VARCHAR, insert_id])::VARCHAR) AS _fivetran_id,
  make_timestamp_ms(said.mp_processing_time_ms) AS _fivetran_synced,
  event_name AS name,
  event_time AS time,
  distinct_id,
  insert_id,
  properties::VARCHAR AS properties,
  said."$ae_session_length" AS ae_session_length,
  said."$app_build_number" AS app_build_number,
  said."$app_version_string" AS app_version_string,
  said."$bluetooth_enabled" AS bluetooth_enabled,
  said."$bluetooth_version" AS bluetooth_version,
  said."$brand" AS brand,
  said."$browser" AS browser,
  TRY_CAST(regexp_extract(said."$browser_version", '^\d+') AS INTEGER) AS browser_version,
  said."$carrier" AS carrier,
  said."$city" AS city,
  said."$current_url" AS current_url,
  said."$device" AS device,
  said."$device_id" AS device_id,
  said."$distinct_id_before_identity" AS distinct_id_before_identity,
  said."$google_play_services" AS google_play_services,
  said."$has_nfc" AS has_nfc,
  said."$has_telephone" AS has_telephone,
  said."$initial_referrer" AS initial_referrer,
  said."$initial_referring_domain" AS initial_referring_domain,
  said."$lib_version" AS lib_version,
  said."$manufacturer" AS manufacturer,
  said."$model" AS model,
  said.mp_country_code,
  said.mp_keyword,
  said.mp_lib,
  said.mp_processing_time_ms,
  said."$os" AS os,
  said."$os_version" AS os_version,
  said."$radio" AS radio,
  said."$referrer" AS referrer,
  said."$referring_domain" AS referring_domain,
  said."$region" AS region,
  said."$screen_dpi" AS screen_dpi,
  said."$screen_height" AS screen_height,
  said."$screen_width" AS screen_width,
  said."$search_engine" AS search_engine,
  said."$wifi" AS wifi
FROM read;
