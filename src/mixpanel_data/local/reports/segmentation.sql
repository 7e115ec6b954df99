-- How often an event happened, by minute, hour, day, week or month, and by the values of an expression.
--
-- FROM segmentation(january, 'Purchase', by := properties->>'$.plan', unit := 'week')
--
-- Every period from the first day to the last has a row for each segment, with 0 where nothing happened. Whoever has
-- no distinct_id is nobody for 'unique' and 'average'.
--
-- Mixpanel's own is mixpanel_segmentation('Purchase', '2024-01-01', '2024-01-31', segment_by := 'plan', unit :=
-- 'week'), in the project's time zone; here days are those of event_time (UTC). It counts users who were merged since
-- as one.
CREATE OR REPLACE MACRO segmentation(
  events,             -- a table, a view or a CTE with columns as those of an export
  event,              -- the name of the event
  "by" := NULL,       -- an expression over an event that splits the count; where it is NULL, the segment is undefined
  unit := 'day',      -- 'minute', 'hour', 'day', 'week' (they begin on Mondays) or 'month'
  type := 'general',  -- 'general' counts events, 'unique' users, 'average' events a user
  from_date := NULL,  -- first day; that of the table unless given
  to_date := NULL     -- last day; that of the table unless given
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
    WHEN unit IN ('minute', 'hour', 'day', 'week', 'month')
      THEN range(date_trunc(unit, first_day), last_day + INTERVAL 1 DAY, ('1 ' || unit)::INTERVAL)
    ELSE error('unit must be minute, hour, day, week or month')
  END) AS date
  FROM span
), happened AS (
  SELECT
    event_time,
    distinct_id,
    -- alias(…) is how by was written: not at all, or as a mere text, which would be the same for every event.
    CASE
      WHEN alias("by") = 'NULL' THEN event
      WHEN alias("by") LIKE '''%' THEN error('by is an expression: write by := properties->>''$.plan''')
      WHEN typeof("by") IN ('JSON', 'VARIANT') THEN coalesce(to_json("by")->>'$', 'undefined')
      ELSE coalesce("by"::VARCHAR, 'undefined')
    END AS segment
  FROM given
  WHERE event_name = event
), counted AS (
  SELECT
    date_trunc(unit, event_time) AS date,
    segment,
    CASE type
      WHEN 'general' THEN count(*)
      WHEN 'unique' THEN count(DISTINCT distinct_id)
      WHEN 'average' THEN count(distinct_id) / nullif(count(DISTINCT distinct_id), 0)
      ELSE error('type must be general, unique or average')
    END AS count
  FROM happened, span
  WHERE event_time::DATE BETWEEN first_day AND last_day
  GROUP BY ALL
), segments AS (
  SELECT segment FROM counted
  UNION
  SELECT event WHERE NOT EXISTS (FROM counted)
)
SELECT
  date,                        -- start of the period
  segment,                     -- value of the expression; the name of the event where nothing is split
  coalesce(count, 0) AS count  -- events, users, or events a user
FROM periods CROSS JOIN segments LEFT JOIN counted USING (date, segment)
ORDER BY date, segment;
