-- How many of those who did one event for the first time came back, period by period.
--
-- FROM retention(january, 'Sign Up', 'Purchase', unit := 'week', by := properties->>'$.plan')
--
-- A user belongs to the cohort of their first born_event on the days asked for, and comes back in period n with an
-- event n whole units of time after that first one, whatever the calendar says: in period 1 of days from 24 to 48
-- hours later. A month is 30 days of 24 hours. The event that makes somebody part of a cohort is no return, and
-- neither is another of the same second: that is a choice, since Mixpanel does not say. Nobody is no user: events
-- without distinct_id, or with an empty one, are left out. by is about the first event, and splits the cohorts; where
-- it is a list, the user is in the segment of each of its items.
--
-- A period has a row once it has begun by the end of the table's last day for whoever was first in the cohort. It is
-- complete when it is over for whoever could be last: so the last period of days may still grow, and the last two of
-- weeks and months. With mode 'on_or_after' any period may, since a user counts in period n who comes back in it or
-- later, however much later: to the end of the table, also beyond interval_count; that, too, is a choice. With
-- 'on_or_before' a user counts from the first return on, and with 'streak' until the first period without one. Only in
-- a streak is the first event a return in period 0, where both events are the same.
--
-- With calendar := true period n is the nth day, week or month of the calendar after that of the first event. With
-- brackets the periods after period 0 have as many units each as the list says: [3, 4] are days 1 to 3 and 4 to 7.
--
-- Mixpanel's own is mixpanel_retention('Sign Up', 'Purchase', '2024-01-01', '2024-01-31', unit := 'week'), and has the
-- same defaults: 'on', and one cohort for each user. Its type 'compounded' is cohorts := 'every' here, with both events
-- the same; its unbounded is mode := 'on_or_after'. Mixpanel's Retention report begins with other ones: mode :=
-- 'on_or_after', cohorts := 'every'. There the clock starts anew with the first event in each period. Both count users
-- who were merged since as one. The function has one period after the first unless told an interval_count, and all
-- events there are, also after the table's last day. Its segment_by splits the returns and not the cohort, so that a
-- user may be in several segments, and a segment's rate is of the whole cohort. The report's average over all cohorts
-- is retention_average, and sums of a property are retention_value.
CREATE OR REPLACE MACRO retention(
  events,                  -- a table, a view or a CTE with columns as those of an export
  born_event,              -- the event that makes somebody part of a cohort; NULL for any event
  return_event := NULL,    -- the event that counts as coming back; any unless given
  unit := 'day',           -- 'day', 'week' or 'month'
  "by" := NULL,            -- an expression over the first event that splits the cohorts
  interval_count := NULL,  -- how many periods after period 0; as many as the table has days for unless given
  from_date := NULL,       -- first day on which cohorts begin; that of the table unless given
  to_date := NULL,         -- last day on which cohorts begin; that of the table unless given
  timezone := NULL,        -- whose days they are, such as 'America/New_York'; those of event_time (UTC) unless given
  week_start := 'monday',  -- the day on which weeks begin
  mode := 'on',            -- a return counts 'on' its period, 'on_or_after', 'on_or_before', or in a 'streak' up to it
  calendar := false,       -- true counts days, weeks and months of the calendar, not hours since the first event
  cohorts := 'birth',      -- 'birth' has a user in one cohort, 'every' in that of each period with a born_event
  brackets := NULL         -- how many units each period after period 0 has, as a list; one unless given
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
), born_events AS MATERIALIZED (
  SELECT *
  FROM in_range
  WHERE born_event IS NULL OR event_name = born_event
), births AS (
  SELECT distinct_id, min(event_time) AS born, min(date) AS cohort_date
  FROM born_events
  GROUP BY
    distinct_id,
    CASE cohorts WHEN 'birth' THEN NULL WHEN 'every' THEN date ELSE error('cohorts must be birth or every') END
  -- Nobody is in no cohort. A WHERE would look at every event instead of every user.
  HAVING count(distinct_id) > 0
), members AS (
  -- Who is in which segments, by their first event; of several in the same second, by that with the least value.
  SELECT
    distinct_id,
    cohort_date,
    -- A value that is called like the total is put in quotes.
    regexp_replace(unnest(min(segments)), '^\$overall$', '"$overall"') AS segment
  FROM born_events JOIN births USING (distinct_id)
  WHERE event_time = born AND segments[1] IS NOT NULL
  GROUP BY distinct_id, cohort_date
), unit_length AS (
  SELECT
    CASE unit
      WHEN 'day' THEN 24 WHEN 'week' THEN 7 * 24 WHEN 'month' THEN 30 * 24 ELSE error('unit must be day, week or month')
    END AS hours,
    -- With which unit each bracket begins: period 0 is the first unit alone. The last number is where they end.
    CASE
      WHEN NOT regexp_full_match(brackets::VARCHAR, '\[[0-9, ]*\]') OR list_min(lengths) < 1
        THEN error('brackets must be a list of numbers of units, 1 or more, such as [3, 4]')
      ELSE [0] || [1 + coalesce(list_sum(lengths[1:n]), 0)::BIGINT FOR n IN range(len(lengths) + 1)]
    END AS starts
  FROM (SELECT try_cast(brackets::VARCHAR AS BIGINT[]) AS lengths)
), return_events AS (
  SELECT distinct_id, event_time, local_time
  FROM given
  WHERE return_event IS NULL OR event_name = return_event
), came_back AS (
  SELECT
    return_events.*,
    cohort_date,
    -- Whole units since the first event; by the calendar, since the beginning of the day, week or month it was in.
    if(calendar, date_sub(unit, cohort_date, local_time), date_sub('hour', born, event_time) // hours) AS units,
    if(brackets IS NULL, units, len(list_filter(starts, lambda start : start <= units)) - 1) AS period
  FROM births JOIN return_events USING (distinct_id), unit_length
  WHERE event_time > born
    -- The first event itself counts in a streak alone, where both events are the same.
    OR event_time = born AND mode = 'streak' AND born_event IS NOT DISTINCT FROM return_event
), known AS (
  -- What happened is known up to the end of the table's last day.
  SELECT max(local_time)::DATE + INTERVAL 1 DAY AS known_end, coalesce(timezone, 'UTC') AS zone
  FROM given
), lasting AS (
  -- How many units had begun by then for the first who could be in a cohort, and were over for the last.
  SELECT
    date AS cohort_date,
    if(
      calendar,
      date_sub(unit, date, known_end - INTERVAL 1 SECOND),
      date_sub('hour', timezone(zone, date), timezone(zone, known_end) - INTERVAL 1 SECOND) // hours
    ) + 1 AS begun,
    if(
      calendar,
      date_sub(unit, date, known_end),
      date_sub('hour', timezone(zone, date + ('1 ' || unit)::INTERVAL), timezone(zone, known_end)) // hours
    ) AS over
  FROM periods, known, unit_length
  WHERE date < known_end
), retained_in AS (
  SELECT DISTINCT distinct_id, cohort_date, period
  FROM came_back
  WHERE mode = 'on'
  UNION ALL
  SELECT
    distinct_id,
    cohort_date,
    unnest(CASE mode
      WHEN 'on_or_after' THEN range(max(period) + 1)
      WHEN 'on_or_before' THEN range(min(period), (SELECT max(begun) FROM lasting))
      -- As long as the periods, in order, are 0, 1, 2 and so on.
      WHEN 'streak' THEN list_filter(list_sort(list(DISTINCT period)), lambda period, place : period = place - 1)
      ELSE error('mode must be on, on_or_after, on_or_before or streak')
    END) AS period
  FROM came_back
  WHERE mode IS DISTINCT FROM 'on'
  GROUP BY distinct_id, cohort_date
), retentions AS (
  SELECT cohort_date, '$overall' AS segment, period, count(*) AS retained
  FROM retained_in
  GROUP BY ALL
  UNION ALL
  SELECT cohort_date, segment, period, count(*) AS retained
  FROM retained_in JOIN members USING (distinct_id, cohort_date)
  GROUP BY ALL
), cohort_sizes AS (
  SELECT cohort_date, '$overall' AS segment, count(*) AS cohort_size
  FROM births
  GROUP BY ALL
  UNION ALL
  SELECT cohort_date, segment, count(*) AS cohort_size
  FROM members
  GROUP BY ALL
), cohort_periods AS (
  SELECT
    cohort_date,
    segment,
    unnest(range(least(
      interval_count + 1, if(brackets IS NULL, begun, len(list_filter(starts[:-2], lambda start : start < begun)))
    ))) AS period,
    if(brackets IS NULL, period + 1, starts[period + 2]) <= over AS complete
  FROM lasting, unit_length, (SELECT '$overall' AS segment UNION SELECT segment FROM cohort_sizes)
)
SELECT
  cohort_date::DATE AS cohort_date,             -- first day of the period in which the cohort began
  segment,                                      -- value of the expression; $overall for all users
  coalesce(cohort_size, 0) AS cohort_size,      -- users in the cohort
  period,                                       -- 0 for the first unit of time after the first event
  coalesce(retained, 0) AS retained,            -- users who came back in the period
  coalesce(retained, 0) / cohort_size AS rate,  -- fraction of the cohort; NULL where nobody is in it
  complete                                      -- whether the period is over for all who can be in the cohort
FROM cohort_periods
  LEFT JOIN cohort_sizes USING (cohort_date, segment)
  LEFT JOIN retentions USING (cohort_date, segment, period)
ORDER BY cohort_date, segment <> '$overall', segment, period;
