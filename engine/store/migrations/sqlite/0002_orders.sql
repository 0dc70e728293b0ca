-- Orders: what was bought, what became of it, and what it holds of stock, coupons and budgets.
-- migrations/mysql has the same, statement by statement.

-- The order that a cart has become; nothing while it can still be changed.
ALTER TABLE carts ADD COLUMN order_id BLOB CHECK (length(order_id) = 16);

-- `terms` never change; `progress` does, and with it `status` and `version`.
CREATE TABLE orders (
    store_id BLOB NOT NULL CHECK (length(store_id) = 16),
    id BLOB NOT NULL CHECK (length(id) = 16),
    number TEXT NOT NULL CHECK (length(number) <= 16),
    version INTEGER NOT NULL,
    status TEXT NOT NULL CHECK (length(status) <= 32),
    cart_id BLOB NOT NULL CHECK (length(cart_id) = 16),
    customer_id BLOB CHECK (length(customer_id) = 16),
    rulebook INTEGER,
    currency TEXT NOT NULL CHECK (length(currency) <= 3),
    total INTEGER NOT NULL,
    terms TEXT NOT NULL,
    progress TEXT NOT NULL,
    placed_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    pending_until INTEGER,
    PRIMARY KEY (store_id, id),
    CONSTRAINT orders_number UNIQUE (store_id, number),
    CONSTRAINT orders_total CHECK (total >= 0),
    CONSTRAINT orders_cart_fk FOREIGN KEY (store_id, cart_id) REFERENCES carts (store_id, id),
    CONSTRAINT orders_customer_fk FOREIGN KEY (store_id, customer_id) REFERENCES customers (store_id, id),
    CONSTRAINT orders_rulebook_fk FOREIGN KEY (store_id, rulebook) REFERENCES rulebooks (store_id, number)
) STRICT;
CREATE INDEX orders_by_customer ON orders (store_id, customer_id, id);
CREATE INDEX orders_by_status ON orders (store_id, status, id);
CREATE INDEX orders_by_cart ON orders (store_id, cart_id);
CREATE INDEX orders_by_rulebook ON orders (store_id, rulebook);
CREATE INDEX orders_pending ON orders (pending_until, store_id, id);

-- The evidence of an order's price. Never changed, never deleted.
CREATE TABLE order_receipts (
    store_id BLOB NOT NULL CHECK (length(store_id) = 16),
    order_id BLOB NOT NULL CHECK (length(order_id) = 16),
    digest BLOB NOT NULL CHECK (length(digest) = 32),
    engine TEXT NOT NULL CHECK (length(engine) <= 64),
    fuel INTEGER NOT NULL,
    bytes BLOB NOT NULL,
    PRIMARY KEY (store_id, order_id),
    CONSTRAINT order_receipts_order_fk FOREIGN KEY (store_id, order_id) REFERENCES orders (store_id, id)
) STRICT;

