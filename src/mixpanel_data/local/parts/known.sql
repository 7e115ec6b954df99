  -- What happened is known up to the end of the table's last day.
  SELECT max(local_time)::DATE + INTERVAL 1 DAY AS known_end, coalesce(timezone, 'UTC') AS zone
  FROM given
