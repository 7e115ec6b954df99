-- How many users did anything, day by day.
--
-- FROM daily_active_users(january, by := properties->>'$.mp_country_code')
--
-- Days on which nothing happened have a row with 0. Events without distinct_id are counted as events, of nobody.
--
-- Mixpanel says the same of users as mixpanel_frequency('2024-01-01', '2024-01-31', unit := 'day') where intervals is
-- 1, in the project's time zone; here days are those of event_time (UTC). It counts users who were merged since as
-- one.
CREATE OR REPLACE MACRO daily_active_users(
  events,             -- a table, a view or a CTE with columns as those of an export
  "by" := NULL,       -- an expression over an event that splits users; one may be in several segments
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
), days AS (
  SELECT unnest(range(first_day, last_day + INTERVAL 1 DAY, INTERVAL 1 DAY))::DATE AS date
  FROM span
), happened AS (
  SELECT
    event_time::DATE AS date,
    distinct_id,
    -- alias(…) is how by was written: not at all, or as a mere text, which would be the same for every event.
    CASE
      WHEN alias("by") = 'NULL' THEN '$overall'
      WHEN alias("by") LIKE '''%' THEN error('by is an expression: write by := properties->>''$.plan''')
      WHEN typeof("by") IN ('JSON', 'VARIANT') THEN coalesce(to_json("by")->>'$', 'undefined')
      ELSE coalesce("by"::VARCHAR, 'undefined')
    END AS segment
  FROM given
), counted AS (
  SELECT date, segment, count(DISTINCT distinct_id) AS users, count(*) AS count
  FROM happened, span
  WHERE date BETWEEN first_day AND last_day
  GROUP BY ALL
), segments AS (
  SELECT segment FROM counted
  UNION
  SELECT '$overall' WHERE NOT EXISTS (FROM counted)
)
SELECT
  date,                         -- the day
  segment,                      -- value of the expression; $overall where nothing is split
  coalesce(users, 0) AS users,  -- users who did anything
  coalesce(count, 0) AS events  -- all events, those of nobody too
FROM days CROSS JOIN segments LEFT JOIN counted USING (date, segment)
ORDER BY date, segment;
