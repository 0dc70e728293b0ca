//! Coupons.

use martlet_domain::{
    Digest, Id, Timestamp,
    coupon::{Coupon, CouponCode},
    plugin::Installation,
    settings::Store,
};
use sqlx::QueryBuilder;
use uuid::Uuid;

use crate::{
    Db, StoreError, Tx, Unique, Update,
    codec::{RowOf, to_json},
    dialect::Statement as _,
    seal,
};

/// A page of coupons.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CouponPage {
    /// The coupons, those made last first.
    pub coupons: Vec<Coupon>,
    /// The coupon after which the next page begins, if there is more.
    pub next: Option<Id<Coupon>>,
}

#[derive(sqlx::FromRow)]
struct CouponRow {
    id: Uuid,
    code: String,
    installation_id: Uuid,
    config: String,
    classes: String,
    enabled: bool,
    starts_at: Option<i64>,
    ends_at: Option<i64>,
    total_limit: Option<i64>,
    per_customer_limit: Option<i64>,
    version: i64,
    seal: Option<Vec<u8>>,
}

const SELECT: &str = "SELECT id, code, installation_id, config, classes, enabled, starts_at, ends_at, \
     total_limit, per_customer_limit, version, seal FROM coupons WHERE store_id = ";

impl Db {
    /// Stores a coupon. Its installation must be there. [`Unique::CouponCode`] when the code is
    /// taken.
    pub async fn insert_coupon(&self, store: Id<Store>, coupon: &Coupon) -> Result<(), StoreError> {
        transaction!(self, |tx| insert(tx, store, coupon).await)
    }

    /// Replaces a coupon, all but its id. [`Unique::CouponCode`] when the new code is taken.
    pub async fn update_coupon(
        &self,
        store: Id<Store>,
        coupon: &Coupon,
        expected_version: i64,
    ) -> Result<Update, StoreError> {
        const VERSION: &str = "SELECT version FROM coupons WHERE store_id = ? AND id = ?";
        transaction!(self, |tx| {
            if update(tx, store, coupon, expected_version).await? {
                return Ok(Update::Done { version: expected_version + 1 });
            }
            let current: Option<i64> = run!(tx, |c| sqlx::query_scalar(VERSION)
                .bind(store.uuid())
                .bind(coupon.id.uuid())
                .fetch_optional(c)
                .await)?;
            Ok(Update::refused(current))
        })
    }

    /// The coupon with an id.
    pub async fn find_coupon(&self, store: Id<Store>, id: Id<Coupon>) -> Result<Option<Coupon>, StoreError> {
        Ok(self.list_coupons_by_id(store, &[id]).await?.into_iter().next())
    }

    /// The coupon with a code.
    pub async fn find_coupon_by_code(
        &self,
        store: Id<Store>,
        code: &CouponCode,
    ) -> Result<Option<Coupon>, StoreError> {
        let row: Option<CouponRow> = read!(self, |c| {
            let mut query = QueryBuilder::new(SELECT);
            query.id(store.uuid()).part(" AND code = ").text(code.as_str());
            query.build_query_as().fetch_optional(c).await
        })?;
        row.map(CouponRow::decode).transpose()
    }

    /// Those of some coupons that are there, in the order asked for.
    pub async fn list_coupons_by_id(
        &self,
        store: Id<Store>,
        ids: &[Id<Coupon>],
    ) -> Result<Vec<Coupon>, StoreError> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let rows: Vec<CouponRow> = read!(self, |c| {
            let mut query = QueryBuilder::new(SELECT);
            query.id(store.uuid()).part(" AND id IN ").ids(ids.iter().map(|id| id.uuid()));
            query.build_query_as().fetch_all(c).await
        })?;
        let mut coupons = rows.into_iter().map(CouponRow::decode).collect::<Result<Vec<_>, _>>()?;
        coupons.sort_by_key(|coupon| ids.iter().position(|id| *id == coupon.id));
        Ok(coupons)
    }

    /// Coupons of an installation that can be used, those made last first, at most `limit`.
    pub async fn list_coupons_of(
        &self,
        store: Id<Store>,
        installation: Id<Installation>,
        limit: u32,
    ) -> Result<Vec<Coupon>, StoreError> {
        let rows: Vec<CouponRow> = read!(self, |c| {
            let mut query = QueryBuilder::new(SELECT);
            query.id(store.uuid()).part(" AND installation_id = ").id(installation.uuid());
            query.part(" AND enabled = ").int(1).part(" ORDER BY id DESC LIMIT ").int(i64::from(limit));
            query.build_query_as().fetch_all(c).await
        })?;
        rows.into_iter().map(CouponRow::decode).collect()
    }

    /// A page of a store's coupons, after one, at most `limit` but at least 1. Those with the
    /// highest id come first, which is those made last where ids count up.
    pub async fn list_coupons(
        &self,
        store: Id<Store>,
        after: Option<Id<Coupon>>,
        limit: u32,
    ) -> Result<CouponPage, StoreError> {
        let limit = limit.max(1);
        let mut rows: Vec<CouponRow> = read!(self, |c| {
            let mut query = QueryBuilder::new(SELECT);
            query.id(store.uuid());
            if let Some(after) = after {
                query.part(" AND id < ").id(after.uuid());
            }
            // One more than asked for tells whether there is a next page.
            query.part(" ORDER BY id DESC LIMIT ").int(i64::from(limit) + 1);
            query.build_query_as().fetch_all(c).await
        })?;
        let more = rows.len() > limit as usize;
        rows.truncate(limit as usize);
        let next = rows.last().filter(|_| more).map(|row| Id::new(row.id));
        let coupons = rows.into_iter().map(CouponRow::decode).collect::<Result<_, _>>()?;
        Ok(CouponPage { coupons, next })
    }
}

