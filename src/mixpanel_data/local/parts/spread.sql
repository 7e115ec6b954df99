  -- Taking a list apart takes time: only where by may be one. DuckDB leaves the other half out.
  SELECT segments[1] AS segment, * FROM in_range WHERE NOT may_be_list
  UNION ALL
  SELECT unnest(segments) AS segment, * FROM in_range WHERE may_be_list
