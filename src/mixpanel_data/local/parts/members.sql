  -- Who is in which segments, by their first event; of several in the same second, by that with the least value.
  SELECT
    distinct_id,
    cohort_date,
    -- A value that is called like the total is put in quotes.
    regexp_replace(unnest(min(segments)), '^\$overall$', '"$overall"') AS segment
  FROM born_events JOIN births USING (distinct_id)
  WHERE event_time = born AND segments[1] IS NOT NULL
  GROUP BY distinct_id, cohort_date
