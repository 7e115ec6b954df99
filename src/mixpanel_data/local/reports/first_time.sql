-- The events that a user did for the first time: of each name, the user's first in the table.
--
-- FROM first_time(january)
--
-- Several of a name in the same second are all first. It is a filter for the other reports: WITH firsts AS (FROM
-- local_first_time(january)) FROM local_segmentation(firsts, 'Purchase', type := 'unique'). Only what the table has
-- is known: what came before it is missing. Events without distinct_id, or with an empty one, belong to nobody and
-- are left out, as are those without a time.
--
-- Mixpanel has no such function; in its reports it is the filter "first time ever", of all time.
CREATE OR REPLACE MACRO first_time(
  events  -- a table, a view or a CTE with columns as those of an export
) AS TABLE
WITH given AS NOT MATERIALIZED (
  FROM query_table(events)
), firsts AS (
  SELECT distinct_id, event_name, min(date_trunc('second', event_time)) AS first_second
  FROM given
  WHERE distinct_id::VARCHAR <> ''
  GROUP BY distinct_id, event_name
)
SELECT
  given.*
FROM given JOIN firsts USING (distinct_id, event_name)
WHERE date_trunc('second', given.event_time) = firsts.first_second;
