//! Orders' prices worked out again from their receipts: the same bytes, or why not.

mod words;

use std::{collections::HashMap, sync::Arc};

use martlet_domain::{
    Id, Timestamp,
    order::Order,
    plugin::SealedRulebook,
    quote::{Quote, Receipt, Recorded},
    settings::Store,
};
use martlet_plugin_host::Host;
use martlet_store::{Db, ReceiptEntry, StoreError, StoredReceipt};
use tokio::sync::{Mutex, Semaphore};

use crate::{
    error::Error,
    plugins,
    price_cart::{CallReport, walk},
    rulebooks,
};

/// Orders that are read at a time. A receipt has tens of kilobytes at most, so a page has few megabytes.
const PAGE: u32 = 64;
/// Rulebooks that are kept, with their components. What a store has gone through may not fit in memory.
const MOST_RULEBOOKS: usize = 32;
/// How often a price is worked out that this machine fails to, as when it is busy.
const TRIES: u32 = 3;

/// Works out prices of one store's orders again. Its host should be its own: it forgets components.
#[derive(Debug)]
pub struct Replay {
    db: Db,
    host: Arc<Host>,
    store: Id<Store>,
    /// One for each price that may be worked out at a time.
    turns: Semaphore,
    /// Those that were read, or why they can't be worked with.
    rulebooks: Mutex<HashMap<i64, Result<Arc<SealedRulebook>, String>>>,
}

/// An order, and what came of working out its price again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replayed {
    /// The order.
    pub order: Id<Order>,
    /// What people call it.
    pub number: String,
    /// What came of it.
    pub finding: Finding,
}

/// What came of working out a price again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// The same receipt, byte for byte.
    Same,
    /// Another receipt, and where it parts from the one that is stored.
    Different(String),
    /// Something that the order names is missing or was changed: what, and whose it is.
    Refused(String),
    /// This machine couldn't run a component just now. Which, and why.
    NotNow(String),
}

