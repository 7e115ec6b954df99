-- How often an event happened, by ranges of a number.
--
-- FROM ranges(january, 'Purchase', properties->'$.amount', [20, 50, 100], by := properties->>'$.plan')
--
-- A range has its lower end in it and its upper end not. Those below and above all bounds are always there, and two
-- more for what is no number: (non-numeric), and (not set) for what is missing or null. The text "12" is a number with
-- properties->>'$.amount', and none with properties->'$.amount', as for Mixpanel. Nobody is no user.
--
-- Mixpanel's own are the custom ranges of its Insights report. mixpanel_segmentation_numeric chooses its ranges by
-- itself, and leaves out what is no number.
CREATE OR REPLACE MACRO ranges(
  events,                 -- a table, a view or a CTE with columns as those of an export
  event,                  -- the name of the event; NULL for any event
  amount,                 -- an expression over an event: the number
  bounds,                 -- where ranges meet: [20, 50] makes those below 20, from 20 to 50, and from 50 on
  "by" := NULL,           -- an expression over an event that splits the count; NULL is the segment undefined
  unit := 'range',        -- 'minute', 'hour', 'day', 'week', 'month', 'quarter', 'year'; 'range' for all days at once
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
    amount IS NULL OR amount::VARCHAR = 'null' AS is_missing,
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
), sorted AS (
  SELECT list_sort(list_distinct(bounds)) AS ends
), places AS (
  SELECT
    unnest(range(-1, len(ends) + 2)) AS place,
    CASE place
      WHEN -1 THEN '(not set)'
      WHEN 0 THEN '(non-numeric)'
      WHEN 1 THEN '< ' || ends[1]
      WHEN len(ends) + 1 THEN '>= ' || ends[-1]
      ELSE ends[place - 1] || ' - ' || ends[place]
    END AS range,
    ends[if(place > 1, place - 1, NULL)] AS lower,
    ends[if(place > 0, place, NULL)] AS upper
  FROM sorted
), happened AS (
  SELECT
    date,
    coalesce(segment, '$overall') AS segment,
    distinct_id,
    CASE
      WHEN isfinite(value) THEN 1 + len([bound FOR bound IN ends IF bound <= value])
      WHEN is_missing THEN -1
      ELSE 0
    END AS place
  FROM spread, sorted
  WHERE event IS NULL OR event_name = event
), counted AS (
  SELECT date, segment, place, count(*) AS count, count(DISTINCT distinct_id) AS users
  FROM happened
  GROUP BY ALL
), segments AS (
  SELECT segment FROM counted
  UNION
  SELECT '$overall' WHERE NOT EXISTS (FROM counted)
)
SELECT
  date,                         -- start of the period
  segment,                      -- value of the expression; $overall where nothing is split
  range,                        -- the range, such as 20 - 50
  coalesce(count, 0) AS count,  -- events
  coalesce(users, 0) AS users,  -- users
  lower,                        -- the number with which the range begins; NULL for the first
  upper                         -- the number before which it ends; NULL for the last
FROM periods CROSS JOIN segments CROSS JOIN places LEFT JOIN counted USING (date, segment, place)
ORDER BY date, segment, coalesce(lower, upper) IS NULL, lower NULLS FIRST, range;
