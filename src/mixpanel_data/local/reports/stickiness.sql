-- How often users come: those of a day as a fraction of those of a week and of a month, day by day.
--
-- FROM stickiness(january, by := properties->>'$.plan')
--
-- The users of a day's week are those of the seven days that end with it, the users of its month those of the thirty
-- days that end with it, the day itself in. Days before from_date count in them as long as they are in the table, so
-- it needs the month before. Days on which nothing happened have a row. A user who is in several segments counts in
-- each. Events without distinct_id, or with an empty one, belong to nobody and are left out, as are those without a
-- time.
--
-- Mixpanel has no such function; its Insights report counts daily, weekly and monthly users in the same way, and a
-- formula divides them.
CREATE OR REPLACE MACRO stickiness(
  events,             -- a table, a view or a CTE with columns as those of an export
  event := NULL,      -- the name of the event; any event unless given
  "by" := NULL,       -- an expression over an event that splits users; NULL is the segment undefined
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
  SELECT unnest(range(first_day, last_day + INTERVAL 1 DAY, INTERVAL 1 DAY)) AS date
  FROM span
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
  SELECT DISTINCT local_time::DATE AS day, distinct_id, unnest(segments) AS segment
  FROM split
  WHERE distinct_id IS NOT NULL AND event_time IS NOT NULL AND (event IS NULL OR event_name = event)
), stays AS (
  -- A day of a user counts for itself and the days after it, until their next day at the latest.
  SELECT
    day,
    coalesce(segment, event, '$overall') AS segment,
    unnest(range(least(30, coalesce(lead(day) OVER in_order - day, 30)))) AS age
  FROM active
  WINDOW in_order AS (PARTITION BY distinct_id, segment ORDER BY day)
), counted AS (
  SELECT
    (day + age::INTEGER)::TIMESTAMP AS date,
    segment,
    count(*) FILTER (age = 0) AS day_users,
    count(*) FILTER (age < 7) AS week_users,
    count(*) AS month_users
  FROM stays
  GROUP BY ALL
), segments AS (
  SELECT segment FROM counted SEMI JOIN days USING (date)
  UNION
  SELECT coalesce(event, '$overall') WHERE NOT EXISTS (FROM counted SEMI JOIN days USING (date))
)
SELECT
  date,                                             -- the day
  segment,                                          -- value of the expression; the event's name or $overall without one
  coalesce(day_users, 0) AS dau,                    -- users of the day
  coalesce(week_users, 0) AS wau,                   -- users of the seven days that end with it
  coalesce(month_users, 0) AS mau,                  -- users of the thirty days that end with it
  coalesce(day_users / nullif(week_users, 0), 0) AS dau_wau,   -- fraction of the week's users who came on the day
  coalesce(day_users / nullif(month_users, 0), 0) AS dau_mau,  -- fraction of the month's users who came on the day
  coalesce(week_users / nullif(month_users, 0), 0) AS wau_mau  -- fraction of the month's users who came in the week
FROM days CROSS JOIN segments LEFT JOIN counted USING (date, segment)
ORDER BY date, segment;
