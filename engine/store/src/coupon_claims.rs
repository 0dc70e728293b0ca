//! Coupons that are claimed: who comes first has one, and nobody has two.
//!
//! The conditional UPDATE of the stock is the fence, and the claim's key keeps a customer's claims apart.

use std::collections::{HashMap, HashSet};

use martlet_domain::{
    Id, Timestamp,
    coupon::Coupon,
    customer::{CouponClaim, Customer},
    settings::Store,
};
use sqlx::QueryBuilder;
use uuid::Uuid;

use crate::{Db, StoreError, Tx, Unique, dialect::Statement as _};

/// How many customers may claim a coupon, and how many have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClaimStock {
    /// How many may, in all.
    pub units: i64,
    /// How many have.
    pub claimed: i64,
}

impl ClaimStock {
    /// How many still may.
    pub const fn left(self) -> i64 {
        self.units - self.claimed
    }
}

/// What became of a customer's claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "a refused claim wasn't stored"]
pub enum ClaimOutcome {
    /// The customer has it from now on.
    Claimed,
    /// The customer had it already. No unit was taken.
    AlreadyClaimed,
    /// Others have claimed all units.
    Gone,
    /// The coupon isn't one that is claimed, or isn't in the store.
    NotClaimable,
}

#[derive(sqlx::FromRow)]
struct StockRow {
    coupon_id: Uuid,
    units: i64,
    claimed: i64,
}

#[derive(sqlx::FromRow)]
struct ClaimRow {
    coupon_id: Uuid,
    claimed_at: i64,
}

/// How things stand between a coupon and a customer.
#[derive(sqlx::FromRow)]
struct StandingRow {
    units: i64,
    claimed: i64,
    claimed_at: Option<i64>,
}

const STANDING: &str = "SELECT s.units, s.claimed, c.claimed_at FROM coupon_claim_stock s \
     LEFT JOIN coupon_claims c \
     ON c.store_id = s.store_id AND c.coupon_id = s.coupon_id AND c.customer_id = ? \
     WHERE s.store_id = ? AND s.coupon_id = ?";

impl Db {
    /// Says how many customers may claim a coupon in all, which makes it one that is claimed. Whether it
    /// did: never below what is claimed already. The coupon must be there.
    pub async fn set_claim_stock(
        &self,
        store: Id<Store>,
        coupon: Id<Coupon>,
        units: i64,
    ) -> Result<bool, StoreError> {
        if units < 0 {
            return Err(StoreError::OutOfBounds);
        }
        transaction!(self, |tx| {
            if set_units(tx, store, coupon, units).await? {
                return Ok(true);
            }
            match insert_stock(tx, store, coupon, units).await {
                Ok(()) => Ok(true),
                // It is there: more is claimed, or somebody else has just put it there.
                Err(StoreError::Conflict(_)) => set_units(tx, store, coupon, units).await,
                Err(error) => Err(error),
            }
        })
    }

    /// How many customers may claim a coupon and how many have, where it is one that is claimed.
    pub async fn claim_stock(
        &self,
        store: Id<Store>,
        coupon: Id<Coupon>,
    ) -> Result<Option<ClaimStock>, StoreError> {
        Ok(self.claim_stocks(store, &[coupon]).await?.remove(&coupon))
    }

    /// The same for those of some coupons that are claimed.
    pub async fn claim_stocks(
        &self,
        store: Id<Store>,
        coupons: &[Id<Coupon>],
    ) -> Result<HashMap<Id<Coupon>, ClaimStock>, StoreError> {
        const SQL: &str = "SELECT coupon_id, units, claimed FROM coupon_claim_stock WHERE store_id = ";
        if coupons.is_empty() {
            return Ok(HashMap::new());
        }
        let rows: Vec<StockRow> = read!(self, |c| {
            let mut query = QueryBuilder::new(SQL);
            query.id(store.uuid()).part(" AND coupon_id IN ").ids(coupons.iter().map(|id| id.uuid()));
            query.build_query_as().fetch_all(c).await
        })?;
        Ok(rows.into_iter().map(StockRow::decode).collect())
    }

