-- Where each user came from: the first value of an expression that is not NULL.
--
-- FROM first_touch(january, properties->>'$.utm_source')
--
-- A user without any such value has no row. Of several in the same second, the smallest is the first; an empty text is
-- a value like any other, and so is a list. Events without distinct_id, or with an empty one, belong to nobody and are
-- left out, as are those without a time.
--
-- Mixpanel has no such function; its profiles keep the like of it, as in the property initial_utm_source.
CREATE OR REPLACE MACRO first_touch(
  events,  -- a table, a view or a CTE with columns as those of an export
  "by"     -- an expression over an event: what counts as a touch, and which
) AS TABLE
WITH given AS NOT MATERIALIZED (
  -- Events without distinct_id, or with an empty one, belong to nobody.
  SELECT * REPLACE (nullif(distinct_id::VARCHAR, '') AS distinct_id)
  FROM query_table(events)
), touches AS (
  SELECT
    distinct_id,
    event_time,
    -- alias(…) is how by was written: a mere text would be the same for every event.
    CASE
      WHEN alias("by") LIKE '''%' THEN error('by is an expression: write properties->>''$.utm_source''')
      WHEN typeof("by") IN ('JSON', 'VARIANT') THEN to_json("by")->>'$'
      ELSE "by"::VARCHAR
    END AS touch
  FROM given
  WHERE distinct_id IS NOT NULL AND event_time IS NOT NULL
)
SELECT
  distinct_id,                                   -- the user
  arg_min(touch, (event_time, touch)) AS touch,  -- the first value
  min(event_time) AS touched_at                  -- when it came
FROM touches
WHERE touch IS NOT NULL
GROUP BY distinct_id
ORDER BY distinct_id;
