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
use martlet_domain::{Id, Timestamp};
use martlet_store::{Change, ChangeKind, Db};
use tokio::{sync::Mutex, time::sleep};

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

    /// Looks at the log until the process ends.
    pub async fn run(self: Arc<Self>) {
        let mut notices = self.redis.notices();
        for round in 1_u32.. {
            if let Err(error) = self.round(round).await {
                tracing::error!("changes can't be looked at, and are looked for again: {error}");
            }
            tokio::select! {
                () = sleep(INTERVAL) => {}
                _ = notices.next() => {}
            }
        }
    }

    async fn round(&self, round: u32) -> Result<(), Error> {
        self.catch_up().await?;
        self.catalog.bury_again().await;
        if round.is_multiple_of(ROUNDS) {
            let before = self.db.now().await?.minus(KEPT);
            while self.db.delete_changes(before, PAGE).await? == u64::from(PAGE) {}
        }
        Ok(())
    }

    /// Looks at the log once. What is new in it.
    pub async fn catch_up(&self) -> Result<Vec<Change>, Error> {
        let mut seen = self.seen.lock().await;
        let mut since = match seen.latest {
            Some(latest) => latest.minus(OVERLAP),
            // Redis may have kept what another instance couldn't tell it to forget before it ended.
            None => self.db.now().await?.minus(PRODUCT_TTL + OVERLAP),
        };
        seen.latest.get_or_insert(since);
        let mut news = Vec::new();
        loop {
            let page = self.db.list_changes(since, PAGE).await?;
            for change in &page {
                if seen.insert(change) {
                    self.apply(change).await;
                    news.push(*change);
                }
            }
            match page.last() {
                Some(last) if page.len() == PAGE as usize && last.at > since => since = last.at,
                _ => break,
            }
        }
        seen.forget();
        Ok(news)
    }

    /// Looks at the log after this instance has changed something, and tells the others.
    pub async fn tell(&self) {
        let news = match self.catch_up().await {
            Ok(news) => news,
            Err(error) => return tracing::error!("a change isn't heard of at once: {error}"),
        };
        for change in news {
            if let Err(why) = self.redis.publish(change.into()).await {
                return tracing::debug!(%why, "other instances hear of a change a moment later");
            }
        }
    }

    async fn apply(&self, change: &Change) {
        match (change.kind, change.store, change.subject) {
            (ChangeKind::Product, Some(store), Some(product)) => {
                self.catalog.forget_product(store, Id::new(product)).await;
            }
            (ChangeKind::Categories, Some(store), _) => self.catalog.forget_lists(store),
            (ChangeKind::Rulebook, Some(store), _) => {
                // Quotes look up the active rulebook themselves; here its components are compiled ahead.
                let (pricer, db) = (Arc::clone(&self.pricer), self.db.clone());
                tokio::spawn(async move {
                    if let Err(error) = pricer.load(&db, store).await {
                        tracing::error!(%store, "a rulebook's components aren't ready: {error}");
                    }
                });
            }
            (ChangeKind::Store, store, _) => {
                self.stores.forget();
                if let Some(store) = store {
                    self.catalog.forget_lists(store);
                }
            }
            _ => tracing::warn!(change = change.id, "a change names nothing that changed"),
        }
    }
}

impl Seen {
    /// Whether it is new.
    fn insert(&mut self, change: &Change) -> bool {
        self.latest = self.latest.max(Some(change.at));
        self.ids.insert((change.at, change.id))
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
