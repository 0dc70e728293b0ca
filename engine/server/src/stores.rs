//! Which stores there are, remembered: every request asks.

use std::time::Duration;

use martlet_domain::{Id, catalog::Handle, money::Currency, settings::Store};
use martlet_store::Db;
use moka::future::Cache;

use crate::error::Error;

/// How long an answer is remembered, unless a change is heard of. That there is none is one too.
const TTL: Duration = Duration::from_secs(10);
/// Most answers of each kind: clients make up host names.
const MOST: u64 = 10_000;

/// Which stores there are. One a process.
#[derive(Debug)]
pub struct Stores {
    db: Db,
    by_handle: Cache<Handle, Option<Store>>,
    by_host: Cache<String, Option<Store>>,
    currencies: Cache<Id<Store>, Currency>,
}

impl Stores {
    /// Knows none yet.
    pub fn new(db: Db) -> Self {
        fn cache<K: std::hash::Hash + Eq + Send + Sync + 'static, V: Clone + Send + Sync + 'static>()
        -> Cache<K, V> {
            Cache::builder().max_capacity(MOST).time_to_live(TTL).build()
        }
        Self { db, by_handle: cache(), by_host: cache(), currencies: cache() }
    }

    /// The store with a handle.
    pub async fn by_handle(&self, handle: &Handle) -> Result<Option<Store>, Error> {
        let find = async { self.db.find_store_by_handle(handle).await.map_err(Error::from) };
        self.by_handle.try_get_with_by_ref(handle, find).await.map_err(Error::Shared)
    }

    /// The store at a host, given in lower case.
    pub async fn by_host(&self, host: &str) -> Result<Option<Store>, Error> {
        let find = async { self.db.find_store_by_host(host).await.map_err(Error::from) };
        self.by_host.try_get_with_by_ref(host, find).await.map_err(Error::Shared)
    }

    /// The currency in which a store lists its prices: that which was asked for, else its own. What is paid
    /// is worked out by its settings as they stand, not by this.
    pub async fn currency_or_default(
        &self,
        store: &Store,
        asked: Option<Currency>,
    ) -> Result<Currency, Error> {
        if let Some(currency) = asked {
            return Ok(currency);
        }
        let find = async {
            crate::api::products::settings(&self.db, store).await.map(|found| found.default_currency)
        };
        self.currencies.try_get_with(store.id, find).await.map_err(Error::Shared)
    }

    /// Forgets all, since some have changed.
    pub fn forget(&self) {
        self.by_handle.invalidate_all();
        self.by_host.invalidate_all();
        self.currencies.invalidate_all();
    }
}
