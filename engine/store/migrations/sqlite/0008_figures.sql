-- What installations did, and what they logged. migrations/mysql has the same, statement by statement.

-- What one instance has counted of an installation, or what is left of instances that have gone (an
-- instance of zeros). The body adds up: reading is summing over instances. `flush` is the last one of the
-- instance that is in it. No foreign keys: figures decide nothing, and a row that nobody names is harmless.
CREATE TABLE installation_figures (
    store_id BLOB NOT NULL CHECK (length(store_id) = 16),
    installation_id BLOB NOT NULL CHECK (length(installation_id) = 16),
    instance_id BLOB NOT NULL CHECK (length(instance_id) = 16),
    flush INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (store_id, installation_id, instance_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX installation_figures_by_age ON installation_figures (updated_at);

-- The newest lines of each installation; ids sort by age.
CREATE TABLE installation_logs (
    store_id BLOB NOT NULL CHECK (length(store_id) = 16),
    installation_id BLOB NOT NULL CHECK (length(installation_id) = 16),
    id BLOB NOT NULL CHECK (length(id) = 16),
    at INTEGER NOT NULL,
    level INTEGER NOT NULL,
    stage TEXT NOT NULL CHECK (length(stage) <= 32),
    message TEXT NOT NULL,
    PRIMARY KEY (store_id, installation_id, id)
) STRICT, WITHOUT ROWID;
