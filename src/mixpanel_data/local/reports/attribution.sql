-- Which touches led to an event, shared among them in each of the usual ways.
--
-- FROM attribution(january, 'Purchase', properties->>'$.utm_source', within := INTERVAL 30 DAYS)
--
-- A touch is an event of the same user with a value that is not NULL, at most so long before, or the event itself.
-- Each event is one in every column but participation, where each of its values has all of it. first_touch and
-- last_touch give it to one touch, linear in equal shares to all, so a value touched twice has two. With time_decay a
-- touch seven days earlier has half as much. u_shaped gives 40 % to the first, 20 % to all between and 40 % to the
-- last, j_shaped 20, 20 and 60, inverse_j 60, 20 and 20, custom what you say; of two touches, the first and the last
-- share in that proportion, and one has it all. What had no touch counts for NULL; only touches in the table are
-- known, so it needs the days before, too. Of touches in the same second, the smallest is the first, and the largest
-- the last, but that of the event itself is later still. A list is one touch, its text. Events without distinct_id, or
-- with an empty one, belong to nobody and are left out, as are those without a time.
--
-- Mixpanel has no such function; its reports can be split by a property with each of these models, last touch unless
-- told otherwise. Where they count users, they look back from one event of a user, which is counting := 'first' or
-- 'last' here.
CREATE OR REPLACE MACRO attribution(
  events,               -- a table, a view or a CTE with columns as those of an export
  event,                -- the event to explain
  "by",                 -- an expression over an event: what counts as a touch, and which
  within := '30 days',  -- how long before the event a touch counts
  from_date := NULL,    -- first day of the events to explain; that of the table unless given
  to_date := NULL,      -- last day of the events to explain; that of the table unless given
  timezone := NULL,     -- whose days they are, such as 'America/New_York'; those of event_time (UTC) unless given
  counting := 'total',  -- 'total' explains every event, 'first' or 'last' one of each user
  weights := NULL       -- of the column custom: for the first touch, all between and the last, such as [50, 20, 30]
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
), happened AS MATERIALIZED (
  SELECT
    distinct_id,
    event_name,
    event_time,
    local_time,
    -- alias(…) is how by was written: a mere text would be the same for every event.
    CASE
      WHEN alias("by") LIKE '''%' THEN error('by is an expression: write properties->>''$.utm_source''')
      WHEN typeof("by") IN ('JSON', 'VARIANT') THEN to_json("by")->>'$'
      ELSE "by"::VARCHAR
    END AS touch
  FROM given
  WHERE distinct_id IS NOT NULL AND event_time IS NOT NULL
), conversions AS (
  SELECT row_number() OVER () AS conversion, distinct_id, event_time AS converted_at, touch AS own
  FROM happened, span
  WHERE event_name = event AND local_time >= first_day AND local_time < last_day + INTERVAL 1 DAY
  QUALIFY CASE counting
    WHEN 'total' THEN true
    WHEN 'first' THEN row_number() OVER (PARTITION BY distinct_id ORDER BY event_time, touch) = 1
    WHEN 'last' THEN row_number() OVER (PARTITION BY distinct_id ORDER BY event_time DESC, touch DESC) = 1
    ELSE error('counting must be total, first or last')
  END
), touched AS (
  SELECT
    conversion,
    touch,
    converted_at,
    coalesce(touch = own, false) AS is_own,
    min(event_time) AS first_at,
    max(event_time) AS last_at,
    count(*) AS times,
    sum(0.5 ** (epoch(converted_at - coalesce(event_time, converted_at)) / epoch(INTERVAL 7 DAYS))) AS freshness
  FROM conversions LEFT JOIN happened
    ON happened.distinct_id = conversions.distinct_id
    AND touch IS NOT NULL
    AND event_time BETWEEN converted_at - CASE
      WHEN regexp_full_match(within::VARCHAR, '[-0-9. ]+') THEN error('within has no unit: write INTERVAL 14 DAYS')
      WHEN coalesce(within::INTERVAL < INTERVAL 0 DAYS, true)
        THEN error('within must be a time such as INTERVAL 14 DAYS')
      ELSE within::INTERVAL
    END AND converted_at
  GROUP BY conversion, converted_at, own, touch
), placed AS (
  SELECT
    *,
    (row_number() OVER in_order = 1)::INTEGER AS firsts,
    (row_number() OVER from_the_end = 1)::INTEGER AS lasts,
    sum(times) OVER (PARTITION BY conversion) AS touches,
    freshness / sum(freshness) OVER (PARTITION BY conversion) AS decayed
  FROM touched
  WINDOW
    -- The event itself is the last of its second.
    in_order AS (PARTITION BY conversion ORDER BY first_at, is_own AND first_at = converted_at, touch),
    from_the_end AS (PARTITION BY conversion ORDER BY last_at DESC, is_own AND last_at = converted_at DESC, touch DESC)
), weighing AS (
  SELECT CASE
    WHEN weights IS NULL THEN NULL
    WHEN coalesce(len(given) = 3 AND list_min(given) >= 0 AND list_sum(given) > 0, false) THEN given
    ELSE error('weights must be three numbers, 0 or more, such as [50, 20, 30]')
  END AS own_weights
  FROM (SELECT try_cast(weights::VARCHAR AS DOUBLE[]) AS given)
), credited AS (
  SELECT
    *,
    -- The weights are of the first, all between and the last; of two touches there is none between.
    [CASE
      WHEN touches = 1 THEN 1
      WHEN touches = 2 THEN coalesce(
        (firsts * w[1] + lasts * w[3]) / nullif(w[1] + w[3], 0), (firsts + lasts) / 2)
      ELSE (firsts * w[1] + lasts * w[3] + (times - firsts - lasts) * w[2] / (touches - 2)) / list_sum(w)
    END FOR w IN [[40, 20, 40], [20, 20, 60], [60, 20, 20], own_weights]] AS shares
  FROM placed, weighing
)
SELECT
  touch,                                                           -- value of the expression; NULL for none
  sum(firsts)::BIGINT AS first_touch,                              -- events it was the first touch of
  sum(lasts)::BIGINT AS last_touch,                                -- events it was the last touch of
  round(sum(times / touches), 6) AS linear,                        -- events, each shared equally by its touches
  count(*) AS participation,                                       -- events it was any touch of
  round(sum(decayed), 6) AS time_decay,                            -- events, each shared by how late its touches were
  round(sum(shares[1]), 6) AS u_shaped,                            -- events, shared 40, 20 and 40
  round(sum(shares[2]), 6) AS j_shaped,                            -- events, shared 20, 20 and 60
  round(sum(shares[3]), 6) AS inverse_j,                           -- events, shared 60, 20 and 20
  round(sum(shares[4]) FILTER (weights IS NOT NULL), 6) AS custom  -- events, shared by the weights; NULL without any
FROM credited
GROUP BY touch
ORDER BY linear DESC, touch;
