//! Hears of changes and forgets what they made wrong.
//!
//! The change log is written in the transaction of each change and read by every instance each second.
//! An instance that has changed something itself reads it before it answers, and tells the others by
//! Redis, so that they look at once. A notice that is lost costs a second.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use axum::{
    extract::{Request, State},
    http::Method,
    middleware::Next,
    response::Response,
};
use martlet_domain::{Id, Timestamp, settings::Store};
use martlet_store::{Change, ChangeKind, Db};
use tokio::{
    sync::Mutex,
    task::JoinSet,
    time::{sleep, timeout},
};

use crate::{
    catalog::Catalog,
    error::Error,
    price_cart::Pricer,
    redis::{Redis, keys::PRODUCT_TTL},
    stores::Stores,
};

/// How often the log is looked at when nobody says anything.
const INTERVAL: Duration = Duration::from_secs(1);
/// How far back each look goes: a transaction may end so long after it has written its row.
const OVERLAP: Duration = Duration::from_secs(60);
/// How long a look may take. A database that has gone may leave a connection without an answer for ever.
const LONGEST: Duration = Duration::from_secs(5);
/// How long an answer waits for its own change to be heard of.
const PATIENCE: Duration = Duration::from_secs(1);
/// How long to wait for more before a look.
const MOMENT: Duration = Duration::from_millis(20);
/// Changes that are read at a time.
const PAGE: u32 = 1_000;
/// How long changes stay in the log.
const KEPT: Duration = Duration::from_secs(3_600);
/// How many rounds there are between two in which old ones are deleted.
const ROUNDS: u32 = 60;

/// Hears of changes. One a process.
#[derive(Debug)]
pub struct Changes {
    db: Db,
    catalog: Arc<Catalog>,
    stores: Arc<Stores>,
    pricer: Arc<Pricer>,
    redis: Redis,
    seen: Mutex<Seen>,
}

/// The changes of the last moments that were heard of.
#[derive(Debug, Default)]
struct Seen {
    latest: Option<Timestamp>,
    ids: BTreeSet<(Timestamp, i64)>,
}

impl Changes {
    /// Has heard of none.
    pub fn new(
        db: Db,
        catalog: Arc<Catalog>,
        stores: Arc<Stores>,
        pricer: Arc<Pricer>,
        redis: Redis,
    ) -> Self {
        Self { db, catalog, stores, pricer, redis, seen: Mutex::default() }
    }

    /// Looks at the log until the process ends. A round that panics, or hangs with the database, is
    /// followed by another.
    pub async fn run(self: Arc<Self>) {
        let mut notices = self.redis.notices();
        // What is under way is given up with whoever waits for it.
        let mut under_way = JoinSet::new();
        for round in 0_u32.. {
            let this = Arc::clone(&self);
            under_way.spawn(async move { timeout(LONGEST, this.round(round)).await });
            match under_way.join_next().await {
                Some(Ok(Ok(Err(error)))) => tracing::error!("changes can't be looked at yet: {error}"),
                Some(Ok(Err(_))) => {
                    tracing::error!("changes can't be looked at: the database doesn't answer")
                }
                Some(Err(error)) => tracing::error!("looking at changes ended early: {error}"),
                Some(Ok(Ok(Ok(())))) | None => {}
            }
            // Those who say something in the same moment are heard together.
            sleep(MOMENT).await;
            drop(timeout(INTERVAL, notices.next()).await);
        }
    }

    async fn round(&self, round: u32) -> Result<(), Error> {
        self.catch_up().await?;
        self.catalog.bury_again().await;
        if round % ROUNDS == ROUNDS - 1 {
            let before = self.db.now().await?.minus(KEPT);
            while self.db.delete_changes(before, PAGE).await? == u64::from(PAGE) {}
        }
        Ok(())
    }

