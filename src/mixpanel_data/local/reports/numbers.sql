-- How a number is spread, over events or over users: sum, average, median, percentiles, least and most.
--
-- FROM numbers(january, 'Purchase', properties->'$.amount', 'sum', by := properties->>'$.plan', unit := 'month')
--
-- Unless per_user is given, a value is that of an event. With it, a user's values of the period are first made into
-- one, and the row is about users: 'sum', 'average', 'least' or 'most' of a user's numbers, or 'count' for how many
-- events they did, whatever the amount is. Only numbers have an average or a percentile; a sum of none is 0. The text
-- "12" is a number with properties->>'$.amount', and none with properties->'$.amount', as for Mixpanel. Percentiles
-- lie between two values where they fall between them. Nobody is no user.
--
-- Mixpanel's Insights report has the same, as aggregations of a property, per user or not; its percentiles are
-- approximate. Its API's average counts what is no number as 0; revenue does that here.
CREATE OR REPLACE MACRO numbers(
  events,                 -- a table, a view or a CTE with columns as those of an export
  event,                  -- the name of the event; NULL for any event
  amount,                 -- an expression over an event: the number
  per_user := NULL,       -- 'sum', 'average', 'least', 'most' or 'count' of a user's; a value an event unless given
  "by" := NULL,           -- an expression over an event that splits events; one user may be in several segments
  unit := 'day',          -- 'minute', 'hour', 'day', 'week', 'month', 'quarter', 'year'; 'range' for all days at once
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
), split AS NOT MATERIALIZED (
  SELECT
    event_name,
    event_time,
    local_time,
    distinct_id,
    CASE
      WHEN alias(amount) LIKE '''%' THEN error('amount is an expression: write properties->''$.amount''')
      -- A text in JSON is no number for Mixpanel, whatever it says.
      WHEN typeof(amount) IN ('JSON', 'VARIANT') AND starts_with(try_cast(amount AS JSON)::VARCHAR, '"') THEN NULL
      ELSE try_cast(amount::VARCHAR AS DOUBLE)
    END AS value,
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
), of_events AS (
  SELECT date, coalesce(segment, '$overall') AS segment, distinct_id, if(isfinite(value), value, NULL) AS value
  FROM spread
  WHERE event IS NULL OR event_name = event
), of_users AS (
  SELECT
    date,
    segment,
    distinct_id,
    CASE per_user
      WHEN 'sum' THEN coalesce(fsum(value), 0)
      WHEN 'average' THEN avg(value)
      WHEN 'least' THEN min(value)
      WHEN 'most' THEN max(value)
      WHEN 'count' THEN count(*)
      ELSE error('per_user must be sum, average, least, most or count')
    END AS value
  FROM of_events
  WHERE per_user IS NOT NULL AND distinct_id IS NOT NULL
  GROUP BY date, segment, distinct_id
), chosen AS (
  SELECT date, segment, value FROM of_events WHERE per_user IS NULL
  UNION ALL
  SELECT date, segment, value FROM of_users
), counted AS (
  SELECT
    date,
    segment,
    count(value) AS count,
    fsum(value) AS total,
    avg(value) AS average,
    quantile_cont(value, [0, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99, 1]) AS quantiles
  FROM chosen
  GROUP BY ALL
), segments AS (
  SELECT segment FROM counted
  UNION
  SELECT '$overall' WHERE NOT EXISTS (FROM counted)
)
SELECT
  date,                                    -- start of the period
  segment,                                 -- value of the expression; $overall where nothing is split
  coalesce(count, 0) AS count,             -- events or users with a number
  round(coalesce(total, 0), 6) AS total,   -- the sum of their values
  round(average, 9) AS average,            -- the average value; NULL where there is none
  quantiles[1] AS least,                   -- the smallest value
  quantiles[2] AS p10,                     -- a tenth of the values are not larger
  quantiles[3] AS p25,                     -- a quarter
  quantiles[4] AS median,                  -- half of them
  quantiles[5] AS p75,                     -- three quarters
  quantiles[6] AS p90,                     -- nine tenths
  quantiles[7] AS p99,                     -- all but one of a hundred
  quantiles[8] AS most                     -- the largest value
FROM periods CROSS JOIN segments LEFT JOIN counted USING (date, segment)
ORDER BY date, segment;
