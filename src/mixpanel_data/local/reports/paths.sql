-- The most frequent sequences of events, from an event or from the beginning of a session.
--
-- FROM paths(january, 'App Open', depth := 4) LIMIT 20
--
-- Each event of that name begins a path, which ends before the next one, before a pause longer than the gap, and
-- after depth events; a path shorter than that is one that ended. Events of the same second, whose order an export
-- does not tell, are taken in the order of their names. Events without distinct_id or time belong to nobody and are
-- left out.
--
-- Mixpanel shows the like in its flows reports, as top paths.
CREATE OR REPLACE MACRO paths(
  events,              -- a table, a view or a CTE with columns as those of an export
  from_event := NULL,  -- the event to begin with; the first of each session unless given
  depth := 4,          -- the most events in a path, the first included
  gap := '30 minutes'  -- the longest pause within a path
) AS TABLE
WITH given AS NOT MATERIALIZED (
  FROM query_table(events)
), paused AS (
  SELECT
    distinct_id,
    event_name,
    row_number() OVER in_order AS place,
    coalesce(event_time - lag(event_time) OVER in_order > if(regexp_full_match(gap::VARCHAR, '[-0-9. ]+'),
      error('gap has no unit: write INTERVAL 30 MINUTES'), gap::INTERVAL), true) AS is_after_pause
  FROM given
  WHERE distinct_id IS NOT NULL AND event_time IS NOT NULL
  WINDOW in_order AS (PARTITION BY distinct_id ORDER BY event_time, event_name)
), cut AS (
  SELECT
    *,
    count(*) FILTER (is_after_pause OR event_name = from_event) OVER in_order AS nth_path
  FROM paused
  WINDOW in_order AS (PARTITION BY distinct_id ORDER BY place)
), walked AS (
  SELECT distinct_id, list(event_name ORDER BY place)[:if(depth > 0, depth, error('depth must be at least 1'))] AS path
  FROM cut
  GROUP BY distinct_id, nth_path
  HAVING from_event IS NULL OR arg_min(event_name, place) = from_event
)
SELECT
  path,                                      -- names of the events, in order
  count(*) AS count,                         -- how often somebody did this
  count(DISTINCT distinct_id) AS users,      -- how many users did
  count(*) / sum(count(*)) OVER () AS share  -- fraction of all paths
FROM walked
GROUP BY path
ORDER BY count DESC, path;
