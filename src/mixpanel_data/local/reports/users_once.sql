-- How many users did an event, each counted once a period: in the segment of their first or of their last event.
--
-- FROM users_once(january, 'Purchase', properties->>'$.mp_country_code', 'last', unit := 'range')
--
-- Segments add up to all users, other than those of segmentation, where a user counts in each segment of theirs. Of
-- events in the same second, and of several items of a list, the smallest segment is the first and the largest the
-- last. Nobody is no user: events without distinct_id, or with an empty one, are left out.
--
-- Mixpanel's Insights report calls this counting once; its default is each segment.
CREATE OR REPLACE MACRO users_once(
  events,                  -- a table, a view or a CTE with columns as those of an export
  event,                   -- the name of the event; NULL for any event
  "by",                    -- an expression over an event that splits users; NULL is the segment undefined
  which := 'first',        -- 'first' or 'last': the event of the period that says a user's segment
  unit := 'day',           -- 'hour', 'day', 'week', 'month', 'quarter', 'year'; 'range' for all days at once
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
), split AS NOT MATERIALIZED (
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
), dated AS NOT MATERIALIZED (
  SELECT
    CASE coalesce(unit, 'range')
      WHEN 'range' THEN first_day::TIMESTAMP
      WHEN 'week' THEN date_trunc('week', local_time + lead) - lead
      -- periods says what is wrong with another unit.
      ELSE date_trunc(if(unit IN ('minute', 'hour', 'month', 'quarter', 'year'), unit, 'day'), local_time)
    END AS date,
    split.*
  FROM split, span, week
), in_range AS NOT MATERIALIZED (
  SELECT dated.*
  FROM dated, span
  WHERE local_time >= first_day AND local_time < last_day + INTERVAL 1 DAY
), spread AS NOT MATERIALIZED (
  -- Taking a list apart takes time: only where by may be one. DuckDB leaves the other half out.
  SELECT segments[1] AS segment, * FROM in_range WHERE NOT may_be_list
  UNION ALL
  SELECT unnest(segments) AS segment, * FROM in_range WHERE may_be_list
), happened AS (
  SELECT date, event_time, distinct_id, segment
  FROM spread
  WHERE (event IS NULL OR event_name = event) AND distinct_id IS NOT NULL
), chosen AS (
  SELECT
    date,
    distinct_id,
    CASE which
      WHEN 'first' THEN arg_min(segment, (event_time, segment))
      WHEN 'last' THEN arg_max(segment, (event_time, segment))
      ELSE error('which must be first or last')
    END AS segment
  FROM happened
  GROUP BY date, distinct_id
), counted AS (
  SELECT date, segment, count(*) AS users
  FROM chosen
  GROUP BY ALL
), segments AS (
  SELECT DISTINCT segment FROM counted
)
SELECT
  date,                        -- start of the period
  segment,                     -- value of the expression
  coalesce(users, 0) AS users  -- users whose first or last event of the period was in the segment
FROM periods CROSS JOIN segments LEFT JOIN counted USING (date, segment)
ORDER BY date, segment;
