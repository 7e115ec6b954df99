  SELECT
    CASE unit
      WHEN 'day' THEN 24 WHEN 'week' THEN 7 * 24 WHEN 'month' THEN 30 * 24 ELSE error('unit must be day, week or month')
    END AS hours,
    -- With which unit each bracket begins: period 0 is the first unit alone. The last number is where they end.
    CASE
      WHEN NOT regexp_full_match(brackets::VARCHAR, '\[[0-9, ]*\]') OR list_min(lengths) < 1
        THEN error('brackets must be a list of numbers of units, 1 or more, such as [3, 4]')
      ELSE [0] || [1 + coalesce(list_sum(lengths[1:n]), 0)::BIGINT FOR n IN range(len(lengths) + 1)]
    END AS starts
  FROM (SELECT try_cast(brackets::VARCHAR AS BIGINT[]) AS lengths)
