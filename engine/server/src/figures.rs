//! Counts what installations do, beside quotes and orders and never in their way.
//!
//! A quote takes one short lock and no I/O (`shards`). Every few seconds, and before the engine leaves,
//! what was counted since goes into the database (`flush`), where the figures of all instances add up.
//! What couldn't be written waits: a database that is away for long costs at most what was counted in
//! one of those spans, and the lines that were logged meanwhile. `/actuator/prometheus` shows what this
//! process has counted (`series`).
//!
//! Whoever counts failures notices when there are too many: `quarantine`.

mod flush;
mod quarantine;
mod series;
mod shards;
#[cfg(test)]
mod tests;

use std::sync::{Arc, Mutex, PoisonError};

use martlet_domain::{
    Id,
    figures::Figures,
    order::Order,
    plugin::{FailureRules, Installation, LogEntry, Rulebook},
    settings::Store,
};
use martlet_store::{Db, LogQuery};
use prometheus::{IntCounter, Registry};
use tokio::task::JoinSet;
use uuid::Uuid;

pub use self::{flush::FLUSH_EVERY, shards::PricedQuote};
use self::{
    flush::Flushing,
    series::{Collected, Series},
    shards::{Counted, Key, Shards, Waiting},
};
use crate::{clock::Clock, error::Error, ids::Ids, rules::Rules};

/// Installations that have a series of their own in `/actuator/prometheus`. Others are shown together.
const MOST_SERIES: usize = 1_000;

/// Counts what installations do. One a process.
#[derive(Debug)]
pub struct Counters {
    db: Db,
    clock: Clock,
    ids: Ids,
    /// Publishes a rulebook when an installation is switched off.
    rulebooks: Rules,
    rules: FailureRules,
    /// Names this process among all that count.
    instance: Uuid,
    /// What was counted in the last moments.
    shards: Shards,
    /// What was, before that.
    book: Mutex<Book>,
    flushing: tokio::sync::Mutex<Flushing>,
    quarantines: IntCounter,
    /// Installations that are being switched off.
    switching: Mutex<JoinSet<()>>,
}

/// What was counted and isn't in the shards any more.
#[derive(Debug)]
struct Book {
    /// What the database doesn't have yet.
    waiting: Waiting,
    /// Since the process began.
    series: Series,
}

/// What came of a cart that was priced once more with what is only tried.
#[derive(Debug, Clone, Copy)]
pub struct Tried<'a> {
    /// The installations that were tried, sorted.
    pub installations: &'a [Id<Installation>],
    /// By how much the total would have been higher or, below 0, lower, in minor units; nothing where it
    /// can't be said, because a call failed for reasons of the host's.
    pub total_change: Option<i64>,
}

impl Counters {
    /// Has counted nothing yet.
    pub fn new(
        db: Db,
        clock: Clock,
        ids: Ids,
        rulebooks: Rules,
        rules: FailureRules,
    ) -> Result<Arc<Self>, prometheus::Error> {
        let book = Book { waiting: Waiting::default(), series: Series::new(MOST_SERIES) };
        Ok(Arc::new(Self {
            instance: ids.request(),
            shards: Shards::default(),
            book: Mutex::new(book),
            flushing: tokio::sync::Mutex::default(),
            quarantines: IntCounter::new(
                "martlet_plugin_quarantines_total",
                "Installations that this process has switched off because they failed too often",
            )?,
            switching: Mutex::default(),
            db,
            clock,
            ids,
            rulebooks,
            rules,
        }))
    }

    /// Shows what is counted.
    pub fn register(self: &Arc<Self>, registry: &Registry) -> Result<(), prometheus::Error> {
        registry.register(Box::new(self.quarantines.clone()))?;
        registry.register(Box::new(Collected::new(Arc::clone(self))?))
    }

    /// Counts a quote that a shopper was given.
    pub fn count_quote(self: &Arc<Self>, quote: PricedQuote<'_>) {
        let lines = shards::lines(quote, |_| true, self.clock.now(), &self.ids);
        let failing = self.shards.of(quote.store).count_quote(quote, lines, self.rules);
        self.troubled(quote, failing);
    }

    /// Counts a cart that was priced once more with what is only tried. Of everything else nothing is
    /// counted.
    pub fn count_tried(self: &Arc<Self>, quote: PricedQuote<'_>, tried: Tried<'_>) {
        let is_tried = |installation| tried.installations.binary_search(&installation).is_ok();
        let lines = shards::lines(quote, is_tried, self.clock.now(), &self.ids);
        let failing = self.shards.of(quote.store).count_tried(quote, tried, lines, self.rules);
        self.troubled(quote, failing);
    }

    /// Counts, for each of the installations that are only tried, a cart that it wasn't tried on.
    pub fn count_skipped(&self, store: Id<Store>, rulebook: &Rulebook) {
        let mut shard = self.shards.of(store);
        for installation in rulebook.shadows() {
            if let Some(counted) = shard.counted(store, installation.id, rulebook) {
                counted.figures.shadow.skipped += 1;
            }
        }
    }

    /// Counts, for each of some installations that are only tried, that its component can't be run.
    pub fn count_unloadable(
        &self,
        store: Id<Store>,
        rulebook: &Rulebook,
        installations: &[Id<Installation>],
    ) {
        let mut shard = self.shards.of(store);
        for installation in installations {
            if let Some(counted) = shard.counted(store, *installation, rulebook) {
                counted.figures.shadow.activity.failures.add("not_loaded");
            }
        }
    }

    /// Counts an order that was paid.
    pub fn count_order(&self, store: Id<Store>, order: &Order) {
        let mut shard = self.shards.of(store);
        let mut counted_once: Vec<Id<Installation>> = Vec::new();
        for discount in &order.terms.discounts {
            let Some(counted) = shard.any(store, discount.installation) else { continue };
            counted.figures.discounts.add(order.terms.currency, discount.amount);
            if !counted_once.contains(&discount.installation) {
                counted_once.push(discount.installation);
                counted.figures.orders += 1;
            }
        }
    }

    /// What all instances have counted of an installation: this one up to now, others as of their last
    /// flush.
    pub async fn figures(&self, store: Id<Store>, installation: Id<Installation>) -> Result<Figures, Error> {
        self.flush_soon().await;
        Ok(self.db.sum_figures(store, installation).await?)
    }

    /// What an installation has logged, see [`Db::list_log_entries`]: on this instance up to now, on others as
    /// of their last flush.
    pub async fn log(
        &self,
        store: Id<Store>,
        installation: Id<Installation>,
        query: LogQuery,
        limit: u32,
    ) -> Result<Vec<LogEntry>, Error> {
        self.flush_soon().await;
        Ok(self.db.list_log_entries(store, installation, query, limit).await?)
    }

    /// Moves what the shards hold to where it waits for the database, and adds it to what is shown.
    fn absorb(&self) {
        let mut book = self.book();
        for (key, counted) in self.shards.take() {
            book.series.add(key, &counted);
            self.shards.put_off(book.waiting.add(key, counted));
        }
    }

    /// All that waits for the database.
    fn take_waiting(&self) -> Vec<(Key, Counted)> {
        self.absorb();
        self.book().waiting.take()
    }

    fn book(&self) -> std::sync::MutexGuard<'_, Book> {
        // A panic elsewhere leaves numbers, which are as good as any.
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
