-- What an event brought in, by hour, day, week or month, and by the values of an expression.
--
-- FROM revenue(january, 'Purchase', properties->>'$.amount', by := properties->>'$.plan', unit := 'week')
--
-- Every period from the first day to the last has a row for each segment, with 0 where nothing happened. An amount
-- that is no number counts as 0. Whoever has no distinct_id is no buyer.
--
-- Mixpanel's own sum is mixpanel_segmentation_sum('Purchase', '2024-01-01', '2024-01-31', 'amount'), in the project's
-- time zone; here days are those of event_time (UTC).
CREATE OR REPLACE MACRO revenue(
  events,             -- a table, a view or a CTE with columns as those of an export
  event,              -- the name of the event
  amount,             -- an expression over an event: what it brought in
  "by" := NULL,       -- an expression over an event that splits the sum; where it is NULL, the segment is undefined
  unit := 'day',      -- 'hour', 'day', 'week' (they begin on Mondays) or 'month'
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
    WHEN unit IN ('hour', 'day', 'week', 'month')
      THEN range(date_trunc(unit, first_day), last_day + INTERVAL 1 DAY, ('1 ' || unit)::INTERVAL)
    ELSE error('unit must be hour, day, week or month')
  END) AS date
  FROM span
), sold AS (
  SELECT
    event_time,
    distinct_id,
    CASE
      WHEN alias(amount) LIKE '''%' THEN error('amount is an expression: write properties->>''$.amount''')
      ELSE try_cast(amount::VARCHAR AS DOUBLE)
    END AS paid,
    -- alias(…) is how by was written: not at all, or as a mere text, which would be the same for every event.
    CASE
      WHEN alias("by") = 'NULL' THEN '$overall'
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
    fsum(paid) FILTER (isfinite(paid)) AS revenue,
    count(*) AS count,
    count(DISTINCT distinct_id) AS buyers
  FROM sold, span
  WHERE event_time::DATE BETWEEN first_day AND last_day
  GROUP BY ALL
), segments AS (
  SELECT segment FROM counted
  UNION
  SELECT '$overall' WHERE NOT EXISTS (FROM counted)
)
SELECT
  date,                                              -- start of the period
  segment,                                           -- value of the expression; $overall where nothing is split
  round(coalesce(revenue, 0), 6) AS revenue,         -- the sum of the amounts
  coalesce(count, 0) AS count,                       -- events
  coalesce(buyers, 0) AS buyers,                     -- users
  round(coalesce(revenue, 0) / count, 9) AS average  -- amount of an event, on average; NULL where there is none
FROM periods CROSS JOIN segments LEFT JOIN counted USING (date, segment)
ORDER BY date, segment;
