  SELECT
    return_events.*,
    cohort_date,
    -- Whole units since the first event; by the calendar, since the beginning of the day, week or month it was in.
    if(calendar, date_sub(unit, cohort_date, local_time), date_sub('hour', born, event_time) // hours) AS units,
    if(brackets IS NULL, units, len(list_filter(starts, lambda start : start <= units)) - 1) AS period
  FROM births JOIN return_events USING (distinct_id), unit_length
  WHERE event_time > born
    -- The first event itself counts in a streak alone, where both events are the same.
    OR event_time = born AND mode = 'streak' AND born_event IS NOT DISTINCT FROM return_event
