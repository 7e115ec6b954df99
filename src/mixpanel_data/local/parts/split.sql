  SELECT
    event_name,
    event_time,
    local_time,
    distinct_id,
    -- alias(…) is how by was written: not at all, or as a mere text, which would be the same for every event.
    CASE
      WHEN alias("by") = 'NULL' THEN [NULL]
      WHEN alias("by") LIKE '''%' THEN error('by is an expression: write by := properties->>''$.plan''')
      WHEN typeof("by") NOT IN ('JSON', 'VARIANT') AND typeof("by") NOT LIKE '%[]'
        THEN [coalesce("by"::VARCHAR, 'undefined')]
      -- Each item of a list is a segment. Reading JSON takes longer than looking at its first character.
      WHEN starts_with("by"::VARCHAR, '[') AND json_array_length(to_json("by")) > 0
        THEN list_distinct([coalesce(item, 'undefined') FOR item IN (to_json("by")->>'$[*]')::VARCHAR[]])
      ELSE [coalesce(nullif(to_json("by")->>'$', '[]'), 'undefined')]
    END AS segments
  FROM given
