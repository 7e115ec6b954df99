-- The names of the properties that events have, the most frequent first.
--
-- FROM property_keys(january, 'Purchase')
--
-- A property that is null counts, too. Mixpanel's own is mixpanel_properties('Purchase'), of the last 31 days.
CREATE OR REPLACE MACRO property_keys(
  events,        -- a table, a view or a CTE with columns as those of an export
  event := NULL  -- the name of the event; all events unless given
) AS TABLE
WITH given AS NOT MATERIALIZED (
  FROM query_table(events)
), chosen AS (
  SELECT json_keys(properties::JSON) AS keys
  FROM given
  WHERE event IS NULL OR event_name = event
), named AS (
  SELECT unnest(keys) AS property_name
  FROM chosen
)
SELECT
  property_name,                                     -- name of the property
  count(*) AS count,                                 -- events that have it
  count(*) / (SELECT count(*) FROM chosen) AS share  -- fraction of the events
FROM named
GROUP BY property_name
ORDER BY count DESC, property_name;
