-- All events, each with the user that Mixpanel's simplified ID merge gives it to.
--
-- FROM merged_users(january)
--
-- An event with $user_id is that user's. The first event with both links its $device_id to its $user_id, for good:
-- what else happened on that device, before and after, is that user's, too. A device has one user, a user any number
-- of devices. An event without $user_id on a device that is not linked keeps its distinct_id, or has $device: and
-- the device where there is none. A distinct_id that begins with $device: is that device where an event has neither
-- property. Of links in the same second, the smallest $user_id is the first. All other columns are as they were, so
-- this is a table for the other reports: WITH people AS (FROM local_merged_users(january)) FROM local_funnel(people,
-- ['App Open', 'Purchase']). Links are known from the events of the table alone: one that was made before it, or
-- after, is missing.
--
-- Mixpanel has no such function; its reports count like this in projects with the simplified ID merge, and its
-- exports have the user who was known on the day of the export.
CREATE OR REPLACE MACRO merged_users(
  events  -- a table, a view or a CTE with columns as those of an export
) AS TABLE
WITH given AS NOT MATERIALIZED (
  FROM query_table(events)
), identified AS NOT MATERIALIZED (
  SELECT
    given AS event,
    event_time,
    nullif(distinct_id::VARCHAR, '') AS known_as,
    nullif(CASE typeof(properties)
      WHEN 'VARIANT' THEN variant_extract(properties::VARIANT, '$device_id')::VARCHAR
      ELSE properties::JSON->>'$."$device_id"'
    END, '') AS device,
    nullif(CASE typeof(properties)
      WHEN 'VARIANT' THEN variant_extract(properties::VARIANT, '$user_id')::VARCHAR
      ELSE properties::JSON->>'$."$user_id"'
    END, '') AS user_id
  FROM given
), links AS (
  SELECT device, arg_min(user_id, (event_time, user_id)) AS linked
  FROM identified
  WHERE device IS NOT NULL AND user_id IS NOT NULL
  GROUP BY device
)
SELECT
  event.* REPLACE (coalesce(user_id, linked, known_as, '$device:' || identified.device) AS distinct_id)
FROM identified LEFT JOIN links
  ON links.device = coalesce(identified.device, nullif(regexp_extract(known_as, '^\$device:(.*)', 1), ''));
