  -- What users did, without what is hidden. No path goes on over a cut: a long pause, or the end of a session.
  SELECT
    distinct_id,
    event_name,
    event_time,
    row_number() OVER in_order AS nth,
    local_time >= first_day AND local_time < last_day + INTERVAL 1 DAY AS is_asked_for,
    -- Whether sessions count is written out: DuckDB sees that it is constant, and leaves windows out.
    coalesce(
      nth = 1
      OR event_time - lag(event_time) OVER in_order
        > if(counting IS NOT DISTINCT FROM 'session' OR from_event IS NULL, coalesce(gap, '30 minutes'), gap)::INTERVAL
      OR (counting IS NOT DISTINCT FROM 'session' OR from_event IS NULL)
        AND local_time::DATE <> (lag(local_time) OVER in_order)::DATE, false) AS is_cut,
    -- The first of the days that are asked for is kept, though it may repeat one before them.
    collapse AND NOT is_cut AND event_name = lag(event_name) OVER in_order
      AND (local_time < first_day OR lag(local_time) OVER in_order >= first_day) AS is_repeat,
    is_cut OR (event_name = from_event AND NOT is_repeat) AS begins
  FROM given, span, limits
  WHERE distinct_id IS NOT NULL AND event_time IS NOT NULL AND event_name NOT IN (
    SELECT event_name FROM outside, limits WHERE in_sessions OR list_contains(hidden::VARCHAR[], event_name)
  )
  WINDOW in_order AS (PARTITION BY distinct_id ORDER BY event_time, event_name)
