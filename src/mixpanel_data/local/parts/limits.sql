  SELECT
    CASE
      WHEN counting IS NULL THEN if(from_event IS NULL, 'session', 'unique')
      WHEN counting IN ('unique', 'session', 'total') THEN counting
      ELSE error('counting must be unique, session or total')
    END AS counted,
    counting = 'session' OR from_event IS NULL AS in_sessions,
    CASE
      WHEN regexp_full_match(gap::VARCHAR, '[-0-9. ]+') THEN error('gap has no unit: write INTERVAL 30 MINUTES')
      WHEN regexp_full_match(within::VARCHAR, '[-0-9. ]+') THEN error('within has no unit: write INTERVAL 30 DAYS')
      WHEN gap::INTERVAL < INTERVAL 0 DAYS THEN error('gap must be a time such as INTERVAL 30 MINUTES')
      WHEN coalesce(within::INTERVAL < INTERVAL 0 DAYS, true)
        THEN error('within must be a time such as INTERVAL 30 DAYS')
      ELSE within::INTERVAL
    END AS longest_path,
    if(depth > 0, depth, error('depth must be at least 1')) AS most_events
