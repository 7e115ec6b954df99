-- How an event goes on: its count a period, the average of the last periods, and what has come together so far.
--
-- FROM trend(january, 'Purchase', by := properties->>'$.plan')
--
-- The rolling average is of so many periods, the row's own the last of them. It looks back before the first day, as
-- far as the table goes; where there are fewer periods, it is of those. What is so far begins with the first day.
-- Users so far are different users, fewer than those of the periods added up. Nobody is no user.
--
-- Mixpanel's Insights report has the same, as rolling average and as cumulative.
CREATE OR REPLACE MACRO trend(
  events,                 -- a table, a view or a CTE with columns as those of an export
  event,                  -- the name of the event; NULL for any event
  rolling := 7,           -- how many periods the rolling average is of
  "by" := NULL,           -- an expression over an event that splits the count; NULL is the segment undefined
  unit := 'day',          -- 'minute', 'hour', 'day', 'week', 'month', 'quarter' or 'year'
  type := 'general',      -- 'general' counts events, 'unique' users
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
), happened AS MATERIALIZED (
  SELECT
    date,
    distinct_id,
    coalesce(unnest(segments), event, '$overall') AS segment,
    local_time >= first_day AS is_asked
  FROM dated, span
  WHERE (event IS NULL OR event_name = event) AND local_time < last_day + INTERVAL 1 DAY
), earlier AS (
  -- The periods before, as many as the average looks back, and as the table has.
  SELECT
    first_date - n * CASE unit
      WHEN 'week' THEN INTERVAL 7 DAYS
      WHEN 'quarter' THEN INTERVAL 3 MONTHS
      ELSE ('1 ' || unit)::INTERVAL
    END AS date
  FROM
    (SELECT min(date) AS first_date FROM periods),
    unnest(range(1, if(rolling > 0, rolling, error('rolling must be at least 1')))) AS back(n)
  WHERE unit <> 'range'
), series AS (
  SELECT date, true AS is_asked FROM periods
  UNION ALL
  SELECT date, false FROM earlier WHERE date >= (SELECT min(date) FROM dated)
), counted AS (
  SELECT
    date,
    segment,
    is_asked,
    CASE type
      WHEN 'general' THEN count(*)
      WHEN 'unique' THEN count(DISTINCT distinct_id)
      ELSE error('type must be general or unique')
    END AS count
  FROM happened
  GROUP BY ALL
), first_done AS (
  SELECT segment, distinct_id, min(date) AS date
  FROM happened
  WHERE is_asked AND distinct_id IS NOT NULL
  GROUP BY ALL
), joined AS (
  SELECT date, segment, count(*) AS new_users
  FROM first_done
  GROUP BY ALL
), segments AS (
  SELECT segment FROM counted
  UNION
  SELECT coalesce(event, '$overall') WHERE NOT EXISTS (FROM counted)
), running AS (
  SELECT
    date,
    segment,
    is_asked,
    coalesce(count, 0) AS count,
    avg(coalesce(count, 0)) OVER (so_far ROWS BETWEEN greatest(rolling, 1) - 1 PRECEDING AND CURRENT ROW) AS average,
    sum(if(is_asked, count, 0)) OVER so_far AS total,
    sum(new_users) OVER so_far AS users
  FROM series CROSS JOIN segments
    LEFT JOIN counted USING (date, segment, is_asked)
    LEFT JOIN joined USING (date, segment)
  WINDOW so_far AS (PARTITION BY segment ORDER BY date)
)
SELECT
  date,                                           -- start of the period
  segment,                                        -- value of the expression; the event's name where nothing is split
  count,                                          -- events or users of the period
  round(average, 9) AS rolling_average,           -- average of the last periods
  coalesce(total, 0)::BIGINT AS cumulative,       -- counts from the first day on, added up
  coalesce(users, 0)::BIGINT AS cumulative_users  -- different users from the first day on
FROM running
WHERE is_asked
ORDER BY date, segment;
