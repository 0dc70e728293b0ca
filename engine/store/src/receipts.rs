//! The evidence of orders' prices. Orders are placed with it (`orders/place.rs`); here it is read.

use std::time::Duration;

use martlet_domain::{Digest, Id, Timestamp, order::Order, quote::Totals, settings::Store};
use serde::Deserialize;
use sqlx::QueryBuilder;
use uuid::Uuid;

use crate::{Db, StoreError, codec::RowOf, dialect::Statement as _};

/// The evidence of an order's price, whose bytes are those that the order names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredReceipt {
    /// The order.
    pub order: Id<Order>,
    /// What people call the order.
    pub number: String,
    /// What the order comes to, as the order says.
    pub totals: Totals,
    /// SHA-256 of the bytes.
    pub digest: Digest,
    /// The version of the engine that priced it.
    pub engine: String,
    /// The fuel that its components burnt.
    pub fuel: u64,
    /// The receipt.
    pub bytes: Vec<u8>,
}

/// An order of a list of receipts.
#[derive(Debug)]
pub struct ReceiptEntry {
    /// The order.
    pub order: Id<Order>,
    /// What people call the order.
    pub number: String,
    /// Its receipt, or what is wrong with it: one that is damaged doesn't hide the others.
    pub receipt: Result<StoredReceipt, StoreError>,
}

/// When orders were placed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ReceiptWindow {
    /// From then on.
    pub since: Option<Timestamp>,
    /// Before that.
    pub until: Option<Timestamp>,
}

/// How far the time in an order's id, which the machine's clock gave it, may be from when it was placed.
/// No index has the latter; ids are the key.
const MARGIN: Duration = Duration::from_secs(24 * 3_600);

/// The ids that orders of a window can have: from one on, and before another.
fn ids_of(window: ReceiptWindow) -> [Uuid; 2] {
    let since = window.since.map_or(Uuid::nil(), |since| first_id(since.minus(MARGIN)));
    let until = window.until.map_or(Uuid::max(), |until| first_id(until.plus(MARGIN)));
    [since, until]
}

/// The lowest UUIDv7 of a moment: it begins with 48 bits of milliseconds.
fn first_id(moment: Timestamp) -> Uuid {
    let millis = u128::try_from(moment.as_millis()).unwrap_or(0).min((1 << 48) - 1);
    Uuid::from_u128(millis << 80)
}

#[derive(sqlx::FromRow)]
struct ReceiptRow {
    id: Uuid,
    number: String,
    total: i64,
    terms: String,
    digest: Option<Vec<u8>>,
    engine: Option<String>,
    fuel: Option<i64>,
    bytes: Option<Vec<u8>>,
}

/// What an order's terms say of its receipt.
#[derive(Deserialize)]
struct Named {
    receipt: Digest,
    totals: Totals,
}

const SELECT: &str = "SELECT o.id, o.number, o.total, o.terms, r.digest, r.engine, r.fuel, r.bytes \
     FROM orders o LEFT JOIN order_receipts r ON r.store_id = o.store_id AND r.order_id = o.id \
     WHERE o.store_id = ";

impl Db {
    /// The receipt of an order; nothing where there is no such order. [`StoreError::Corrupt`] when it
    /// is gone, or isn't the one that the order names.
    pub async fn find_receipt(
        &self,
        store: Id<Store>,
        order: Id<Order>,
    ) -> Result<Option<StoredReceipt>, StoreError> {
        let entry = self.find_receipt_entry(store, order).await?;
        entry.map(|entry| entry.receipt).transpose()
    }

    /// The same, with what people call the order even where its receipt is damaged.
    pub async fn find_receipt_entry(
        &self,
        store: Id<Store>,
        order: Id<Order>,
    ) -> Result<Option<ReceiptEntry>, StoreError> {
        let row: Option<ReceiptRow> = read!(self, |c| {
            let mut query = QueryBuilder::new(SELECT);
            query.id(store.uuid()).part(" AND o.id = ").id(order.uuid());
            query.build_query_as().fetch_optional(c).await
        })?;
        Ok(row.map(ReceiptRow::entry))
    }

    /// The receipts of a store's orders that were placed from a moment on, or of all of them, in the
    /// order of the orders' ids, after one of those, at most `limit`. Every order is in it, one whose
    /// receipt is gone too.
    pub async fn list_receipts(
        &self,
        store: Id<Store>,
        since: Option<Timestamp>,
        after: Option<Id<Order>>,
        limit: u32,
    ) -> Result<Vec<ReceiptEntry>, StoreError> {
        let rows: Vec<ReceiptRow> = read!(self, |c| {
            let mut query = QueryBuilder::new(SELECT);
            query.id(store.uuid());
            if let Some(since) = since {
                let [first, _] = ids_of(ReceiptWindow { since: Some(since), until: None });
                query.part(" AND o.id >= ").id(first);
                query.part(" AND o.placed_at >= ").int(since.as_millis());
            }
            if let Some(after) = after {
                query.part(" AND o.id > ").id(after.uuid());
            }
            query.part(" ORDER BY o.id LIMIT ").int(i64::from(limit));
            query.build_query_as().fetch_all(c).await
        })?;
        Ok(rows.into_iter().map(ReceiptRow::entry).collect())
    }

