  SELECT cohort_date, '$overall' AS segment, count(*) AS cohort_size
  FROM births
  GROUP BY ALL
  UNION ALL
  SELECT cohort_date, segment, count(*) AS cohort_size
  FROM members
  GROUP BY ALL
