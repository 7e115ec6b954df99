  SELECT
    distinct_id,
    if(before > 0, coalesce(lag(others) OVER (PARTITION BY distinct_id, part ORDER BY piece)[-before:], []), []) AS led,
    names[:most_events] AS path
  FROM walks, limits
  QUALIFY is_path AND (counted = 'total' OR row_number() OVER (
    PARTITION BY distinct_id, is_path, if(counted = 'session', part, 0) ORDER BY piece
  ) = 1)
