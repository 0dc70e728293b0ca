//! What finishes what a crash, a lost answer or a shopper who went away left behind. Any number of
//! instances may sweep at once: the orders' versions and the provider's keys make the second one of
//! two find everything done.

use std::{sync::Arc, time::Duration};

use martlet_domain::{Id, Timestamp, order::Order, settings::Store};
use tokio::task::{JoinError, JoinSet};

use super::{Orders, Taken, settle::answering};
use crate::error::Error;

/// Orders that are looked at in one sweep.
const BATCH: u32 = 100;
/// Orders that are reconciled at a time.
const AT_ONCE: usize = 8;
/// Expired keys that are deleted in one sweep.
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
    /// Sweeps and delivers until the process ends: events at once when they ring, and everything every
    /// `interval`.
    pub async fn run(self: Arc<Self>, interval: Duration) {
        let delivering = async {
            loop {
                self.event_rings().await;
                self.go_on(self.deliver_due().await.map(drop), interval).await;
            }
        };
        let sweeping = async {
            loop {
                tokio::time::sleep(interval).await;
                self.go_on(self.sweep().await.map(drop), interval).await;
            }
        };
        tokio::join!(delivering, sweeping);
    }

    async fn go_on(&self, done: Result<(), Error>, pause: Duration) {
        if let Err(error) = done {
            tracing::error!("what orders leave to be done isn't, and is tried again: {error}");
            tokio::time::sleep(pause).await;
        }
    }

    /// Settles what was left behind, lets go of what wasn't paid, delivers what is due.
    pub async fn sweep(self: &Arc<Self>) -> Result<Swept, Error> {
        let now = self.clock.now();
        let left_behind = before(now, self.rules.reconcile_after);
        let mut swept = Swept::default();
        let mut under_way = JoinSet::new();
        for (store, order) in self.db.list_unsettled_orders(left_behind, BATCH).await? {
            if under_way.len() >= AT_ONCE {
                swept.count(under_way.join_next().await);
            }
            let orders = Arc::clone(self);
            under_way.spawn(async move { orders.reconcile(store, order).await });
        }
        while let Some(reconciled) = under_way.join_next().await {
            swept.count(Some(reconciled));
        }
        swept.events = self.deliver_due().await?;
        swept.keys = self.db.delete_expired_claims(now, KEYS).await?;
        if swept != Swept::default() {
            tracing::info!(
                settled = swept.settled,
                expired = swept.expired,
                events = swept.events,
                keys = swept.keys,
                "swept"
            );
        }
        Ok(swept)
    }

    /// Asks the provider again what became of an order's payment. Where that can't be known and the
    /// time is up, the order lets go of what it holds.
    async fn reconcile(&self, store: Id<Store>, order: Order) -> Result<Reconciled, Error> {
        match self.authorise(store, &order).await {
            Ok(outcome) => {
                self.settle(store, order, &outcome).await?;
                Ok(Reconciled::Settled)
            }
            Err(error) if order.pending_until.is_some_and(|until| until <= self.clock.now()) => {
                tracing::warn!(order = %order.id, %error, "an order wasn't paid in time");
                let expired = self.expire(store, &order).await?;
                Ok(if expired { Reconciled::Expired } else { Reconciled::Settled })
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
