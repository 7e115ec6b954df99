-- How many users came how far through a series of events, in order and in time.
--
-- FROM funnel(january, ['App Open', 'Add To Cart', 'Purchase'], INTERVAL 14 DAYS, by := properties->>'$.plan')
--
-- A user begins with their first event of the first step; with a unit, with the first in each period. From there each
-- step is the next event of that name, whatever happens in between, as long as all is done within the time given,
-- also after the last day. Two events of the same second count in the order of the steps; one event is never two
-- steps, so ['Search', 'Search'] wants a second search, later. Of first steps in the same second, the smallest value
-- of by counts. Events without distinct_id or time belong to nobody and are left out.
--
-- Mixpanel's own is mixpanel_funnel(7509, '2024-01-01', '2024-01-31', unit := 'month'). It knows saved funnels only,
-- is of the whole range unless told a unit, takes the length that was saved, counts days in the project's time zone,
-- where here they are those of event_time (UTC), takes steps up to two seconds apart in either order, and counts
-- users who were merged since as one.
CREATE OR REPLACE MACRO funnel(
  events,               -- a table, a view or a CTE with columns as those of an export
  steps,                -- the names of the events, in order
  within := '14 days',  -- time for all of the steps, from the first
  "by" := NULL,         -- an expression over the event of the first step that splits users
  unit := NULL,         -- 'day', 'week' or 'month' in which users begin; the whole time at once unless given
  from_date := NULL,    -- first day on which users begin; that of the table unless given
  to_date := NULL       -- last day on which users begin; that of the table unless given
) AS TABLE
WITH given AS NOT MATERIALIZED (
  FROM query_table(events)
), span AS (
  SELECT
    coalesce(from_date::DATE, min(event_time)::DATE) AS first_day,
    coalesce(to_date::DATE, max(event_time)::DATE) AS last_day
  FROM given
), periods AS (
  SELECT unnest(CASE
    WHEN unit IS NULL THEN [first_day::TIMESTAMP]
    WHEN unit IN ('day', 'week', 'month')
      THEN range(date_trunc(unit, first_day), last_day + INTERVAL 1 DAY, ('1 ' || unit)::INTERVAL)
    ELSE error('unit must be day, week or month')
  END)::DATE AS date
  FROM span
  WHERE first_day <= last_day
), happened AS MATERIALIZED (
  SELECT
    event_name,
    event_time,
    distinct_id,
    -- alias(…) is how by was written: not at all, or as a mere text, which would be the same for every event.
    CASE
      WHEN alias("by") = 'NULL' THEN NULL
      WHEN alias("by") LIKE '''%' THEN error('by is an expression: write by := properties->>''$.plan''')
      WHEN event_name <> steps[1] THEN NULL
      WHEN typeof("by") IN ('JSON', 'VARIANT') THEN coalesce(to_json("by")->>'$', 'undefined')
      ELSE coalesce("by"::VARCHAR, 'undefined')
    END AS segment
  FROM given
  WHERE list_contains(steps, event_name) AND distinct_id IS NOT NULL
), begun AS (
  SELECT
    CASE WHEN unit IS NULL THEN first_day ELSE date_trunc(unit, event_time)::DATE END AS date,
    distinct_id,
    min(event_time) AS began,
    -- A value that is called like the total is put in quotes.
    regexp_replace(arg_min(segment, (event_time, segment)), '^\$overall$', '"$overall"') AS segment
  FROM happened, span
  WHERE event_name = steps[1] AND event_time::DATE BETWEEN first_day AND last_day
  GROUP BY ALL
), walked AS (
  WITH RECURSIVE walk AS (
    SELECT date, distinct_id, began, segment, 1 AS step, began AS reached, NULL::DOUBLE AS seconds, [steps[1]] AS taken
    FROM begun
    UNION ALL
    SELECT
      date,
      distinct_id,
      began,
      walk.segment,
      step + 1,
      min(event_time),
      epoch(min(event_time) - reached),
      -- The steps done in this very second: their events may not be done again.
      list_append(if(min(event_time) = reached, taken, []), steps[step + 1])
    FROM walk JOIN happened USING (distinct_id)
    WHERE event_name = steps[step + 1]
      AND event_time <= began + if(regexp_full_match(within::VARCHAR, '[-0-9. ]+'),
      error('within has no unit: write INTERVAL 14 DAYS'), within::INTERVAL)
      AND (event_time > reached OR (event_time = reached AND NOT list_contains(taken, event_name)))
    GROUP BY date, distinct_id, began, walk.segment, step, reached, taken
  )
  FROM walk
), counted AS (
  SELECT
    date,
    if(grouping(segment) = 1, '$overall', segment) AS segment,
    step,
    count(*) AS count,
    avg(seconds) AS avg_time,
    avg(epoch(reached - began)) FILTER (step > 1) AS avg_time_from_start
  FROM walked
  GROUP BY GROUPING SETS ((date, step), (date, segment, step))
  HAVING grouping(segment) = 1 OR segment IS NOT NULL
), places AS (
  SELECT date, segment, unnest(range(1, len(steps) + 1)) AS step
  FROM periods CROSS JOIN (SELECT '$overall' AS segment UNION SELECT segment FROM counted)
), compared AS (
  SELECT
    * REPLACE (coalesce(count, 0) AS count),
    CASE step WHEN 1 THEN 1 ELSE coalesce(count / lag(count) OVER steps_before, 0) END AS step_conversion,
    CASE step WHEN 1 THEN 1 ELSE coalesce(count / first_value(count) OVER steps_before, 0) END AS overall_conversion
  FROM places LEFT JOIN counted USING (date, segment, step)
  WINDOW steps_before AS (PARTITION BY date, segment ORDER BY step)
)
SELECT
  date,                       -- first day of the period in which users began
  segment,                    -- value of the expression; $overall for all users
  step,                       -- 1 for the first
  steps[step] AS event_name,  -- name of the event
  count,                      -- users who came so far
  step_conversion,            -- fraction of those at the step before; 1 for the first
  overall_conversion,         -- fraction of those at the first step
  avg_time,                   -- seconds from the step before, on average; NULL where there is none
  avg_time_from_start         -- seconds from the first step, on average
FROM compared
ORDER BY date, segment <> '$overall', segment, step;
