SELECT
  plan,
  count(*) AS purchases,
  sum(amount) AS revenue
FROM {{ ref('stg_purchases') }}
GROUP BY plan
