SELECT
  event_time::DATE AS day,
  count(DISTINCT distinct_id) AS active_users,
  count(*) AS events
FROM {{ ref('stg_events') }}
GROUP BY day
