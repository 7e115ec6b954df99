-- How many users were active in the days that end with each point: DAU, WAU and MAU.
--
-- FROM active_users(january, 7, unit := 'week', by := properties->>'$.plan')
--
-- A point stands for a period, and counts the users of so many days of which its last day is the last: 1 for DAU, 7 for
-- WAU, 30 for MAU. The last period ends with the last day asked for. Days before the first day count, as far as they
-- are in the table, so load 6 or 29 more. Nobody is no user: events without distinct_id, or with an empty one, are left
-- out.
--
-- Mixpanel's Insights report counts so. A month of MAU is 30 days, whatever the calendar says.
CREATE OR REPLACE MACRO active_users(
  events,                  -- a table, a view or a CTE with columns as those of an export
  days := 7,               -- how many days a point looks back, its own last day included
  event := NULL,           -- what users did; any event unless given
  "by" := NULL,            -- an expression over an event that splits users; one may be in several segments
  unit := 'day',           -- a point for each 'day', 'week', 'month', 'quarter' or 'year'; 'range' for all days at once
  from_date := NULL,       -- first day; that of the table unless given
  to_date := NULL,         -- last day; that of the table unless given
  timezone := NULL,        -- whose days they are, such as 'America/New_York'; those of event_time (UTC) unless given
  week_start := 'monday'   -- the day on which weeks begin
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
), points AS (
  SELECT date::DATE AS date, least(last_day, lead(date) OVER (ORDER BY date) - INTERVAL 1 DAY)::DATE AS until
  FROM periods, span
), split AS (
  SELECT
    event_name,
    event_time,
    local_time,
    distinct_id,
    -- alias(…) is how by was written: not at all, or as a mere value, the same for every event.
    CASE
      WHEN alias("by") = 'NULL' THEN [NULL]
      WHEN regexp_matches(alias("by"), '^[''0-9]')
        THEN error('by is an expression: write by := properties->>''$.plan''')
      WHEN typeof("by") NOT IN ('JSON', 'VARIANT') AND typeof("by") NOT LIKE '%[]'
        THEN [coalesce("by"::VARCHAR, 'undefined')]
      -- What is no list, no object and no 1e+30 reads the same as in JSON, only faster.
      WHEN typeof("by") = 'VARIANT' AND NOT regexp_matches("by"::VARCHAR, '^[\[{]|e\+')
        THEN ["by"::VARCHAR]
      -- Each item of a list is a segment. Reading JSON takes longer than looking at its first character.
      WHEN starts_with("by"::VARCHAR, '[') AND json_array_length(try_cast("by" AS JSON)) > 0
        THEN list_distinct([coalesce(item, 'undefined') FOR item IN (try_cast("by" AS JSON)->>'$[*]')::VARCHAR[]])
      ELSE [coalesce(nullif(try_cast("by" AS JSON)->>'$', '[]'), 'undefined')]
    END AS segments,
    typeof("by") IN ('JSON', 'VARIANT') OR typeof("by") LIKE '%[]' AS may_be_list
  FROM given
), active AS (
  SELECT DISTINCT local_time::DATE AS day, distinct_id, coalesce(unnest(segments), '$overall') AS segment
  FROM split
  WHERE (event IS NULL OR event_name = event) AND distinct_id IS NOT NULL
), stays AS (
  -- A user is counted from the active day until so many days later, or until active again: never twice on a day.
  SELECT
    segment,
    day,
    least(day + if(days >= 1, days, error('days must be at least 1'))::INTEGER, lead(day) OVER theirs) AS gone
  FROM active
  WINDOW theirs AS (PARTITION BY segment, distinct_id ORDER BY day)
), changes AS (
  SELECT segment, day, count(*) AS change FROM stays GROUP BY ALL
  UNION ALL
  SELECT segment, gone, -count(*) FROM stays GROUP BY ALL
), counted AS (
  SELECT date, segment, sum(change)::BIGINT AS users
  FROM points JOIN changes ON day <= until
  GROUP BY ALL
), segments AS (
  SELECT DISTINCT segment FROM active
  UNION
  SELECT '$overall' WHERE NOT EXISTS (FROM active)
)
SELECT
  date,                        -- first day of the period
  segment,                     -- value of the expression; $overall where nothing is split
  coalesce(users, 0) AS users  -- users who were active in the days that end with the period
FROM points CROSS JOIN segments LEFT JOIN counted USING (date, segment)
ORDER BY date, segment;
