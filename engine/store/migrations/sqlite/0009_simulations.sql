-- What other rules would do. migrations/mysql has the same, statement by statement.

-- `asked` is the request; `result` grows while the instance `holder` works on it. Whoever
-- hasn't said until `lease_until`, by the database's clock, that they still do is gone.
CREATE TABLE simulations (
    store_id BLOB NOT NULL CHECK (length(store_id) = 16),
    id BLOB NOT NULL CHECK (length(id) = 16),
    state TEXT NOT NULL CHECK (length(state) <= 16),
    asked TEXT NOT NULL,
    rulebook INTEGER NOT NULL,
    done INTEGER NOT NULL,
    total INTEGER NOT NULL,
    result TEXT,
    problem TEXT,
    created_at INTEGER NOT NULL,
    started_at INTEGER,
    ended_at INTEGER,
    holder BLOB NOT NULL CHECK (length(holder) = 16),
    lease_until INTEGER NOT NULL,
    PRIMARY KEY (store_id, id),
    CONSTRAINT simulations_progress CHECK (done >= 0 AND total >= 0),
    CONSTRAINT simulations_store_fk FOREIGN KEY (store_id) REFERENCES stores (id)
) STRICT;
CREATE INDEX simulations_by_state ON simulations (store_id, state, id);

-- What came of each order, in the order they were gone through. No foreign key to orders: a simulation
-- takes none of the locks that shoppers wait for.
CREATE TABLE simulation_orders (
    store_id BLOB NOT NULL CHECK (length(store_id) = 16),
    simulation_id BLOB NOT NULL CHECK (length(simulation_id) = 16),
    place INTEGER NOT NULL,
    order_id BLOB NOT NULL CHECK (length(order_id) = 16),
    number TEXT NOT NULL CHECK (length(number) <= 16),
    outcome TEXT NOT NULL CHECK (length(outcome) <= 16),
    body TEXT NOT NULL,
    PRIMARY KEY (store_id, simulation_id, place),
    CONSTRAINT simulation_orders_simulation_fk FOREIGN KEY (store_id, simulation_id) REFERENCES simulations (store_id, id)
) STRICT;
CREATE INDEX simulation_orders_by_outcome ON simulation_orders (store_id, simulation_id, outcome, place);
