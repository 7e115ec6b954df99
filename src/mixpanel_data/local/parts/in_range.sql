  SELECT dated.*
  FROM dated, span
  WHERE local_time >= first_day AND local_time < last_day + INTERVAL 1 DAY
