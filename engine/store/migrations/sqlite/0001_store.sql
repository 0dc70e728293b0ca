-- The first shape of the tables. migrations/mysql has the same, statement by statement.
--
-- Ids are the 16 bytes of a UUID, times milliseconds since 1970 in UTC, money minor units. A key
-- begins with the store, and so do foreign keys: nothing can name another store's rows.

-- Tenants. Everything below belongs to one, but for components.
CREATE TABLE stores (
    id BLOB NOT NULL CHECK (length(id) = 16),
    handle TEXT NOT NULL CHECK (length(handle) <= 100),
    name TEXT NOT NULL CHECK (length(name) <= 255),
    created_at INTEGER NOT NULL,
    PRIMARY KEY (id),
    CONSTRAINT stores_handle UNIQUE (handle)
) STRICT, WITHOUT ROWID;

-- Host names in lower case. A host names one store.
CREATE TABLE store_hosts (
    host TEXT NOT NULL CHECK (length(host) <= 253),
    store_id BLOB NOT NULL CHECK (length(store_id) = 16),
    position INTEGER NOT NULL,
    PRIMARY KEY (host),
    CONSTRAINT store_hosts_store_fk FOREIGN KEY (store_id) REFERENCES stores (id)
) STRICT, WITHOUT ROWID;
CREATE INDEX store_hosts_by_store ON store_hosts (store_id, position);

-- Apart from stores, whose rows every foreign key reads: counting would block them.
CREATE TABLE store_counters (
    store_id BLOB NOT NULL CHECK (length(store_id) = 16),
    installations INTEGER NOT NULL,
    rulebooks INTEGER NOT NULL,
    PRIMARY KEY (store_id),
    CONSTRAINT store_counters_store_fk FOREIGN KEY (store_id) REFERENCES stores (id)
) STRICT, WITHOUT ROWID;

CREATE TABLE store_settings (
    store_id BLOB NOT NULL CHECK (length(store_id) = 16),
    version INTEGER NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (store_id),
    CONSTRAINT store_settings_store_fk FOREIGN KEY (store_id) REFERENCES stores (id)
) STRICT, WITHOUT ROWID;

