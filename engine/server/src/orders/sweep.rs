//! What finishes what a crash, a lost answer or a shopper who went away left behind. Any number of
//! instances may sweep at once: the orders' versions and the provider's keys make the second one of
//! two find everything done.

use std::{sync::Arc, time::Duration};

use martlet_domain::{Id, order::Order, settings::Store};
use tokio::task::{JoinError, JoinSet};

use super::{Orders, Taken, settle::answering};
use crate::error::Error;

/// Orders that are looked at together.
const BATCH: u32 = 100;
/// Orders that are reconciled at a time.
const AT_ONCE: usize = 8;
/// Expired keys that are deleted together.
const KEYS: u32 = 1_000;

/// What a sweep did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Swept {
    /// Orders that were settled as the provider said.
    pub settled: usize,
    /// Orders that weren't paid in time.
    pub expired: usize,
    /// Events that were delivered, or tried.
    pub events: usize,
    /// Idempotency keys that were forgotten.
    pub keys: u64,
}

impl Orders {
    /// Does until the process ends what orders leave to be done: delivers events at once when they ring,
    /// and looks for everything else every `interval`. None of it waits for another.
    pub async fn run(self: Arc<Self>, interval: Duration) {
        let delivering = rounds(&self, interval, move |orders| async move {
            // Those that were put off ring nobody.
            drop(tokio::time::timeout(interval, orders.event_rings()).await);
            orders.deliver_due().await.map(drop)
        });
        let settling = rounds(&self, interval, move |orders| async move {
            tokio::time::sleep(interval).await;
            orders.settle_left_behind(&mut Swept::default()).await
        });
        let forgetting = rounds(&self, interval, move |orders| async move {
            tokio::time::sleep(interval).await;
            orders.forget_keys().await.map(drop)
        });
        tokio::join!(delivering, settling, forgetting);
    }

    /// Does once what there is to be done.
    pub async fn sweep(self: &Arc<Self>) -> Result<Swept, Error> {
        let mut swept = Swept::default();
        self.settle_left_behind(&mut swept).await?;
        swept.events = self.deliver_due().await?;
        swept.keys = self.forget_keys().await?;
        Ok(swept)
    }

