  SELECT
    CASE unit
      WHEN 'day' THEN 24 WHEN 'week' THEN 7 * 24 WHEN 'month' THEN 30 * 24 ELSE error('unit must be day, week or month')
    END AS hours,
    -- With which unit each bracket begins: period 0 is the first unit alone. The last number is where they end.
    CASE
      WHEN list_min(brackets) < 1 THEN error('brackets must be numbers of units, 1 or more')
      ELSE [0] || [1 + coalesce(list_sum(brackets[1:n]), 0)::BIGINT FOR n IN range(len(brackets) + 1)]
    END AS starts
