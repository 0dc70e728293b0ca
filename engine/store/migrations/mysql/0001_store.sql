-- The first shape of the tables. migrations/sqlite has the same, statement by statement.
--
-- Ids are the 16 bytes of a UUID, times milliseconds since 1970 in UTC, money minor units. A key
-- begins with the store, and so do foreign keys: nothing can name another store's rows.
-- Texts compare as bytes. JSON is LONGTEXT, because a native JSON column doesn't give back the
-- text it was given.

-- Tenants. Everything below belongs to one, but for components.
CREATE TABLE stores (
    id BINARY(16) NOT NULL,
    handle VARCHAR(100) NOT NULL,
    name VARCHAR(255) NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (id),
    CONSTRAINT stores_handle UNIQUE (handle)
) ENGINE = InnoDB, CHARACTER SET utf8mb4, COLLATE utf8mb4_bin;

-- Host names in lower case. A host names one store.
CREATE TABLE store_hosts (
    host VARCHAR(253) NOT NULL,
    store_id BINARY(16) NOT NULL,
    position BIGINT NOT NULL,
    PRIMARY KEY (host),
    INDEX store_hosts_by_store (store_id, position),
    CONSTRAINT store_hosts_store_fk FOREIGN KEY (store_id) REFERENCES stores (id)
) ENGINE = InnoDB, CHARACTER SET utf8mb4, COLLATE utf8mb4_bin;

-- Apart from stores, whose rows every foreign key reads: counting would block them.
CREATE TABLE store_counters (
    store_id BINARY(16) NOT NULL,
    installations BIGINT NOT NULL,
    rulebooks BIGINT NOT NULL,
    PRIMARY KEY (store_id),
    CONSTRAINT store_counters_store_fk FOREIGN KEY (store_id) REFERENCES stores (id)
) ENGINE = InnoDB, CHARACTER SET utf8mb4, COLLATE utf8mb4_bin;

CREATE TABLE store_settings (
    store_id BINARY(16) NOT NULL,
    version BIGINT NOT NULL,
    body LONGTEXT NOT NULL,
    PRIMARY KEY (store_id),
    CONSTRAINT store_settings_store_fk FOREIGN KEY (store_id) REFERENCES stores (id)
) ENGINE = InnoDB, CHARACTER SET utf8mb4, COLLATE utf8mb4_bin;

CREATE TABLE categories (
    store_id BINARY(16) NOT NULL,
    id BINARY(16) NOT NULL,
    handle VARCHAR(100) NOT NULL,
    name VARCHAR(255) NOT NULL,
    parent_id BINARY(16),
    position BIGINT NOT NULL,
    PRIMARY KEY (store_id, id),
    CONSTRAINT categories_handle UNIQUE (store_id, handle),
    INDEX categories_by_parent (store_id, parent_id),
    CONSTRAINT categories_store_fk FOREIGN KEY (store_id) REFERENCES stores (id),
    CONSTRAINT categories_parent_fk FOREIGN KEY (store_id, parent_id) REFERENCES categories (store_id, id)
) ENGINE = InnoDB, CHARACTER SET utf8mb4, COLLATE utf8mb4_bin;

-- `search` and `title_key` are derived from the others, for searching and sorting.
CREATE TABLE products (
    store_id BINARY(16) NOT NULL,
    id BINARY(16) NOT NULL,
    handle VARCHAR(100) NOT NULL,
    title VARCHAR(500) NOT NULL,
    description LONGTEXT NOT NULL,
    published BOOLEAN NOT NULL,
    tags LONGTEXT NOT NULL,
    attributes LONGTEXT NOT NULL,
    options LONGTEXT NOT NULL,
    tax_category VARCHAR(100) NOT NULL,
    search LONGTEXT NOT NULL,
    title_key VARCHAR(200) NOT NULL,
    version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (store_id, id),
    CONSTRAINT products_handle UNIQUE (store_id, handle),
    INDEX products_shown_by_age (store_id, published, created_at, id),
    INDEX products_by_age (store_id, created_at, id),
    INDEX products_shown_by_title (store_id, published, title_key, id),
    INDEX products_by_title (store_id, title_key, id),
    CONSTRAINT products_store_fk FOREIGN KEY (store_id) REFERENCES stores (id)
) ENGINE = InnoDB, CHARACTER SET utf8mb4, COLLATE utf8mb4_bin;