impl Replay {
    /// For the orders of a store.
    pub fn new(db: Db, host: Arc<Host>, store: Id<Store>) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self { db, host, store, turns: Semaphore::new(cores), rulebooks: Mutex::default() }
    }

    /// One order; nothing where there is no such order in the store.
    pub async fn order(&self, order: Id<Order>) -> Result<Option<Replayed>, Error> {
        match self.db.find_receipt_entry(self.store, order).await? {
            Some(entry) => self.entry(entry).await.map(Some),
            None => Ok(None),
        }
    }

    /// The next orders of those placed since a moment, or of all, after one of them and in the order of
    /// their ids; none once all are through. As many are worked on at a time as there are cores.
    pub async fn next(
        self: &Arc<Self>,
        since: Option<Timestamp>,
        after: Option<Id<Order>>,
    ) -> Result<Vec<Replayed>, Error> {
        self.make_room().await;
        let entries = self.db.list_receipts(self.store, since, after, PAGE).await?;
        let begin = |entry| {
            let replay = Arc::clone(self);
            tokio::spawn(async move { replay.entry(entry).await })
        };
        let tasks: Vec<_> = entries.into_iter().map(begin).collect();
        let mut replayed = Vec::with_capacity(tasks.len());
        for task in tasks {
            let ended_early = |error| Error::Internal(format!("a replay ended early: {error}"));
            replayed.push(task.await.map_err(ended_early)??);
        }
        Ok(replayed)
    }

    async fn entry(&self, entry: ReceiptEntry) -> Result<Replayed, Error> {
        let ReceiptEntry { order, number, receipt } = entry;
        let finding = match receipt {
            Ok(receipt) => self.receipt(receipt).await?,
            Err(error @ StoreError::Corrupt { .. }) => Finding::Refused(error.to_string()),
            Err(error) => return Err(error.into()),
        };
        Ok(Replayed { order, number, finding })
    }

    async fn receipt(&self, receipt: StoredReceipt) -> Result<Finding, Error> {
        let turn = self.turns.acquire().await;
        let _turn = turn.map_err(|_| Error::Internal("prices are no longer worked out".to_owned()))?;
        let recorded = match Receipt::parse(&receipt.bytes) {
            Ok(recorded) => recorded,
            Err(error) => return Ok(Finding::Refused(format!("its receipt can't be read: {error}"))),
        };
        if *recorded.totals() != receipt.totals {
            let problem = "the totals of the order are not those of its receipt: one of them was changed";
            return Ok(Finding::Refused(problem.to_owned()));
        }
        let rulebook = match self.rulebook(recorded.rulebook().number).await? {
            Ok(rulebook) => rulebook,
            Err(problem) => return Ok(Finding::Refused(problem)),
        };
        let host = Arc::clone(&self.host);
        let finding = plugins::blocking(move || again(&host, &rulebook, &recorded)).await?;
        Ok(finding.priced_by(&receipt.engine))
    }

    /// A rulebook with its components loaded, or what is wrong with it.
    async fn rulebook(&self, number: i64) -> Result<Result<Arc<SealedRulebook>, String>, Error> {
        // Held while it is read, so that it is read once.
        let mut known = self.rulebooks.lock().await;
        if let Some(found) = known.get(&number) {
            return Ok(found.clone());
        }
        let found = match self.load(number).await {
            Ok(rulebook) => Ok(rulebook),
            Err(Error::RulesUnavailable(problem)) => Err(problem.to_string()),
            Err(error) => return Err(error),
        };
        known.insert(number, found.clone());
        Ok(found)
    }

    async fn load(&self, number: i64) -> Result<Arc<SealedRulebook>, Error> {
        let rulebook = rulebooks::published(&self.db, self.store, number).await?;
        rulebooks::load_components(&self.db, &self.host, &rulebook).await?;
        Ok(rulebook)
    }

    /// Forgets rulebooks and components once there are many. Nothing is under way then.
    async fn make_room(&self) {
        let mut known = self.rulebooks.lock().await;
        if known.len() < MOST_RULEBOOKS {
            return;
        }
        let gone: Vec<Arc<SealedRulebook>> =
            known.drain().filter_map(|(_, rulebook)| rulebook.ok()).collect();
        for installation in gone.iter().flat_map(|rulebook| &rulebook.installations) {
            self.host.unload(&installation.component);
        }
    }
}

impl Finding {
    /// Says by which engine it was priced, where that may be why it comes to something else.
    fn priced_by(self, engine: &str) -> Self {
        match self {
            Self::Different(problem) => {
                let ours = crate::operations::VERSION;
                Self::Different(format!("{problem} (priced by engine {engine}, this is {ours})"))
            }
            finding => finding,
        }
    }
}

/// Works a receipt out again under a rulebook whose components are loaded. Blocks the calling thread.
pub fn again(host: &Host, rulebook: &Arc<SealedRulebook>, recorded: &Recorded) -> Finding {
    let input = match recorded.input(Arc::clone(rulebook)) {
        Ok(input) => input,
        Err(mismatch) => return Finding::Refused(mismatch.to_string()),
    };
    let mut why = String::new();
    for _ in 0..TRIES {
        match walk(host, input.clone()) {
            Ok((quote, calls)) if quote.provisional => why = words::hindered(rulebook, &calls),
            Ok((quote, calls)) => return compare(rulebook, recorded, &quote, &calls),
            Err(error) => return Finding::Refused(error.to_string()),
        }
    }
    Finding::NotNow(why)
}

fn compare(rulebook: &SealedRulebook, recorded: &Recorded, quote: &Quote, calls: &[CallReport]) -> Finding {
    if quote.receipt.digest() == recorded.digest() {
        return Finding::Same;
    }
    match Receipt::parse(quote.receipt.bytes()) {
        Ok(replayed) => Finding::Different(words::difference(rulebook, recorded, &replayed, calls)),
        Err(error) => Finding::Different(format!("what comes of it now can't be read: {error}")),
    }
}

#[cfg(test)]
pub(crate) mod tests;
