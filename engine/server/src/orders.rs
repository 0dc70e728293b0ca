//! What orders go through: placed from a cart, settled with the provider, stepped on by merchants, and
//! what has to happen after each.
//!
//! A step is taken in memory, by the domain, and stored by the [`Committer`] if the order is still in
//! the version it was taken from. Whoever is too late looks again.

mod checkout;
mod deliver;
mod settle;
mod steps;
mod sweep;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::extract::FromRef;
use martlet_domain::{
    Digest, Id,
    order::{Effects, Order, StepError},
    settings::Store,
};
use martlet_store::{Advance, Answering, Claim, ClaimState, Committed, Db, FactsChange, StoredAnswer, Work};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

pub use checkout::CheckoutRequest;
pub use steps::{StepRequest, StepTaken};
pub use sweep::Swept;

use crate::{
    clock::Clock, committer::Committer, error::Error, idempotency, ids::Ids, payments::Payments,
    price_cart::Pricer, problem, redis::Redis, state::AppState,
};

/// Checkouts of a store that are read and priced at a time, for each core: enough to keep cores and
/// connections busy. Whoever comes when all are taken waits in the store's line, so that under a rush those
/// in front are through in time, rather than all together too late. Each store has a line of its own: one
/// that waits for its components to be compiled, or owes fuel, keeps no other waiting.
const TURNS_PER_CORE: usize = 8;
/// The same on a machine with one core.
const LEAST_TURNS: usize = 16;
/// How often a step is taken again on a newer order or cart.
const TRIES: usize = 8;

/// How orders are held, and how often what is left over is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OrderRules {
    /// How long an order holds its goods without being paid.
    pub hold: Duration,
    /// After how long an order that isn't settled counts as left behind.
    pub reconcile_after: Duration,
    /// After how long an event whose delivery never ended is delivered again.
    pub redeliver_after: Duration,
}

/// Places, settles and changes orders. One a process.
#[derive(Debug)]
pub struct Orders {
    db: Db,
    pricer: Arc<Pricer>,
    clock: Clock,
    ids: Ids,
    committer: Arc<Committer>,
    payments: Payments,
    rules: OrderRules,
    /// Of each store one for each checkout that may be read and priced at a time.
    turns: Mutex<HashMap<Id<Store>, Arc<Semaphore>>>,
    /// Rings when there is something to deliver.
    events: Notify,
}

impl FromRef<AppState> for Arc<Orders> {
    fn from_ref(state: &AppState) -> Self {
        state.selling.orders.clone()
    }
}

/// A step that was taken, before it is stored.
struct Taken {
    order: Order,
    effects: Effects,
    answers: Vec<Answering>,
    delivered: Option<i64>,
    facts: Option<FactsChange>,
}

impl Orders {
    /// Orders in a database.
    pub fn new(
        db: Db,
        redis: Redis,
        pricer: Arc<Pricer>,
        clock: Clock,
        ids: Ids,
        payments: Payments,
        rules: OrderRules,
    ) -> Arc<Self> {
        let committer = Committer::new(db.clone(), redis, ids.clone());
        let (turns, events) = (Mutex::default(), Notify::new());
        Arc::new(Self { db, pricer, clock, ids, committer, payments, rules, turns, events })
    }

    /// A turn in a store's line of checkouts.
    async fn turn(&self, store: Id<Store>) -> Result<OwnedSemaphorePermit, Error> {
        let line = {
            let mut lines = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(lines.entry(store).or_insert_with(|| Arc::new(Semaphore::new(turns_of_a_store()))))
        };
        line.acquire_owned().await.map_err(|_| Error::Internal("no more checkouts are taken".to_owned()))
    }

    /// An order.
    pub async fn find(&self, store: Id<Store>, id: Id<Order>) -> Result<Order, Error> {
        self.db.find_order(store, id).await?.ok_or_else(Error::not_found::<Order>)
    }

    /// Stores a step, unless it is the outcome of an event that somebody else has stored. False where the
    /// order has changed since it was read.
    async fn store(&self, store: Id<Store>, taken: Taken) -> Result<bool, Error> {
        let Taken { order, effects, answers, delivered, facts } = taken;
        let rings = !effects.events.is_empty();
        let advance = Advance { store, order, effects, answers, delivered, facts };
        match self.committer.commit(Work::Advance(Box::new(advance))).await? {
            Committed::Done => {
                if rings {
                    self.events.notify_one();
                }
                Ok(true)
            }
            Committed::Delivered => Ok(true),
            Committed::Stale => Ok(false),
            other => Err(Error::Internal(format!("a step ended as {other:?}"))),
        }
    }

    /// Keeps the answer to a request that changed nothing: it fails like this for as long as its key is
    /// kept, unless it may succeed in a moment. Where another request was faster, that one's answer.
    async fn keep_refusal(&self, claim: &Claim, error: Error) -> Result<StoredAnswer, Error> {
        if problem::kind(&error).status.is_server_error() {
            return Err(error);
        }
        // The same request, sent twice at once, may have been what was in this one's way.
        if let Some(answer) = self.answer_of(claim.id, claim.request).await? {
            return Ok(answer);
        }
        if !idempotency::is_kept(&error) {
            return Err(error);
        }
        let answer = idempotency::render(&error, &claim.request_id);
        match self.db.claim_answered(claim, &answer).await? {
            ClaimState::Free => Ok(answer),
            _ => Ok(self.answer_of(claim.id, claim.request).await?.unwrap_or(answer)),
        }
    }

    /// The answer to a request whose key is taken.
    async fn answer_of(&self, claim: Digest, request: Digest) -> Result<Option<StoredAnswer>, Error> {
        match self.db.find_claim(claim, request, self.clock.now()).await? {
            ClaimState::Free => Ok(None),
            ClaimState::InFlight { .. } => Err(Error::InFlight),
            ClaimState::OtherRequest => Err(Error::IdempotencyKeyReused),
            ClaimState::Answered(answer) => Ok(Some(answer)),
        }
    }
}

fn turns_of_a_store() -> usize {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    LEAST_TURNS.max(TURNS_PER_CORE * cores)
}

impl Taken {
    fn new(order: Order, effects: Effects) -> Self {
        Self { order, effects, answers: Vec::new(), delivered: None, facts: None }
    }
}

impl From<StepError> for Error {
    fn from(error: StepError) -> Self {
        Self::Step(error)
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::timeout;

    use super::*;
    use crate::testing::TestApp;

    #[tokio::test]
    async fn checkouts_of_one_store_do_not_wait_for_those_of_another() {
        let app = TestApp::new().await;
        let orders = &app.state.selling.orders;
        let other = app.state.world.ids.next(app.clock.now());
        let mut taken = Vec::new();
        while let Ok(turn) = timeout(Duration::ZERO, orders.turn(other)).await {
            taken.push(turn.unwrap());
        }
        assert_eq!(taken.len(), turns_of_a_store());
        assert!(timeout(Duration::ZERO, orders.turn(app.store.id)).await.is_ok());
        taken.pop();
        assert!(timeout(Duration::ZERO, orders.turn(other)).await.is_ok());
    }
}
