{{ config(materialized='incremental', unique_key='insert_id') }}

{% set first_day = var('from_date') %}
{% if is_incremental() %}
  {# Some days again, since events arrive late. Asked here, as the functions take constants only. #}
  {% set days = "SELECT greatest(max(event_time)::DATE - 5, DATE '" ~ first_day ~ "') FROM " ~ this %}
  {% set first_day = run_query(days).rows[0][0] %}
{% endif %}

-- Every purchase; after the first run only those of the last days are fetched.
SELECT
  insert_id,
  event_time,
  distinct_id,
  properties->>'$.plan' AS plan,
  (properties->>'$.amount')::DECIMAL(18, 2) AS amount
FROM mixpanel.export('{{ first_day }}', '{{ var("to_date") }}', events := ['Purchase'], deduplicate := true)
