  SELECT distinct_id, min(event_time) AS born, min(date) AS cohort_date
  FROM born_events
  GROUP BY
    distinct_id,
    CASE cohorts WHEN 'birth' THEN NULL WHEN 'every' THEN date ELSE error('cohorts must be birth or every') END
  -- Nobody is in no cohort. A WHERE would look at every event instead of every user.
  HAVING count(distinct_id) > 0
