-- What installations did, and what they logged. migrations/sqlite has the same, statement by statement.

-- What one instance has counted of an installation, or what is left of instances that have gone (an
-- instance of zeros). The body adds up: reading is summing over instances. `flush` is the last one of the
-- instance that is in it. No foreign keys: figures decide nothing, and a row that nobody names is harmless.
CREATE TABLE installation_figures (
    store_id BINARY(16) NOT NULL,
    installation_id BINARY(16) NOT NULL,
    instance_id BINARY(16) NOT NULL,
    flush BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    body LONGTEXT NOT NULL,
    PRIMARY KEY (store_id, installation_id, instance_id),
    INDEX installation_figures_by_age (updated_at)
) ENGINE = InnoDB, CHARACTER SET utf8mb4, COLLATE utf8mb4_bin;

-- The newest lines of each installation; ids sort by age.
CREATE TABLE installation_logs (
    store_id BINARY(16) NOT NULL,
    installation_id BINARY(16) NOT NULL,
    id BINARY(16) NOT NULL,
    at BIGINT NOT NULL,
    level BIGINT NOT NULL,
    stage VARCHAR(32) NOT NULL,
    message TEXT NOT NULL,
    PRIMARY KEY (store_id, installation_id, id)
) ENGINE = InnoDB, CHARACTER SET utf8mb4, COLLATE utf8mb4_bin;
