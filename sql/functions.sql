-- What there is to call: every function with its parameters, and what one call costs.

SELECT
  name,
  list_transform(parameters, lambda p : p.name) AS parameters,
  list_transform(columns, lambda c : c.name) AS columns,
  cost
FROM mixpanel_functions();
