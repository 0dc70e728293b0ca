-- Who may do what on the merchants' side, and what was done there.
-- migrations/sqlite has the same, statement by statement.

-- Keys that are older than these columns are owners'. `scopes` is a JSON list that narrows the role.
ALTER TABLE api_keys ADD COLUMN role VARCHAR(16) NOT NULL DEFAULT 'owner';
ALTER TABLE api_keys ADD COLUMN scopes LONGTEXT;

-- Written before a change is made; `outcome` is the status of the answer, set afterwards. `actor` is the
-- key's name, or `engine` or `command line` where there is no key. Only the store is named by a foreign key: an
-- entry outlives what it tells of.
CREATE TABLE audit_log (
    store_id BINARY(16) NOT NULL,
    id BINARY(16) NOT NULL,
    at BIGINT NOT NULL,
    key_id BINARY(16),
    actor VARCHAR(255) NOT NULL,
    role VARCHAR(16),
    action VARCHAR(100) NOT NULL,
    target VARCHAR(500) NOT NULL,
    request_id VARCHAR(64),
    outcome BIGINT,
    detail LONGTEXT,
    PRIMARY KEY (store_id, id),
    INDEX audit_log_by_age (store_id, at, id),
    INDEX audit_log_by_action (store_id, action, at, id),
    INDEX audit_log_by_key (store_id, key_id, at, id),
    CONSTRAINT audit_log_store_fk FOREIGN KEY (store_id) REFERENCES stores (id)
) ENGINE = InnoDB, CHARACTER SET utf8mb4, COLLATE utf8mb4_bin;
