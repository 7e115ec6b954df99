  SELECT
    split.*,
    CASE unit
      WHEN 'range' THEN first_day::TIMESTAMP
      WHEN 'week' THEN date_trunc('week', local_time + lead) - lead
      -- periods says what is wrong with another unit.
      ELSE date_trunc(if(unit IN ('minute', 'hour', 'month', 'quarter', 'year'), unit, 'day'), local_time)
    END AS date
  FROM split, span, week
  WHERE local_time >= first_day AND local_time < last_day + INTERVAL 1 DAY
