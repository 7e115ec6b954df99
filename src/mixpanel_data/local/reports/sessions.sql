-- Visits: what a user did without a long pause.
--
-- FROM sessions(january, gap := INTERVAL 30 MINUTES)
--
-- A pause longer than the gap ends a session, and so does midnight. A pause exactly as long as the gap does not:
-- that is a choice, Mixpanel does not say. A single event is a session, of no length. Events that Mixpanel writes
-- down itself, such as $identify or $campaign_delivery, are in no session, nor are those to be hidden; they end none
-- either. Events of the same second, whose order an export does not tell, are taken in the order of their names.
-- Events without distinct_id, or with an empty one, belong to nobody and are left out, as are those without a time.
--
-- Mixpanel has no such function; sessions in its reports are these, unless the project's settings say otherwise:
-- sessions_by_events and sessions_by_property are its other two kinds. It also leaves out what is hidden in Lexicon.
CREATE OR REPLACE MACRO sessions(
  events,               -- a table, a view or a CTE with columns as those of an export
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
), paused AS (
  SELECT
    distinct_id,
    event_name,
    event_time,
    row_number() OVER in_order AS place,
    event_time - lag(event_time) OVER in_order AS pause,
    local_time::DATE <> lag(local_time::DATE) OVER in_order AS is_next_day
  FROM given ANTI JOIN outside USING (event_name)
  WHERE distinct_id IS NOT NULL AND event_time IS NOT NULL
  WINDOW in_order AS (PARTITION BY distinct_id ORDER BY event_time, event_name)
), numbered AS (
  SELECT *, count(*) FILTER (
      -- A user's first event comes after no pause.
      pause IS NULL OR is_next_day OR pause > CASE
        WHEN regexp_full_match(gap::VARCHAR, '[-0-9. ]+') THEN error('gap has no unit: write INTERVAL 30 MINUTES')
        WHEN gap::INTERVAL < INTERVAL 0 DAYS THEN error('gap must be a time such as INTERVAL 30 MINUTES')
        ELSE gap::INTERVAL
      END
    ) OVER (PARTITION BY distinct_id ORDER BY place) AS session
  FROM paused
)
SELECT
  distinct_id,                                          -- the user
  session,                                              -- 1 for the user's first in the table
  min(event_time) AS started_at,                        -- time of the first event
  max(event_time) AS ended_at,                          -- time of the last event
  epoch(max(event_time) - min(event_time)) AS seconds,  -- between the two
  count(*) AS events,                                   -- how many
  arg_min(event_name, place) AS first_event,            -- name of the first
  arg_max(event_name, place) AS last_event              -- name of the last
FROM numbered
GROUP BY distinct_id, session
ORDER BY distinct_id, session;
