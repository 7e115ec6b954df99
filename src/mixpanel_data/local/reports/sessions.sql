-- Visits: what a user did without a long pause.
--
-- FROM sessions(january, gap := INTERVAL 30 MINUTES)
--
-- A pause longer than the gap begins a new session; one exactly as long does not. A single event is a session, of no
-- length. Midnight ends nothing. Events of the same second, whose order an export does not tell, are taken in the
-- order of their names. Events without distinct_id or time belong to nobody and are left out.
--
-- Mixpanel has no such function; its own sessions, in its reports, also end after 24 hours.
CREATE OR REPLACE MACRO sessions(
  events,              -- a table, a view or a CTE with columns as those of an export
  gap := '30 minutes'  -- the longest pause within a session
) AS TABLE
WITH given AS NOT MATERIALIZED (
  FROM query_table(events)
), paused AS (
  SELECT
    distinct_id,
    event_name,
    event_time,
    row_number() OVER in_order AS place,
    event_time - lag(event_time) OVER in_order AS pause
  FROM given
  WHERE distinct_id IS NOT NULL AND event_time IS NOT NULL
  WINDOW in_order AS (PARTITION BY distinct_id ORDER BY event_time, event_name)
), numbered AS (
  SELECT *, 1 + count(*) FILTER (
      pause > if(regexp_full_match(gap::VARCHAR, '[-0-9. ]+'),
        error('gap has no unit: write INTERVAL 30 MINUTES'), gap::INTERVAL)
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
