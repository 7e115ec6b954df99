  SELECT DISTINCT distinct_id, cohort_date, period
  FROM came_back
  WHERE mode = 'on'
  UNION ALL
  SELECT
    distinct_id,
    cohort_date,
    unnest(CASE mode
      WHEN 'on_or_after' THEN range(max(period) + 1)
      WHEN 'on_or_before' THEN range(min(period), (SELECT max(begun) FROM lasting))
      -- As long as the periods, in order, are 0, 1, 2 and so on.
      WHEN 'streak' THEN list_filter(list_sort(list(DISTINCT period)), lambda period, place : period = place - 1)
      ELSE error('mode must be on, on_or_after, on_or_before or streak')
    END) AS period
  FROM came_back
  WHERE mode IS DISTINCT FROM 'on'
  GROUP BY distinct_id, cohort_date
