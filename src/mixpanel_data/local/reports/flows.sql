-- What users do next after an event, step by step.
--
-- FROM local_flows(january, 'App Open', depth := 4)
--
-- Every event of that name begins a way, which ends before the next one, before a pause longer than the gap, and after depth events. A way
-- that ended before it was that long goes to DROPOFF. Of events of the same second the first by name is the first. Events
-- without distinct_id belong to nobody and are left out.
--
-- Mixpanel's own is mixpanel_flows(4001), of saved reports only: a row a node, with edges in JSON, where here each edge is a row.
CREATE OR REPLACE MACRO flows(
  events,                     -- a table, a view or a CTE with columns as those of an export
  from_event,                 -- the event to begin with
  depth := 4,                 -- the most events in a way, the first included
  gap := INTERVAL 30 MINUTES  -- the longest pause before a way ends
) AS TABLE
WITH paused AS (
  SELECT
    distinct_id,
    event_name,
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
  SELECT
    event_name,
    row_number() OVER one AS step,
    lead(event_name, 1, 'DROPOFF') OVER one AS next_event
  FROM cut
  WHERE begins_with = from_event
  WINDOW one AS (PARTITION BY distinct_id, part ORDER BY place)
)
SELECT
  step,                                                                     -- 1 for the first
  event_name,                                                               -- name of the event
  next_event,                                                               -- what came next; DROPOFF where nothing did
  count(*) AS count,                                                        -- how often
  count(*) / sum(count(*)) OVER (PARTITION BY step, event_name) AS share    -- fraction of those at this step and event
FROM walked
WHERE step < depth
GROUP BY step, event_name, next_event
ORDER BY step, count DESC, event_name, next_event;