    /// Settles what was left behind and lets go of what wasn't paid, page by page, so that orders whose
    /// provider is silent keep nobody waiting.
    async fn settle_left_behind(self: &Arc<Self>, swept: &mut Swept) -> Result<(), Error> {
        let left_behind = self.clock.now().minus(self.rules.reconcile_after);
        let mut after = None;
        loop {
            let page = self.db.list_unsettled_orders(left_behind, after, BATCH).await?;
            let mut under_way = JoinSet::new();
            for (store, order) in page.orders {
                if under_way.len() >= AT_ONCE {
                    swept.count(under_way.join_next().await);
                }
                let orders = Arc::clone(self);
                under_way.spawn(async move { orders.reconcile(store, order).await });
            }
            while let Some(reconciled) = under_way.join_next().await {
                swept.count(Some(reconciled));
            }
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        if swept.settled + swept.expired > 0 {
            tracing::info!(
                settled = swept.settled,
                expired = swept.expired,
                "orders left behind are settled"
            );
        }
        Ok(())
    }

    async fn forget_keys(&self) -> Result<u64, Error> {
        let mut forgotten = 0;
        loop {
            let now = self.db.delete_expired_claims(self.clock.now(), KEYS).await?;
            forgotten += now;
            if now < u64::from(KEYS) {
                return Ok(forgotten);
            }
        }
    }

    /// Asks the provider again what became of an order's payment. One whose time is up lets go of what it
    /// holds without asking: its event asks, for as long as it takes, and gives up what was set aside.
    async fn reconcile(&self, store: Id<Store>, order: Order) -> Result<Reconciled, Error> {
        if order.pending_until.is_some_and(|until| until <= self.clock.now()) {
            let expired = self.expire(store, &order).await?;
            return Ok(if expired { Reconciled::Expired } else { Reconciled::Settled });
        }
        match self.authorise(store, &order).await {
            Ok(outcome) => {
                self.settle(store, order, &outcome).await?;
                Ok(Reconciled::Settled)
            }
            Err(error) => {
                tracing::debug!(order = %order.id, %error, "an order is still not settled");
                Ok(Reconciled::Open)
            }
        }
    }

    /// Whether nobody has settled it meanwhile.
    async fn expire(&self, store: Id<Store>, order: &Order) -> Result<bool, Error> {
        let mut expired = order.clone();
        let effects = expired.expire(self.clock.now())?;
        let answers = answering(order, &expired).into_iter().collect();
        self.store(store, Taken { answers, ..Taken::new(expired, effects) }).await
    }
}

/// What became of an order that was left behind.
enum Reconciled {
    Settled,
    Expired,
    Open,
}

impl Swept {
    /// Counts an order. One that fails keeps nobody else waiting: it is looked at again next time.
    fn count(&mut self, reconciled: Option<Result<Result<Reconciled, Error>, JoinError>>) {
        match reconciled {
            Some(Ok(Ok(Reconciled::Settled))) => self.settled += 1,
            Some(Ok(Ok(Reconciled::Expired))) => self.expired += 1,
            Some(Ok(Ok(Reconciled::Open))) | None => {}
            Some(Ok(Err(error))) => tracing::error!(%error, "an order isn't reconciled"),
            Some(Err(error)) => tracing::error!(%error, "an order's reconciliation ended early"),
        }
    }
}

/// Works in rounds until the process ends. Each is a task of its own, so that one that panics ends no
/// others, and is given up with whoever waits for it. After one that failed there is a pause.
async fn rounds<T, R>(shared: &Arc<T>, pause: Duration, round: impl Fn(Arc<T>) -> R)
where
    R: Future<Output = Result<(), Error>> + Send + 'static,
{
    let mut under_way = JoinSet::new();
    loop {
        under_way.spawn(round(Arc::clone(shared)));
        match under_way.join_next().await {
            Some(Ok(Err(error))) => {
                tracing::error!("what orders leave to be done isn't, and is tried again: {error}");
            }
            Some(Err(error)) => {
                tracing::error!("what orders leave to be done ended early, and is tried again: {error}");
            }
            Some(Ok(Ok(()))) | None => continue,
        }
        tokio::time::sleep(pause).await;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::time::timeout;

    use super::*;

    const PAUSE: Duration = Duration::from_secs(1);

    /// How many rounds there are until the clock, which stands still while anything is done, has moved by
    /// so many pauses.
    async fn rounds_in<R>(pauses: u32, round: impl Fn(usize) -> R) -> usize
    where
        R: Future<Output = Result<(), Error>> + Send + 'static,
    {
        let begun = Arc::new(AtomicUsize::new(0));
        let working = rounds(&begun, PAUSE, |begun| round(begun.fetch_add(1, Ordering::SeqCst)));
        timeout(PAUSE * pauses + PAUSE / 2, working).await.expect_err("rounds never end");
        begun.load(Ordering::SeqCst)
    }

    #[tokio::test(start_paused = true)]
    async fn a_round_that_panics_or_fails_is_followed_by_a_pause_and_another() {
        let begun = rounds_in(3, |number| async move {
            match number {
                0 => panic!("a round panics"),
                1 => Err(Error::Busy),
                _ => {
                    tokio::time::sleep(PAUSE).await;
                    Ok(())
                }
            }
        });
        assert_eq!(begun.await, 4);
    }

    #[tokio::test(start_paused = true)]
    async fn a_round_is_given_up_with_its_loop() {
        let held = Arc::new(());
        let waiting = rounds(&held, PAUSE, |held| async move {
            std::future::pending::<()>().await;
            drop(held);
            Ok(())
        });
        timeout(PAUSE, waiting).await.expect_err("rounds never end");
        tokio::task::yield_now().await;
        assert_eq!(Arc::strong_count(&held), 1);
    }
}
