-- Visits that a property tells apart, such as the id of a session.
--
-- FROM sessions_by_property(january, properties->>'$.utm_source')
--
-- All events of a user with the same value are a session, whatever happened in between; midnight ends it. Events for
-- which the expression is NULL are in no session; an empty text is a value like any other, and so is a list. A single
-- event is a session, of no length. Events of the same second, whose order an export does not tell, are taken in the
-- order of their names. Events that Mixpanel writes down itself, such as $identify, are in no session, nor are those
-- to be hidden. Events without distinct_id, or with an empty one, belong to nobody and are left out, as are those
-- without a time.
--
-- Mixpanel has no such function; sessions in its reports are these where the project's settings say so.
CREATE OR REPLACE MACRO sessions_by_property(
  events,            -- a table, a view or a CTE with columns as those of an export
  "by",              -- an expression over an event: the value that its session has
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
), valued AS (
  SELECT
    distinct_id,
    event_name,
    event_time,
    local_time::DATE AS day,
    -- alias(…) is how by was written: a mere text would be the same for every event.
    CASE
      WHEN alias("by") LIKE '''%' THEN error('by is an expression: write properties->>''$.session_id''')
      WHEN typeof("by") IN ('JSON', 'VARIANT') THEN to_json("by")->>'$'
      ELSE "by"::VARCHAR
    END AS value
  FROM given ANTI JOIN outside USING (event_name)
  WHERE distinct_id IS NOT NULL AND event_time IS NOT NULL
), found AS (
  SELECT
    distinct_id,
    min(event_time) AS started_at,
    max(event_time) AS ended_at,
    count(*) AS happened,
    arg_min(event_name, (event_time, event_name)) AS first_event,
    arg_max(event_name, (event_time, event_name)) AS last_event,
    value
  FROM valued
  WHERE value IS NOT NULL
  GROUP BY distinct_id, day, value
)
SELECT
  distinct_id,                              -- the user
  row_number() OVER in_order AS session,    -- 1 for the user's first in the table
  started_at,                               -- time of the first event
  ended_at,                                 -- time of the last event
  epoch(ended_at - started_at) AS seconds,  -- between the two
  happened AS events,                       -- how many
  first_event,                              -- name of the first
  last_event,                               -- name of the last
  value                                     -- value of the expression
FROM found
WINDOW in_order AS (PARTITION BY distinct_id ORDER BY started_at, ended_at, value)
ORDER BY distinct_id, session;
