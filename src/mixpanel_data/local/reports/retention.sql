-- How many of those who did one event for the first time came back, period by period.
--
-- FROM local_retention(january, 'Sign Up', 'Purchase', unit := 'week', by := properties->>'$.plan')
--
-- A user belongs to the cohort of their first born_event, and comes back in period n with an event n whole units of time
-- after it: on day 1 from 24 to 48 hours later. The event that makes somebody part of a cohort is no return, another of the
-- same second neither. A period has a row once it has begun by the table's last day, so the latest cohorts have fewer; their last may
-- still grow. Events without distinct_id belong to nobody and are left out.
--
-- Mixpanel's own is mixpanel_retention('Sign Up', 'Purchase', '2024-01-01', '2024-01-31', unit := 'week'), in the project's
-- time zone; its segment_by splits the returns, so that a user may be in several segments, where by is about the first event. Its
-- type 'compounded', which counts from every event of a user, is not here.
CREATE OR REPLACE MACRO retention(
  events,                   -- a table, a view or a CTE with columns as those of an export
  born_event,               -- the event that makes somebody part of a cohort
  return_event := NULL,     -- the event that counts as coming back; any unless given
  unit := 'day',            -- 'day', 'week' (they begin on Mondays) or 'month'
  "by" := NULL,             -- an expression over the first event that splits the cohorts
  interval_count := NULL,   -- how many periods after period 0; as many as the table has days for unless given
  from_date := NULL,        -- first day on which cohorts begin; that of the table unless given
  to_date := NULL           -- last day on which cohorts begin; that of the table unless given
) AS TABLE
WITH span AS (
  SELECT
    coalesce(from_date::DATE, min(event_time)::DATE) AS first_day,
    coalesce(to_date::DATE, max(event_time)::DATE) AS last_day,
    max(event_time)::DATE AS known_until
  FROM query_table(events)
), born AS (
  SELECT
    distinct_id,
    min(event_time) AS born,
    date_trunc(unit, min(event_time))::DATE AS cohort_date,
    arg_min(CASE
      WHEN alias("by") = 'NULL' THEN NULL
      WHEN alias("by") LIKE '''%' THEN error('by is an expression: write by := properties->>''$.plan''')
      ELSE coalesce("by"::VARCHAR, 'undefined')
    END, event_time) AS segment
  FROM query_table(events), span
  WHERE event_name = born_event AND distinct_id IS NOT NULL AND event_time::DATE BETWEEN first_day AND last_day
  GROUP BY distinct_id
), returned AS (
  SELECT DISTINCT distinct_id, cohort_date, segment, date_sub(unit, born, event_time) AS period
  FROM born JOIN query_table(events) USING (distinct_id)
  WHERE event_time > born AND (return_event IS NULL OR event_name = return_event)
), sizes AS (
  SELECT cohort_date, if(grouping(segment) = 1, '$overall', segment) AS segment, count(*) AS cohort_size
  FROM born
  GROUP BY GROUPING SETS ((cohort_date), (cohort_date, segment))
  HAVING grouping(segment) = 1 OR segment IS NOT NULL
), returns AS (
  SELECT cohort_date, if(grouping(segment) = 1, '$overall', segment) AS segment, period, count(*) AS retained
  FROM returned
  GROUP BY GROUPING SETS ((cohort_date, period), (cohort_date, segment, period))
  HAVING grouping(segment) = 1 OR segment IS NOT NULL
), cohorts AS (
  SELECT unnest(range(date_trunc(unit, first_day), last_day + INTERVAL 1 DAY, ('1 ' || unit)::INTERVAL))::DATE AS cohort_date
  FROM span
), places AS (
  SELECT cohort_date, segment, unnest(range(least(
    coalesce(interval_count, date_sub(unit, cohort_date, known_until)), date_sub(unit, cohort_date, known_until)
  ) + 1)) AS period
  FROM cohorts CROSS JOIN (SELECT '$overall' AS segment UNION SELECT segment FROM sizes) CROSS JOIN span
)
SELECT
  cohort_date,                                -- first day of the period in which the cohort began
  segment,                                    -- value of the expression; $overall for all users
  coalesce(cohort_size, 0) AS cohort_size,    -- users in the cohort
  period,                                     -- 0 for the first unit of time after the first event
  coalesce(retained, 0) AS retained,          -- users who came back in the period
  coalesce(retained, 0) / cohort_size AS rate -- fraction of the cohort; NULL where it is empty
FROM places
  LEFT JOIN sizes USING (cohort_date, segment)
  LEFT JOIN returns USING (cohort_date, segment, period)
ORDER BY cohort_date, segment <> '$overall', segment, period;
