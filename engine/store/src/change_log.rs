//! The log of what instances keep copies of: written in the transaction of each change, read by every
//! instance.
//!
//! Its moments are the database's own, taken as a row is written: instances' clocks differ, and what
//! waits for a lock is written later than it was asked for. A row is seen once its transaction is
//! committed, so one with an earlier moment or a lower id may come after others. Readers therefore look
//! back some seconds each time and remember what they have seen.

use martlet_domain::{Id, Timestamp, settings::Store};
use serde::{Deserialize, Serialize};
use sqlx::QueryBuilder;
use uuid::Uuid;

use crate::{Db, StoreError, Tx, codec::RowOf, dialect::Statement as _, orders::legible};

/// Rows that one statement deletes at most.
const CHUNK: usize = 256;

/// Something that instances keep copies of has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Change {
    /// Tells it from other changes, and nothing else.
    pub id: i64,
    /// When it was written, by the database's clock.
    pub at: Timestamp,
    /// Whose it is; nothing where it is everybody's.
    pub store: Option<Id<Store>>,
    /// What has changed.
    pub kind: ChangeKind,
    /// Which one, where there are several.
    pub subject: Option<Uuid>,
}

/// What has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeKind {
    /// What the page of a product shows: itself, its variants, their prices, whether there are any. The
    /// subject is the product's id.
    Product,
    /// The active rulebook.
    Rulebook,
    /// The store: that it is there, or how it sells.
    Store,
    /// The tree of categories.
    Categories,
}

#[derive(sqlx::FromRow)]
struct ChangeRow {
    id: i64,
    at: i64,
    store_id: Option<Uuid>,
    kind: String,
    subject: Option<Uuid>,
}

impl Db {
    /// This moment by the database's clock, which [`Change::at`] is by.
    pub async fn now(&self) -> Result<Timestamp, StoreError> {
        let now: (i64,) = read!(self, |c| {
            let mut query = QueryBuilder::new("SELECT ");
            query.now();
            query.build_query_as().fetch_one(c).await
        })?;
        Ok(Timestamp::from_millis(now.0))
    }

    /// Changes in all stores since a moment, the moment included, the earliest first, at most `limit`.
    /// After a full page the next one begins with the last moment of this one. Kinds that a later release
    /// has added are left out, and one that can't be read is reported and left out.
    pub async fn list_changes(&self, since: Timestamp, limit: u32) -> Result<Vec<Change>, StoreError> {
        const SQL: &str = "SELECT id, at, store_id, kind, subject FROM change_log WHERE at >= ";
        let rows: Vec<ChangeRow> = read!(self, |c| {
            let mut query = QueryBuilder::new(SQL);
            query.int(since.as_millis()).part(" AND kind IN ");
            query.list(ChangeKind::ALL.map(ChangeKind::as_str), |query, kind| query.text(kind));
            query.part(" ORDER BY at, id LIMIT ").int(i64::from(limit));
            query.build_query_as().fetch_all(c).await
        })?;
        Ok(rows.into_iter().filter_map(|row| legible(row.decode())).collect())
    }

    /// Deletes some of the changes before a moment, at most `limit`, and says how many: where it is as
    /// many as were asked for, there may be more.
    pub async fn delete_changes(&self, before: Timestamp, limit: u32) -> Result<u64, StoreError> {
        const FIND: &str = "SELECT id FROM change_log WHERE at < ? ORDER BY at, id LIMIT ?";
        let ids: Vec<i64> = read!(self, |c| sqlx::query_scalar(FIND)
            .bind(before.as_millis())
            .bind(i64::from(limit))
            .fetch_all(c)
            .await)?;
        let mut deleted = 0;
        for ids in ids.chunks(CHUNK) {
            deleted += transaction!(self, |tx| delete(tx, ids).await)?;
        }
        Ok(deleted)
    }
}

impl Tx {
    /// Writes down that something of a store has changed.
    pub(crate) async fn log_change(
        &mut self,
        store: Id<Store>,
        kind: ChangeKind,
        subject: Option<Uuid>,
    ) -> Result<(), StoreError> {
        run!(self, |c| {
            let mut query =
                QueryBuilder::new("INSERT INTO change_log (at, store_id, kind, subject) VALUES (");
            query.now().part(", ").id(store.uuid()).part(", ").text(kind.as_str());
            query.part(", ").maybe_id(subject).part(")");
            query.build().execute(c).await.map(drop)
        })?;
        Ok(())
    }

    /// Writes down that the products of some variants have changed.
    pub(crate) async fn log_products_of(
        &mut self,
        store: Id<Store>,
        variants: &[Uuid],
    ) -> Result<(), StoreError> {
        if variants.is_empty() {
            return Ok(());
        }
        run!(self, |c| {
            let mut query = QueryBuilder::new("INSERT INTO change_log (at, store_id, kind, subject) SELECT ");
            query.now().part(", v.store_id, ").text(ChangeKind::Product.as_str());
            query.part(", v.product_id FROM variants v WHERE v.store_id = ").id(store.uuid());
            query
                .part(" AND v.id IN ")
                .ids(variants.iter().copied())
                .part(" GROUP BY v.store_id, v.product_id");
            query.build().execute(c).await.map(drop)
        })?;
        Ok(())
    }
}

impl ChangeKind {
    const ALL: [Self; 4] = [Self::Product, Self::Rulebook, Self::Store, Self::Categories];

    /// What it is called where it is stored.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Product => "product",
            Self::Rulebook => "rulebook",
            Self::Store => "store",
            Self::Categories => "categories",
        }
    }
}

impl ChangeRow {
    fn decode(self) -> Result<Change, StoreError> {
        let row = RowOf::named("change_log", self.id);
        let kind = ChangeKind::ALL.into_iter().find(|kind| kind.as_str() == self.kind);
        let kind = kind.ok_or_else(|| row.corrupt("kind", "not a kind this release knows"))?;
        if kind == ChangeKind::Product && self.subject.is_none() {
            return Err(row.corrupt("subject", "it names no product"));
        }
        Ok(Change {
            id: self.id,
            at: Timestamp::from_millis(self.at),
            store: self.store_id.map(Id::new),
            kind,
            subject: self.subject,
        })
    }
}

async fn delete(tx: &mut Tx, ids: &[i64]) -> Result<u64, StoreError> {
    Ok(run!(tx, |c| {
        let mut query = QueryBuilder::new("DELETE FROM change_log WHERE id IN ");
        query.list(ids.iter().copied(), |query, id| query.int(id));
        query.build().execute(c).await.map(|done| done.rows_affected())
    })?)
}
