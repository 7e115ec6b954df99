  SELECT
    -- The clock of the project, for days and weeks; pauses and windows are counted in real time, by event_time.
    CASE
      WHEN timezone IS NULL THEN event_time::TIMESTAMP
      ELSE timezone(timezone, make_timestamptz(epoch_us(event_time)))
    END AS local_time,
    -- Events without distinct_id, or with an empty one, belong to nobody.
    * REPLACE (nullif(distinct_id::VARCHAR, '') AS distinct_id)
  FROM query_table(events)
