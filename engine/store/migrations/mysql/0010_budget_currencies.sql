-- Budgets stay in one currency. migrations/sqlite has the same, statement by statement.

-- The currency in which it is counted what an installation has given: that of its first budget, for ever.
ALTER TABLE installations ADD COLUMN budget_currency CHAR(3);
UPDATE installations SET budget_currency = COALESCE(
    JSON_UNQUOTE(JSON_EXTRACT(body, '$.budget.currency')),
    JSON_UNQUOTE(JSON_EXTRACT(body, '$.daily_budget.currency')),
    JSON_UNQUOTE(JSON_EXTRACT(body, '$.customer_budget.currency'))
) WHERE JSON_VALID(body);
