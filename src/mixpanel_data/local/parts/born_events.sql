  SELECT *
  FROM in_range
  WHERE born_event IS NULL OR event_name = born_event
