  -- How many units had begun by then for the first who could be in a cohort, and were over for the last.
  SELECT
    date AS cohort_date,
    if(
      calendar,
      date_sub(unit, date, known_end - INTERVAL 1 SECOND),
      date_sub('hour', timezone(zone, date), timezone(zone, known_end) - INTERVAL 1 SECOND) // hours
    ) + 1 AS begun,
    if(
      calendar,
      date_sub(unit, date, known_end),
      date_sub('hour', timezone(zone, date + ('1 ' || unit)::INTERVAL), timezone(zone, known_end)) // hours
    ) AS over
  FROM periods, known, unit_length
  WHERE date < known_end
