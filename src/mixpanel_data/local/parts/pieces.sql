  -- Each piece is from one beginning to the next; a part, from one cut to the next, may have several.
  SELECT
    *,
    count(*) FILTER (is_cut) OVER so_far AS part,
    count(*) FILTER (begins) OVER so_far AS piece,
    max(event_time) FILTER (begins) OVER so_far AS began_at
  FROM acts
  WINDOW so_far AS (PARTITION BY distinct_id ORDER BY nth)
  QUALIFY NOT is_repeat
