-- Who may do what on the merchants' side, and what was done there.
-- migrations/mysql has the same, statement by statement.

-- Keys that are older than these columns are owners'. `scopes` is a JSON list that narrows the role.
ALTER TABLE api_keys ADD COLUMN role TEXT NOT NULL DEFAULT 'owner' CHECK (length(role) <= 16);
ALTER TABLE api_keys ADD COLUMN scopes TEXT;

-- Written before a change is made; `outcome` is the status of the answer, set afterwards. `actor` is the
-- key's name, or `engine` or `command line` where there is no key. Only the store is named by a foreign key: an
-- entry outlives what it tells of.
CREATE TABLE audit_log (
    store_id BLOB NOT NULL CHECK (length(store_id) = 16),
    id BLOB NOT NULL CHECK (length(id) = 16),
    at INTEGER NOT NULL,
    key_id BLOB CHECK (length(key_id) = 16),
    actor TEXT NOT NULL CHECK (length(actor) <= 255),
    role TEXT CHECK (length(role) <= 16),
    action TEXT NOT NULL CHECK (length(action) <= 100),
    target TEXT NOT NULL CHECK (length(target) <= 500),
    request_id TEXT CHECK (length(request_id) <= 64),
    outcome INTEGER,
    detail TEXT,
    PRIMARY KEY (store_id, id),
    CONSTRAINT audit_log_store_fk FOREIGN KEY (store_id) REFERENCES stores (id)
) STRICT;
CREATE INDEX audit_log_by_age ON audit_log (store_id, at, id);
CREATE INDEX audit_log_by_action ON audit_log (store_id, action, at, id);
CREATE INDEX audit_log_by_key ON audit_log (store_id, key_id, at, id);
