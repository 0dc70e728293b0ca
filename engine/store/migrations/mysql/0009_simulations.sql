-- What other rules would do. migrations/sqlite has the same, statement by statement.

-- `asked` is the request; `result` grows while the instance `holder` works on it. Whoever
-- hasn't said until `lease_until`, by the database's clock, that they still do is gone.
CREATE TABLE simulations (
    store_id BINARY(16) NOT NULL,
    id BINARY(16) NOT NULL,
    state VARCHAR(16) NOT NULL,
    asked LONGTEXT NOT NULL,
    rulebook BIGINT NOT NULL,
    done BIGINT NOT NULL,
    total BIGINT NOT NULL,
    result LONGTEXT,
    problem LONGTEXT,
    created_at BIGINT NOT NULL,
    started_at BIGINT,
    ended_at BIGINT,
    holder BINARY(16) NOT NULL,
    lease_until BIGINT NOT NULL,
    PRIMARY KEY (store_id, id),
    CONSTRAINT simulations_progress CHECK (done >= 0 AND total >= 0),
    CONSTRAINT simulations_store_fk FOREIGN KEY (store_id) REFERENCES stores (id)
) ENGINE = InnoDB, CHARACTER SET utf8mb4, COLLATE utf8mb4_bin;
CREATE INDEX simulations_by_state ON simulations (store_id, state, id);

-- What came of each order, in the order they were gone through. No foreign key to orders: a simulation
-- takes none of the locks that shoppers wait for.
CREATE TABLE simulation_orders (
    store_id BINARY(16) NOT NULL,
    simulation_id BINARY(16) NOT NULL,
    place BIGINT NOT NULL,
    order_id BINARY(16) NOT NULL,
    number VARCHAR(16) NOT NULL,
    outcome VARCHAR(16) NOT NULL,
    body LONGTEXT NOT NULL,
    PRIMARY KEY (store_id, simulation_id, place),
    CONSTRAINT simulation_orders_simulation_fk FOREIGN KEY (store_id, simulation_id) REFERENCES simulations (store_id, id)
) ENGINE = InnoDB, CHARACTER SET utf8mb4, COLLATE utf8mb4_bin;
CREATE INDEX simulation_orders_by_outcome ON simulation_orders (store_id, simulation_id, outcome, place);
