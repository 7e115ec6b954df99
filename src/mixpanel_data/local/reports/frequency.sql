-- In how many hours or days of a period users were active: cumulative, so users active in at least so many.
--
-- FROM frequency(january, 'Purchase', unit := 'week', by := properties->>'$.plan')
--
-- Every period has a row for each number of hours or days that it may have (a month 31), with 0 where nobody was
-- active so often. Events without distinct_id or time belong to nobody and are left out.
--
-- Mixpanel's own is mixpanel_frequency('2024-01-01', '2024-01-31', event := 'Purchase', unit := 'week'), in the
-- project's time zone; here days and hours are those of event_time (UTC). It counts users who were merged since as
-- one.
CREATE OR REPLACE MACRO frequency(
  events,                  -- a table, a view or a CTE with columns as those of an export
  event := NULL,           -- what users did; any event unless given
  unit := 'day',           -- 'day', 'week' (they begin on Mondays) or 'month'
  addiction_unit := NULL,  -- what is counted: 'hour' or 'day'; hours of a day, else days, unless given
  "by" := NULL,            -- an expression over an event that splits users; one may be in several segments
  from_date := NULL,       -- first day; that of the table unless given
  to_date := NULL          -- last day; that of the table unless given
) AS TABLE
WITH given AS NOT MATERIALIZED (
  FROM query_table(events)
), span AS (
  SELECT
    coalesce(from_date::DATE, min(event_time)::DATE) AS first_day,
    coalesce(to_date::DATE, max(event_time)::DATE) AS last_day
  FROM given
), counting AS (
  SELECT coalesce(addiction_unit, if(unit = 'day', 'hour', 'day')) AS part
), lengths AS (
  SELECT
    CASE unit
      WHEN 'day' THEN 1 WHEN 'week' THEN 7 WHEN 'month' THEN 31 ELSE error('unit must be day, week or month')
    END AS days,
    CASE part WHEN 'hour' THEN 24 WHEN 'day' THEN 1 ELSE error('addiction_unit must be hour or day') END AS a_day
  FROM counting
), numbers AS (
  SELECT unnest(range(1, days * a_day + 1)) AS intervals
  FROM lengths
), happened AS (
  SELECT
    event_time,
    distinct_id,
    -- alias(…) is how by was written: not at all, or as a mere text, which would be the same for every event.
    CASE
      WHEN alias("by") = 'NULL' THEN '$overall'
      WHEN alias("by") LIKE '''%' THEN error('by is an expression: write by := properties->>''$.plan''')
      WHEN typeof("by") IN ('JSON', 'VARIANT') THEN coalesce(to_json("by")->>'$', 'undefined')
      ELSE coalesce("by"::VARCHAR, 'undefined')
    END AS segment
  FROM given
  WHERE (event IS NULL OR event_name = event) AND distinct_id IS NOT NULL
), active AS (
  SELECT
    date_trunc(unit, event_time)::DATE AS date,
    segment,
    distinct_id,
    count(DISTINCT date_trunc(part, event_time)) AS intervals
  FROM happened, span, counting
  WHERE event_time::DATE BETWEEN first_day AND last_day
  GROUP BY ALL
), reached AS (
  SELECT date, segment, unnest(range(1, intervals + 1)) AS intervals
  FROM active
), counted AS (
  SELECT date, segment, intervals, count(*) AS users
  FROM reached
  GROUP BY ALL
), periods AS (
  SELECT unnest(range(date_trunc(unit, first_day), last_day + INTERVAL 1 DAY, ('1 ' || unit)::INTERVAL))::DATE AS date
  FROM span
), segments AS (
  SELECT segment FROM active
  UNION
  SELECT '$overall' WHERE NOT EXISTS (FROM active)
)
SELECT
  date,                        -- first day of the period
  segment,                     -- value of the expression; $overall where nothing is split
  intervals,                   -- number of hours or days
  coalesce(users, 0) AS users  -- users who were active in at least so many of them
FROM periods CROSS JOIN segments CROSS JOIN numbers LEFT JOIN counted USING (date, segment, intervals)
ORDER BY date, segment, intervals;
