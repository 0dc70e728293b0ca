//! Pages of products that instances share.
//!
//! A reader that finds nothing reads the database and fills; a change puts a tombstone, which no fill
//! overwrites, so that what was read before the change can't come after it.

use std::time::Duration;

use axum::body::Bytes;
use martlet_domain::{Id, catalog::Product, settings::Store};

use super::{
    Budget, Link, Redis, Unavailable,
    keys::{self, TOMBSTONE_TTL, millis},
    script::Script,
};

/// Replaces what is there or missing, but no tombstone.
static FILL: Script = Script::new(
    "if redis.call('EXISTS', KEYS[1]) == 1 and redis.call('STRLEN', KEYS[1]) == 0 then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1",
);

/// What is kept of a product.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cached {
    /// Its page.
    Found(Bytes),
    /// Nothing: read the database and fill.
    Missing,
    /// It changed a moment ago: read the database; a fill would be refused.
    Tombstone,
}

impl Redis {
    /// The page of a product as it was filled.
    pub async fn product(&self, store: Id<Store>, product: Id<Product>) -> Result<Cached, Unavailable> {
        let mut get = redis::cmd("GET");
        get.arg(keys::product(store, product));
        let found: Option<Bytes> = self.ask("product.get", Budget::HotPath, get).await?;
        Ok(match found {
            None => Cached::Missing,
            Some(tombstone) if tombstone.is_empty() => Cached::Tombstone,
            Some(page) => Cached::Found(page),
        })
    }

    /// Keeps a page that was read, in place of an older one, but not of a tombstone. Whether it is kept.
    /// `ttl` is [`PRODUCT_TTL`](keys::PRODUCT_TTL) give or take, so that pages filled together don't go
    /// together.
    pub async fn fill_product(
        &self,
        store: Id<Store>,
        product: Id<Product>,
        page: &[u8],
        ttl: Duration,
    ) -> Result<bool, Unavailable> {
        let keys = [keys::product(store, product)];
        let arguments = [page.to_vec(), millis(ttl).to_string().into_bytes()];
        self.script("product.fill", Budget::Command, &FILL, &keys, &arguments).await
    }

    /// Puts tombstones on pages: to be called when changes of them are committed.
    pub async fn bury_products(&self, products: &[(Id<Store>, Id<Product>)]) -> Result<(), Unavailable> {
        let mut bury = redis::pipe();
        for (store, product) in products {
            let tombstone = bury.cmd("SET").arg(keys::product(*store, *product)).arg("");
            tombstone.arg("PX").arg(millis(TOMBSTONE_TTL)).ignore();
        }
        let bury = async move |mut link: Link| bury.exec_async(&mut link).await;
        self.run("product.bury", Budget::Command, bury).await
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::{super::keys::PRODUCT_TTL, *};
    use crate::testing::TestRedis;

    fn ids() -> (Id<Store>, Id<Product>) {
        (Id::new(Uuid::from_u128(1)), Id::new(Uuid::from_u128(2)))
    }

    fn found(page: &'static [u8]) -> Result<Cached, Unavailable> {
        Ok(Cached::Found(Bytes::from_static(page)))
    }

    #[tokio::test]
    async fn a_page_is_kept_as_it_is_until_a_newer_one_comes() {
        let Some(server) = TestRedis::start().await else { return };
        let (redis, (store, product)) = (server.connect(), ids());
        assert_eq!(redis.product(store, product).await, Ok(Cached::Missing));
        let page = b"{\"title\":\"Mug\"}\r\n\0\xff";
        assert_eq!(redis.fill_product(store, product, page, PRODUCT_TTL).await, Ok(true));
        assert_eq!(redis.product(store, product).await, found(page));
        assert_eq!(redis.fill_product(store, product, b"newer", PRODUCT_TTL).await, Ok(true));
        assert_eq!(redis.product(store, product).await, found(b"newer"));
        let left: u64 =
            server.command(&["PTTL", keys::product(store, product).as_str()]).await.parse().unwrap();
        assert!(left <= millis(PRODUCT_TTL) && left > millis(PRODUCT_TTL) / 2, "{left}");
        // Another store's product of the same id is another product.
        assert_eq!(redis.product(Id::new(Uuid::from_u128(3)), product).await, Ok(Cached::Missing));
    }

    #[tokio::test]
    async fn what_was_read_before_a_change_cannot_come_after_it() {
        let Some(server) = TestRedis::start().await else { return };
        let (redis, (store, product)) = (server.connect(), ids());
        redis.fill_product(store, product, b"old", PRODUCT_TTL).await.unwrap();
        redis.bury_products(&[(store, product)]).await.unwrap();
        assert_eq!(redis.product(store, product).await, Ok(Cached::Tombstone));
        assert_eq!(redis.fill_product(store, product, b"old", PRODUCT_TTL).await, Ok(false));
        // Tombstones go by themselves, and then a fill is welcome.
        let key = keys::product(store, product);
        let left: u64 = server.command(&["PTTL", key.as_str()]).await.parse().unwrap();
        assert!(left > 0 && left <= millis(TOMBSTONE_TTL), "{left}");
        server.command(&["PEXPIRE", key.as_str(), "1"]).await;
        server.until_gone(key.as_str()).await;
        assert_eq!(redis.product(store, product).await, Ok(Cached::Missing));
        assert_eq!(redis.fill_product(store, product, b"new", PRODUCT_TTL).await, Ok(true));
        assert_eq!(redis.product(store, product).await, found(b"new"));
    }
}
