-- Visits that one event begins and another ends.
--
-- FROM sessions_by_events(january, 'App Open', 'Purchase')
--
-- A session is from the first event that begins one to the next that ends it, both included. An event that would
-- begin another meanwhile is one like all others, and one that ends what has not begun is in no session. Midnight
-- ends a session, too; its length is then NULL, as that of every session without its end. Events of the same second,
-- whose order an export does not tell, are taken in this order: what begins, all others by their names, what ends.
-- Events that Mixpanel writes down itself, such as $identify, are in no session, nor are those to be hidden. Events
-- without distinct_id, or with an empty one, belong to nobody and are left out, as are those without a time.
--
-- Mixpanel has no such function; sessions in its reports are these where the project's settings say so.
CREATE OR REPLACE MACRO sessions_by_events(
  events,            -- a table, a view or a CTE with columns as those of an export
  start_event,       -- the event that begins a session
  end_event,         -- the event that ends it
  timezone := NULL,  -- whose midnights they are, such as 'America/New_York'; UTC unless given
  hidden := []       -- names of more events that are in no session
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
), placed AS (
  SELECT
    distinct_id,
    event_name,
    event_time,
    local_time::DATE AS day,
    row_number() OVER (
      PARTITION BY distinct_id
      ORDER BY event_time, event_name IS NOT DISTINCT FROM end_event, event_name <> start_event, event_name
    ) AS place
  FROM given ANTI JOIN outside USING (event_name)
  WHERE distinct_id IS NOT NULL AND event_time IS NOT NULL
), cut AS (
  SELECT
    *,
    count(*) FILTER (event_name = end_event) OVER (
      PARTITION BY distinct_id, day ORDER BY place ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
    ) AS ends_before
  FROM placed
), begun AS (
  SELECT *
  FROM cut
  WINDOW since_end AS (PARTITION BY distinct_id, day, ends_before ORDER BY place)
  QUALIFY count(*) FILTER (event_name = start_event) OVER since_end > 0
), found AS (
  SELECT
    distinct_id,
    min(event_time) AS started_at,
    max(event_time) AS ended_at,
    if(bool_or(event_name = end_event), epoch(max(event_time) - min(event_time)), NULL) AS seconds,
    count(*) AS happened,
    arg_min(event_name, place) AS first_event,
    arg_max(event_name, place) AS last_event,
    min(place) AS place
  FROM begun
  GROUP BY distinct_id, day, ends_before
)
SELECT
  distinct_id,                            -- the user
  row_number() OVER in_order AS session,  -- 1 for the user's first in the table
  started_at,                             -- time of the first event
  ended_at,                               -- time of the last event
  seconds,                                -- between the two; NULL where the event that ends it never came
  happened AS events,                     -- how many
  first_event,                            -- name of the first
  last_event                              -- name of the last
FROM found
WINDOW in_order AS (PARTITION BY distinct_id ORDER BY place)
ORDER BY distinct_id, session;
