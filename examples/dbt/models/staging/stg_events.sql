-- Every event of the days, fetched anew in each run.
SELECT *
FROM mixpanel.export('{{ var("from_date") }}', '{{ var("to_date") }}', deduplicate := true)