CREATE TABLE product_categories (
    store_id BINARY(16) NOT NULL,
    product_id BINARY(16) NOT NULL,
    category_id BINARY(16) NOT NULL,
    position BIGINT NOT NULL,
    PRIMARY KEY (store_id, product_id, category_id),
    INDEX product_categories_by_category (store_id, category_id, product_id),
    CONSTRAINT product_categories_product_fk FOREIGN KEY (store_id, product_id) REFERENCES products (store_id, id),
    CONSTRAINT product_categories_category_fk FOREIGN KEY (store_id, category_id) REFERENCES categories (store_id, id)
) ENGINE = InnoDB, CHARACTER SET utf8mb4, COLLATE utf8mb4_bin;

CREATE TABLE variants (
    store_id BINARY(16) NOT NULL,
    id BINARY(16) NOT NULL,
    product_id BINARY(16) NOT NULL,
    sku VARCHAR(64) NOT NULL,
    title VARCHAR(500) NOT NULL,
    options LONGTEXT NOT NULL,
    position BIGINT NOT NULL,
    version BIGINT NOT NULL,
    PRIMARY KEY (store_id, id),
    CONSTRAINT variants_sku UNIQUE (store_id, sku),
    INDEX variants_by_product (store_id, product_id, position, id),
    CONSTRAINT variants_product_fk FOREIGN KEY (store_id, product_id) REFERENCES products (store_id, id)
) ENGINE = InnoDB, CHARACTER SET utf8mb4, COLLATE utf8mb4_bin;

-- Apart from variants: a row in demand must not block the foreign keys of carts.
CREATE TABLE stock_levels (
    store_id BINARY(16) NOT NULL,
    variant_id BINARY(16) NOT NULL,
    on_hand BIGINT NOT NULL,
    reserved BIGINT NOT NULL,
    PRIMARY KEY (store_id, variant_id),
    CONSTRAINT stock_levels_cover CHECK (reserved >= 0 AND on_hand >= reserved),
    CONSTRAINT stock_levels_variant_fk FOREIGN KEY (store_id, variant_id) REFERENCES variants (store_id, id)
) ENGINE = InnoDB, CHARACTER SET utf8mb4, COLLATE utf8mb4_bin;

-- Minor units.
CREATE TABLE prices (
    store_id BINARY(16) NOT NULL,
    variant_id BINARY(16) NOT NULL,
    currency VARCHAR(3) NOT NULL,
    amount BIGINT NOT NULL,
    floor_amount BIGINT NOT NULL,
    PRIMARY KEY (store_id, variant_id, currency),
    CONSTRAINT prices_floor CHECK (floor_amount >= 0 AND amount >= floor_amount),
    CONSTRAINT prices_variant_fk FOREIGN KEY (store_id, variant_id) REFERENCES variants (store_id, id)
) ENGINE = InnoDB, CHARACTER SET utf8mb4, COLLATE utf8mb4_bin;

-- Derived from prices with every change of them, so that lists by price read an index.
CREATE TABLE lowest_prices (
    store_id BINARY(16) NOT NULL,
    product_id BINARY(16) NOT NULL,
    currency VARCHAR(3) NOT NULL,
    amount BIGINT NOT NULL,
    PRIMARY KEY (store_id, product_id, currency),
    INDEX lowest_prices_by_amount (store_id, currency, amount, product_id),
    CONSTRAINT lowest_prices_product_fk FOREIGN KEY (store_id, product_id) REFERENCES products (store_id, id)
) ENGINE = InnoDB, CHARACTER SET utf8mb4, COLLATE utf8mb4_bin;

CREATE TABLE customers (
    store_id BINARY(16) NOT NULL,
    id BINARY(16) NOT NULL,
    email VARCHAR(320) NOT NULL,
    customer_groups LONGTEXT NOT NULL,
    order_count BIGINT NOT NULL,
    lifetime_spend BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (store_id, id),
    CONSTRAINT customers_email UNIQUE (store_id, email),
    CONSTRAINT customers_store_fk FOREIGN KEY (store_id) REFERENCES stores (id)
) ENGINE = InnoDB, CHARACTER SET utf8mb4, COLLATE utf8mb4_bin;

-- Compiled for all stores alike, so not scoped: plugin_versions says who may use them.
CREATE TABLE components (
    digest BINARY(32) NOT NULL,
    size BIGINT NOT NULL,
    PRIMARY KEY (digest)
) ENGINE = InnoDB, CHARACTER SET utf8mb4, COLLATE utf8mb4_bin;

