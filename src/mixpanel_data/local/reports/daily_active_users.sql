-- How many users did anything, day by day.
--
-- FROM daily_active_users(january, by := properties->>'$.mp_country_code')
--
-- Days on which nothing happened have a row with 0. Nobody is no user: events without distinct_id, or with an empty
-- one, are counted as events alone.
--
-- Mixpanel says the same of users as mixpanel_frequency('2024-01-01', '2024-01-31', unit := 'day') where intervals is
-- 1. For the users of a week or a month that ends with each day, ask active_users.
CREATE OR REPLACE MACRO daily_active_users(
  events,             -- a table, a view or a CTE with columns as those of an export
  "by" := NULL,       -- an expression over an event that splits users; one may be in several segments
  from_date := NULL,  -- first day; that of the table unless given
  to_date := NULL,    -- last day; that of the table unless given
  timezone := NULL    -- whose days they are, such as 'America/New_York'; those of event_time (UTC) unless given
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
), days AS (
  SELECT unnest(range(first_day, last_day + INTERVAL 1 DAY, INTERVAL 1 DAY))::DATE AS date
  FROM span
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
), on_days AS NOT MATERIALIZED (
  SELECT local_time::DATE AS date, distinct_id, segments, may_be_list
  FROM split, span
  WHERE local_time >= first_day AND local_time < last_day + INTERVAL 1 DAY
), happened AS (
  SELECT date, distinct_id, segments[1] AS segment FROM on_days WHERE NOT may_be_list
  UNION ALL
  SELECT date, distinct_id, unnest(segments) AS segment FROM on_days WHERE may_be_list
), counted AS (
  SELECT date, coalesce(segment, '$overall') AS segment, count(DISTINCT distinct_id) AS users, count(*) AS count
  FROM happened
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
