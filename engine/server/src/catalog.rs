//! What shoppers look at, kept as the bytes that are sent: in this process, in Redis, in the database.
//!
//! Nothing is kept longer than it is right: each change is read from the change log by every instance
//! ([`crate::changes`]), which then forgets here what has changed. Times to live only bound what is kept
//! of what nobody asks for. All who miss the same thing wait for one read.

mod body;
mod page;
#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeSet, HashMap},
    future::Future,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use martlet_domain::{
    Id, Timestamp,
    catalog::{Handle, Product},
    money::Currency,
    settings::Store,
};
use martlet_store::{Db, ProductQuery};
use moka::{future::Cache, sync::Cache as SyncCache};
use prometheus::{IntCounterVec, Opts, Registry};

pub use self::{body::Body, page::ProductPage};
use crate::{
    api::{categories, popular, product, products},
    clock::Clock,
    error::Error,
    ids::Ids,
    redis::{
        Cached, Redis,
        keys::{POPULAR_TTL, PRODUCT_TTL, TOMBSTONE_TTL},
    },
};

/// Bytes of pages, and again of lists, that are kept in this process.
const MOST_BYTES: u64 = 64 << 20;
/// How long a page is kept here.
const PAGE_TTL: Duration = Duration::from_secs(60);
/// How long a list is kept here.
const LIST_TTL: Duration = Duration::from_secs(10);
/// How long it is remembered that a page has changed: longer than any page is kept that was read before,
/// here or in Redis, reading included.
const CHANGED_TTL: Duration = Duration::from_secs(900);
/// By how much the clocks of instances differ at most.
const SKEW: Duration = Duration::from_secs(2);
/// Changes that Redis is told of at a time: it has a budget for each.
const TOLD_AT_ONCE: usize = 1_000;
/// Products that popularity ranks.
const RANKED: u32 = 100;
/// How often a page is read that changes while it is read.
const TRIES: usize = 3;

type PageKey = (Id<Store>, Id<Product>);

/// What shoppers look at. One a process.
#[derive(Debug)]
pub struct Catalog {
    db: Db,
    redis: Redis,
    clock: Clock,
    ids: Ids,
    pages: Cache<PageKey, Arc<ProductPage>>,
    handles: Cache<(Id<Store>, Handle), Id<Product>>,
    lists: Cache<(Id<Store>, u64, List), Body>,
    rankings: Cache<Id<Store>, Arc<Vec<Id<Product>>>>,
    /// Changes heard of so far.
    heard: AtomicU64,
    /// Which change was a page's last.
    changed: SyncCache<PageKey, Heard>,
    /// How often a store's lists have changed.
    editions: Mutex<HashMap<Id<Store>, u64>>,
    /// Pages of which Redis may still have an older version, since it couldn't be told.
    untold: Mutex<BTreeSet<PageKey>>,
    reads: IntCounterVec,
}

/// When a change was heard of.
#[derive(Debug, Clone, Copy)]
struct Heard {
    /// How many had been before, and this one.
    number: u64,
    at: Timestamp,
}

/// What a list shows.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum List {
    Products(ProductQuery),
    Popular(Currency, u32),
    Categories,
}

impl Catalog {
    /// Knows nothing yet.
    pub fn new(db: Db, redis: Redis, clock: Clock, ids: Ids) -> Result<Self, prometheus::Error> {
        let weigh = |bytes: usize| u32::try_from(bytes + 256).unwrap_or(u32::MAX);
        let reads =
            Opts::new("catalog_reads_total", "What had to be read, since this process didn't have it");
        Ok(Self {
            db,
            redis,
            clock,
            ids,
            pages: Cache::builder()
                .max_capacity(MOST_BYTES)
                .weigher(move |_, page: &Arc<ProductPage>| weigh(page.body.bytes().len()))
                .time_to_live(PAGE_TTL)
                .build(),
            handles: Cache::builder().max_capacity(100_000).time_to_live(PAGE_TTL).build(),
            lists: Cache::builder()
                .max_capacity(MOST_BYTES)
                .weigher(move |_, list: &Body| weigh(list.bytes().len()))
                .time_to_live(LIST_TTL)
                .build(),
            rankings: Cache::builder().max_capacity(10_000).time_to_live(POPULAR_TTL).build(),
            heard: AtomicU64::new(0),
            changed: SyncCache::builder().max_capacity(1_000_000).time_to_live(CHANGED_TTL).build(),
            editions: Mutex::default(),
            untold: Mutex::default(),
            reads: IntCounterVec::new(reads, &["what", "from"])?,
        })
    }