-- A component may be larger than a packet to the server.
CREATE TABLE component_chunks (
    digest BINARY(32) NOT NULL,
    position BIGINT NOT NULL,
    bytes LONGBLOB NOT NULL,
    PRIMARY KEY (digest, position),
    CONSTRAINT component_chunks_digest_fk FOREIGN KEY (digest) REFERENCES components (digest)
) ENGINE = InnoDB, CHARACTER SET utf8mb4, COLLATE utf8mb4_bin;

CREATE TABLE plugins (
    store_id BINARY(16) NOT NULL,
    id BINARY(16) NOT NULL,
    name VARCHAR(255) NOT NULL,
    world VARCHAR(32) NOT NULL,
    PRIMARY KEY (store_id, id),
    CONSTRAINT plugins_name UNIQUE (store_id, name),
    CONSTRAINT plugins_store_fk FOREIGN KEY (store_id) REFERENCES stores (id)
) ENGINE = InnoDB, CHARACTER SET utf8mb4, COLLATE utf8mb4_bin;

CREATE TABLE plugin_versions (
    store_id BINARY(16) NOT NULL,
    digest BINARY(32) NOT NULL,
    plugin_id BINARY(16) NOT NULL,
    description LONGTEXT NOT NULL,
    wit_version VARCHAR(64) NOT NULL,
    size BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (store_id, digest),
    INDEX plugin_versions_by_plugin (store_id, plugin_id, created_at),
    INDEX plugin_versions_by_component (digest),
    CONSTRAINT plugin_versions_plugin_fk FOREIGN KEY (store_id, plugin_id) REFERENCES plugins (store_id, id),
    CONSTRAINT plugin_versions_digest_fk FOREIGN KEY (digest) REFERENCES components (digest)
) ENGINE = InnoDB, CHARACTER SET utf8mb4, COLLATE utf8mb4_bin;

CREATE TABLE installations (
    store_id BINARY(16) NOT NULL,
    id BINARY(16) NOT NULL,
    sequence BIGINT NOT NULL,
    component BINARY(32) NOT NULL,
    body LONGTEXT NOT NULL,
    PRIMARY KEY (store_id, id),
    CONSTRAINT installations_sequence UNIQUE (store_id, sequence),
    INDEX installations_by_component (store_id, component),
    CONSTRAINT installations_component_fk FOREIGN KEY (store_id, component) REFERENCES plugin_versions (store_id, digest)
) ENGINE = InnoDB, CHARACTER SET utf8mb4, COLLATE utf8mb4_bin;

-- Never changed, never deleted.
CREATE TABLE rulebooks (
    store_id BINARY(16) NOT NULL,
    number BIGINT NOT NULL,
    note LONGTEXT NOT NULL,
    created_at BIGINT NOT NULL,
    body LONGTEXT NOT NULL,
    PRIMARY KEY (store_id, number),
    CONSTRAINT rulebooks_store_fk FOREIGN KEY (store_id) REFERENCES stores (id)
) ENGINE = InnoDB, CHARACTER SET utf8mb4, COLLATE utf8mb4_bin;

CREATE TABLE active_rulebooks (
    store_id BINARY(16) NOT NULL,
    number BIGINT NOT NULL,
    PRIMARY KEY (store_id),
    CONSTRAINT active_rulebooks_number_fk FOREIGN KEY (store_id, number) REFERENCES rulebooks (store_id, number)
) ENGINE = InnoDB, CHARACTER SET utf8mb4, COLLATE utf8mb4_bin;

CREATE TABLE coupons (
    store_id BINARY(16) NOT NULL,
    id BINARY(16) NOT NULL,
    code VARCHAR(64) NOT NULL,
    installation_id BINARY(16) NOT NULL,
    config LONGTEXT NOT NULL,
    classes LONGTEXT NOT NULL,
    enabled BOOLEAN NOT NULL,
    starts_at BIGINT,
    ends_at BIGINT,
    total_limit BIGINT,
    per_customer_limit BIGINT,
    version BIGINT NOT NULL,
    PRIMARY KEY (store_id, id),
    CONSTRAINT coupons_code UNIQUE (store_id, code),
    INDEX coupons_by_installation (store_id, installation_id),
    CONSTRAINT coupons_installation_fk FOREIGN KEY (store_id, installation_id) REFERENCES installations (store_id, id)
) ENGINE = InnoDB, CHARACTER SET utf8mb4, COLLATE utf8mb4_bin;