    /// Looks at the log once. Whether there was anything new in it.
    pub async fn catch_up(&self) -> Result<bool, Error> {
        let mut seen = self.seen.lock().await;
        let mut since = match seen.latest {
            Some(latest) => latest.minus(OVERLAP),
            // Redis may have kept what another instance couldn't tell it to forget before it ended.
            None => self.db.now().await?.minus(PRODUCT_TTL + OVERLAP),
        };
        seen.latest.get_or_insert(since);
        let mut anything = false;
        // Page by page, so that a look which is cut short has got somewhere.
        loop {
            let page = self.db.list_changes(since, PAGE).await?;
            let news: Vec<Change> = page.iter().filter(|change| !seen.contains(change)).copied().collect();
            anything |= !news.is_empty();
            self.apply(&news).await;
            // Only now: what wasn't applied, because nobody waited for it any more, is to be seen again.
            news.iter().for_each(|change| seen.insert(change));
            match page.last() {
                Some(last) if page.len() == PAGE as usize && last.at > since => since = last.at,
                _ => break,
            }
        }
        seen.forget();
        Ok(anything)
    }

    /// Looks at the log after this instance has changed something, and tells the others. It is done to
    /// its end whether or not anybody waits for it.
    pub async fn tell(self: &Arc<Self>) {
        let this = Arc::clone(self);
        let telling = tokio::spawn(async move {
            match timeout(LONGEST, this.catch_up()).await {
                Ok(Ok(true)) => {}
                Ok(Ok(false)) => return,
                Ok(Err(error)) => tracing::error!("a change isn't heard of at once: {error}"),
                Err(_) => tracing::error!("a change isn't heard of at once: the database doesn't answer"),
            }
            if let Err(why) = this.redis.publish().await {
                tracing::debug!(%why, "other instances hear of a change a moment later");
            }
        });
        if timeout(PATIENCE, telling).await.is_err() {
            tracing::warn!("a change is heard of later than its answer");
        }
    }

    async fn apply(&self, news: &[Change]) {
        let (mut pages, mut lists, mut rulebooks) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        for change in news {
            match (change.kind, change.store, change.subject) {
                (ChangeKind::Product, Some(store), Some(product)) => {
                    pages.insert((store, Id::new(product)));
                    lists.insert(store);
                }
                (ChangeKind::Categories, Some(store), _) => drop(lists.insert(store)),
                (ChangeKind::Rulebook, Some(store), _) => drop(rulebooks.insert(store)),
                (ChangeKind::Store, store, _) => {
                    self.stores.forget();
                    lists.extend(store);
                }
                _ => tracing::warn!(change = change.id, "a change names nothing that changed"),
            }
        }
        lists.into_iter().for_each(|store| self.catalog.forget_lists(store));
        rulebooks.into_iter().for_each(|store| self.prepare(store));
        self.catalog.forget_products(pages).await;
    }

    /// Compiles ahead what a new rulebook names. Quotes look up the active one themselves.
    fn prepare(&self, store: Id<Store>) {
        let (pricer, db) = (Arc::clone(&self.pricer), self.db.clone());
        tokio::spawn(async move {
            if let Err(error) = pricer.load(&db, store).await {
                tracing::error!(%store, "a rulebook's components aren't ready: {error}");
            }
        });
    }
}

impl Seen {
    fn contains(&self, change: &Change) -> bool {
        self.ids.contains(&(change.at, change.id))
    }

    fn insert(&mut self, change: &Change) {
        self.latest = self.latest.max(Some(change.at));
        self.ids.insert((change.at, change.id));
    }

    /// Forgets what no look goes back to.
    fn forget(&mut self) {
        if let Some(latest) = self.latest {
            self.ids = self.ids.split_off(&(latest.minus(OVERLAP), i64::MIN));
        }
    }
}

/// Whoever has changed something sees it changed: the layer around the merchants' side.
pub async fn heard(State(changes): State<Arc<Changes>>, request: Request, next: Next) -> Response {
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    let response = next.run(request).await;
    if !reads && response.status().is_success() {
        changes.tell().await;
    }
    response
}