    /// Shows its metrics in a registry.
    pub fn register(&self, registry: &Registry) -> Result<(), prometheus::Error> {
        registry.register(Box::new(self.reads.clone()))
    }

    /// The page of a product that shoppers can see.
    pub async fn product(
        self: &Arc<Self>,
        store: Id<Store>,
        id: Id<Product>,
    ) -> Result<Arc<ProductPage>, Error> {
        let key = (store, id);
        for _ in 0..TRIES {
            let page = match self.pages.get(&key).await {
                Some(page) => page,
                None => self.fill(key).await?,
            };
            if self.is_current(key, &page) {
                self.refresh_early(key, &page);
                return Ok(page);
            }
            self.pages.invalidate(&key).await;
        }
        // It changes all the time. What is read now was right when it was asked for.
        self.clone().read_page(key, false).await
    }

    /// The page of the product that has a handle.
    pub async fn product_by_handle(
        self: &Arc<Self>,
        store: Id<Store>,
        handle: &Handle,
    ) -> Result<Arc<ProductPage>, Error> {
        let key = (store, handle.clone());
        for _ in 0..TRIES {
            let id = self.handles.try_get_with(key.clone(), self.clone().read_handle(store, handle.clone()));
            let id = id.await.map_err(Error::Shared)?;
            match self.product(store, id).await {
                Ok(page) if page.handle == *handle => return Ok(page),
                // The handle is somebody else's by now, or nobody's.
                Ok(_) => {}
                Err(error) if error.is_not_found() => {}
                Err(error) => return Err(error),
            }
            self.handles.invalidate(&key).await;
        }
        Err(Error::not_found::<Product>())
    }

    /// A page of a list of products.
    pub async fn list(self: &Arc<Self>, store: Id<Store>, query: ProductQuery) -> Result<Body, Error> {
        self.listed(store, List::Products(query)).await
    }

    /// The products that are wanted most.
    pub async fn popular(
        self: &Arc<Self>,
        store: Id<Store>,
        currency: Currency,
        limit: u32,
    ) -> Result<Body, Error> {
        self.listed(store, List::Popular(currency, limit)).await
    }

    /// The tree of categories.
    pub async fn categories(self: &Arc<Self>, store: Id<Store>) -> Result<Body, Error> {
        self.listed(store, List::Categories).await
    }

    /// Forgets the pages of products that have changed.
    pub async fn forget_products(&self, changed: BTreeSet<(Id<Store>, Id<Product>)>) {
        // What is read from now on mustn't be what stands in Redis, whether or not that can be told yet.
        if self.redis.is_configured() {
            self.untold.lock().unwrap_or_else(PoisonError::into_inner).extend(&changed);
        }
        let (number, at) = (self.heard.fetch_add(1, Ordering::SeqCst) + 1, self.clock.now());
        for key in &changed {
            self.changed.insert(*key, Heard { number, at });
            self.pages.invalidate(key).await;
        }
        self.bury(&changed).await;
    }

    /// Forgets a store's lists.
    pub fn forget_lists(&self, store: Id<Store>) {
        *self.editions.lock().unwrap_or_else(PoisonError::into_inner).entry(store).or_default() += 1;
    }