-- Apart from coupons: a counter in demand must not block the foreign keys of carts.
CREATE TABLE coupon_usage (
    store_id BINARY(16) NOT NULL,
    coupon_id BINARY(16) NOT NULL,
    used BIGINT NOT NULL,
    PRIMARY KEY (store_id, coupon_id),
    CONSTRAINT coupon_usage_counts CHECK (used >= 0),
    CONSTRAINT coupon_usage_coupon_fk FOREIGN KEY (store_id, coupon_id) REFERENCES coupons (store_id, id)
) ENGINE = InnoDB, CHARACTER SET utf8mb4, COLLATE utf8mb4_bin;

CREATE TABLE coupon_usage_by_customer (
    store_id BINARY(16) NOT NULL,
    customer_id BINARY(16) NOT NULL,
    coupon_id BINARY(16) NOT NULL,
    used BIGINT NOT NULL,
    PRIMARY KEY (store_id, customer_id, coupon_id),
    INDEX coupon_usage_by_coupon (store_id, coupon_id),
    CONSTRAINT coupon_usage_by_customer_counts CHECK (used >= 0),
    CONSTRAINT coupon_usage_by_customer_customer_fk FOREIGN KEY (store_id, customer_id) REFERENCES customers (store_id, id),
    CONSTRAINT coupon_usage_by_customer_coupon_fk FOREIGN KEY (store_id, coupon_id) REFERENCES coupons (store_id, id)
) ENGINE = InnoDB, CHARACTER SET utf8mb4, COLLATE utf8mb4_bin;

CREATE TABLE carts (
    store_id BINARY(16) NOT NULL,
    id BINARY(16) NOT NULL,
    version BIGINT NOT NULL,
    currency VARCHAR(3) NOT NULL,
    customer_id BINARY(16),
    email VARCHAR(320),
    shipping_address LONGTEXT,
    shipping_method VARCHAR(100),
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (store_id, id),
    INDEX carts_by_customer (store_id, customer_id),
    CONSTRAINT carts_store_fk FOREIGN KEY (store_id) REFERENCES stores (id),
    CONSTRAINT carts_customer_fk FOREIGN KEY (store_id, customer_id) REFERENCES customers (store_id, id)
) ENGINE = InnoDB, CHARACTER SET utf8mb4, COLLATE utf8mb4_bin;

CREATE TABLE cart_lines (
    store_id BINARY(16) NOT NULL,
    cart_id BINARY(16) NOT NULL,
    id BINARY(16) NOT NULL,
    position BIGINT NOT NULL,
    variant_id BINARY(16) NOT NULL,
    quantity BIGINT NOT NULL,
    added_at BIGINT NOT NULL,
    PRIMARY KEY (store_id, cart_id, id),
    CONSTRAINT cart_lines_variant_id UNIQUE (store_id, cart_id, variant_id),
    INDEX cart_lines_by_age (store_id, added_at, variant_id),
    INDEX cart_lines_by_variant (store_id, variant_id),
    CONSTRAINT cart_lines_cart_fk FOREIGN KEY (store_id, cart_id) REFERENCES carts (store_id, id),
    CONSTRAINT cart_lines_variant_fk FOREIGN KEY (store_id, variant_id) REFERENCES variants (store_id, id)
) ENGINE = InnoDB, CHARACTER SET utf8mb4, COLLATE utf8mb4_bin;

CREATE TABLE cart_coupons (
    store_id BINARY(16) NOT NULL,
    cart_id BINARY(16) NOT NULL,
    coupon_id BINARY(16) NOT NULL,
    position BIGINT NOT NULL,
    PRIMARY KEY (store_id, cart_id, coupon_id),
    INDEX cart_coupons_by_coupon (store_id, coupon_id),
    CONSTRAINT cart_coupons_cart_fk FOREIGN KEY (store_id, cart_id) REFERENCES carts (store_id, id),
    CONSTRAINT cart_coupons_coupon_fk FOREIGN KEY (store_id, coupon_id) REFERENCES coupons (store_id, id)
) ENGINE = InnoDB, CHARACTER SET utf8mb4, COLLATE utf8mb4_bin;

-- secret_digest is the SHA-256 of the secret.
CREATE TABLE api_keys (
    store_id BINARY(16) NOT NULL,
    id BINARY(16) NOT NULL,
    name VARCHAR(255) NOT NULL,
    secret_digest BINARY(32) NOT NULL,
    created_at BIGINT NOT NULL,
    revoked_at BIGINT,
    PRIMARY KEY (store_id, id),
    CONSTRAINT api_keys_secret_digest UNIQUE (store_id, secret_digest),
    CONSTRAINT api_keys_store_fk FOREIGN KEY (store_id) REFERENCES stores (id)
) ENGINE = InnoDB, CHARACTER SET utf8mb4, COLLATE utf8mb4_bin;
