//! What has to happen after a commit. Written with it, delivered at least once, in order for each
//! order.

use martlet_domain::{
    Id, Timestamp,
    order::{Order, OrderEvent},
    settings::Store,
};
use sqlx::QueryBuilder;
use uuid::Uuid;

use crate::{Db, StoreError, Tx, codec::RowOf, dialect::Statement as _, orders::legible};

/// An event that is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DueEvent {
    /// The store.
    pub store: Id<Store>,
    /// Whose event it is.
    pub order: Id<Order>,
    /// Its place among the order's events.
    pub sequence: i64,
    /// What happened.
    pub event: OrderEvent,
    /// How often its delivery was begun, this time included.
    pub attempts: i64,
}

#[derive(sqlx::FromRow)]
struct EventRow {
    store_id: Uuid,
    aggregate_id: Uuid,
    sequence: i64,
    body: String,
    due_at: i64,
    attempts: i64,
}

impl Db {
    /// Takes events that are due, at most `limit`, and makes them due again at `again_at`: whoever takes
    /// one delivers it and then deletes it, or it comes back. An order's later event waits until the
    /// earlier one is deleted. One that can't be read is reported and left out, and comes back too.
    pub async fn take_due_events(
        &self,
        now: Timestamp,
        again_at: Timestamp,
        limit: u32,
    ) -> Result<Vec<DueEvent>, StoreError> {
        const SQL: &str = "SELECT o.store_id, o.aggregate_id, o.sequence, o.body, o.due_at, o.attempts \
             FROM outbox o WHERE o.due_at <= ? AND NOT EXISTS ( \
               SELECT 1 FROM outbox e WHERE e.store_id = o.store_id AND e.aggregate_id = o.aggregate_id \
               AND e.sequence < o.sequence) ORDER BY o.due_at LIMIT ?";
        let rows: Vec<EventRow> = read!(self, |c| sqlx::query_as(SQL)
            .bind(now.as_millis())
            .bind(i64::from(limit))
            .fetch_all(c)
            .await)?;
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        let taken: Vec<bool> = transaction!(self, |tx| {
            let mut taken = Vec::with_capacity(rows.len());
            for row in &rows {
                taken.push(take(tx, row, again_at).await?);
            }
            Ok(taken)
        })?;
        let taken = rows.into_iter().zip(taken).filter(|(_, taken)| *taken);
        Ok(taken.filter_map(|(row, _)| legible(row.decode())).collect())
    }

    /// How many events wait, due or not.
    pub async fn count_events(&self) -> Result<i64, StoreError> {
        const SQL: &str = "SELECT COUNT(*) FROM outbox";
        Ok(read!(self, |c| sqlx::query_scalar(SQL).fetch_one(c).await)?)
    }

    /// Makes a taken event due at another moment than it would be.
    pub async fn put_event_off(&self, event: &DueEvent, due_at: Timestamp) -> Result<(), StoreError> {
        const SQL: &str =
            "UPDATE outbox SET due_at = ? WHERE store_id = ? AND aggregate_id = ? AND sequence = ?";
        transaction!(self, |tx| {
            run!(tx, |c| sqlx::query(SQL)
                .bind(due_at.as_millis())
                .bind(event.store.uuid())
                .bind(event.order.uuid())
                .bind(event.sequence)
                .execute(c)
                .await
                .map(drop))?;
            Ok(())
        })
    }
}

impl Tx {
    /// Holds an event, so that nobody else records its outcome before this transaction ends. Whether it
    /// is there.
    pub(crate) async fn lock_event(
        &mut self,
        store: Id<Store>,
        order: Id<Order>,
        sequence: i64,
    ) -> Result<bool, StoreError> {
        let found: Option<(i64,)> = run!(self, |c| {
            let mut query = QueryBuilder::new("SELECT sequence FROM outbox WHERE store_id = ");
            query.id(store.uuid()).part(" AND aggregate_id = ").id(order.uuid());
            query.part(" AND sequence = ").int(sequence).for_update();
            query.build_query_as().fetch_optional(c).await
        })?;
        Ok(found.is_some())
    }

    /// Deletes an event that is delivered. One that is gone already is delivered too.
    pub(crate) async fn delete_event(
        &mut self,
        store: Id<Store>,
        order: Id<Order>,
        sequence: i64,
    ) -> Result<(), StoreError> {
        const SQL: &str = "DELETE FROM outbox WHERE store_id = ? AND aggregate_id = ? AND sequence = ?";
        run!(self, |c| sqlx::query(SQL)
            .bind(store.uuid())
            .bind(order.uuid())
            .bind(sequence)
            .execute(c)
            .await
            .map(drop))?;
        Ok(())
    }
}

impl EventRow {
    fn decode(self) -> Result<DueEvent, StoreError> {
        let order = Id::<Order>::new(self.aggregate_id);
        Ok(DueEvent {
            store: Id::new(self.store_id),
            order,
            sequence: self.sequence,
            event: RowOf::entity("outbox", order).json("body", &self.body)?,
            attempts: self.attempts + 1,
        })
    }
}

/// Whether nobody else has taken it since it was read.
async fn take(tx: &mut Tx, row: &EventRow, again_at: Timestamp) -> Result<bool, StoreError> {
    const SQL: &str = "UPDATE outbox SET due_at = ?, attempts = attempts + 1 \
         WHERE store_id = ? AND aggregate_id = ? AND sequence = ? AND due_at = ? AND attempts = ?";
    let changed = run!(tx, |c| sqlx::query(SQL)
        .bind(again_at.as_millis())
        .bind(row.store_id)
        .bind(row.aggregate_id)
        .bind(row.sequence)
        .bind(row.due_at)
        .bind(row.attempts)
        .execute(c)
        .await
        .map(|done| done.rows_affected()))?;
    Ok(changed == 1)
}
