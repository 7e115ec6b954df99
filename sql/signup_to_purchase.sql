-- Of the people who signed up in the first week of January, how many bought within seven days?

WITH signups AS (
  SELECT distinct_id, min(event_time) AS signed_up
  FROM mixpanel_export('2024-01-01', '2024-01-07', events := ['Sign Up'])
  GROUP BY distinct_id
), purchases AS (
  SELECT distinct_id, event_time AS bought
  FROM mixpanel_export('2024-01-01', '2024-01-14', events := ['Purchase'])
), first_purchases AS (
  SELECT
    signups.distinct_id,
    signed_up,
    min(bought) AS bought
  FROM signups
  LEFT JOIN purchases
    ON purchases.distinct_id = signups.distinct_id
   AND bought >= signed_up
   AND bought < signed_up + INTERVAL 7 DAY
  GROUP BY ALL
)
SELECT
  signed_up::DATE AS day,
  count(*) AS signed_up,
  count(bought) AS bought,
  round(100.0 * count(bought) / count(*), 1) AS percent
FROM first_purchases
GROUP BY day
ORDER BY day;
