//! Orders. They are read here; [`commit`] holds what changes them.

mod advance;
pub(crate) mod commit;
mod holdings;
mod place;

use std::sync::Arc;

use martlet_domain::{
    Id, Timestamp,
    cart::Cart,
    customer::Customer,
    order::{Order, OrderNumber, OrderStatus},
    settings::Store,
};
use sqlx::QueryBuilder;
use uuid::Uuid;

use crate::{Db, StoreError, codec::RowOf, dialect::Statement as _};

/// Which orders a list holds. All of a store where nothing is said.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OrderQuery {
    /// Only those in this status.
    pub status: Option<OrderStatus>,
    /// Only those of this customer.
    pub customer: Option<Id<Customer>>,
    /// Only those placed before this one.
    pub before: Option<Id<Order>>,
}

/// A page of orders.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderPage {
    /// The orders, those placed last first.
    pub orders: Vec<Order>,
    /// The order before which the next page begins, if there is more.
    pub next: Option<Id<Order>>,
}

/// A page of orders that aren't settled, with their stores.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnsettledPage {
    /// The orders.
    pub orders: Vec<(Id<Store>, Order)>,
    /// Where the next page begins, if there may be more.
    pub next: Option<UnsettledCursor>,
}

/// A place in the list of orders that aren't settled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnsettledCursor {
    pending_until: i64,
    store: Uuid,
    id: Uuid,
}

#[derive(sqlx::FromRow)]
pub(crate) struct OrderRow {
    store_id: Uuid,
    id: Uuid,
    number: String,
    version: i64,
    status: String,
    terms: String,
    progress: String,
    placed_at: i64,
    updated_at: i64,
    pending_until: Option<i64>,
}

const SELECT: &str = "SELECT store_id, id, number, version, status, terms, progress, placed_at, updated_at, \
     pending_until FROM orders WHERE ";

impl Db {
    /// The order with an id.
    pub async fn find_order(&self, store: Id<Store>, id: Id<Order>) -> Result<Option<Order>, StoreError> {
        let row: Option<OrderRow> = read!(self, |c| {
            let mut query = QueryBuilder::new(SELECT);
            query.part("store_id = ").id(store.uuid()).part(" AND id = ").id(id.uuid());
            query.build_query_as().fetch_optional(c).await
        })?;
        row.map(OrderRow::decode).transpose()
    }

    /// The order with a number.
    pub async fn find_order_by_number(
        &self,
        store: Id<Store>,
        number: &OrderNumber,
    ) -> Result<Option<Order>, StoreError> {
        let row: Option<OrderRow> = read!(self, |c| {
            let mut query = QueryBuilder::new(SELECT);
            query.part("store_id = ").id(store.uuid()).part(" AND number = ").text(number.as_str());
            query.build_query_as().fetch_optional(c).await
        })?;
        row.map(OrderRow::decode).transpose()
    }

    /// A page of a store's orders, at most `limit` but at least 1.
    pub async fn list_orders(
        &self,
        store: Id<Store>,
        query: &OrderQuery,
        limit: u32,
    ) -> Result<OrderPage, StoreError> {
        let limit = limit.max(1);
        let mut rows: Vec<OrderRow> = read!(self, |c| {
            let mut statement = QueryBuilder::new(SELECT);
            statement.part("store_id = ").id(store.uuid());
            if let Some(status) = query.status {
                statement.part(" AND status = ").text(status.as_str());
            }
            if let Some(customer) = query.customer {
                statement.part(" AND customer_id = ").id(customer.uuid());
            }
            if let Some(before) = query.before {
                statement.part(" AND id < ").id(before.uuid());
            }
            // Ids count up with time. One more than asked for tells whether there is a next page.
            statement.part(" ORDER BY id DESC LIMIT ").int(i64::from(limit) + 1);
            statement.build_query_as().fetch_all(c).await
        })?;
        let more = rows.len() > limit as usize;
        rows.truncate(limit as usize);
        let next = rows.last().filter(|_| more).map(|row| Id::new(row.id));
        let orders = rows.into_iter().map(OrderRow::decode).collect::<Result<_, _>>()?;
        Ok(OrderPage { orders, next })
    }

    /// The orders that a cart has become, those placed last first: more than one only where payments
    /// were declined.
    pub async fn list_orders_of_cart(
        &self,
        store: Id<Store>,
        cart: Id<Cart>,
    ) -> Result<Vec<Order>, StoreError> {
        let rows: Vec<OrderRow> = read!(self, |c| {
            let mut query = QueryBuilder::new(SELECT);
            query.part("store_id = ").id(store.uuid()).part(" AND cart_id = ").id(cart.uuid());
            query.part(" ORDER BY id DESC");
            query.build_query_as().fetch_all(c).await
        })?;
        rows.into_iter().map(OrderRow::decode).collect()
    }

    /// Orders of all stores that were placed up to a moment and aren't settled, those that expire first
    /// before others, at most `limit` but at least 1. One that can't be read is reported and left out: it
    /// must not keep the others from being settled.
    pub async fn list_unsettled_orders(
        &self,
        placed_until: Timestamp,
        after: Option<UnsettledCursor>,
        limit: u32,
    ) -> Result<UnsettledPage, StoreError> {
        let limit = limit.max(1);
        let rows: Vec<OrderRow> = read!(self, |c| {
            let mut query = QueryBuilder::new(SELECT);
            query.part("pending_until > 0 AND placed_at <= ").int(placed_until.as_millis());
            if let Some(UnsettledCursor { pending_until, store, id }) = after {
                query.part(" AND (pending_until, store_id, id) > (").int(pending_until);
                query.part(", ").id(store).part(", ").id(id).part(")");
            }
            query.part(" ORDER BY pending_until, store_id, id LIMIT ").int(i64::from(limit));
            query.build_query_as().fetch_all(c).await
        })?;
        let full = rows.len() == limit as usize;
        let cursor = |row: &OrderRow| {
            Some(UnsettledCursor { pending_until: row.pending_until?, store: row.store_id, id: row.id })
        };
        let next = rows.last().filter(|_| full).and_then(cursor);
        let with_store = |row: OrderRow| Some((Id::new(row.store_id), legible(row.decode())?));
        Ok(UnsettledPage { orders: rows.into_iter().filter_map(with_store).collect(), next })
    }
}

/// What was read, or nothing where that was reported.
pub(crate) fn legible<T>(read: Result<T, StoreError>) -> Option<T> {
    read.inspect_err(|error| tracing::error!(%error, "a row is left out")).ok()
}

impl OrderRow {
    pub(crate) fn decode(self) -> Result<Order, StoreError> {
        let id = Id::<Order>::new(self.id);
        let row = RowOf::entity("orders", id);
        Ok(Order {
            id,
            number: row.parse("number", &self.number)?,
            version: self.version,
            status: row.parse("status", &self.status)?,
            terms: Arc::new(row.json("terms", &self.terms)?),
            progress: row.json("progress", &self.progress)?,
            placed_at: Timestamp::from_millis(self.placed_at),
            updated_at: Timestamp::from_millis(self.updated_at),
            pending_until: self.pending_until.map(Timestamp::from_millis),
        })
    }
}