impl CouponRow {
    fn decode(self) -> Result<Coupon, StoreError> {
        let id = Id::new(self.id);
        let row = RowOf::entity("coupons", id);
        let (code, classes) = (row.parse("code", &self.code)?, row.json("classes", &self.classes)?);
        let installation = Id::new(self.installation_id);
        let found = seal_of(id, &self.code, installation, &self.config, &self.classes)?;
        seal::check(&row, "seal", self.seal.as_deref(), found, || {
            format!("the code, installation, configuration or classes of {code} were changed")
        })?;
        Ok(Coupon {
            id,
            code,
            installation,
            config: self.config,
            classes,
            enabled: self.enabled,
            starts_at: self.starts_at.map(Timestamp::from_millis),
            ends_at: self.ends_at.map(Timestamp::from_millis),
            total_limit: self.total_limit,
            per_customer_limit: self.per_customer_limit,
            version: self.version,
        })
    }
}

/// The seal of what decides what a coupon gives, as it stands in the columns.
fn seal_of(
    id: Id<Coupon>,
    code: &str,
    installation: Id<Installation>,
    config: &str,
    classes: &str,
) -> Result<Digest, StoreError> {
    Ok(Digest::of(to_json(&(id, code, installation, config, classes))?.as_bytes()))
}

fn seal_of_new(coupon: &Coupon, classes: &str) -> Result<Digest, StoreError> {
    seal_of(coupon.id, coupon.code.as_str(), coupon.installation, &coupon.config, classes)
}

async fn insert(tx: &mut Tx, store: Id<Store>, coupon: &Coupon) -> Result<(), StoreError> {
    const SQL: &str = "INSERT INTO coupons (store_id, id, code, installation_id, config, classes, enabled, \
         starts_at, ends_at, total_limit, per_customer_limit, version, seal) \
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
    const USAGE: &str = "INSERT INTO coupon_usage (store_id, coupon_id, used) VALUES (?, ?, 0)";
    let classes = to_json(&coupon.classes)?;
    let seal = seal_of_new(coupon, &classes)?;
    run!(tx, |c| sqlx::query(SQL)
        .bind(store.uuid())
        .bind(coupon.id.uuid())
        .bind(coupon.code.as_str())
        .bind(coupon.installation.uuid())
        .bind(&coupon.config)
        .bind(classes)
        .bind(coupon.enabled)
        .bind(coupon.starts_at.map(Timestamp::as_millis))
        .bind(coupon.ends_at.map(Timestamp::as_millis))
        .bind(coupon.total_limit)
        .bind(coupon.per_customer_limit)
        .bind(coupon.version)
        .bind(seal.as_bytes().as_slice())
        .execute(c)
        .await
        .map(drop))
    .map_err(|error| Unique::CouponCode.or(error))?;
    // The counter is there from the start, so that using the coupon is one UPDATE.
    run!(tx, |c| sqlx::query(USAGE).bind(store.uuid()).bind(coupon.id.uuid()).execute(c).await.map(drop))?;
    Ok(())
}

async fn update(tx: &mut Tx, store: Id<Store>, coupon: &Coupon, expected: i64) -> Result<bool, StoreError> {
    const SQL: &str = "UPDATE coupons SET code = ?, installation_id = ?, config = ?, classes = ?, enabled = ?, \
         starts_at = ?, ends_at = ?, total_limit = ?, per_customer_limit = ?, seal = ?, version = version + 1 \
         WHERE store_id = ? AND id = ? AND version = ?";
    let classes = to_json(&coupon.classes)?;
    let seal = seal_of_new(coupon, &classes)?;
    let done = run!(tx, |c| sqlx::query(SQL)
        .bind(coupon.code.as_str())
        .bind(coupon.installation.uuid())
        .bind(&coupon.config)
        .bind(classes)
        .bind(coupon.enabled)
        .bind(coupon.starts_at.map(Timestamp::as_millis))
        .bind(coupon.ends_at.map(Timestamp::as_millis))
        .bind(coupon.total_limit)
        .bind(coupon.per_customer_limit)
        .bind(seal.as_bytes().as_slice())
        .bind(store.uuid())
        .bind(coupon.id.uuid())
        .bind(expected)
        .execute(c)
        .await
        .map(|done| done.rows_affected()))
    .map_err(|error| Unique::CouponCode.or(error))?;
    Ok(done == 1)
}
