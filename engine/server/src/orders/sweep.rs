//! What finishes what a crash, a lost answer or a shopper who went away left behind. Any number of
//! instances may sweep at once: the orders' versions and the provider's keys make the second one of
//! two find everything done.

use std::{sync::Arc, time::Duration};

use martlet_domain::{Id, Timestamp, order::Order, settings::Store};
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
        let delivering = async {
            loop {
                // Those that were put off ring nobody.
                drop(tokio::time::timeout(interval, self.event_rings()).await);
                self.go_on(self.deliver_due().await.map(drop), interval).await;
            }
        };
        let settling = async {
            loop {
                tokio::time::sleep(interval).await;
                self.go_on(self.settle_left_behind(&mut Swept::default()).await, interval).await;
            }
        };
        let forgetting = async {
            loop {
                tokio::time::sleep(interval).await;
                self.go_on(self.forget_keys().await.map(drop), interval).await;
            }
        };
        tokio::join!(delivering, settling, forgetting);
    }

    async fn go_on(&self, done: Result<(), Error>, pause: Duration) {
        if let Err(error) = done {
            tracing::error!("what orders leave to be done isn't, and is tried again: {error}");
            tokio::time::sleep(pause).await;
        }
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
        let left_behind = before(self.clock.now(), self.rules.reconcile_after);
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
        Ok(self.store(store, Taken { answers, ..Taken::new(expired, effects) }).await?.is_some())
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

fn before(now: Timestamp, by: Duration) -> Timestamp {
    Timestamp::from_millis(now.as_millis().saturating_sub(i64::try_from(by.as_millis()).unwrap_or(i64::MAX)))
}
