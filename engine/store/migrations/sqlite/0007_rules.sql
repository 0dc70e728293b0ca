-- Roll-backs, and budgets a day and a customer. migrations/mysql has the same, statement by statement.

-- The older rulebook that one was made of by going back.
ALTER TABLE rulebooks ADD COLUMN repeats INTEGER;

-- What installations with a budget a day have given, by day of UTC since 1970-01-01.
CREATE TABLE budget_usage_by_day (
    store_id BLOB NOT NULL CHECK (length(store_id) = 16),
    installation_id BLOB NOT NULL CHECK (length(installation_id) = 16),
    day INTEGER NOT NULL,
    granted INTEGER NOT NULL,
    PRIMARY KEY (store_id, installation_id, day),
    CONSTRAINT budget_usage_by_day_counts CHECK (granted >= 0),
    CONSTRAINT budget_usage_by_day_installation_fk FOREIGN KEY (store_id, installation_id) REFERENCES installations (store_id, id)
) STRICT, WITHOUT ROWID;

-- What installations with a budget a customer have given to each. No foreign key to customers: the
-- order has one, and the locks of another would be taken in another order.
CREATE TABLE budget_usage_by_customer (
    store_id BLOB NOT NULL CHECK (length(store_id) = 16),
    installation_id BLOB NOT NULL CHECK (length(installation_id) = 16),
    customer_id BLOB NOT NULL CHECK (length(customer_id) = 16),
    granted INTEGER NOT NULL,
    PRIMARY KEY (store_id, installation_id, customer_id),
    CONSTRAINT budget_usage_by_customer_counts CHECK (granted >= 0),
    CONSTRAINT budget_usage_by_customer_installation_fk FOREIGN KEY (store_id, installation_id) REFERENCES installations (store_id, id)
) STRICT, WITHOUT ROWID;
