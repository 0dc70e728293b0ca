-- Customers who sign in, coupons that are claimed, and the log of what instances keep copies of.
-- migrations/mysql has the same, statement by statement.

-- Apart from customers: one that the shop made has none. The hash is a PHC string.
CREATE TABLE credentials (
    store_id BLOB NOT NULL CHECK (length(store_id) = 16),
    customer_id BLOB NOT NULL CHECK (length(customer_id) = 16),
    password_hash TEXT NOT NULL CHECK (length(password_hash) <= 255),
    changed_at INTEGER NOT NULL,
    PRIMARY KEY (store_id, customer_id),
    CONSTRAINT credentials_customer_fk FOREIGN KEY (store_id, customer_id) REFERENCES customers (store_id, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE sessions (
    store_id BLOB NOT NULL CHECK (length(store_id) = 16),
    id BLOB NOT NULL CHECK (length(id) = 16),
    customer_id BLOB NOT NULL CHECK (length(customer_id) = 16),
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    revoked_at INTEGER,
    PRIMARY KEY (store_id, id),
    CONSTRAINT sessions_customer_fk FOREIGN KEY (store_id, customer_id) REFERENCES customers (store_id, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX sessions_by_customer ON sessions (store_id, customer_id, id);
CREATE INDEX sessions_by_expiry ON sessions (expires_at);

-- `digest` is the SHA-256 of the token. The last used ones of a session stay, so that a second use of
-- one shows.
CREATE TABLE refresh_tokens (
    store_id BLOB NOT NULL CHECK (length(store_id) = 16),
    digest BLOB NOT NULL CHECK (length(digest) = 32),
    session_id BLOB NOT NULL CHECK (length(session_id) = 16),
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    used_at INTEGER,
    PRIMARY KEY (store_id, digest),
    CONSTRAINT refresh_tokens_session_fk FOREIGN KEY (store_id, session_id) REFERENCES sessions (store_id, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX refresh_tokens_by_session ON refresh_tokens (store_id, session_id);

CREATE TABLE addresses (
    store_id BLOB NOT NULL CHECK (length(store_id) = 16),
    customer_id BLOB NOT NULL CHECK (length(customer_id) = 16),
    id BLOB NOT NULL CHECK (length(id) = 16),
    address TEXT NOT NULL,
    is_default INTEGER NOT NULL CHECK (is_default IN (0, 1)),
    version INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    PRIMARY KEY (store_id, customer_id, id),
    CONSTRAINT addresses_customer_fk FOREIGN KEY (store_id, customer_id) REFERENCES customers (store_id, id)
) STRICT, WITHOUT ROWID;

-- A coupon with a row here is for those who have claimed it.
CREATE TABLE coupon_claim_stock (
    store_id BLOB NOT NULL CHECK (length(store_id) = 16),
    coupon_id BLOB NOT NULL CHECK (length(coupon_id) = 16),
    units INTEGER NOT NULL,
    claimed INTEGER NOT NULL,
    PRIMARY KEY (store_id, coupon_id),
    CONSTRAINT coupon_claim_stock_cover CHECK (claimed >= 0 AND units >= claimed),
    CONSTRAINT coupon_claim_stock_coupon_fk FOREIGN KEY (store_id, coupon_id) REFERENCES coupons (store_id, id)
) STRICT, WITHOUT ROWID;

-- Together they are coupon_claim_stock.claimed.
CREATE TABLE coupon_claims (
    store_id BLOB NOT NULL CHECK (length(store_id) = 16),
    coupon_id BLOB NOT NULL CHECK (length(coupon_id) = 16),
    customer_id BLOB NOT NULL CHECK (length(customer_id) = 16),
    claimed_at INTEGER NOT NULL,
    PRIMARY KEY (store_id, coupon_id, customer_id),
    CONSTRAINT coupon_claims_coupon_fk FOREIGN KEY (store_id, coupon_id) REFERENCES coupons (store_id, id),
    CONSTRAINT coupon_claims_customer_fk FOREIGN KEY (store_id, customer_id) REFERENCES customers (store_id, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX coupon_claims_by_customer ON coupon_claims (store_id, customer_id, claimed_at);

-- Written in the transaction of a change, read by every instance, deleted after a while. `at` is the
-- database's own clock. Ids tell rows apart and nothing else: a row may be there after a higher one.
CREATE TABLE change_log (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    at INTEGER NOT NULL,
    store_id BLOB CHECK (length(store_id) = 16),
    kind TEXT NOT NULL CHECK (length(kind) <= 20),
    subject BLOB CHECK (length(subject) = 16)
) STRICT;
CREATE INDEX change_log_by_age ON change_log (at, id);
