//! Installations that are only tried: after a shopper's cart is priced, it is priced once more with them.
//!
//! What comes of it is counted and forgotten. It is never part of an answer, a receipt or an order, and it
//! stands in nobody's way: a cart is tried in the background, where there is room for it, and its turn
//! comes when no shopper waits. Carts beyond that aren't tried, which is counted.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use martlet_domain::{
    Id,
    cart::Cart,
    catalog::Handle,
    plugin::{Installation, Rulebook, SealedRulebook},
    quote::{Input, Quote},
    settings::Store,
};
use martlet_plugin_host::Host;
use martlet_store::Db;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::Instant,
};

use super::{
    evaluate, standings,
    turns::{Turns, Urgency},
};
use crate::{
    error::Error,
    figures::{Counters, PricedQuote, Tried},
    plugins, rulebooks,
};

/// Carts that wait to be tried or are being tried, of all stores.
const PLACES: u32 = 64;
/// Those of one store, so that one alone can't take them all.
const PLACES_OF_A_STORE: usize = 16;
/// After how long a component that couldn't be loaded is tried again.
const LOADED_AGAIN: Duration = Duration::from_secs(60);

/// Tries carts. One a process.
#[derive(Debug)]
pub struct Shadows {
    host: Arc<Host>,
    counters: Arc<Counters>,
    /// The turns that shoppers' quotes take too.
    turns: Turns,
    /// Carts of a store that may be tried at a time.
    at_once: usize,
    places: Arc<Semaphore>,
    by_store: ByStore,
    /// The newest rules to be tried of each store.
    rules: Mutex<HashMap<Id<Store>, Arc<TriedRules>>>,
}

/// What each store has of carts that wait to be tried or are being tried.
type ByStore = Arc<Mutex<HashMap<Id<Store>, Line>>>;

/// One store's.
#[derive(Debug)]
struct Line {
    places: usize,
    /// One for each that may be tried at a time: a store whose turn doesn't come keeps no other waiting.
    at_once: Arc<Semaphore>,
}

/// A rulebook with those of its shadows active that can be run.
#[derive(Debug)]
struct TriedRules {
    number: i64,
    rulebook: Arc<SealedRulebook>,
    /// Those that are tried, sorted.
    tried: Vec<Id<Installation>>,
    unloadable: Vec<Id<Installation>>,
    /// When to look again for those that couldn't be loaded.
    again_at: Option<Instant>,
}

/// Room for a cart to be tried.
#[derive(Debug)]
pub(super) struct Place {
    store: Id<Store>,
    by_store: ByStore,
    at_once: Arc<Semaphore>,
    _permit: OwnedSemaphorePermit,
}

/// A cart to be tried.
#[derive(Debug)]
pub(super) struct Trial {
    /// The cart.
    pub(super) cart: Cart,
    /// The rules that the shopper's quote was worked out under.
    pub(super) live: Arc<SealedRulebook>,
    /// What the shopper's quote was worked out from.
    pub(super) input: Input,
    /// The method that the cart wants and isn't the store's, and the store's own: for components that are
    /// asked for shipping methods, which those of the live rules needn't be.
    pub(super) methods: (Option<Handle>, Vec<Handle>),
    /// What it came to.
    pub(super) total: i64,
}

impl Shadows {
    /// Tries so many carts of a store at a time; none where it is 0.
    pub(super) fn new(host: Arc<Host>, counters: Arc<Counters>, turns: Turns, at_once: usize) -> Arc<Self> {
        let places = if at_once == 0 { 0 } else { PLACES as usize };
        Arc::new(Self {
            host,
            counters,
            turns,
            at_once,
            places: Arc::new(Semaphore::new(places)),
            by_store: Arc::default(),
            rules: Mutex::default(),
        })
    }

    /// Room for one more cart of a store. Nothing where no installation is tried or there is no room, which
    /// is counted.
    pub(super) fn place(&self, store: Id<Store>, rulebook: &Rulebook) -> Option<Place> {
        rulebook.shadows().next()?;
        let place = self.free_place(store);
        if place.is_none() {
            self.counters.count_skipped(store, rulebook);
        }
        place
    }

    fn free_place(&self, store: Id<Store>) -> Option<Place> {
        let permit = Arc::clone(&self.places).try_acquire_owned().ok()?;
        let mut by_store = self.by_store.lock().unwrap_or_else(PoisonError::into_inner);
        let new = || Line { places: 0, at_once: Arc::new(Semaphore::new(self.at_once)) };
        let line = by_store.entry(store).or_insert_with(new);
        if line.places >= PLACES_OF_A_STORE {
            return None;
        }
        line.places += 1;
        let at_once = Arc::clone(&line.at_once);
        drop(by_store);
        Some(Place { store, by_store: Arc::clone(&self.by_store), at_once, _permit: permit })
    }

