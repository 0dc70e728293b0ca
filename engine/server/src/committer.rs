//! Commits orders: at once where nobody else wants the same rows, else together.
//!
//! A row in demand, such as the last units of a variant, would make transactions queue for its lock
//! in the database and commit one by one. Here they queue before it: while one group is being
//! committed, those who want the same rows gather, and form the next group in the order they came.
//! Nothing ever waits for a group to fill, so that without contention there is no delay.
//!
//! SQLite has one writer, so there everybody wants the same.
//!
//! Other instances form groups of their own. A group about a variant in demand takes that variant's lock
//! in Redis, so that instances take turns rather than queue in the database, and goes on without it when
//! it can't be had soon: the rows are fenced either way.

mod keys;
mod queue;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use martlet_domain::{Id, catalog::Variant, settings::Store};
use martlet_store::{Committed, Db, StoreError, Work};
use tokio::sync::oneshot;

use self::queue::{Group, Queue};
use crate::{error::Error, ids::Ids, redis::Redis};

/// How long a group waits for the lock of the variant it is about.
const PATIENCE: Duration = Duration::from_millis(20);
/// Groups that are committed at a time: enough to keep a database busy, and few enough to leave
/// connections to everybody else.
const MOST_GROUPS: usize = 8;

/// Commits orders. One a process.
#[derive(Debug)]
pub struct Committer {
    db: Db,
    redis: Redis,
    ids: Ids,
    queue: Mutex<Queue<Part>>,
}

/// One order's part of a transaction, and who waits for it.
type Part = (Work, oneshot::Sender<Result<Committed, Error>>);

/// A group that is being committed. When it is dropped, its rows are free for the next.
struct Running {
    committer: Arc<Committer>,
    group: Group<Part>,
}

impl Committer {
    /// A committer to a database.
    pub fn new(db: Db, redis: Redis, ids: Ids) -> Arc<Self> {
        let one_writer = matches!(db, Db::Sqlite { .. });
        let queue = Queue::new(if one_writer { 1 } else { MOST_GROUPS }, one_writer);
        Arc::new(Self { db, redis, ids, queue: Mutex::new(queue) })
    }

    /// Stores one order's part, perhaps together with others.
    pub async fn commit(self: &Arc<Self>, work: Work) -> Result<Committed, Error> {
        let (reply, committed) = oneshot::channel();
        let keys = keys::of(&work);
        self.queue().push((work, reply), keys);
        self.start_groups();
        let committed = committed.await;
        committed.map_err(|_| Error::Internal("an order was left uncommitted".to_owned()))?
    }

    fn queue(&self) -> MutexGuard<'_, Queue<Part>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn start_groups(self: &Arc<Self>) {
        // The lock is given back first: a runtime that ends drops what it is given, and that takes it again.
        let groups = self.queue().next_groups();
        for group in groups {
            tokio::spawn(Running { committer: Arc::clone(self), group }.run());
        }
    }
}

