  SELECT
    distinct_id,
    part,
    piece,
    bool_or(
      begins AND is_asked_for AND (from_event IS NULL OR event_name IS NOT DISTINCT FROM from_event)
    ) AS is_path,
    -- Where repeats are left out, the numbers of events do not tell how many there are.
    list(event_name ORDER BY nth) FILTER (
      event_time <= began_at + longest_path AND (collapse OR nth < piece + most_events)
    ) AS names,
    list(event_name ORDER BY nth) FILTER (before > 0 AND event_name <> from_event) AS others
  FROM pieces, limits
  GROUP BY distinct_id, part, piece
