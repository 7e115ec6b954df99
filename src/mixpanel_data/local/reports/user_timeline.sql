-- All that one user did, in order.
--
-- FROM user_timeline(january, 'user-0007200')
--
-- Events of the same second, whose order an export does not tell, are taken in the order of their names.
--
-- Mixpanel's own is mixpanel_activity(['user-0007200'], '2024-01-01', '2024-01-31').
CREATE OR REPLACE MACRO user_timeline(
  events,              -- a table, a view or a CTE with columns as those of an export
  id,                  -- distinct_id of the user
  gap := '30 minutes'  -- the longest pause within a session
) AS TABLE
WITH given AS NOT MATERIALIZED (
  FROM query_table(events)
), paused AS (
  SELECT
    event_time,
    event_name,
    row_number() OVER in_order AS place,
    event_time - lag(event_time) OVER in_order AS pause,
    properties
  FROM given
  WHERE distinct_id = id
  WINDOW in_order AS (ORDER BY event_time, event_name)
), numbered AS (
  SELECT *, 1 + count(*) FILTER (pause > if(regexp_full_match(gap::VARCHAR, '[-0-9. ]+'),
      error('gap has no unit: write INTERVAL 30 MINUTES'), gap::INTERVAL)) OVER (ORDER BY place) AS session
  FROM paused
)
SELECT
  event_time,               -- when
  event_name,               -- what
  epoch(pause) AS seconds,  -- since the event before; NULL for the first
  session,                  -- 1 for the user's first in the table
  properties                -- all of the event's properties
FROM numbered
ORDER BY place;
