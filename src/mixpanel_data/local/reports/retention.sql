-- How many of those who did one event for the first time came back, period by period.
--
-- FROM retention(january, 'Sign Up', 'Purchase', unit := 'week', by := properties->>'$.plan')
--
-- A user belongs to the cohort of their first born_event on the days asked for, and comes back in period n with an
-- event n whole units of time after that first one, whatever the calendar says: in period 1 of days from 24 to 48
-- hours later. The event that makes somebody part of a cohort is no return, and neither is another of the same
-- second. A period has a row once it has begun by the table's last day, so the latest cohorts have fewer of them, the
-- last of which may still grow. Events without distinct_id or time belong to nobody and are left out.
--
-- Mixpanel's own is mixpanel_retention('Sign Up', 'Purchase', '2024-01-01', '2024-01-31', unit := 'week'), in the
-- project's time zone; here days are those of event_time (UTC). It counts users who were merged since as one. It has
-- one period after the first unless told an interval_count, and all events there are, also after the table's last
-- day. Its segment_by splits the returns and not the cohort, so that a user may be in several segments, and a
-- segment's rate is of the whole cohort; by is about the first event, and splits both. Its type 'compounded', which
-- counts from each event of a user, is not here.
CREATE OR REPLACE MACRO retention(
  events,                  -- a table, a view or a CTE with columns as those of an export
  born_event,              -- the event that makes somebody part of a cohort
  return_event := NULL,    -- the event that counts as coming back; any unless given
  unit := 'day',           -- 'day', 'week' (they begin on Mondays) or 'month'
  "by" := NULL,            -- an expression over the first event that splits the cohorts
  interval_count := NULL,  -- how many periods after period 0; as many as the table has days for unless given
  from_date := NULL,       -- first day on which cohorts begin; that of the table unless given
  to_date := NULL          -- last day on which cohorts begin; that of the table unless given
) AS TABLE
WITH given AS NOT MATERIALIZED (
  FROM query_table(events)
), span AS (
  SELECT
    coalesce(from_date::DATE, min(event_time)::DATE) AS first_day,
    coalesce(to_date::DATE, max(event_time)::DATE) AS last_day,
    max(event_time)::DATE AS known_until
  FROM given
), cohorts AS (
  SELECT unnest(CASE
    WHEN unit IN ('day', 'week', 'month')
      THEN range(date_trunc(unit, first_day), last_day + INTERVAL 1 DAY, ('1 ' || unit)::INTERVAL)
    ELSE error('unit must be day, week or month')
  END)::DATE AS cohort_date
  FROM span
), first_events AS (
  SELECT
    distinct_id,
    event_time,
    -- alias(…) is how by was written: not at all, or as a mere text, which would be the same for every event.
    CASE
      WHEN alias("by") = 'NULL' THEN NULL
      WHEN alias("by") LIKE '''%' THEN error('by is an expression: write by := properties->>''$.plan''')
      WHEN typeof("by") IN ('JSON', 'VARIANT') THEN coalesce(to_json("by")->>'$', 'undefined')
      ELSE coalesce("by"::VARCHAR, 'undefined')
    END AS segment
  FROM given
  WHERE event_name = born_event AND distinct_id IS NOT NULL
), born AS (
  SELECT
    distinct_id,
    min(event_time) AS born,
    date_trunc(unit, born)::DATE AS cohort_date,
    -- A value that is called like the total is put in quotes.
    regexp_replace(arg_min(segment, (event_time, segment)), '^\$overall$', '"$overall"') AS segment
  FROM first_events, span
  WHERE event_time::DATE BETWEEN first_day AND last_day
  GROUP BY distinct_id
), return_events AS (
  SELECT distinct_id, event_time
  FROM given
  WHERE return_event IS NULL OR event_name = return_event
), returned AS (
  SELECT DISTINCT distinct_id, cohort_date, segment, date_sub(unit, born, event_time) AS period
  FROM born JOIN return_events USING (distinct_id)
  WHERE event_time > born
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
), lasting AS (
  SELECT cohort_date, date_sub(unit, cohort_date, known_until) AS begun
  FROM cohorts, span
  WHERE cohort_date <= known_until
), places AS (
  SELECT cohort_date, segment, unnest(range(least(interval_count, begun) + 1)) AS period
  FROM lasting CROSS JOIN (SELECT '$overall' AS segment UNION SELECT segment FROM sizes)
)
SELECT
  cohort_date,                                 -- first day of the period in which the cohort began
  segment,                                     -- value of the expression; $overall for all users
  coalesce(cohort_size, 0) AS cohort_size,     -- users in the cohort
  period,                                      -- 0 for the first unit of time after the first event
  coalesce(retained, 0) AS retained,           -- users who came back in the period
  coalesce(retained, 0) / cohort_size AS rate  -- fraction of the cohort; NULL where nobody is in it
FROM places
  LEFT JOIN sizes USING (cohort_date, segment)
  LEFT JOIN returns USING (cohort_date, segment, period)
ORDER BY cohort_date, segment <> '$overall', segment, period;