    /// Tries a cart, without anybody waiting for it.
    pub(super) fn start(self: &Arc<Self>, place: Place, db: Db, trial: Trial) {
        let this = Arc::clone(self);
        tokio::spawn(async move {
            if let Err(error) = this.run(&db, &place, trial).await {
                tracing::warn!(store = %place.store, "a cart wasn't tried: {error}");
            }
            drop(place);
        });
    }

    async fn run(&self, db: &Db, place: &Place, trial: Trial) -> Result<(), Error> {
        let Trial { cart, live, mut input, methods, total } = trial;
        let store = place.store;
        let _own = place.at_once.acquire().await.map_err(|_| closed())?;
        let rules = self.rules(db, store, &live).await?;
        self.counters.count_unloadable(store, &live, &rules.unloadable);
        if rules.tried.is_empty() {
            return Ok(());
        }
        let components = rulebooks::load_components(db, &self.host, &rules.rulebook).await?;
        input.standings = standings(db, store, &rules.rulebook, &cart, input.as_of).await?;
        input.rulebook = Arc::clone(&rules.rulebook);
        (input.wanted_method, input.own_methods) =
            if rules.rulebook.offers_shipping() { methods } else { (None, Vec::new()) };
        let fuel_for_call = self.host.config().fuel_for_call(input.lines.len());
        // The one place where it takes its turn: in the background.
        let whose = (store, Urgency::Background);
        let (quote, calls) = evaluate(&self.host, &self.turns, whose, input, components).await?;
        let priced = PricedQuote {
            store,
            rulebook: &rules.rulebook,
            currency: quote.currency,
            verdicts: &quote.verdicts,
            calls: &calls,
            fuel_for_call,
        };
        let total_change = change(&quote, total);
        self.counters.count_tried(priced, Tried { installations: &rules.tried, total_change });
        Ok(())
    }

    /// The rules to be tried beside a rulebook, with what can be loaded of them.
    async fn rules(
        &self,
        db: &Db,
        store: Id<Store>,
        live: &Arc<SealedRulebook>,
    ) -> Result<Arc<TriedRules>, Error> {
        let known = self.known_rules(store).filter(|known| {
            known.number == live.number && known.again_at.is_none_or(|again_at| Instant::now() < again_at)
        });
        if let Some(known) = known {
            return Ok(known);
        }
        let (mut tried, mut unloadable) = (Vec::new(), Vec::new());
        for shadow in live.shadows() {
            match plugins::component(db, &self.host, shadow.component).await {
                Ok(_) => tried.push(shadow.id),
                Err(error) => {
                    let (installation, plugin) = (shadow.id, &shadow.plugin);
                    tracing::warn!(%store, %installation, plugin, "it can't be tried: {error}");
                    unloadable.push(shadow.id);
                }
            }
        }
        tried.sort_unstable();
        let rulebook = live.with_shadows(|shadow| tried.binary_search(&shadow.id).is_ok());
        let again_at = (!unloadable.is_empty()).then(|| Instant::now() + LOADED_AGAIN);
        let rulebook = Arc::new(SealedRulebook::new(rulebook));
        let rules = Arc::new(TriedRules { number: live.number, rulebook, tried, unloadable, again_at });
        self.rules.lock().unwrap_or_else(PoisonError::into_inner).insert(store, Arc::clone(&rules));
        Ok(rules)
    }

    fn known_rules(&self, store: Id<Store>) -> Option<Arc<TriedRules>> {
        self.rules.lock().unwrap_or_else(PoisonError::into_inner).get(&store).cloned()
    }

    /// Ready when no cart waits to be tried or is being tried.
    #[cfg(test)]
    pub(crate) async fn idle(&self) {
        drop(self.places.acquire_many(PLACES).await.expect("places"));
    }
}

/// By how much a total would have been higher or lower. Nothing where that depends on the host.
fn change(quote: &Quote, total: i64) -> Option<i64> {
    (!quote.provisional).then(|| quote.totals.total.saturating_sub(total))
}

fn closed() -> Error {
    Error::Internal("carts are no longer tried".to_owned())
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut by_store = self.by_store.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(line) = by_store.get_mut(&self.store) {
            line.places -= 1;
            if line.places == 0 {
                by_store.remove(&self.store);
            }
        }
    }
}
