  SELECT
    distinct_id,
    CASE
      WHEN before < 0 THEN error('before must be 0 or more')
      WHEN before > 0 THEN coalesce(lag(others) OVER (PARTITION BY distinct_id, part ORDER BY piece)[-before:], [])
      ELSE []
    END AS led,
    names[:most_events] AS path
  FROM walks, limits
  QUALIFY is_path AND (counted = 'total' OR row_number() OVER (
    PARTITION BY distinct_id, is_path, if(counted = 'session', part, 0) ORDER BY piece
  ) = 1)