    /// Tells Redis what it couldn't be told before.
    pub async fn bury_again(&self) {
        let untold = self.untold.lock().unwrap_or_else(PoisonError::into_inner).clone();
        self.bury(&untold).await;
    }

    /// Reads the pages that are wanted most, so that no shopper waits for them. How many.
    pub async fn warm(self: &Arc<Self>, store: Id<Store>) -> Result<usize, Error> {
        let wanted = self.ranking(store).await?;
        for id in wanted.iter() {
            match self.product(store, *id).await {
                Err(error) if !error.is_not_found() => return Err(error),
                _ => {}
            }
        }
        Ok(wanted.len())
    }

    async fn fill(self: &Arc<Self>, key: PageKey) -> Result<Arc<ProductPage>, Error> {
        let read = self.clone().read_page(key, false);
        self.pages.try_get_with(key, on_its_own(read)).await.map_err(Error::Shared)
    }

    /// Whether no change of it was heard of since its reading began.
    fn is_current(&self, key: PageKey, page: &ProductPage) -> bool {
        self.changed.get(&key).is_none_or(|heard| heard.number <= page.after)
    }

    /// Whether a page of Redis was read after the last change that was heard of. A tombstone says so too,
    /// but it goes with what Redis forgets; instances' clocks differ.
    fn is_newer(&self, key: PageKey, page: &ProductPage) -> bool {
        self.changed.get(&key).is_none_or(|heard| page.read_at > heard.at.plus(SKEW))
    }

    fn refresh_early(self: &Arc<Self>, key: PageKey, page: &Arc<ProductPage>) {
        if !page.is_to_be_refreshed(self.clock.now()) {
            return;
        }
        let this = Arc::clone(self);
        tokio::spawn(async move {
            match this.clone().read_page(key, true).await {
                Ok(page) => this.pages.insert(key, page).await,
                Err(error) if error.is_not_found() => this.pages.invalidate(&key).await,
                Err(error) => tracing::warn!("a page isn't read again before its time is over: {error}"),
            }
        });
    }

    /// From Redis, where it has it, else from the database.
    async fn read_page(self: Arc<Self>, key: PageKey, refreshes: bool) -> Result<Arc<ProductPage>, Error> {
        let (store, id) = key;
        let (after, now) = (self.heard.load(Ordering::SeqCst), self.clock.now());
        let kept = if self.is_untold(key) { None } else { self.redis.product(store, id).await.ok() };
        let fills = matches!(kept, Some(Cached::Missing | Cached::Found(_)));
        let found = match kept {
            Some(Cached::Found(packed)) => ProductPage::unpacked(&packed),
            _ => None,
        };
        let oldest = now.minus(early(PRODUCT_TTL));
        let found = found.filter(|page| self.is_newer(key, page) && (!refreshes || page.read_at > oldest));
        self.reads.with_label_values(&["product", if found.is_some() { "redis" } else { "database" }]).inc();
        let mut page = match found {
            Some(page) => page,
            None => {
                let (handle, body) = product::read(&self.db, store, id).await?;
                let page = ProductPage::new(handle, body, now);
                // What took too long may be older than a change whose tombstone is gone again.
                if fills && self.clock.now() < now.plus(TOMBSTONE_TTL / 2) {
                    self.keep(key, &page).await;
                }
                page
            }
        };
        page.after = after;
        page.refresh_at = now.plus(self.spread(early(PAGE_TTL)));
        Ok(Arc::new(page))
    }

    async fn read_handle(self: Arc<Self>, store: Id<Store>, handle: Handle) -> Result<Id<Product>, Error> {
        self.reads.with_label_values(&["handle", "database"]).inc();
        let found = self.db.find_product_by_handle(store, &handle).await?.filter(|found| found.published);
        found.map(|product| product.id).ok_or_else(Error::not_found::<Product>)
    }

