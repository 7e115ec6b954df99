-- Events in the shape of the table that the dbt package for Mixpanel (fivetran/dbt_mixpanel) reads.
--
-- FROM local_dbt_event(january)
--
-- A column is named after a property, without its dollar sign, and NULL where an event has no such property, or none
-- of that type. The package wants times in the project's time zone; here they are those of event_time, which is UTC.
-- _fivetran_id is made of what tells one event from another; _fivetran_synced is when Mixpanel took the event in.
CREATE OR REPLACE MACRO dbt_event(
  events  -- a table, a view or a CTE with columns as those of an export
) AS TABLE
SELECT
  md5(to_json([event_name, distinct_id, event_time::VARCHAR, insert_id])::VARCHAR) AS _fivetran_id,
  make_timestamp_ms((properties['mp_processing_time_ms']::JSON->>'$')::BIGINT) AS _fivetran_synced,
  event_name AS name,
  event_time AS time,
  distinct_id,
  insert_id,
  properties::JSON::VARCHAR AS properties,
  properties['$ae_session_length']::JSON->>'$' AS ae_session_length,
  properties['$app_build_number']::JSON->>'$' AS app_build_number,
  properties['$app_version_string']::JSON->>'$' AS app_version_string,
  try_cast(properties['$bluetooth_enabled']::JSON->>'$' AS BOOLEAN) AS bluetooth_enabled,
  properties['$bluetooth_version']::JSON->>'$' AS bluetooth_version,
  properties['$brand']::JSON->>'$' AS brand,
  properties['$browser']::JSON->>'$' AS browser,
  try_cast(properties['$browser_version']::JSON->>'$' AS INTEGER) AS browser_version,
  properties['$carrier']::JSON->>'$' AS carrier,
  properties['$city']::JSON->>'$' AS city,
  properties['$current_url']::JSON->>'$' AS current_url,
  properties['$device']::JSON->>'$' AS device,
  properties['$device_id']::JSON->>'$' AS device_id,
  properties['$distinct_id_before_identity']::JSON->>'$' AS distinct_id_before_identity,
  properties['$google_play_services']::JSON->>'$' AS google_play_services,
  try_cast(properties['$has_nfc']::JSON->>'$' AS BOOLEAN) AS has_nfc,
  try_cast(properties['$has_telephone']::JSON->>'$' AS BOOLEAN) AS has_telephone,
  properties['$initial_referrer']::JSON->>'$' AS initial_referrer,
  properties['$initial_referring_domain']::JSON->>'$' AS initial_referring_domain,
  properties['$lib_version']::JSON->>'$' AS lib_version,
  properties['$manufacturer']::JSON->>'$' AS manufacturer,
  properties['$model']::JSON->>'$' AS model,
  properties['mp_country_code']::JSON->>'$' AS mp_country_code,
  properties['mp_keyword']::JSON->>'$' AS mp_keyword,
  properties['mp_lib']::JSON->>'$' AS mp_lib,
  try_cast(properties['mp_processing_time_ms']::JSON->>'$' AS BIGINT) AS mp_processing_time_ms,
  properties['$os']::JSON->>'$' AS os,
  properties['$os_version']::JSON->>'$' AS os_version,
  properties['$radio']::JSON->>'$' AS radio,
  properties['$referrer']::JSON->>'$' AS referrer,
  properties['$referring_domain']::JSON->>'$' AS referring_domain,
  properties['$region']::JSON->>'$' AS region,
  try_cast(properties['$screen_dpi']::JSON->>'$' AS INTEGER) AS screen_dpi,
  try_cast(properties['$screen_height']::JSON->>'$' AS INTEGER) AS screen_height,
  try_cast(properties['$screen_width']::JSON->>'$' AS INTEGER) AS screen_width,
  properties['$search_engine']::JSON->>'$' AS search_engine,
  try_cast(properties['$wifi']::JSON->>'$' AS BOOLEAN) AS wifi
FROM query_table(events);
