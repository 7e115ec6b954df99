-- Two weeks of one event, straight from Mixpanel: only that event and those days are asked for.

WITH purchases AS (
  SELECT
    event_time::DATE AS day,
    distinct_id,
    (properties->>'$.amount')::DECIMAL(18, 2) AS amount
  FROM mixpanel_export('2024-01-01', '2024-01-31')
  WHERE event_name = 'Purchase'
    AND event_time >= '2024-01-15' AND event_time < '2024-01-29'
), weeks AS (
  SELECT
    date_trunc('week', day)::DATE AS week,
    count(*) AS purchases,
    count(DISTINCT distinct_id) AS buyers,
    sum(amount) AS revenue
  FROM purchases
  GROUP BY week
)
SELECT
  *,
  round(100.0 * revenue / lag(revenue) OVER (ORDER BY week) - 100, 1) AS percent_change
FROM weeks
ORDER BY week;