CREATE TABLE categories (
    store_id BLOB NOT NULL CHECK (length(store_id) = 16),
    id BLOB NOT NULL CHECK (length(id) = 16),
    handle TEXT NOT NULL CHECK (length(handle) <= 100),
    name TEXT NOT NULL CHECK (length(name) <= 255),
    parent_id BLOB CHECK (length(parent_id) = 16),
    position INTEGER NOT NULL,
    PRIMARY KEY (store_id, id),
    CONSTRAINT categories_handle UNIQUE (store_id, handle),
    CONSTRAINT categories_store_fk FOREIGN KEY (store_id) REFERENCES stores (id),
    CONSTRAINT categories_parent_fk FOREIGN KEY (store_id, parent_id) REFERENCES categories (store_id, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX categories_by_parent ON categories (store_id, parent_id);

-- `search` and `title_key` are derived from the others, for searching and sorting.
CREATE TABLE products (
    store_id BLOB NOT NULL CHECK (length(store_id) = 16),
    id BLOB NOT NULL CHECK (length(id) = 16),
    handle TEXT NOT NULL CHECK (length(handle) <= 100),
    title TEXT NOT NULL CHECK (length(title) <= 500),
    description TEXT NOT NULL,
    published INTEGER NOT NULL CHECK (published IN (0, 1)),
    tags TEXT NOT NULL,
    attributes TEXT NOT NULL,
    options TEXT NOT NULL,
    tax_category TEXT NOT NULL CHECK (length(tax_category) <= 100),
    search TEXT NOT NULL,
    title_key TEXT NOT NULL CHECK (length(title_key) <= 200),
    version INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    PRIMARY KEY (store_id, id),
    CONSTRAINT products_handle UNIQUE (store_id, handle),
    CONSTRAINT products_store_fk FOREIGN KEY (store_id) REFERENCES stores (id)
) STRICT;
CREATE INDEX products_shown_by_age ON products (store_id, published, created_at, id);
CREATE INDEX products_by_age ON products (store_id, created_at, id);
CREATE INDEX products_shown_by_title ON products (store_id, published, title_key, id);
CREATE INDEX products_by_title ON products (store_id, title_key, id);

CREATE TABLE product_categories (
    store_id BLOB NOT NULL CHECK (length(store_id) = 16),
    product_id BLOB NOT NULL CHECK (length(product_id) = 16),
    category_id BLOB NOT NULL CHECK (length(category_id) = 16),
    position INTEGER NOT NULL,
    PRIMARY KEY (store_id, product_id, category_id),
    CONSTRAINT product_categories_product_fk FOREIGN KEY (store_id, product_id) REFERENCES products (store_id, id),
    CONSTRAINT product_categories_category_fk FOREIGN KEY (store_id, category_id) REFERENCES categories (store_id, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX product_categories_by_category ON product_categories (store_id, category_id, product_id);

CREATE TABLE variants (
    store_id BLOB NOT NULL CHECK (length(store_id) = 16),
    id BLOB NOT NULL CHECK (length(id) = 16),
    product_id BLOB NOT NULL CHECK (length(product_id) = 16),
    sku TEXT NOT NULL CHECK (length(sku) <= 64),
    title TEXT NOT NULL CHECK (length(title) <= 500),
    options TEXT NOT NULL,
    position INTEGER NOT NULL,
    version INTEGER NOT NULL,
    PRIMARY KEY (store_id, id),
    CONSTRAINT variants_sku UNIQUE (store_id, sku),
    CONSTRAINT variants_product_fk FOREIGN KEY (store_id, product_id) REFERENCES products (store_id, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX variants_by_product ON variants (store_id, product_id, position, id);

-- Apart from variants: a row in demand must not block the foreign keys of carts.
CREATE TABLE stock_levels (
    store_id BLOB NOT NULL CHECK (length(store_id) = 16),
    variant_id BLOB NOT NULL CHECK (length(variant_id) = 16),
    on_hand INTEGER NOT NULL,
    reserved INTEGER NOT NULL,
    PRIMARY KEY (store_id, variant_id),
    CONSTRAINT stock_levels_cover CHECK (reserved >= 0 AND on_hand >= reserved),
    CONSTRAINT stock_levels_variant_fk FOREIGN KEY (store_id, variant_id) REFERENCES variants (store_id, id)
) STRICT, WITHOUT ROWID;

-- Minor units.
CREATE TABLE prices (
    store_id BLOB NOT NULL CHECK (length(store_id) = 16),
    variant_id BLOB NOT NULL CHECK (length(variant_id) = 16),
    currency TEXT NOT NULL CHECK (length(currency) <= 3),
    amount INTEGER NOT NULL,
    floor_amount INTEGER NOT NULL,
    PRIMARY KEY (store_id, variant_id, currency),
    CONSTRAINT prices_floor CHECK (floor_amount >= 0 AND amount >= floor_amount),
    CONSTRAINT prices_variant_fk FOREIGN KEY (store_id, variant_id) REFERENCES variants (store_id, id)
) STRICT, WITHOUT ROWID;

-- Derived from prices with every change of them, so that lists by price read an index.
CREATE TABLE lowest_prices (
    store_id BLOB NOT NULL CHECK (length(store_id) = 16),
    product_id BLOB NOT NULL CHECK (length(product_id) = 16),
    currency TEXT NOT NULL CHECK (length(currency) <= 3),
    amount INTEGER NOT NULL,
    PRIMARY KEY (store_id, product_id, currency),
    CONSTRAINT lowest_prices_product_fk FOREIGN KEY (store_id, product_id) REFERENCES products (store_id, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX lowest_prices_by_amount ON lowest_prices (store_id, currency, amount, product_id);

CREATE TABLE customers (
    store_id BLOB NOT NULL CHECK (length(store_id) = 16),
    id BLOB NOT NULL CHECK (length(id) = 16),
    email TEXT NOT NULL CHECK (length(email) <= 320),
    customer_groups TEXT NOT NULL,
    order_count INTEGER NOT NULL,
    lifetime_spend INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (store_id, id),
    CONSTRAINT customers_email UNIQUE (store_id, email),
    CONSTRAINT customers_store_fk FOREIGN KEY (store_id) REFERENCES stores (id)
) STRICT, WITHOUT ROWID;

-- Compiled for all stores alike, so not scoped: plugin_versions says who may use them.
CREATE TABLE components (
    digest BLOB NOT NULL CHECK (length(digest) = 32),
    size INTEGER NOT NULL,
    PRIMARY KEY (digest)
) STRICT, WITHOUT ROWID;

-- A component may be larger than a packet to the server.
CREATE TABLE component_chunks (
    digest BLOB NOT NULL CHECK (length(digest) = 32),
    position INTEGER NOT NULL,
    bytes BLOB NOT NULL,
    PRIMARY KEY (digest, position),
    CONSTRAINT component_chunks_digest_fk FOREIGN KEY (digest) REFERENCES components (digest)
) STRICT;

CREATE TABLE plugins (
    store_id BLOB NOT NULL CHECK (length(store_id) = 16),
    id BLOB NOT NULL CHECK (length(id) = 16),
    name TEXT NOT NULL CHECK (length(name) <= 255),
    world TEXT NOT NULL CHECK (length(world) <= 32),
    PRIMARY KEY (store_id, id),
    CONSTRAINT plugins_name UNIQUE (store_id, name),
    CONSTRAINT plugins_store_fk FOREIGN KEY (store_id) REFERENCES stores (id)
) STRICT, WITHOUT ROWID;

CREATE TABLE plugin_versions (
    store_id BLOB NOT NULL CHECK (length(store_id) = 16),
    digest BLOB NOT NULL CHECK (length(digest) = 32),
    plugin_id BLOB NOT NULL CHECK (length(plugin_id) = 16),
    description TEXT NOT NULL,
    wit_version TEXT NOT NULL CHECK (length(wit_version) <= 64),
    size INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (store_id, digest),
    CONSTRAINT plugin_versions_plugin_fk FOREIGN KEY (store_id, plugin_id) REFERENCES plugins (store_id, id),
    CONSTRAINT plugin_versions_digest_fk FOREIGN KEY (digest) REFERENCES components (digest)
) STRICT;
CREATE INDEX plugin_versions_by_plugin ON plugin_versions (store_id, plugin_id, created_at);
CREATE INDEX plugin_versions_by_component ON plugin_versions (digest);

CREATE TABLE installations (
    store_id BLOB NOT NULL CHECK (length(store_id) = 16),
    id BLOB NOT NULL CHECK (length(id) = 16),
    sequence INTEGER NOT NULL,
    component BLOB NOT NULL CHECK (length(component) = 32),
    body TEXT NOT NULL,
    PRIMARY KEY (store_id, id),
    CONSTRAINT installations_sequence UNIQUE (store_id, sequence),
    CONSTRAINT installations_component_fk FOREIGN KEY (store_id, component) REFERENCES plugin_versions (store_id, digest)
) STRICT;
CREATE INDEX installations_by_component ON installations (store_id, component);

-- Never changed, never deleted.
CREATE TABLE rulebooks (
    store_id BLOB NOT NULL CHECK (length(store_id) = 16),
    number INTEGER NOT NULL,
    note TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (store_id, number),
    CONSTRAINT rulebooks_store_fk FOREIGN KEY (store_id) REFERENCES stores (id)
) STRICT;

CREATE TABLE active_rulebooks (
    store_id BLOB NOT NULL CHECK (length(store_id) = 16),
    number INTEGER NOT NULL,
    PRIMARY KEY (store_id),
    CONSTRAINT active_rulebooks_number_fk FOREIGN KEY (store_id, number) REFERENCES rulebooks (store_id, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE coupons (
    store_id BLOB NOT NULL CHECK (length(store_id) = 16),
    id BLOB NOT NULL CHECK (length(id) = 16),
    code TEXT NOT NULL CHECK (length(code) <= 64),
    installation_id BLOB NOT NULL CHECK (length(installation_id) = 16),
    config TEXT NOT NULL,
    classes TEXT NOT NULL,
    enabled INTEGER NOT NULL CHECK (enabled IN (0, 1)),
    starts_at INTEGER,
    ends_at INTEGER,
    total_limit INTEGER,
    per_customer_limit INTEGER,
    version INTEGER NOT NULL,
    PRIMARY KEY (store_id, id),
    CONSTRAINT coupons_code UNIQUE (store_id, code),
    CONSTRAINT coupons_installation_fk FOREIGN KEY (store_id, installation_id) REFERENCES installations (store_id, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX coupons_by_installation ON coupons (store_id, installation_id);

-- Apart from coupons: a counter in demand must not block the foreign keys of carts.
CREATE TABLE coupon_usage (
    store_id BLOB NOT NULL CHECK (length(store_id) = 16),
    coupon_id BLOB NOT NULL CHECK (length(coupon_id) = 16),
    used INTEGER NOT NULL,
    PRIMARY KEY (store_id, coupon_id),
    CONSTRAINT coupon_usage_counts CHECK (used >= 0),
    CONSTRAINT coupon_usage_coupon_fk FOREIGN KEY (store_id, coupon_id) REFERENCES coupons (store_id, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE coupon_usage_by_customer (
    store_id BLOB NOT NULL CHECK (length(store_id) = 16),
    customer_id BLOB NOT NULL CHECK (length(customer_id) = 16),
    coupon_id BLOB NOT NULL CHECK (length(coupon_id) = 16),
    used INTEGER NOT NULL,
    PRIMARY KEY (store_id, customer_id, coupon_id),
    CONSTRAINT coupon_usage_by_customer_counts CHECK (used >= 0),
    CONSTRAINT coupon_usage_by_customer_customer_fk FOREIGN KEY (store_id, customer_id) REFERENCES customers (store_id, id),
    CONSTRAINT coupon_usage_by_customer_coupon_fk FOREIGN KEY (store_id, coupon_id) REFERENCES coupons (store_id, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX coupon_usage_by_coupon ON coupon_usage_by_customer (store_id, coupon_id);

CREATE TABLE carts (
    store_id BLOB NOT NULL CHECK (length(store_id) = 16),
    id BLOB NOT NULL CHECK (length(id) = 16),
    version INTEGER NOT NULL,
    currency TEXT NOT NULL CHECK (length(currency) <= 3),
    customer_id BLOB CHECK (length(customer_id) = 16),
    email TEXT CHECK (length(email) <= 320),
    shipping_address TEXT,
    shipping_method TEXT CHECK (length(shipping_method) <= 100),
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    PRIMARY KEY (store_id, id),
    CONSTRAINT carts_store_fk FOREIGN KEY (store_id) REFERENCES stores (id),
    CONSTRAINT carts_customer_fk FOREIGN KEY (store_id, customer_id) REFERENCES customers (store_id, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX carts_by_customer ON carts (store_id, customer_id);

CREATE TABLE cart_lines (
    store_id BLOB NOT NULL CHECK (length(store_id) = 16),
    cart_id BLOB NOT NULL CHECK (length(cart_id) = 16),
    id BLOB NOT NULL CHECK (length(id) = 16),
    position INTEGER NOT NULL,
    variant_id BLOB NOT NULL CHECK (length(variant_id) = 16),
    quantity INTEGER NOT NULL,
    added_at INTEGER NOT NULL,
    PRIMARY KEY (store_id, cart_id, id),
    CONSTRAINT cart_lines_variant_id UNIQUE (store_id, cart_id, variant_id),
    CONSTRAINT cart_lines_cart_fk FOREIGN KEY (store_id, cart_id) REFERENCES carts (store_id, id),
    CONSTRAINT cart_lines_variant_fk FOREIGN KEY (store_id, variant_id) REFERENCES variants (store_id, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX cart_lines_by_age ON cart_lines (store_id, added_at, variant_id);
CREATE INDEX cart_lines_by_variant ON cart_lines (store_id, variant_id);

CREATE TABLE cart_coupons (
    store_id BLOB NOT NULL CHECK (length(store_id) = 16),
    cart_id BLOB NOT NULL CHECK (length(cart_id) = 16),
    coupon_id BLOB NOT NULL CHECK (length(coupon_id) = 16),
    position INTEGER NOT NULL,
    PRIMARY KEY (store_id, cart_id, coupon_id),
    CONSTRAINT cart_coupons_cart_fk FOREIGN KEY (store_id, cart_id) REFERENCES carts (store_id, id),
    CONSTRAINT cart_coupons_coupon_fk FOREIGN KEY (store_id, coupon_id) REFERENCES coupons (store_id, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX cart_coupons_by_coupon ON cart_coupons (store_id, coupon_id);

-- secret_digest is the SHA-256 of the secret.
CREATE TABLE api_keys (
    store_id BLOB NOT NULL CHECK (length(store_id) = 16),
    id BLOB NOT NULL CHECK (length(id) = 16),
    name TEXT NOT NULL CHECK (length(name) <= 255),
    secret_digest BLOB NOT NULL CHECK (length(secret_digest) = 32),
    created_at INTEGER NOT NULL,
    revoked_at INTEGER,
    PRIMARY KEY (store_id, id),
    CONSTRAINT api_keys_secret_digest UNIQUE (store_id, secret_digest),
    CONSTRAINT api_keys_store_fk FOREIGN KEY (store_id) REFERENCES stores (id)
) STRICT, WITHOUT ROWID;
