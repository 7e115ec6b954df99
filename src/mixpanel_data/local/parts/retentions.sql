  SELECT cohort_date, '$overall' AS segment, period, count(*) AS retained
  FROM retained_in
  GROUP BY ALL
  UNION ALL
  SELECT cohort_date, segment, period, count(*) AS retained
  FROM retained_in JOIN members USING (distinct_id, cohort_date)
  GROUP BY ALL
