-- How many users came how far through a series of events, in order and in time.
--
-- FROM funnel(january, ['App Open', 'Add To Cart', 'Purchase'], INTERVAL 14 DAYS, by := properties->>'$.plan')
--
-- A user enters with their first event of the first step in the range. From there each step is the next event of that
-- name, whatever happens in between, as long as all is done within the time given from the entry, or exactly in it,
-- also after the last day. Steps one after the other that are at most two seconds apart count in either order: then
-- no time lies between them. One event is never two steps, so ['Search', 'Search'] wants a second search. Nobody
-- enters no funnel: events without distinct_id, or with an empty one, are left out. Mixpanel does not say whether the
-- very end of the time still counts, and what time lies between steps in the other order: both are choices.
--
-- With by, a user counts in each segment that they enter, once: a new one only after the attempt before has ended,
-- when the last step is done or the time is over. First steps on the way enter nothing. $overall is of users, each with
-- their first attempt, so the segments may add up to more. A list enters the segment of each of its items. Of first
-- steps in the same second, that with the smallest value of by counts.
--
-- With a unit, each period has a funnel of its own, into which users enter in it; so a user may be in many.
--
-- Mixpanel's own is mixpanel_funnel(7509, '2024-01-01', '2024-01-31', unit := 'month'): it knows saved funnels, and
-- takes the time that was saved with them unless told another; in Mixpanel's report that is 7 days at first, as here.
-- Users who were merged since are one there. What counts attempts or sessions instead of users, or has events that
-- end an attempt, a property to hold constant, steps in any order and other such options, is funnel_counted.
CREATE OR REPLACE MACRO funnel(
  events,                 -- a table, a view or a CTE with columns as those of an export
  steps,                  -- the names of the events, in order
  within := '7 days',     -- time for all of the steps, from the first
  "by" := NULL,           -- an expression over the event of the first step that splits users
  unit := NULL,           -- 'day', 'week', 'month', 'quarter' or 'year' in which users enter; NULL for all days at once
  from_date := NULL,      -- first day on which users enter; that of the table unless given
  to_date := NULL,        -- last day on which users enter; that of the table unless given
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
), steps_done AS MATERIALIZED (
  FROM (
    SELECT
      event_name,
      event_time,
      distinct_id,
      -- The period in which users may enter with it: none outside the range.
      CASE WHEN local_time >= first_day AND local_time < last_day + INTERVAL 1 DAY THEN date END AS date,
      -- The end of the time that it gives.
      event_time + CASE
        WHEN regexp_full_match(within::VARCHAR, '[-0-9. ]+') THEN error('within has no unit: write INTERVAL 7 DAYS')
        WHEN coalesce(within::INTERVAL < INTERVAL 0 DAYS, true)
          THEN error('within must be a time such as INTERVAL 7 DAYS')
        ELSE within::INTERVAL
      END AS deadline,
      nullif(segments, [NULL]) AS segments
    FROM dated, span
    WHERE event_name = steps[1]
    UNION ALL
    SELECT event_name, event_time, distinct_id, NULL, NULL, NULL
    FROM given
    WHERE event_name <> steps[1] AND list_contains(steps, event_name)
  )
  WHERE distinct_id IS NOT NULL AND event_time IS NOT NULL
), happened AS MATERIALIZED (
  -- On its own: what stands in one query with this window is done by a single thread.
  SELECT row_number() OVER () AS number, *
  FROM steps_done
), entered AS (
  SELECT
    date,
    distinct_id,
    min(event_time) AS began,
    min(deadline) AS deadline,
    arg_min(number, (event_time, segments[1])) AS number,
    -- Only who has more than one segment may enter again. Hashes are compared faster than lists.
    min(hash(segments)) < max(hash(segments)) AS may_reenter
  FROM happened
  WHERE event_name = steps[1] AND date IS NOT NULL
  GROUP BY date, distinct_id
), reentries AS MATERIALIZED (
  SELECT date, distinct_id, happened.*
  FROM happened JOIN entered USING (date, distinct_id)
  WHERE event_name = steps[1] AND may_reenter
), walked AS (
  -- A row for each step that is done; and one, with no number of a step, for the end of time where users may reenter.
  WITH RECURSIVE walk AS (
    SELECT
      date,
      distinct_id,
      number AS entry,
      1 AS attempt,
      may_reenter,
      NULL::VARCHAR[] AS segments_before,
      nullif(began, began) AS ended_before,
      began,
      deadline,
      1 AS step,
      began AS done_at,
      began AS reached,
      NULL::DOUBLE AS seconds,
      [number] AS taken,
      CASE len(steps) WHEN 1 THEN began END AS ended
    FROM entered
    UNION ALL (
      SELECT
        date, distinct_id, entry, attempt, may_reenter, segments_before, ended_before, began, deadline,
        if(next_at IS NULL, NULL, step + 1),
        next_at,
        greatest(reached, next_at),
        epoch(greatest(reached, next_at) - reached),
        list_append(taken, next_number),
        CASE
          WHEN next_at IS NULL THEN deadline
          WHEN step + 1 = len(steps) THEN greatest(reached, next_at)
        END
      FROM walk LEFT JOIN (
        SELECT entry, min(event_time) AS next_at, arg_min(number, event_time) AS next_number
        FROM walk JOIN happened USING (distinct_id)
        WHERE ended IS NULL
          AND event_name = steps[step + 1]
          AND event_time BETWEEN done_at - INTERVAL 2 SECONDS AND walk.deadline
          AND (ended_before IS NULL OR event_time > ended_before)
          AND NOT list_contains(taken, number)
        GROUP BY entry
      ) USING (entry)
      WHERE ended IS NULL AND (next_at IS NOT NULL OR may_reenter)
      UNION ALL
      SELECT
        date, distinct_id, next.number, attempt + 1, may_reenter, segments_before, ended, next.event_time,
        next.deadline, 1, next.event_time, next.event_time, NULL, [next.number],
        CASE len(steps) WHEN 1 THEN next.event_time END
      FROM (
        SELECT
          walk.date,
          walk.distinct_id,
          attempt,
          may_reenter,
          ended,
          list_concat(segments_before, this.segments) AS segments_before,
          arg_min(later, (later.event_time, later.segments[1])) AS next
        FROM walk
          JOIN reentries AS this ON this.number = entry
          JOIN reentries AS later ON later.date = walk.date AND later.distinct_id = walk.distinct_id
        WHERE later.event_time > ended
          AND NOT list_has_all(list_concat(segments_before, this.segments), later.segments)
        GROUP BY ALL
      )
    )
  )
  FROM walk
  WHERE step IS NOT NULL
), counted AS (
  SELECT
    date,
    segment,
    step,
    count(*) AS count,
    avg(seconds) AS avg_time,
    avg(epoch(reached - began)) FILTER (step > 1) AS avg_time_from_start
  FROM (
    SELECT '$overall' AS segment, date, step, seconds, reached, began
    FROM walked
    WHERE attempt = 1
    UNION ALL
    SELECT
      -- A value that is called like the total is put in quotes.
      regexp_replace(unnest(list_filter(segments, lambda x: NOT list_contains(coalesce(segments_before, []), x))),
        '^\$overall$', '"$overall"'),
      walked.date, step, seconds, reached, began
    FROM walked JOIN happened ON number = entry
    WHERE segments IS NOT NULL
  )
  GROUP BY ALL
), places AS (
  SELECT
    CASE
      WHEN unit IN ('minute', 'hour') THEN error('unit must be day, week, month, quarter, year or range')
      ELSE date::DATE
    END AS date,
    segment,
    unnest(range(1, if(len(steps) > 0, len(steps), error('steps must be a list of events')) + 1)) AS step
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
  date,                       -- first day of the period in which users entered
  segment,                    -- value of the expression; $overall for all users
  step,                       -- 1 for the first
  steps[step] AS event_name,  -- name of the event
  count,                      -- users who came so far
  step_conversion,            -- fraction of those at the step before; 1 for the first
  overall_conversion,         -- fraction of those at the first step
  avg_time,                   -- seconds from the step before, on average; NULL where there is none
  avg_time_from_start         -- seconds from the first step, on average
FROM compared
ORDER BY date, segment <> '$overall', segment, step;
