-- How many users are new, came again, came back or stayed away, by week or another period.
--
-- FROM lifecycle(january, unit := 'week')
--
-- Of those who did the event in a period, new are those who did it for the first time in the table, retained those
-- who did it in the period before, too, resurrected those who did it earlier, but not in the period before. Dormant
-- are those who did it in the period before and not in this one: that is a choice, Mixpanel does not define them.
-- Every period has a row for each, with 0 where there is nobody. Periods are whole: a week counts all of its days,
-- also those before from_date and after to_date. Only what the table has is known, so it needs the time before, too.
-- Events without distinct_id, or with an empty one, belong to nobody and are left out, as are those without a time.
--
-- Mixpanel has no such function; it has a template of a board, with the first three.
CREATE OR REPLACE MACRO lifecycle(
  events,                 -- a table, a view or a CTE with columns as those of an export
  event := NULL,          -- the name of the event; any event unless given
  unit := 'week',         -- 'hour', 'day', 'week', 'month', 'quarter' or 'year'
  from_date := NULL,      -- first day; that of the table unless given
  to_date := NULL,        -- last day; that of the table unless given
  timezone := NULL,       -- whose days they are, such as 'America/New_York'; those of event_time (UTC) unless given
  week_start := 'monday'  -- the day on which weeks begin
) AS TABLE
WITH given AS NOT MATERIALIZED (
  SELECT
    -- The clock of the project, for days and weeks; pauses and windows are counted in real time, by event_time.
    CASE
      WHEN timezone IS NULL THEN make_timestamp(epoch_us(event_time))
      ELSE timezone(timezone, make_timestamptz(epoch_us(event_time)))
    END AS local_time,
    * REPLACE (
      -- In UTC, whatever its type: a day of TIMESTAMPTZ has 23 hours where the clocks of DuckDB's TimeZone change.
      make_timestamp(epoch_us(event_time)) AS event_time,
      -- Events without distinct_id, or with an empty one, belong to nobody.
      nullif(distinct_id::VARCHAR, '') AS distinct_id
    )
  FROM query_table(events)
), span AS (
  SELECT
    coalesce(from_date::DATE, min(local_time)::DATE) AS first_day,
    coalesce(to_date::DATE, max(local_time)::DATE) AS last_day
  FROM given
), week AS (
  -- Weeks of DuckDB begin on Mondays: so many days before one does the week begin here.
  SELECT to_days(coalesce(
    list_position(
      ['monday', 'sunday', 'saturday', 'friday', 'thursday', 'wednesday', 'tuesday'], lower(week_start)
    ) - 1,
    error('week_start must be a day such as monday or sunday')
  )::INTEGER) AS lead
), periods AS (
  SELECT unnest(CASE
    WHEN unit IS NULL OR unit = 'range' THEN [first_day::TIMESTAMP]
    WHEN unit = 'week'
      THEN range(date_trunc('week', first_day + lead) - lead, last_day + INTERVAL 1 DAY, INTERVAL 7 DAYS)
    WHEN unit IN ('minute', 'hour', 'day') THEN range(first_day, last_day + INTERVAL 1 DAY, ('1 ' || unit)::INTERVAL)
    WHEN unit = 'month' THEN range(date_trunc('month', first_day), last_day + INTERVAL 1 DAY, INTERVAL 1 MONTH)
    WHEN unit = 'quarter' THEN range(date_trunc('quarter', first_day), last_day + INTERVAL 1 DAY, INTERVAL 3 MONTHS)
    WHEN unit = 'year' THEN range(date_trunc('year', first_day), last_day + INTERVAL 1 DAY, INTERVAL 1 YEAR)
    ELSE error('unit must be minute, hour, day, week, month, quarter, year or range')
  END) AS date
  FROM span, week
  WHERE first_day <= last_day
), step AS (
  SELECT CASE
    WHEN unit = 'quarter' THEN INTERVAL 3 MONTHS
    WHEN unit IN ('hour', 'day', 'week', 'month', 'year') THEN ('1 ' || unit)::INTERVAL
    ELSE error('unit must be hour, day, week, month, quarter or year')
  END AS one
), active AS (
  SELECT DISTINCT
    distinct_id,
    CASE unit
      WHEN 'week' THEN date_trunc('week', local_time + lead) - lead
      ELSE date_trunc(if(unit IN ('hour', 'month', 'quarter', 'year'), unit, 'day'), local_time)
    END AS date
  FROM given, week
  WHERE distinct_id IS NOT NULL AND event_time IS NOT NULL AND (event IS NULL OR event_name = event)
), compared AS (
  SELECT
    date,
    lag(date) OVER in_order AS date_before,
    lead(date) OVER in_order AS date_after
  FROM active
  WINDOW in_order AS (PARTITION BY distinct_id ORDER BY date)
), counted AS (
  SELECT
    date,
    CASE
      WHEN date_before IS NULL THEN 'new'
      WHEN date_before + one = date THEN 'retained'
      ELSE 'resurrected'
    END AS state,
    count(*) AS users
  FROM compared, step
  GROUP BY ALL
  UNION ALL
  SELECT date + one, 'dormant', count(*)
  FROM compared, step
  WHERE date_after IS DISTINCT FROM date + one
  GROUP BY ALL
), states AS (
  SELECT unnest(['new', 'retained', 'resurrected', 'dormant']) AS state
)
SELECT
  date,                        -- start of the period
  state,                       -- new, retained, resurrected or dormant
  coalesce(users, 0) AS users  -- how many
FROM periods CROSS JOIN states LEFT JOIN counted USING (date, state)
ORDER BY date, list_position(['new', 'retained', 'resurrected', 'dormant'], state);
