-- Customers who sign in, coupons that are claimed, and the log of what instances keep copies of.
-- migrations/sqlite has the same, statement by statement.

-- Apart from customers: one that the shop made has none. The hash is a PHC string.
CREATE TABLE credentials (
    store_id BINARY(16) NOT NULL,
    customer_id BINARY(16) NOT NULL,
    password_hash VARCHAR(255) NOT NULL,
    changed_at BIGINT NOT NULL,
    PRIMARY KEY (store_id, customer_id),
    CONSTRAINT credentials_customer_fk FOREIGN KEY (store_id, customer_id) REFERENCES customers (store_id, id)
) ENGINE = InnoDB, CHARACTER SET utf8mb4, COLLATE utf8mb4_bin;

CREATE TABLE sessions (
    store_id BINARY(16) NOT NULL,
    id BINARY(16) NOT NULL,
    customer_id BINARY(16) NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    revoked_at BIGINT,
    PRIMARY KEY (store_id, id),
    INDEX sessions_by_customer (store_id, customer_id, id),
    INDEX sessions_by_expiry (expires_at),
    CONSTRAINT sessions_customer_fk FOREIGN KEY (store_id, customer_id) REFERENCES customers (store_id, id)
) ENGINE = InnoDB, CHARACTER SET utf8mb4, COLLATE utf8mb4_bin;

-- `digest` is the SHA-256 of the token. The last used ones of a session stay, so that a second use of
-- one shows.
CREATE TABLE refresh_tokens (
    store_id BINARY(16) NOT NULL,
    digest BINARY(32) NOT NULL,
    session_id BINARY(16) NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    used_at BIGINT,
    PRIMARY KEY (store_id, digest),
    INDEX refresh_tokens_by_session (store_id, session_id),
    CONSTRAINT refresh_tokens_session_fk FOREIGN KEY (store_id, session_id) REFERENCES sessions (store_id, id)
) ENGINE = InnoDB, CHARACTER SET utf8mb4, COLLATE utf8mb4_bin;

CREATE TABLE addresses (
    store_id BINARY(16) NOT NULL,
    customer_id BINARY(16) NOT NULL,
    id BINARY(16) NOT NULL,
    address LONGTEXT NOT NULL,
    is_default BOOLEAN NOT NULL,
    version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (store_id, customer_id, id),
    CONSTRAINT addresses_customer_fk FOREIGN KEY (store_id, customer_id) REFERENCES customers (store_id, id)
) ENGINE = InnoDB, CHARACTER SET utf8mb4, COLLATE utf8mb4_bin;

-- A coupon with a row here is for those who have claimed it.
CREATE TABLE coupon_claim_stock (
    store_id BINARY(16) NOT NULL,
    coupon_id BINARY(16) NOT NULL,
    units BIGINT NOT NULL,
    claimed BIGINT NOT NULL,
    PRIMARY KEY (store_id, coupon_id),
    CONSTRAINT coupon_claim_stock_cover CHECK (claimed >= 0 AND units >= claimed),
    CONSTRAINT coupon_claim_stock_coupon_fk FOREIGN KEY (store_id, coupon_id) REFERENCES coupons (store_id, id)
) ENGINE = InnoDB, CHARACTER SET utf8mb4, COLLATE utf8mb4_bin;

-- Together they are coupon_claim_stock.claimed.
CREATE TABLE coupon_claims (
    store_id BINARY(16) NOT NULL,
    coupon_id BINARY(16) NOT NULL,
    customer_id BINARY(16) NOT NULL,
    claimed_at BIGINT NOT NULL,
    PRIMARY KEY (store_id, coupon_id, customer_id),
    INDEX coupon_claims_by_customer (store_id, customer_id, claimed_at),
    CONSTRAINT coupon_claims_coupon_fk FOREIGN KEY (store_id, coupon_id) REFERENCES coupons (store_id, id),
    CONSTRAINT coupon_claims_customer_fk FOREIGN KEY (store_id, customer_id) REFERENCES customers (store_id, id)
) ENGINE = InnoDB, CHARACTER SET utf8mb4, COLLATE utf8mb4_bin;

-- Written in the transaction of a change, read by every instance, deleted after a while. `at` is the
-- database's own clock. Ids tell rows apart and nothing else: a row may be there after a higher one.
CREATE TABLE change_log (
    id BIGINT NOT NULL AUTO_INCREMENT,
    at BIGINT NOT NULL,
    store_id BINARY(16),
    kind VARCHAR(20) NOT NULL,
    subject BINARY(16),
    PRIMARY KEY (id),
    INDEX change_log_by_age (at, id)
) ENGINE = InnoDB, CHARACTER SET utf8mb4, COLLATE utf8mb4_bin;
