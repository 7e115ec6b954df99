-- Visits: what a user did without a long pause.
--
-- FROM local_sessions(january, gap := INTERVAL 30 MINUTES)
--
-- A pause longer than the gap begins a new session; one exactly as long does not. A user with a single event has a session of no length.
-- Midnight ends nothing. Events without distinct_id belong to nobody and are left out. Of events of the same second, whose order an export does
-- not tell, the first by name is the first. Mixpanel has no function of this; its own sessions also end after 24 hours.
CREATE OR REPLACE MACRO sessions(
  events,                     -- a table, a view or a CTE with columns as those of an export
  gap := INTERVAL 30 MINUTES  -- the longest pause within a session
) AS TABLE
WITH paused AS (
  SELECT
    distinct_id,
    event_name,
    event_time,
    event_time - lag(event_time) OVER (PARTITION BY distinct_id ORDER BY event_time, event_name) AS pause
  FROM query_table(events)
  WHERE distinct_id IS NOT NULL
), numbered AS (
  SELECT
    *,
    1 + count(*) FILTER (pause > gap) OVER (PARTITION BY distinct_id ORDER BY event_time, event_name ROWS UNBOUNDED PRECEDING) AS session
  FROM paused
)
SELECT
  distinct_id,                                                 -- the user
  session,                                                     -- 1 for the user's first in the table
  min(event_time) AS started_at,                               -- time of the first event
  max(event_time) AS ended_at,                                 -- time of the last event
  epoch(max(event_time) - min(event_time)) AS seconds,         -- between the two
  count(*) AS events,                                          -- how many
  arg_min(event_name, (event_time, event_name)) AS first_event, -- name of the first
  arg_max(event_name, (event_time, event_name)) AS last_event   -- name of the last
FROM numbered
GROUP BY distinct_id, session
ORDER BY distinct_id, session;