impl Running {
    async fn run(mut self) {
        let (work, replies): (Vec<_>, Vec<_>) = self.group.take().unzip();
        let Committer { db, redis, ids, .. } = self.committer.as_ref();
        let lock = match in_demand(&work) {
            Some((store, variant)) => redis.lock_stock(store, variant, ids.bytes(), PATIENCE).await,
            None => None,
        };
        let outcomes = commit(db, &work).await;
        for (reply, outcome) in replies.into_iter().zip(outcomes) {
            // Whoever asked may have gone; what is committed is committed.
            drop(reply.send(outcome));
        }
        // Nobody waits for Redis but the next group, which wants the same lock.
        if let Some(lock) = lock
            && let Err(why) = redis.unlock_stock(lock).await
        {
            tracing::debug!(%why, "a lock isn't given back, and lapses");
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.committer.queue().finish(&self.group);
        self.committer.start_groups();
    }
}

/// The variant that most of some new orders want, if more than one does.
fn in_demand(work: &[Work]) -> Option<(Id<Store>, Id<Variant>)> {
    let mut wanted: BTreeMap<(Id<Store>, Id<Variant>), usize> = BTreeMap::new();
    for part in work {
        let Work::Place(placement) = part else { continue };
        for variant in placement.ask.stock.keys() {
            *wanted.entry((placement.store, *variant)).or_default() += 1;
        }
    }
    let (most, orders) = wanted.into_iter().max_by_key(|(_, orders)| *orders)?;
    (orders > 1).then_some(most)
}

/// Commits all in one transaction. Where one of them is to blame that it fails, each in one of its own,
/// so that nobody suffers for another's order.
async fn commit(db: &Db, work: &[Work]) -> Vec<Result<Committed, Error>> {
    let error = match db.commit(work).await {
        Ok(outcomes) => return outcomes.into_iter().map(Ok).collect(),
        Err(error) => error,
    };
    if work.len() > 1 && is_of_one(&error) {
        tracing::warn!(orders = work.len(), %error, "a group isn't committed, so its orders are one by one");
        let mut outcomes = Vec::with_capacity(work.len());
        for part in work {
            let outcome = db.commit(std::slice::from_ref(part)).await;
            outcomes.push(outcome.map(|mut outcomes| outcomes.swap_remove(0)).map_err(failed));
        }
        return outcomes;
    }
    // After a lost connection nobody knows whether it was committed: whoever asks again finds out.
    let words = error.to_string();
    let mut first = Some(failed(error));
    let others = || Error::Internal(format!("the group of an order isn't committed: {words}"));
    let busy = matches!(first, Some(Error::Busy));
    work.iter()
        .map(|_| Err(first.take().unwrap_or_else(|| if busy { Error::Busy } else { others() })))
        .collect()
}

/// Whether a transaction failed for what one part of it holds, and stored nothing.
const fn is_of_one(error: &StoreError) -> bool {
    matches!(
        error,
        StoreError::Conflict(_)
            | StoreError::UnknownReference
            | StoreError::OutOfBounds
            | StoreError::Corrupt { .. }
    )
}

/// What is said of an order that can't be stored. It isn't the client who sent something too large.
fn failed(error: StoreError) -> Error {
    match error {
        StoreError::UnknownReference | StoreError::OutOfBounds => {
            Error::Internal(format!("an order can't be stored: {error}"))
        }
        error => error.into(),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use martlet_domain::order::Effects;
    use martlet_store::{Advance, OrderQuery};

    use super::*;
    use crate::testing::TestApp;

    /// Somebody else writes, so that a first group is under way while a second one waits.
    #[test]
    fn a_runtime_can_end_while_orders_wait() {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let app = runtime.block_on(TestApp::new());
        let writing = runtime.block_on(async {
            let product = app.product("mug").await;
            app.variant(&product, "MUG", "S", 10).await;
            app.order(&app.cart(&[("MUG", 1)]).await, "tok_approve").await;
            let page = app.state.db.list_orders(app.store.id, &OrderQuery::default(), 1).await.unwrap();
            let writing = app.state.db.begin().await.unwrap();
            let committer = Committer::new(app.state.db.clone(), Redis::off(), Ids::System);
            for _ in 0..3 {
                let advance = Advance {
                    store: app.store.id,
                    order: page.orders[0].clone(),
                    effects: Effects::default(),
                    answers: Vec::new(),
                    delivered: None,
                    facts: None,
                };
                let waiting = Arc::clone(&committer);
                tokio::spawn(async move { waiting.commit(Work::Advance(Box::new(advance))).await });
            }
            // One group is running, and the others have come after it.
            while committer.queue().is_idle() {
                tokio::task::yield_now().await;
            }
            writing
        });
        std::mem::forget(writing);
        let (ended, end) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            drop(runtime);
            ended.send(()).unwrap();
        });
        assert_eq!(end.recv_timeout(Duration::from_secs(30)), Ok(()), "the runtime never ends");
    }
}
