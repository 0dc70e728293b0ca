//! First come, first served: claiming coupons.
//!
//! The database decides who gets a unit, with a conditional UPDATE. In front of it stands a counter in
//! Redis that turns latecomers away, so that the row isn't locked by those who can't get anything. It may
//! be wrong in either direction: what it lets through the database may still refuse, and its "no" is
//! tried on the database once a second, so that no unit stays unclaimed.

use std::time::Duration;

use martlet_domain::{Id, Timestamp, coupon::Coupon, customer::Customer, settings::Store};
use martlet_store::{ClaimOutcome, Db};
use moka::sync::Cache;

use crate::{
    error::Error,
    redis::{Gate, Redis},
};

/// How long the gate's "no" counts without being tried.
const DOUBTED_AFTER: Duration = Duration::from_secs(1);

/// Claims coupons. One a process.
#[derive(Debug)]
pub struct Claims {
    db: Db,
    redis: Redis,
    /// Coupons whose gate said "no", and was tried a moment ago.
    tried: Cache<(Id<Store>, Id<Coupon>), ()>,
}

impl Claims {
    /// Claims in a database, with a gate in front of it where there is a Redis.
    pub fn new(db: Db, redis: Redis) -> Self {
        Self { db, redis, tried: Cache::builder().max_capacity(100_000).time_to_live(DOUBTED_AFTER).build() }
    }

    /// Claims a coupon for a customer.
    pub async fn claim(
        &self,
        store: Id<Store>,
        coupon: &Coupon,
        customer: Id<Customer>,
        now: Timestamp,
    ) -> Result<ClaimOutcome, Error> {
        match self.enter(store, coupon, now).await? {
            Some(Gate::Taken) => {
                let outcome = self.db.claim_coupon(store, coupon.id, customer, now).await;
                match &outcome {
                    Ok(ClaimOutcome::Claimed) => {}
                    Ok(ClaimOutcome::Gone) => self.correct(store, coupon, now).await,
                    Ok(ClaimOutcome::AlreadyClaimed | ClaimOutcome::NotClaimable) | Err(_) => {
                        self.give_back(store, coupon.id).await;
                    }
                }
                Ok(outcome?)
            }
            Some(Gate::Missing) | None => Ok(self.db.claim_coupon(store, coupon.id, customer, now).await?),
            Some(Gate::Gone) if self.is_to_be_tried(store, coupon.id) => {
                let outcome = self.db.claim_coupon(store, coupon.id, customer, now).await?;
                if outcome == ClaimOutcome::Claimed {
                    self.correct(store, coupon, now).await;
                }
                Ok(outcome)
            }
            // Whoever has one already hears so, at the price of a read that locks nothing.
            Some(Gate::Gone) => {
                let claimed = self.db.has_claimed(store, customer, &[coupon.id]).await?;
                Ok(if claimed.is_empty() { ClaimOutcome::Gone } else { ClaimOutcome::AlreadyClaimed })
            }
        }
    }

    /// What the gate says, which is put up where there is none. Nothing where Redis isn't there: it isn't
    /// asked again, nor the database what to tell it.
    async fn enter(&self, store: Id<Store>, coupon: &Coupon, now: Timestamp) -> Result<Option<Gate>, Error> {
        match self.redis.enter_gate(store, coupon.id).await {
            Ok(Gate::Missing) => {}
            gate => return Ok(gate.ok()),
        }
        let Some(left) = self.left(store, coupon.id).await? else { return Ok(None) };
        match self.redis.seed_coupon(store, coupon.id, left, coupon.ends_at, now).await {
            Ok(_) => Ok(self.redis.enter_gate(store, coupon.id).await.ok()),
            Err(_) => Ok(None),
        }
    }

    /// Units that nobody has claimed; nothing where the coupon isn't one to be claimed.
    async fn left(&self, store: Id<Store>, coupon: Id<Coupon>) -> Result<Option<u64>, Error> {
        let stock = self.db.claim_stock(store, coupon).await?;
        Ok(stock.map(|stock| u64::try_from(stock.units - stock.claimed).unwrap_or(0)))
    }

    /// Puts the gate's count right. What was claimed is claimed, whether or not that succeeds.
    async fn correct(&self, store: Id<Store>, coupon: &Coupon, now: Timestamp) {
        let left = match self.left(store, coupon.id).await {
            Ok(Some(left)) => left,
            Ok(None) => return,
            Err(error) => {
                tracing::warn!(%error, coupon = %coupon.id, "a coupon's gate isn't put right");
                return;
            }
        };
        if let Err(why) = self.redis.correct_coupon(store, coupon.id, left, coupon.ends_at, now).await {
            tracing::debug!(%why, "a coupon's gate isn't put right");
        }
    }

    async fn give_back(&self, store: Id<Store>, coupon: Id<Coupon>) {
        if let Err(why) = self.redis.give_back_coupon(store, coupon).await {
            tracing::debug!(%why, "a unit isn't given back to its gate, which is tried in any case");
        }
    }

    /// Whether the caller is the one to try the gate's "no".
    fn is_to_be_tried(&self, store: Id<Store>, coupon: Id<Coupon>) -> bool {
        self.tried.entry((store, coupon)).or_insert(()).is_fresh()
    }
}
