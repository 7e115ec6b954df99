-- Funnels of attempts, sessions or users, with excluded events, properties held constant, any order and re-entry.
--
-- FROM funnel_counted(january, ['App Open', 'Purchase'], by := properties->>'$.plan', counting := 'total')
--
-- An attempt begins with an event of the first step in the range. From there each step is the next event of that name
-- within the time given, as in funnel. It ends with the last step, with an excluded event, or when the time is over;
-- only in a later second may the next attempt begin: that is a choice. counting says how many of a user's attempts
-- count: the first ('unique'), all ('total'), or the first of each session, whose steps are all in it ('session'). In
-- its segment, with 'unique' and 'session', an attempt counts once more only where the segment is a new one; $overall
-- has the first of all. Nobody enters no funnel: events without distinct_id, or with an empty one, are left out.
--
-- exclude: the attempt keeps the steps that came before the excluded event. Within two seconds of a step, both count in
-- either order; so there it excludes nothing, which is a choice.
--
-- constant: steps with another value than the first are passed over; a missing value is one like any other, which is a
-- choice. Segments then do not wait for each other: each is entered with its own first event (except with 'total').
--
-- reentry := 'optimized': each event of the first step begins an attempt, and the one before goes on only if it has
-- come to its second step. Of a user, or a session, the first attempt that is done counts, or else the one that came
-- furthest; with 'total' all do.
--
-- any_order := [2, 3]: these steps may come in any order, after those before them and before those after. Where the
-- first is among them, any of them begins an attempt. Such a step's row is of those who have done as many of them.
--
-- by_step: by is read at a step, the first unless told otherwise; undefined where an attempt did not come so far. Or
-- 'first_defined', 'last_defined': the first or last step of the attempt where by is not NULL.
--
-- Sessions end after a pause of more than gap and at midnight; Mixpanel's own events such as $identify are in none.
--
-- Mixpanel's report counts users in 7 days, in order, of step 1, without the other options, unless told otherwise, as
-- here. There the time to convert is always that of all attempts ('total'), and its percentiles are approximate.
CREATE OR REPLACE MACRO funnel_counted(
  events,                  -- a table, a view or a CTE with columns as those of an export
  steps,                   -- the names of the events, in order
  within := '7 days',      -- time for all of the steps, from the first
  "by" := NULL,            -- an expression over an event that splits the attempts
  unit := NULL,            -- 'day', 'week', 'month', 'quarter' or 'year' of entering; NULL for all days at once
  from_date := NULL,       -- first day on which users enter; that of the table unless given
  to_date := NULL,         -- last day on which users enter; that of the table unless given
  timezone := NULL,        -- whose days they are, such as 'America/New_York'; those of event_time (UTC) unless given
  week_start := 'monday',  -- the day on which weeks begin
  counting := 'unique',    -- 'unique' counts users, 'total' attempts, 'session' sessions
  exclude := [],           -- names of events that end an attempt
  exclude_after := NULL,   -- the steps after which they do, such as [2]; after each unless given
  constant := NULL,        -- an expression over an event that has one value in all steps; several as a list, [a, b]
  reentry := NULL,         -- 'optimized' tries each event of the first step; only after an attempt unless given
  by_step := 1,            -- the step at which by is read; or 'first_defined', 'last_defined'
  any_order := [],         -- the steps that may come in any order, such as [2, 3]
  percentile := 0.9,       -- the part of attempts that take no longer than percentile_time; 0 the least, 1 the most
  gap := '30 minutes',     -- the longest pause within a session
  hidden := []             -- names of more events that are in no session
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
), split AS (
  SELECT
    event_name,
    event_time,
    local_time,
    distinct_id,
    CASE
      WHEN alias(constant) LIKE '''%' THEN error('constant is an expression: write properties->>''$.item''')
      WHEN alias(constant) <> 'NULL' THEN coalesce(constant::VARCHAR, 'undefined')
    END AS held,
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
), dated AS (
  SELECT
    CASE coalesce(unit, 'range')
      WHEN 'range' THEN first_day::TIMESTAMP
      WHEN 'week' THEN date_trunc('week', local_time + lead) - lead
      -- periods says what is wrong with another unit.
      ELSE date_trunc(if(unit IN ('minute', 'hour', 'month', 'quarter', 'year'), unit, 'day'), local_time)
    END AS date,
    split.*
  FROM split, span, week
), outside AS (
  -- Events that are in no session: what Mixpanel writes down itself, and whatever else is to be hidden.
  SELECT unnest([
    '$identify', '$create_alias', '$merge', '$hotshard_events', '$campaign_delivery', '$campaign_bounced',
    '$campaign_marked_spam', '$message_suppressed', '$unsubscribe', '$journey_entered', '$mp_session_record'
  ] || hidden::VARCHAR[]) AS event_name
), paused AS (
  SELECT
    *,
    local_time::DATE AS day,
    lag(event_time) OVER (PARTITION BY distinct_id, local_time::DATE ORDER BY event_time) AS time_before
  FROM dated ANTI JOIN outside USING (event_name)
  WHERE counting = 'session' AND distinct_id IS NOT NULL AND event_time IS NOT NULL
), in_sessions AS (
  SELECT
    *,
    count(*) FILTER (
      -- The first event of a day has none before.
      time_before IS NULL OR event_time - time_before > CASE
        WHEN regexp_full_match(gap::VARCHAR, '[-0-9. ]+') THEN error('gap has no unit: write INTERVAL 30 MINUTES')
        WHEN gap::INTERVAL < INTERVAL 0 DAYS THEN error('gap must be a time such as INTERVAL 30 MINUTES')
        ELSE gap::INTERVAL
      END
    ) OVER (PARTITION BY distinct_id ORDER BY day, event_time) AS session
  FROM paused
  UNION ALL BY NAME
  SELECT *, 0 AS session
  FROM dated
  WHERE counting <> 'session' AND distinct_id IS NOT NULL AND event_time IS NOT NULL
), choices AS (
  -- The numbers of the steps, those in any order, those after which events are excluded; or what is wrong with them.
  SELECT
    CASE
      WHEN coalesce(len(steps), 0) = 0 THEN error('steps must be a list of events')
      WHEN coalesce(counting NOT IN ('unique', 'total', 'session'), true)
        THEN error('counting must be unique, total or session')
      WHEN by_step::VARCHAR NOT IN ('first_defined', 'last_defined')
        AND NOT coalesce(list_contains(numbers, try_cast(by_step::VARCHAR AS BIGINT)), false)
        THEN error('by_step must be the number of a step, first_defined or last_defined')
      WHEN NOT coalesce(list_has_all(numbers, free), false)
        THEN error('any_order must be a list of numbers of steps, such as [2, 3]')
      WHEN exclude_after IS NOT NULL AND NOT coalesce(list_has_all(numbers, watched), false)
        THEN error('exclude_after must be a list of numbers of steps, such as [2]')
      ELSE numbers
    END AS numbers,
    free,
    watched
  FROM (
    SELECT
      range(1, len(steps) + 1) AS numbers,
      try_cast(coalesce(any_order::VARCHAR, '[]') AS BIGINT[]) AS free,
      try_cast(exclude_after::VARCHAR AS BIGINT[]) AS watched
  )
), plan AS (
  -- The turn of each step, and the names of all events of that turn: several where their order is free.
  SELECT list(turn ORDER BY step) AS turns, list(names ORDER BY step) AS names, any_value(watched) AS watched
  FROM (
    SELECT step, watched, turn, list(steps[step]) OVER (PARTITION BY turn) AS names
    FROM (
      SELECT
        step,
        watched,
        max(CASE WHEN NOT list_has_all(free, [step, step - 1]) THEN step END) OVER (ORDER BY step) AS turn
      FROM (SELECT unnest(numbers) AS step, free, watched FROM choices)
    )
  )
), happened AS MATERIALIZED (
  SELECT
    row_number() OVER (ORDER BY event_time, event_name, held, segments) AS number,
    event_name,
    event_time,
    distinct_id,
    session,
    held,
    segments,
    -- The period in which users may enter with it: none outside the range.
    CASE WHEN local_time >= first_day AND local_time < last_day + INTERVAL 1 DAY THEN date END AS date
  FROM in_sessions, span
  WHERE list_contains(steps, event_name) OR list_contains(exclude::VARCHAR[], event_name)
), entries AS MATERIALIZED (
  SELECT
    number AS entry,
    event_name,
    event_time AS began,
    event_time + CASE
      WHEN regexp_full_match(within::VARCHAR, '[-0-9. ]+') THEN error('within has no unit: write INTERVAL 7 DAYS')
      WHEN coalesce(within::INTERVAL < INTERVAL 0 DAYS, true)
        THEN error('within must be a time such as INTERVAL 7 DAYS')
      ELSE within::INTERVAL
    END AS deadline,
    distinct_id,
    session,
    held,
    date,
    segments AS entered,
    CASE WHEN by_step::VARCHAR IN ('1', 'first_defined', 'last_defined') OR segments[1] IS NULL THEN segments
      ELSE ['undefined'] END AS segments,
    row_number() OVER (PARTITION BY date, distinct_id, session ORDER BY event_time, segments[1], number) AS place,
    -- With optimized re-entry, another first step takes over until the second is done.
    CASE WHEN reentry IS NOT NULL
      THEN lead(event_time) OVER (PARTITION BY date, distinct_id, session, held ORDER BY event_time, number)
    END AS renewed_at,
    -- Whether an attempt waits for the end of the one before.
    CASE
      WHEN reentry = 'optimized' THEN false
      WHEN reentry IS NOT NULL THEN error('reentry must be optimized or NULL')
      ELSE counting = 'total' OR held IS NULL OR segments[1] IS NULL
    END AS waits
  FROM happened, plan
  WHERE date IS NOT NULL AND list_contains(names[1], event_name)
), walked AS (
  -- An attempt has a row for each of its steps, and one more where it ends without the last.
  WITH RECURSIVE walk AS (
    SELECT
      entries.*,
      -- Segments and end of the attempts before: none yet.
      []::VARCHAR[] AS entered_before,
      nullif(began, began) AS ended_before,
      began AS done_at,
      [began] AS times,
      [entry] AS taken,
      [event_name] AS done,
      CASE len(steps) WHEN 1 THEN began END AS ended
    FROM entries
    WHERE place = 1 OR NOT waits
    UNION ALL (
      SELECT
        * EXCLUDE (next) REPLACE (
          CASE
            WHEN next.is_step IS DISTINCT FROM true OR segments[1] IS NULL THEN segments
            WHEN by_step::VARCHAR = 'first_defined' THEN if(segments = ['undefined'], next.segments, segments)
            WHEN by_step::VARCHAR = 'last_defined' THEN if(next.segments = ['undefined'], segments, next.segments)
            WHEN try_cast(by_step::VARCHAR AS BIGINT) = len(times) + 1 THEN next.segments
            ELSE segments
          END AS segments,
          next.event_time AS done_at,
          if(next.is_step, list_append(times, greatest(times[-1], next.event_time)), times) AS times,
          list_append(taken, next.number) AS taken,
          list_append(done, next.event_name) AS done,
          CASE
            WHEN next IS NULL THEN deadline
            WHEN NOT next.is_step THEN next.event_time
            WHEN len(times) + 1 = len(steps) THEN greatest(times[-1], next.event_time)
          END AS ended
        )
      FROM walk LEFT JOIN (
        SELECT
          entry,
          arg_min(
            {number: number, event_name: event_name, event_time: event_time, segments: segments, is_step: is_step},
            -- A step up to two seconds after an excluded event comes before it.
            (event_time + to_seconds(if(is_step, 0, 2)), NOT is_step)
          ) AS next
        FROM (
          SELECT
            entry,
            happened.*,
            list_contains(names[len(times) + 1], happened.event_name)
              -- Of the names of its turn, those done are done.
              AND len([name FOR name IN names[len(times) + 1] IF name = happened.event_name])
                > len([name FOR name IN done[turns[len(times) + 1]:] IF name = happened.event_name])
              AND event_time >= done_at - INTERVAL 2 SECONDS
              AND happened.held IS NOT DISTINCT FROM walk.held
              AND (len(times) > 1 OR renewed_at IS NULL OR event_time < renewed_at) AS is_step,
            list_contains(exclude::VARCHAR[], happened.event_name)
              AND (watched IS NULL OR list_contains(watched, len(times)))
              AND event_time > done_at + INTERVAL 2 SECONDS AS is_excluded
          FROM walk JOIN happened USING (distinct_id, session) CROSS JOIN plan
          WHERE ended IS NULL
            AND event_time <= deadline
            AND (ended_before IS NULL OR event_time > ended_before)
            AND NOT list_contains(taken, number)
        )
        WHERE is_step OR is_excluded
        GROUP BY entry
      ) USING (entry)
      WHERE ended IS NULL
      UNION ALL
      SELECT
        next.*,
        entered_before,
        ended,
        next.began,
        [next.began],
        [next.entry],
        [next.event_name],
        CASE len(steps) WHEN 1 THEN next.began END
      FROM (
        SELECT
          list_concat(walk.entered_before, walk.entered) AS entered_before,
          ended,
          arg_min(entries, entries.place) AS next
        FROM walk JOIN entries USING (date, distinct_id, session)
        WHERE walk.waits
          AND entries.began > ended
          AND (
            counting = 'total'
            OR entries.entered[1] IS NOT NULL AND (
              by_step::VARCHAR <> '1'
              OR NOT list_has_all(list_concat(walk.entered_before, walk.entered), entries.entered)
            )
          )
        GROUP BY walk.entry, walk.entered_before, walk.entered, ended
      )
    )
  )
  FROM walk
  WHERE ended IS NOT NULL
), chosen AS (
  SELECT date, segment, times
  FROM (
    SELECT '$overall' AS segment, *
    FROM walked
    UNION ALL
    -- A value that is called like the total is put in quotes.
    SELECT regexp_replace(unnest(segments), '^\$overall$', '"$overall"'), *
    FROM walked
    WHERE segments[1] IS NOT NULL
  )
  WINDOW attempts AS (
    PARTITION BY date, segment, distinct_id, session
    ORDER BY if(reentry = 'optimized', -len(times), 0), place
  )
  QUALIFY counting = 'total' OR row_number() OVER attempts = 1
), timed AS (
  SELECT
    date,
    segment,
    step,
    CASE WHEN step > 1 THEN epoch(times[step] - times[step - 1]) END AS seconds,
    CASE WHEN step > 1 THEN epoch(times[step] - times[1]) END AS seconds_from_start
  FROM (SELECT *, unnest(range(1, len(times) + 1)) AS step FROM chosen)
), counted AS (
  SELECT
    date,
    segment,
    step,
    count(*) AS count,
    avg(seconds) AS avg_time,
    avg(seconds_from_start) AS avg_time_from_start,
    median(seconds) AS median_time,
    median(seconds_from_start) AS median_time_from_start,
    quantile_cont(seconds, percentile) AS percentile_time,
    quantile_cont(seconds_from_start, percentile) AS percentile_time_from_start
  FROM timed
  GROUP BY ALL
), places AS (
  SELECT
    CASE
      WHEN unit IN ('minute', 'hour') THEN error('unit must be day, week, month, quarter, year or range')
      ELSE date::DATE
    END AS date,
    segment,
    unnest(range(1, len(steps) + 1)) AS step
  FROM periods CROSS JOIN (SELECT '$overall' AS segment UNION SELECT segment FROM counted)
), compared AS (
  SELECT
    * REPLACE (coalesce(count, 0) AS count),
    CASE step WHEN 1 THEN 1 ELSE coalesce(count / lag(count) OVER steps_before, 0) END AS step_conversion,
    CASE step WHEN 1 THEN 1 ELSE coalesce(count / first_value(count) OVER steps_before, 0) END AS overall_conversion
  FROM places LEFT JOIN counted USING (date, segment, step)
  WINDOW steps_before AS (PARTITION BY date, segment ORDER BY step)
)
SELECT
  date,                        -- first day of the period in which the attempts began
  segment,                     -- value of the expression; $overall for all
  step,                        -- 1 for the first
  array_to_string(names[step], ' or ') AS event_name,  -- name of the event; those of all steps of its turn
  count,                       -- users, attempts or sessions that came so far
  step_conversion,             -- fraction of those at the step before; 1 for the first
  overall_conversion,          -- fraction of those at the first step
  avg_time,                    -- seconds from the step before, on average; NULL where there is none
  avg_time_from_start,         -- seconds from the first step, on average
  median_time,                 -- seconds from the step before that half of them take at most
  median_time_from_start,      -- seconds from the first step that half of them take at most
  percentile_time,             -- seconds from the step before that the given part of them takes at most
  percentile_time_from_start   -- seconds from the first step that the given part of them takes at most
FROM compared CROSS JOIN plan
ORDER BY date, segment <> '$overall', segment, step;
