-- Which touches led to an event: the first, the last, and shared equally.
--
-- FROM attribution(january, 'Purchase', properties->>'$.utm_source', within := INTERVAL 30 DAYS)
--
-- A touch is an event of the same user with a value that is not NULL, at most so long before, or the event itself.
-- Each event counts once in each column: for the value touched first, for the one touched last, and shared equally by
-- all its different values. What had no touch counts for NULL; only touches in the table are known, so it needs the
-- days before, too. Of touches in the same second, the smallest is the first and the largest the last. Events without
-- distinct_id or time belong to nobody and are left out.
--
-- Mixpanel has no such function.
CREATE OR REPLACE MACRO attribution(
  events,              -- a table, a view or a CTE with columns as those of an export
  event,               -- the event to explain
  "by",                -- an expression over an event: what counts as a touch, and which
  within := '30 days'  -- how long before the event a touch counts
) AS TABLE
WITH given AS NOT MATERIALIZED (
  FROM query_table(events)
), happened AS MATERIALIZED (
  SELECT
    distinct_id,
    event_name,
    event_time,
    -- alias(…) is how by was written: a mere text would be the same for every event.
    CASE
      WHEN alias("by") LIKE '''%' THEN error('by is an expression: write properties->>''$.utm_source''')
      WHEN typeof("by") IN ('JSON', 'VARIANT') THEN to_json("by")->>'$'
      ELSE "by"::VARCHAR
    END AS touch
  FROM given
  WHERE distinct_id IS NOT NULL AND event_time IS NOT NULL
), conversions AS (
  SELECT row_number() OVER () AS conversion, distinct_id, event_time AS converted_at
  FROM happened
  WHERE event_name = event
), touched AS (
  SELECT conversion, touch, min(event_time) AS first_at, max(event_time) AS last_at
  FROM conversions LEFT JOIN happened
    ON happened.distinct_id = conversions.distinct_id
    AND touch IS NOT NULL
    AND event_time BETWEEN converted_at - if(regexp_full_match(within::VARCHAR, '[-0-9. ]+'),
      error('within has no unit: write INTERVAL 14 DAYS'), within::INTERVAL) AND converted_at
  GROUP BY conversion, touch
), credited AS (
  SELECT
    touch,
    row_number() OVER (PARTITION BY conversion ORDER BY first_at, touch) = 1 AS is_first,
    row_number() OVER (PARTITION BY conversion ORDER BY last_at DESC, touch DESC) = 1 AS is_last,
    1 / count(*) OVER (PARTITION BY conversion) AS part
  FROM touched
)
SELECT
  touch,                                      -- value of the expression; NULL for none
  count(*) FILTER (is_first) AS first_touch,  -- events it was the first touch of
  count(*) FILTER (is_last) AS last_touch,    -- events it was the last touch of
  round(sum(part), 6) AS linear               -- events, each shared by its touches
FROM credited
GROUP BY touch
ORDER BY linear DESC, touch;
