-- Orders: what was bought, what became of it, and what it holds of stock, coupons and budgets.
-- migrations/sqlite has the same, statement by statement.

-- The order that a cart has become; nothing while it can still be changed.
ALTER TABLE carts ADD COLUMN order_id BINARY(16);

-- `terms` never change; `progress` does, and with it `status` and `version`.
CREATE TABLE orders (
    store_id BINARY(16) NOT NULL,
    id BINARY(16) NOT NULL,
    number VARCHAR(16) NOT NULL,
    version BIGINT NOT NULL,
    status VARCHAR(32) NOT NULL,
    cart_id BINARY(16) NOT NULL,
    customer_id BINARY(16),
    rulebook BIGINT,
    currency VARCHAR(3) NOT NULL,
    total BIGINT NOT NULL,
    terms LONGTEXT NOT NULL,
    progress LONGTEXT NOT NULL,
    placed_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    pending_until BIGINT,
    PRIMARY KEY (store_id, id),
    CONSTRAINT orders_number UNIQUE (store_id, number),
    INDEX orders_by_customer (store_id, customer_id, id),
    INDEX orders_by_status (store_id, status, id),
    INDEX orders_by_cart (store_id, cart_id),
    INDEX orders_by_rulebook (store_id, rulebook),
    INDEX orders_pending (pending_until, store_id, id),
    CONSTRAINT orders_total CHECK (total >= 0),
    CONSTRAINT orders_cart_fk FOREIGN KEY (store_id, cart_id) REFERENCES carts (store_id, id),
    CONSTRAINT orders_customer_fk FOREIGN KEY (store_id, customer_id) REFERENCES customers (store_id, id),
    CONSTRAINT orders_rulebook_fk FOREIGN KEY (store_id, rulebook) REFERENCES rulebooks (store_id, number)
) ENGINE = InnoDB, CHARACTER SET utf8mb4, COLLATE utf8mb4_bin;

-- The evidence of an order's price. Never changed, never deleted.
CREATE TABLE order_receipts (
    store_id BINARY(16) NOT NULL,
    order_id BINARY(16) NOT NULL,
    digest BINARY(32) NOT NULL,
    engine VARCHAR(64) NOT NULL,
    fuel BIGINT NOT NULL,
    bytes LONGBLOB NOT NULL,
    PRIMARY KEY (store_id, order_id),
    CONSTRAINT order_receipts_order_fk FOREIGN KEY (store_id, order_id) REFERENCES orders (store_id, id)
) ENGINE = InnoDB, CHARACTER SET utf8mb4, COLLATE utf8mb4_bin;

-- Units that an order holds and that haven't left yet: together they are stock_levels.reserved.
CREATE TABLE reservations (
    store_id BINARY(16) NOT NULL,
    order_id BINARY(16) NOT NULL,
    variant_id BINARY(16) NOT NULL,
    quantity BIGINT NOT NULL,
    PRIMARY KEY (store_id, order_id, variant_id),
    INDEX reservations_by_variant (store_id, variant_id),
    CONSTRAINT reservations_quantity CHECK (quantity > 0),
    CONSTRAINT reservations_order_fk FOREIGN KEY (store_id, order_id) REFERENCES orders (store_id, id),
    CONSTRAINT reservations_variant_fk FOREIGN KEY (store_id, variant_id) REFERENCES variants (store_id, id)
) ENGINE = InnoDB, CHARACTER SET utf8mb4, COLLATE utf8mb4_bin;

-- Coupons that an order uses: together they are coupon_usage.used.
CREATE TABLE redemptions (
    store_id BINARY(16) NOT NULL,
    order_id BINARY(16) NOT NULL,
    coupon_id BINARY(16) NOT NULL,
    customer_id BINARY(16),
    redeemed_at BIGINT NOT NULL,
    PRIMARY KEY (store_id, order_id, coupon_id),
    INDEX redemptions_by_coupon (store_id, coupon_id),
    CONSTRAINT redemptions_order_fk FOREIGN KEY (store_id, order_id) REFERENCES orders (store_id, id),
    CONSTRAINT redemptions_coupon_fk FOREIGN KEY (store_id, coupon_id) REFERENCES coupons (store_id, id)
) ENGINE = InnoDB, CHARACTER SET utf8mb4, COLLATE utf8mb4_bin;

