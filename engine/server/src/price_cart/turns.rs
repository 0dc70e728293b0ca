//! Whose turn it is to have components run. Stores take turns, each has its share of the processor, and
//! one whose plugins burn more than that waits behind itself alone.

mod line;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use martlet_domain::{Id, settings::Store};
use prometheus::{IntCounter, IntGauge, Registry};
use tokio::{
    sync::Notify,
    time::{Duration, Instant, timeout_at},
};

#[cfg(test)]
pub(crate) use self::line::Entry;
use self::line::{Asked, Line, Look, Nanos};
use crate::error::Error;

/// What stores are held to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TurnRules {
    /// Walks at a time. One of them is never for a store that is at one already, unless there is but one.
    pub cores: usize,
    /// Fuel that a store may burn a second; what it doesn't it may burn later, of four seconds at most.
    pub fuel_per_second: u64,
    /// Walks of a store that wait at most.
    pub waiting_per_store: usize,
}

/// How urgent a walk is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Urgency {
    /// A shopper waits for it.
    Foreground,
    /// Nobody does: it is for when no shopper's walk could go, and the fuel it burns is counted apart,
    /// so that no shopper pays for it.
    Background,
}

/// Gives turns. One a process.
#[derive(Debug, Clone)]
pub struct Turns {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    line: Mutex<Line>,
    /// What the line's times count from.
    began: Instant,
    waiting: IntGauge,
    running: IntGauge,
    refused: IntCounter,
}

/// A walk's turn, until it is dropped.
#[derive(Debug)]
pub struct Turn {
    shared: Arc<Shared>,
    store: Id<Store>,
    urgency: Urgency,
    fuel: u64,
}

/// Somebody in the line. Who goes away leaves it as if they had never come.
struct Waiting {
    shared: Arc<Shared>,
    store: Id<Store>,
    urgency: Urgency,
    ticket: u64,
    called: Arc<Notify>,
    went: bool,
}

impl Turns {
    /// Nobody runs or waits.
    pub fn new(rules: TurnRules) -> Result<Self, prometheus::Error> {
        let shared = Shared {
            line: Mutex::new(Line::new(rules)),
            began: Instant::now(),
            waiting: IntGauge::new("martlet_evaluations_waiting", "Walks that wait for their turn")?,
            running: IntGauge::new("martlet_evaluations_running", "Walks whose turn it is")?,
            refused: IntCounter::new(
                "martlet_evaluations_refused_total",
                "Walks that were refused, since too many of their store waited",
            )?,
        };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// Shows how many there are.
    pub fn register(&self, registry: &Registry) -> Result<(), prometheus::Error> {
        registry.register(Box::new(self.shared.waiting.clone()))?;
        registry.register(Box::new(self.shared.running.clone()))?;
        registry.register(Box::new(self.shared.refused.clone()))
    }

    /// Waits for a turn of a store. [`Error::Busy`] when too many of the store wait already.
    pub async fn take(&self, store: Id<Store>, urgency: Urgency) -> Result<Turn, Error> {
        let shared = Arc::clone(&self.shared);
        match shared.with(|line, now| line.ask(store, urgency, now)) {
            Asked::Given => {}
            Asked::Waits { ticket, called } => {
                let shared = Arc::clone(&self.shared);
                Waiting { shared, store, urgency, ticket, called, went: false }.called().await;
            }
            Asked::Refused => {
                shared.refused.inc();
                return Err(Error::Busy);
            }
        }
        Ok(Turn { shared, store, urgency, fuel: 0 })
    }

    /// Who asked and who was given a turn, in order.
    #[cfg(test)]
    pub(crate) fn journal(&self) -> Vec<(Id<Store>, Entry)> {
        self.shared.lock().journal.clone()
    }
}

impl Turn {
    /// Counts fuel that was burnt in this turn. The store pays for it when the turn ends.
    pub fn charge(&mut self, fuel: u64) {
        self.fuel = self.fuel.saturating_add(fuel);
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.shared.with(|line, now| line.give_back(self.store, self.urgency, self.fuel, now));
    }
}

impl Waiting {
    async fn called(mut self) {
        loop {
            let look = self.shared.with(|line, now| line.look(self.store, self.urgency, self.ticket, now));
            match look {
                Look::Given => break,
                Look::Waits => self.called.notified().await,
                // The first of a store that owes fuel watches the clock for all of them.
                Look::Owes { until } => {
                    let until = self.shared.began + Duration::from_nanos(until);
                    if timeout_at(until, self.called.notified()).await.is_err() {
                        self.shared.with(Line::go_on);
                    }
                }
            }
        }
        self.went = true;
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        if !self.went {
            self.shared.with(|line, now| line.leave(self.store, self.urgency, self.ticket, now));
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Line> {
        // A panic elsewhere can't have left the line half-changed.
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does something with the line at this moment.
    fn with<T>(&self, change: impl FnOnce(&mut Line, Nanos) -> T) -> T {
        let mut line = self.lock();
        let now = u64::try_from(self.began.elapsed().as_nanos()).unwrap_or(u64::MAX);
        let result = change(&mut line, now);
        self.waiting.set(i64::try_from(line.waiting()).unwrap_or(i64::MAX));
        self.running.set(i64::try_from(line.running()).unwrap_or(i64::MAX));
        result
    }
}

#[cfg(test)]
mod tests;
