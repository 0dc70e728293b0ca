-- Budgets stay in one currency. migrations/mysql has the same, statement by statement.

-- The currency in which it is counted what an installation has given: that of its first budget, for ever.
ALTER TABLE installations ADD COLUMN budget_currency TEXT CHECK (length(budget_currency) = 3);
UPDATE installations SET budget_currency = COALESCE(
    json_extract(body, '$.budget.currency'),
    json_extract(body, '$.daily_budget.currency'),
    json_extract(body, '$.customer_budget.currency')
) WHERE json_valid(body);