    /// Claims a coupon for a customer, who must be there. Whether the coupon is enabled and its window
    /// is open isn't looked at.
    pub async fn claim_coupon(
        &self,
        store: Id<Store>,
        coupon: Id<Coupon>,
        customer: Id<Customer>,
        now: Timestamp,
    ) -> Result<ClaimOutcome, StoreError> {
        // Asked without a lock first: once all units are gone, nobody has to wait for the row any more.
        let seen: Option<StandingRow> = read!(self, |c| sqlx::query_as(STANDING)
            .bind(customer.uuid())
            .bind(store.uuid())
            .bind(coupon.uuid())
            .fetch_optional(c)
            .await)?;
        if let Some(refused) = StandingRow::refusal(seen) {
            return Ok(refused);
        }
        let outcome = transaction!(self, |tx| {
            if !take_unit(tx, store, coupon).await? {
                let standing = standing(tx, store, coupon, customer).await?;
                return Ok(StandingRow::refusal(standing).unwrap_or(ClaimOutcome::Gone));
            }
            insert_claim(tx, store, coupon, customer, now).await?;
            Ok(ClaimOutcome::Claimed)
        });
        match outcome {
            // The unit went back with the rest of the transaction.
            Err(StoreError::Conflict(Unique::CouponClaim)) => Ok(ClaimOutcome::AlreadyClaimed),
            outcome => outcome,
        }
    }

    /// A customer's claim of one coupon.
    pub async fn find_coupon_claim(
        &self,
        store: Id<Store>,
        customer: Id<Customer>,
        coupon: Id<Coupon>,
    ) -> Result<Option<CouponClaim>, StoreError> {
        const SQL: &str = "SELECT coupon_id, claimed_at FROM coupon_claims \
             WHERE store_id = ? AND coupon_id = ? AND customer_id = ?";
        let row: Option<ClaimRow> = read!(self, |c| sqlx::query_as(SQL)
            .bind(store.uuid())
            .bind(coupon.uuid())
            .bind(customer.uuid())
            .fetch_optional(c)
            .await)?;
        Ok(row.map(ClaimRow::decode))
    }

    /// What a customer has claimed, the latest first.
    pub async fn list_claims(
        &self,
        store: Id<Store>,
        customer: Id<Customer>,
    ) -> Result<Vec<CouponClaim>, StoreError> {
        const SQL: &str = "SELECT coupon_id, claimed_at FROM coupon_claims \
             WHERE store_id = ? AND customer_id = ? ORDER BY claimed_at DESC, coupon_id DESC";
        let rows: Vec<ClaimRow> =
            read!(self, |c| sqlx::query_as(SQL).bind(store.uuid()).bind(customer.uuid()).fetch_all(c).await)?;
        Ok(rows.into_iter().map(ClaimRow::decode).collect())
    }

    /// Those of some coupons that a customer has claimed.
    pub async fn has_claimed(
        &self,
        store: Id<Store>,
        customer: Id<Customer>,
        coupons: &[Id<Coupon>],
    ) -> Result<HashSet<Id<Coupon>>, StoreError> {
        const SQL: &str = "SELECT coupon_id FROM coupon_claims WHERE store_id = ";
        if coupons.is_empty() {
            return Ok(HashSet::new());
        }
        let rows: Vec<(Uuid,)> = read!(self, |c| {
            let mut query = QueryBuilder::new(SQL);
            query.id(store.uuid()).part(" AND customer_id = ").id(customer.uuid());
            query.part(" AND coupon_id IN ").ids(coupons.iter().map(|id| id.uuid()));
            query.build_query_as().fetch_all(c).await
        })?;
        Ok(rows.into_iter().map(|(coupon,)| Id::new(coupon)).collect())
    }
}

