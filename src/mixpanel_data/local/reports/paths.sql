-- The most frequent ways on from an event, or from the beginning of a session.
--
-- FROM local_paths(january, 'App Open', depth := 4) LIMIT 20
--
-- Every event of that name begins a way, which ends before the next one, before a pause longer than the gap, and after depth events. A shorter
-- way than depth is one that ended. Of events of the same second the first by name is the first. Events without
-- distinct_id belong to nobody and are left out. Mixpanel shows the same in a saved flows report, as its top paths.
CREATE OR REPLACE MACRO paths(
  events,                     -- a table, a view or a CTE with columns as those of an export
  from_event := NULL,         -- the event to begin with; the first of each session unless given
  depth := 4,                 -- the most events in a way, the first included
  gap := INTERVAL 30 MINUTES  -- the longest pause within a session
) AS TABLE
WITH paused AS (
  SELECT
    distinct_id,
    event_name,
    event_time,
    row_number() OVER one AS place,
    coalesce(event_time - lag(event_time) OVER one > gap, true) AS is_first
  FROM query_table(events)
  WHERE distinct_id IS NOT NULL
  WINDOW one AS (PARTITION BY distinct_id ORDER BY event_time, event_name)
), cut AS (
  SELECT
    *,
    count(*) FILTER (is_first OR event_name = from_event) OVER one AS part,
    last_value(if(is_first OR event_name = from_event, event_name, NULL) IGNORE NULLS) OVER one AS begins_with
  FROM paused
  WINDOW one AS (PARTITION BY distinct_id ORDER BY place)
), walked AS (
  SELECT distinct_id, list(event_name ORDER BY place)[:depth] AS path
  FROM cut
  WHERE from_event IS NULL OR begins_with = from_event
  GROUP BY distinct_id, part
)
SELECT
  path,                                          -- names of the events, in order
  count(*) AS count,                             -- how often somebody went this way
  count(DISTINCT distinct_id) AS users,          -- how many did
  count(*) / sum(count(*)) OVER () AS share      -- fraction of all ways
FROM walked
GROUP BY path
ORDER BY count DESC, path;
