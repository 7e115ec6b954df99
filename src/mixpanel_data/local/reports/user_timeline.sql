-- All that one user did, in order.
--
-- FROM user_timeline(january, 'user-0007200')
--
-- Sessions are those of the report sessions, given the same gap, timezone and hidden: what Mixpanel writes down
-- itself, such as $identify, is shown, in no session. Events of the same second, whose order an export does not
-- tell, are taken in the order of their names. An empty id is nobody's, so it has no events here.
--
-- Mixpanel's own is mixpanel_activity(['user-0007200'], '2024-01-01', '2024-01-31').
CREATE OR REPLACE MACRO user_timeline(
  events,               -- a table, a view or a CTE with columns as those of an export
  id,                   -- distinct_id of the user
  gap := '30 minutes',  -- the longest pause within a session
  timezone := NULL,     -- whose midnights they are, such as 'America/New_York'; UTC unless given
  hidden := []          -- names of more events that are in no session
) AS TABLE
WITH given AS NOT MATERIALIZED (
  SELECT
    -- The clock of the project, for days and weeks; pauses and windows are counted in real time, by event_time.
    CASE
      WHEN timezone IS NULL THEN make_timestamp(epoch_us(event_time))
      ELSE timezone(timezone, make_timestamptz(epoch_us(event_time)))
    END AS local_time,
    * REPLACE (
      -- In UTC, whatever its type: a day of TIMESTAMPTZ has 23 hours where the clocks of DuckDB's TimeZone change.
      make_timestamp(epoch_us(event_time)) AS event_time,
      -- Events without distinct_id, or with an empty one, belong to nobody.
      nullif(distinct_id::VARCHAR, '') AS distinct_id
    )
  FROM query_table(events)
), outside AS (
  -- Events that are in no session: what Mixpanel writes down itself, and whatever else is to be hidden.
  SELECT unnest([
    '$identify', '$create_alias', '$merge', '$hotshard_events', '$campaign_delivery', '$campaign_bounced',
    '$campaign_marked_spam', '$message_suppressed', '$unsubscribe', '$journey_entered', '$mp_session_record'
  ] || hidden::VARCHAR[]) AS event_name
), theirs AS (
  SELECT
    event_time,
    event_name,
    local_time,
    event_time IS NOT NULL AND event_name NOT IN (FROM outside) AS is_inside,
    row_number() OVER in_order AS place,
    event_time - lag(event_time) OVER in_order AS pause,
    properties
  FROM given
  WHERE distinct_id = id
  WINDOW in_order AS (ORDER BY event_time, event_name)
), begun AS (
  SELECT
    *,
    -- Their first event comes after no other.
    coalesce(event_time - lag(event_time) OVER in_order <= CASE
      WHEN regexp_full_match(gap::VARCHAR, '[-0-9. ]+') THEN error('gap has no unit: write INTERVAL 30 MINUTES')
      WHEN gap::INTERVAL < INTERVAL 0 DAYS THEN error('gap must be a time such as INTERVAL 30 MINUTES')
      ELSE gap::INTERVAL
    END
      AND local_time::DATE = lag(local_time::DATE) OVER in_order, false) AS goes_on
  FROM theirs
  WINDOW in_order AS (PARTITION BY is_inside ORDER BY place)
), numbered AS (
  SELECT
    *,
    if(is_inside, count(*) FILTER (NOT goes_on) OVER (PARTITION BY is_inside ORDER BY place), NULL) AS session
  FROM begun
)
SELECT
  event_time,               -- when
  event_name,               -- what
  epoch(pause) AS seconds,  -- since the event before; NULL for the first
  session,                  -- 1 for the user's first in the table; NULL for an event that is in none
  properties                -- all of the event's properties
FROM numbered
ORDER BY place;
