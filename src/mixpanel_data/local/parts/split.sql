  SELECT
    event_name,
    event_time,
    local_time,
    distinct_id,
?amount    CASE
?amount      WHEN alias(amount) LIKE '''%' THEN error('amount is an expression: write properties->''$.amount''')
?amount      -- A text in JSON is no number for Mixpanel, whatever it says.
?amount      WHEN typeof(amount) IN ('JSON', 'VARIANT') AND starts_with(try_cast(amount AS JSON)::VARCHAR, '"') THEN NULL
?amount      ELSE try_cast(amount::VARCHAR AS DOUBLE)
?amount    END AS value,
?bounds    amount IS NULL OR amount::VARCHAR = 'null' AS is_missing,
?constant    CASE
?constant      WHEN alias(constant) LIKE '''%' THEN error('constant is an expression: write properties->>''$.item''')
?constant      WHEN alias(constant) <> 'NULL' THEN coalesce(constant::VARCHAR, 'undefined')
?constant    END AS held,
    -- alias(…) is how by was written: not at all, or as a mere value, the same for every event.
    CASE
      WHEN alias("by") = 'NULL' THEN [NULL]
      WHEN regexp_matches(alias("by"), '^[''0-9]')
        THEN error('by is an expression: write by := properties->>''$.plan''')
      WHEN typeof("by") NOT IN ('JSON', 'VARIANT') AND typeof("by") NOT LIKE '%[]'
        THEN [coalesce("by"::VARCHAR, 'undefined')]
      -- What is no list, no object and no 1e+30 reads the same as in JSON, only faster.
      WHEN typeof("by") = 'VARIANT' AND NOT regexp_matches("by"::VARCHAR, '^[\[{]|e\+')
        THEN ["by"::VARCHAR]
      -- Each item of a list is a segment. Reading JSON takes longer than looking at its first character.
      WHEN starts_with("by"::VARCHAR, '[') AND json_array_length(try_cast("by" AS JSON)) > 0
        THEN list_distinct([coalesce(item, 'undefined') FOR item IN (try_cast("by" AS JSON)->>'$[*]')::VARCHAR[]])
      ELSE [coalesce(nullif(try_cast("by" AS JSON)->>'$', '[]'), 'undefined')]
    END AS segments,
    typeof("by") IN ('JSON', 'VARIANT') OR typeof("by") LIKE '%[]' AS may_be_list
  FROM given