-- Units that an order holds and that haven't left yet: together they are stock_levels.reserved.
CREATE TABLE reservations (
    store_id BLOB NOT NULL CHECK (length(store_id) = 16),
    order_id BLOB NOT NULL CHECK (length(order_id) = 16),
    variant_id BLOB NOT NULL CHECK (length(variant_id) = 16),
    quantity INTEGER NOT NULL,
    PRIMARY KEY (store_id, order_id, variant_id),
    CONSTRAINT reservations_quantity CHECK (quantity > 0),
    CONSTRAINT reservations_order_fk FOREIGN KEY (store_id, order_id) REFERENCES orders (store_id, id),
    CONSTRAINT reservations_variant_fk FOREIGN KEY (store_id, variant_id) REFERENCES variants (store_id, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX reservations_by_variant ON reservations (store_id, variant_id);

-- Coupons that an order uses: together they are coupon_usage.used.
CREATE TABLE redemptions (
    store_id BLOB NOT NULL CHECK (length(store_id) = 16),
    order_id BLOB NOT NULL CHECK (length(order_id) = 16),
    coupon_id BLOB NOT NULL CHECK (length(coupon_id) = 16),
    customer_id BLOB CHECK (length(customer_id) = 16),
    redeemed_at INTEGER NOT NULL,
    PRIMARY KEY (store_id, order_id, coupon_id),
    CONSTRAINT redemptions_order_fk FOREIGN KEY (store_id, order_id) REFERENCES orders (store_id, id),
    CONSTRAINT redemptions_coupon_fk FOREIGN KEY (store_id, coupon_id) REFERENCES coupons (store_id, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX redemptions_by_coupon ON redemptions (store_id, coupon_id);

-- What installations with a budget have given. Minor units of the budget's currency.
CREATE TABLE budget_usage (
    store_id BLOB NOT NULL CHECK (length(store_id) = 16),
    installation_id BLOB NOT NULL CHECK (length(installation_id) = 16),
    granted INTEGER NOT NULL,
    PRIMARY KEY (store_id, installation_id),
    CONSTRAINT budget_usage_counts CHECK (granted >= 0),
    CONSTRAINT budget_usage_installation_fk FOREIGN KEY (store_id, installation_id) REFERENCES installations (store_id, id)
) STRICT, WITHOUT ROWID;

INSERT INTO budget_usage (store_id, installation_id, granted) SELECT store_id, id, 0 FROM installations;

-- `id` is the SHA-256 of whose key it is, for what, and the key. Without a status the request is in
-- flight; with one the answer is given again until it expires.
CREATE TABLE idempotency_keys (
    id BLOB NOT NULL CHECK (length(id) = 32),
    request_digest BLOB NOT NULL CHECK (length(request_digest) = 32),
    request_id TEXT NOT NULL CHECK (length(request_id) <= 64),
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    status INTEGER,
    headers TEXT,
    body BLOB,
    PRIMARY KEY (id)
) STRICT;
CREATE INDEX idempotency_keys_by_expiry ON idempotency_keys (expires_at);

-- What has to happen after a commit, by aggregate in the order of `sequence`. Delivered rows go.
CREATE TABLE outbox (
    store_id BLOB NOT NULL CHECK (length(store_id) = 16),
    aggregate_id BLOB NOT NULL CHECK (length(aggregate_id) = 16),
    sequence INTEGER NOT NULL,
    kind TEXT NOT NULL CHECK (length(kind) <= 64),
    body TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    due_at INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    PRIMARY KEY (store_id, aggregate_id, sequence)
) STRICT;
CREATE INDEX outbox_by_due ON outbox (due_at);

-- The books of the payment provider `test`, which a real one keeps elsewhere: written in
-- transactions of their own, read by the provider alone.
CREATE TABLE test_payments (
    store_id BLOB NOT NULL CHECK (length(store_id) = 16),
    request_key TEXT NOT NULL CHECK (length(request_key) <= 100),
    operation TEXT NOT NULL CHECK (length(operation) <= 32),
    payment TEXT NOT NULL CHECK (length(payment) <= 100),
    amount INTEGER NOT NULL,
    currency TEXT NOT NULL CHECK (length(currency) <= 3),
    outcome TEXT NOT NULL CHECK (length(outcome) <= 64),
    created_at INTEGER NOT NULL,
    PRIMARY KEY (store_id, request_key),
    CONSTRAINT test_payments_store_fk FOREIGN KEY (store_id) REFERENCES stores (id)
) STRICT, WITHOUT ROWID;
CREATE INDEX test_payments_by_payment ON test_payments (store_id, payment);

-- The components a rulebook runs, so that none of them can be deleted.
CREATE TABLE rulebook_components (
    store_id BLOB NOT NULL CHECK (length(store_id) = 16),
    number INTEGER NOT NULL,
    component BLOB NOT NULL CHECK (length(component) = 32),
    PRIMARY KEY (store_id, number, component),
    CONSTRAINT rulebook_components_number_fk FOREIGN KEY (store_id, number) REFERENCES rulebooks (store_id, number),
    CONSTRAINT rulebook_components_component_fk FOREIGN KEY (store_id, component) REFERENCES plugin_versions (store_id, digest)
) STRICT, WITHOUT ROWID;
CREATE INDEX rulebook_components_by_component ON rulebook_components (store_id, component);

-- Seals, so that a change from outside shows. Rows that are older than these columns have none.
ALTER TABLE rulebooks ADD COLUMN seal TEXT;
ALTER TABLE installations ADD COLUMN seal BLOB CHECK (length(seal) = 32);
ALTER TABLE coupons ADD COLUMN seal BLOB CHECK (length(seal) = 32);