impl StockRow {
    fn decode(self) -> (Id<Coupon>, ClaimStock) {
        (Id::new(self.coupon_id), ClaimStock { units: self.units, claimed: self.claimed })
    }
}

impl ClaimRow {
    fn decode(self) -> CouponClaim {
        let claimed_at = Timestamp::from_millis(self.claimed_at);
        CouponClaim { coupon: Id::new(self.coupon_id), claimed_at }
    }
}

impl StandingRow {
    /// Why a claim is of no use, as far as can be seen.
    fn refusal(standing: Option<Self>) -> Option<ClaimOutcome> {
        match standing {
            None => Some(ClaimOutcome::NotClaimable),
            Some(Self { claimed_at: Some(_), .. }) => Some(ClaimOutcome::AlreadyClaimed),
            Some(Self { units, claimed, .. }) if claimed >= units => Some(ClaimOutcome::Gone),
            Some(_) => None,
        }
    }
}

async fn set_units(
    tx: &mut Tx,
    store: Id<Store>,
    coupon: Id<Coupon>,
    units: i64,
) -> Result<bool, StoreError> {
    const SQL: &str = "UPDATE coupon_claim_stock SET units = ? \
         WHERE store_id = ? AND coupon_id = ? AND claimed <= ?";
    let changed = run!(tx, |c| sqlx::query(SQL)
        .bind(units)
        .bind(store.uuid())
        .bind(coupon.uuid())
        .bind(units)
        .execute(c)
        .await
        .map(|done| done.rows_affected()))?;
    Ok(changed == 1)
}

async fn insert_stock(
    tx: &mut Tx,
    store: Id<Store>,
    coupon: Id<Coupon>,
    units: i64,
) -> Result<(), StoreError> {
    const SQL: &str =
        "INSERT INTO coupon_claim_stock (store_id, coupon_id, units, claimed) VALUES (?, ?, ?, 0)";
    run!(tx, |c| sqlx::query(SQL)
        .bind(store.uuid())
        .bind(coupon.uuid())
        .bind(units)
        .execute(c)
        .await
        .map(drop))
    .map_err(|error| Unique::CouponClaim.or(error))
}

async fn standing(
    tx: &mut Tx,
    store: Id<Store>,
    coupon: Id<Coupon>,
    customer: Id<Customer>,
) -> Result<Option<StandingRow>, StoreError> {
    Ok(run!(tx, |c| sqlx::query_as(STANDING)
        .bind(customer.uuid())
        .bind(store.uuid())
        .bind(coupon.uuid())
        .fetch_optional(c)
        .await)?)
}

/// Whether there was one left.
async fn take_unit(tx: &mut Tx, store: Id<Store>, coupon: Id<Coupon>) -> Result<bool, StoreError> {
    const SQL: &str = "UPDATE coupon_claim_stock SET claimed = claimed + 1 \
         WHERE store_id = ? AND coupon_id = ? AND claimed < units";
    let changed = run!(tx, |c| sqlx::query(SQL)
        .bind(store.uuid())
        .bind(coupon.uuid())
        .execute(c)
        .await
        .map(|done| done.rows_affected()))?;
    Ok(changed == 1)
}

async fn insert_claim(
    tx: &mut Tx,
    store: Id<Store>,
    coupon: Id<Coupon>,
    customer: Id<Customer>,
    now: Timestamp,
) -> Result<(), StoreError> {
    const SQL: &str =
        "INSERT INTO coupon_claims (store_id, coupon_id, customer_id, claimed_at) VALUES (?, ?, ?, ?)";
    run!(tx, |c| sqlx::query(SQL)
        .bind(store.uuid())
        .bind(coupon.uuid())
        .bind(customer.uuid())
        .bind(now.as_millis())
        .execute(c)
        .await
        .map(drop))
    .map_err(|error| Unique::CouponClaim.or(error))
}