    /// Keeps a page in Redis for others. Whether that worked concerns nobody: they have the database.
    async fn keep(&self, (store, id): PageKey, page: &ProductPage) {
        let kept = self.redis.fill_product(store, id, &page.packed(), self.spread(PRODUCT_TTL)).await;
        if let Err(why) = kept {
            tracing::debug!(%why, "a page isn't kept in Redis");
        }
    }

    /// Makes Redis forget pages, and refuse what was read of them before.
    async fn bury(&self, keys: &BTreeSet<PageKey>) {
        if !self.redis.is_configured() {
            return;
        }
        let keys: Vec<PageKey> = keys.iter().copied().collect();
        for keys in keys.chunks(TOLD_AT_ONCE) {
            if let Err(why) = self.redis.bury_products(keys).await {
                return tracing::debug!(%why, "Redis can't be told of a change yet");
            }
            let mut untold = self.untold.lock().unwrap_or_else(PoisonError::into_inner);
            untold.retain(|key| keys.binary_search(key).is_err());
        }
    }

    fn is_untold(&self, key: PageKey) -> bool {
        self.untold.lock().unwrap_or_else(PoisonError::into_inner).contains(&key)
    }

    /// Lists are kept by edition: one that was read before a change isn't found after it.
    async fn listed(self: &Arc<Self>, store: Id<Store>, list: List) -> Result<Body, Error> {
        let edition = *self.editions.lock().unwrap_or_else(PoisonError::into_inner).entry(store).or_default();
        let read = self.clone().read_list(store, list.clone());
        self.lists.try_get_with((store, edition, list), on_its_own(read)).await.map_err(Error::Shared)
    }

    async fn read_list(self: Arc<Self>, store: Id<Store>, list: List) -> Result<Body, Error> {
        self.reads.with_label_values(&["list", "database"]).inc();
        // Lists bear to be a moment behind; pages, which are kept for longer, don't.
        let db = self.db.lagging();
        match list {
            List::Products(query) => products::read(&db, store, &query).await,
            List::Popular(currency, limit) => {
                let ranking = self.ranking(store).await?;
                let wanted = &ranking[..ranking.len().min(limit as usize)];
                popular::read(&db, store, currency, wanted).await
            }
            List::Categories => categories::read(&db, store).await,
        }
    }

    /// What is wanted most, as of a minute ago at worst. To count is work for the database, so one
    /// instance does it for all that share a Redis.
    async fn ranking(self: &Arc<Self>, store: Id<Store>) -> Result<Arc<Vec<Id<Product>>>, Error> {
        let this = Arc::clone(self);
        let read = on_its_own(async move {
            if let Ok(Some(ranking)) = this.redis.popular(store).await {
                return Ok(Arc::new(ranking));
            }
            this.reads.with_label_values(&["ranking", "database"]).inc();
            let since = this.clock.now().minus(popular::WINDOW);
            let ranking = this.db.lagging().list_popular_products(store, since, RANKED).await?;
            if let Err(why) = this.redis.fill_popular(store, &ranking, POPULAR_TTL).await {
                tracing::debug!(%why, "what is popular isn't kept in Redis");
            }
            Ok(Arc::new(ranking))
        });
        self.rankings.try_get_with(store, read).await.map_err(Error::Shared)
    }

    /// Give or take 10 %, so that what was filled together isn't read again together.
    fn spread(&self, time: Duration) -> Duration {
        let [byte, ..] = self.ids.bytes();
        time * (90 + u32::from(byte % 21)) / 100
    }
}

/// When what is kept for a time is read again in the background, before anybody has to wait for it.
fn early(ttl: Duration) -> Duration {
    ttl * 4 / 5
}

/// Reads to the end even when the client that asked first goes away: others wait for it.
async fn on_its_own<T: Send + 'static>(
    read: impl Future<Output = Result<T, Error>> + Send + 'static,
) -> Result<T, Error> {
    let read = tokio::spawn(read).await;
    read.map_err(|error| Error::Internal(format!("reading the catalogue ended early: {error}")))?
}
