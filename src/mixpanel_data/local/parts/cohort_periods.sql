  SELECT
    cohort_date,
    segment,
    unnest(range(least(
      interval_count + 1, if(brackets IS NULL, begun, len(list_filter(starts[:-2], lambda start : start < begun)))
    ))) AS period,
    if(brackets IS NULL, period + 1, starts[period + 2]) <= over AS complete
  FROM lasting, unit_length, (SELECT '$overall' AS segment UNION SELECT segment FROM cohort_sizes)
