-- Fetch a month of events once, then ask as often as you like: daily actives, top events, revenue by country.

CREATE OR REPLACE TABLE january AS
SELECT * FROM mixpanel_export('2024-01-01', '2024-01-31');

-- Daily active users
SELECT
  event_time::DATE AS day,
  count(DISTINCT distinct_id) AS active_users,
  count(*) AS events
FROM january
GROUP BY day
ORDER BY day;

-- Top events
SELECT
  event_name,
  count(*) AS events,
  count(DISTINCT distinct_id) AS users
FROM january
GROUP BY event_name
ORDER BY events DESC;

-- Revenue by country
SELECT
  properties->>'$.mp_country_code' AS country,
  count(*) AS purchases,
  sum((properties->>'$.amount')::DECIMAL(18, 2)) AS revenue
FROM january
WHERE event_name = 'Purchase'
GROUP BY country
ORDER BY revenue DESC;