    /// The receipts of a store's orders that were placed in a window and came to something, those placed
    /// last first, before one of them where it is given, at most `limit`. Cancelled orders, whose payment
    /// may have been declined, are left out.
    pub async fn list_latest_receipts(
        &self,
        store: Id<Store>,
        window: ReceiptWindow,
        before: Option<Id<Order>>,
        limit: u32,
    ) -> Result<Vec<ReceiptEntry>, StoreError> {
        let rows: Vec<ReceiptRow> = read!(self, |c| {
            let mut query = QueryBuilder::new(SELECT);
            query.id(store.uuid()).part(" AND o.status <> 'cancelled'");
            let [first, end] = ids_of(window);
            query.part(" AND o.id >= ").id(first).part(" AND o.id < ").id(end);
            if let Some(since) = window.since {
                query.part(" AND o.placed_at >= ").int(since.as_millis());
            }
            if let Some(until) = window.until {
                query.part(" AND o.placed_at < ").int(until.as_millis());
            }
            if let Some(before) = before {
                query.part(" AND o.id < ").id(before.uuid());
            }
            // Ids count up with time.
            query.part(" ORDER BY o.id DESC LIMIT ").int(i64::from(limit));
            query.build_query_as().fetch_all(c).await
        })?;
        Ok(rows.into_iter().map(ReceiptRow::entry).collect())
    }

    /// How many orders [`Db::list_latest_receipts`] goes through, `most` at most.
    pub async fn count_latest_receipts(
        &self,
        store: Id<Store>,
        window: ReceiptWindow,
        most: u32,
    ) -> Result<u32, StoreError> {
        const SQL: &str = "SELECT COUNT(*) FROM (SELECT id FROM orders WHERE store_id = ? \
             AND id >= ? AND id < ? AND status <> 'cancelled' AND placed_at >= ? AND placed_at < ? \
             LIMIT ?) latest";
        let [first, end] = ids_of(window);
        let since = window.since.map_or(i64::MIN, Timestamp::as_millis);
        let until = window.until.map_or(i64::MAX, Timestamp::as_millis);
        let count: i64 = read!(self, |c| sqlx::query_scalar(SQL)
            .bind(store.uuid())
            .bind(first)
            .bind(end)
            .bind(since)
            .bind(until)
            .bind(i64::from(most))
            .fetch_one(c)
            .await)?;
        RowOf::named("orders", "latest").number("id", count)
    }

    /// How many orders [`Db::list_receipts`] goes through.
    pub async fn count_receipts(
        &self,
        store: Id<Store>,
        since: Option<Timestamp>,
    ) -> Result<u64, StoreError> {
        const SQL: &str = "SELECT COUNT(*) FROM orders WHERE store_id = ? AND id >= ? AND placed_at >= ?";
        let [first, _] = ids_of(ReceiptWindow { since, until: None });
        let since = since.map_or(i64::MIN, Timestamp::as_millis);
        let count: i64 = read!(self, |c| sqlx::query_scalar(SQL)
            .bind(store.uuid())
            .bind(first)
            .bind(since)
            .fetch_one(c)
            .await)?;
        RowOf::named("orders", "all").number("id", count)
    }
}

impl ReceiptRow {
    fn entry(self) -> ReceiptEntry {
        let (order, number) = (Id::new(self.id), self.number.clone());
        ReceiptEntry { order, number, receipt: self.decode() }
    }

    fn decode(self) -> Result<StoredReceipt, StoreError> {
        let order = Id::<Order>::new(self.id);
        let (of_order, of_receipt) = (RowOf::entity("orders", order), RowOf::entity("order_receipts", order));
        let named: Named = of_order.json("terms", &self.terms)?;
        if named.totals.total != self.total {
            return Err(of_order.corrupt("total", "it isn't that of its terms"));
        }
        let (Some(digest), Some(engine), Some(fuel), Some(bytes)) =
            (self.digest, self.engine, self.fuel, self.bytes)
        else {
            return Err(of_receipt.corrupt("bytes", "the receipt is gone"));
        };
        let digest = of_receipt.digest("digest", &digest)?;
        let found = Digest::of(&bytes);
        if found != named.receipt {
            return Err(
                of_receipt.corrupt("bytes", "the receipt was changed: the order names another digest")
            );
        }
        if found != digest {
            return Err(of_receipt.corrupt("digest", "it isn't that of the receipt"));
        }
        let fuel = of_receipt.number("fuel", fuel)?;
        Ok(StoredReceipt { order, number: self.number, totals: named.totals, digest, engine, fuel, bytes })
    }
}