-- What installations with a budget have given. Minor units of the budget's currency.
CREATE TABLE budget_usage (
    store_id BINARY(16) NOT NULL,
    installation_id BINARY(16) NOT NULL,
    granted BIGINT NOT NULL,
    PRIMARY KEY (store_id, installation_id),
    CONSTRAINT budget_usage_counts CHECK (granted >= 0),
    CONSTRAINT budget_usage_installation_fk FOREIGN KEY (store_id, installation_id) REFERENCES installations (store_id, id)
) ENGINE = InnoDB, CHARACTER SET utf8mb4, COLLATE utf8mb4_bin;

INSERT INTO budget_usage (store_id, installation_id, granted) SELECT store_id, id, 0 FROM installations;

-- `id` is the SHA-256 of whose key it is, for what, and the key. Without a status the request is in
-- flight; with one the answer is given again until it expires.
CREATE TABLE idempotency_keys (
    id BINARY(32) NOT NULL,
    request_digest BINARY(32) NOT NULL,
    request_id VARCHAR(64) NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    status BIGINT,
    headers LONGTEXT,
    body LONGBLOB,
    PRIMARY KEY (id),
    INDEX idempotency_keys_by_expiry (expires_at)
) ENGINE = InnoDB, CHARACTER SET utf8mb4, COLLATE utf8mb4_bin;

-- What has to happen after a commit, by aggregate in the order of `sequence`. Delivered rows go.
CREATE TABLE outbox (
    store_id BINARY(16) NOT NULL,
    aggregate_id BINARY(16) NOT NULL,
    sequence BIGINT NOT NULL,
    kind VARCHAR(64) NOT NULL,
    body LONGTEXT NOT NULL,
    created_at BIGINT NOT NULL,
    due_at BIGINT NOT NULL,
    attempts BIGINT NOT NULL,
    PRIMARY KEY (store_id, aggregate_id, sequence),
    INDEX outbox_by_due (due_at)
) ENGINE = InnoDB, CHARACTER SET utf8mb4, COLLATE utf8mb4_bin;

-- The books of the payment provider `test`, which a real one keeps elsewhere: written in
-- transactions of their own, read by the provider alone.
CREATE TABLE test_payments (
    store_id BINARY(16) NOT NULL,
    request_key VARCHAR(100) NOT NULL,
    operation VARCHAR(32) NOT NULL,
    payment VARCHAR(100) NOT NULL,
    amount BIGINT NOT NULL,
    currency VARCHAR(3) NOT NULL,
    outcome VARCHAR(64) NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (store_id, request_key),
    INDEX test_payments_by_payment (store_id, payment),
    CONSTRAINT test_payments_store_fk FOREIGN KEY (store_id) REFERENCES stores (id)
) ENGINE = InnoDB, CHARACTER SET utf8mb4, COLLATE utf8mb4_bin;

-- The components a rulebook runs, so that none of them can be deleted.
CREATE TABLE rulebook_components (
    store_id BINARY(16) NOT NULL,
    number BIGINT NOT NULL,
    component BINARY(32) NOT NULL,
    PRIMARY KEY (store_id, number, component),
    INDEX rulebook_components_by_component (store_id, component),
    CONSTRAINT rulebook_components_number_fk FOREIGN KEY (store_id, number) REFERENCES rulebooks (store_id, number),
    CONSTRAINT rulebook_components_component_fk FOREIGN KEY (store_id, component) REFERENCES plugin_versions (store_id, digest)
) ENGINE = InnoDB, CHARACTER SET utf8mb4, COLLATE utf8mb4_bin;

-- Seals, so that a change from outside shows. Rows that are older than these columns have none.
ALTER TABLE rulebooks ADD COLUMN seal LONGTEXT;
ALTER TABLE installations ADD COLUMN seal BINARY(32);
ALTER TABLE coupons ADD COLUMN seal BINARY(32);
