-- What users do next after an event, step by step.
--
-- FROM flows(january, 'App Open', depth := 4)
--
-- Each event of that name begins a path, which ends before the next one, before a pause longer than the gap, and
-- after depth events; one that ended before goes to DROPOFF. Events of the same second, whose order an export does
-- not tell, are taken in the order of their names. Events without distinct_id or time belong to nobody and are left
-- out.
--
-- Mixpanel's own is mixpanel_flows(4001), of a saved report. Its rows are nodes with their edges in JSON; here each
-- row is an edge.
CREATE OR REPLACE MACRO flows(
  events,              -- a table, a view or a CTE with columns as those of an export
  from_event,          -- the event to begin with
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
  SELECT
    list_append(list(event_name ORDER BY place), 'DROPOFF')[
      :if(depth > 0, depth, error('depth must be at least 1'))
    ] AS path
  FROM cut
  GROUP BY distinct_id, nth_path
  HAVING arg_min(event_name, place) = from_event
), steps AS (
  SELECT path, unnest(range(1, len(path))) AS step
  FROM walked
), edges AS (
  SELECT step, path[step] AS event_name, path[step + 1] AS next_event
  FROM steps
)
SELECT
  step,                                                                   -- 1 for the first
  event_name,                                                             -- name of the event
  next_event,                                                             -- what came next; DROPOFF where nothing did
  count(*) AS count,                                                      -- how often
  count(*) / sum(count(*)) OVER (PARTITION BY step, event_name) AS share  -- fraction of those at this step and event
FROM edges
GROUP BY step, event_name, next_event
ORDER BY step, count DESC, event_name, next_event;
