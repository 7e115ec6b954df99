  -- Each piece is from one beginning to the next, and has the number of its first event; a part, from one cut to the
  -- next, may have several. Parts are counted only where they matter: see above.
  SELECT
    *,
    if(
      counting IS NOT DISTINCT FROM 'session' OR from_event IS NULL OR before > 0,
      count(*) FILTER (is_cut) OVER so_far,
      0
    ) AS part,
    max(nth) FILTER (begins) OVER so_far AS piece,
    max(event_time) FILTER (begins) OVER so_far AS began_at
  FROM acts
  WINDOW so_far AS (PARTITION BY distinct_id ORDER BY nth)
  QUALIFY NOT is_repeat
