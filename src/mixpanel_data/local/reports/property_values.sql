-- The values of a property, the most frequent first.
--
-- FROM local_property_values(january, 'Purchase', 'plan')
--
-- Events without the property, or with null, are left out. A list or an object is its JSON. Mixpanel's own is
-- mixpanel_property_values('Purchase', 'plan'), of the last 31 days.
CREATE OR REPLACE MACRO property_values(
  events,   -- a table, a view or a CTE with columns as those of an export
  event,    -- the name of the event; NULL for all events
  property  -- the name of the property
) AS TABLE
WITH chosen AS (
  SELECT properties[property]::JSON->>'$' AS value
  FROM query_table(events)
  WHERE event IS NULL OR event_name = event
)
SELECT
  value,                                            -- the value as text
  count(*) AS count,                                -- events that have it
  count(*) / sum(count(*)) OVER () AS share         -- fraction of the events that have the property
FROM chosen
WHERE value IS NOT NULL
GROUP BY value
ORDER BY count DESC, value;
