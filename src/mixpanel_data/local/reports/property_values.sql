-- The values of a property, the most frequent first.
--
-- FROM property_values(january, 'Purchase', 'plan')
--
-- Events without the property, or with null, are left out. A list or an object is its JSON. Mixpanel's own is
-- mixpanel_property_values('Purchase', 'plan'), of the last 31 days.
CREATE OR REPLACE MACRO property_values(
  events,   -- a table, a view or a CTE with columns as those of an export
  event,    -- the name of the event; NULL for all events
  property  -- the name of the property, whatever is in it
) AS TABLE
WITH given AS NOT MATERIALIZED (
  FROM query_table(events)
), chosen AS (
  SELECT
    -- In JSON a name is written as a pointer, in which / and ~ have others to stand for them.
    CASE typeof(properties)
      WHEN 'VARIANT' THEN variant_extract(properties::VARIANT, property)::JSON
      ELSE json_extract(properties::JSON, '/' || replace(replace(property, '~', '~0'), '/', '~1'))
    END->>'$' AS value
  FROM given
  WHERE event IS NULL OR event_name = event
)
SELECT
  value,                                     -- the value as text
  count(*) AS count,                         -- events that have it
  count(*) / sum(count(*)) OVER () AS share  -- fraction of the events that have the property
FROM chosen
WHERE value IS NOT NULL
GROUP BY value
ORDER BY count DESC, value;
