//! Rulebooks: numbered in each store, never changed, one of them active.

use martlet_domain::{
    Id, Timestamp,
    plugin::{Group, Installation, Rulebook},
    settings::Store,
};

use crate::{
    Db, StoreError, Tx,
    codec::{RowOf, to_json},
};

/// A rulebook that has no number yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RulebookDraft {
    /// What changed, in the merchant's words.
    pub note: String,
    /// When it is made.
    pub created_at: Timestamp,
    /// Its groups.
    pub groups: Vec<Group>,
    /// Its installations, by sequence.
    pub installations: Vec<Installation>,
}

/// What a list says of a rulebook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RulebookSummary {
    /// Its number.
    pub number: i64,
    /// What changed, in the merchant's words.
    pub note: String,
    /// When it was made.
    pub created_at: Timestamp,
}

#[derive(sqlx::FromRow)]
struct SummaryRow {
    number: i64,
    note: String,
    created_at: i64,
}

#[derive(sqlx::FromRow)]
struct BodyRow {
    number: i64,
    body: String,
}

impl Db {
    /// Stores a rulebook under the next number of the store, makes it the active one, and returns
    /// it. Numbers have no gaps.
    pub async fn publish_rulebook(
        &self,
        store: Id<Store>,
        draft: RulebookDraft,
    ) -> Result<Rulebook, StoreError> {
        let RulebookDraft { note, created_at, groups, installations } = draft;
        let mut rulebook = Rulebook { number: 0, note, created_at, groups, installations };
        transaction!(self, |tx| {
            rulebook.number = next_number(tx, store).await?;
            insert(tx, store, &rulebook).await?;
            activate(tx, store, rulebook.number).await
        })?;
        Ok(rulebook)
    }

    /// The rulebook with a number.
    pub async fn find_rulebook(&self, store: Id<Store>, number: i64) -> Result<Option<Rulebook>, StoreError> {
        const SQL: &str = "SELECT number, body FROM rulebooks WHERE store_id = ? AND number = ?";
        let row: Option<BodyRow> =
            read!(self, |c| sqlx::query_as(SQL).bind(store.uuid()).bind(number).fetch_optional(c).await)?;
        row.map(|row| row.decode(store)).transpose()
    }

    /// The active rulebook, once one was published.
    pub async fn find_active_rulebook(&self, store: Id<Store>) -> Result<Option<Rulebook>, StoreError> {
        const SQL: &str = "SELECT r.number, r.body FROM active_rulebooks a \
             JOIN rulebooks r ON r.store_id = a.store_id AND r.number = a.number WHERE a.store_id = ?";
        let row: Option<BodyRow> =
            read!(self, |c| sqlx::query_as(SQL).bind(store.uuid()).fetch_optional(c).await)?;
        row.map(|row| row.decode(store)).transpose()
    }

    /// The number of the active rulebook alone, to see cheaply whether a kept one is current.
    pub async fn find_active_rulebook_number(&self, store: Id<Store>) -> Result<Option<i64>, StoreError> {
        const SQL: &str = "SELECT number FROM active_rulebooks WHERE store_id = ?";
        Ok(read!(self, |c| sqlx::query_scalar(SQL).bind(store.uuid()).fetch_optional(c).await)?)
    }

    /// Rulebooks numbered below `before`, where given, the highest first, at most `limit`.
    pub async fn list_rulebooks(
        &self,
        store: Id<Store>,
        before: Option<i64>,
        limit: u32,
    ) -> Result<Vec<RulebookSummary>, StoreError> {
        const SQL: &str = "SELECT number, note, created_at FROM rulebooks \
             WHERE store_id = ? AND number < ? ORDER BY number DESC LIMIT ?";
        let rows: Vec<SummaryRow> = read!(self, |c| sqlx::query_as(SQL)
            .bind(store.uuid())
            .bind(before.unwrap_or(i64::MAX))
            .bind(i64::from(limit))
            .fetch_all(c)
            .await)?;
        Ok(rows.into_iter().map(SummaryRow::decode).collect())
    }
}

impl SummaryRow {
    fn decode(self) -> RulebookSummary {
        let created_at = Timestamp::from_millis(self.created_at);
        RulebookSummary { number: self.number, note: self.note, created_at }
    }
}

impl BodyRow {
    fn decode(self, store: Id<Store>) -> Result<Rulebook, StoreError> {
        let row = RowOf::named("rulebooks", format!("{} in {store:?}", self.number));
        let rulebook: Rulebook = row.json("body", &self.body)?;
        if rulebook.number != self.number {
            return Err(row.corrupt("body", "it has another number"));
        }
        Ok(rulebook)
    }
}

/// Counting locks the store's counters until the commit, so that publishers come one by one.
async fn next_number(tx: &mut Tx, store: Id<Store>) -> Result<i64, StoreError> {
    const COUNT: &str = "UPDATE store_counters SET rulebooks = rulebooks + 1 WHERE store_id = ?";
    const READ: &str = "SELECT rulebooks FROM store_counters WHERE store_id = ?";
    run!(tx, |c| sqlx::query(COUNT).bind(store.uuid()).execute(c).await.map(drop))?;
    let next: Option<i64> =
        run!(tx, |c| sqlx::query_scalar(READ).bind(store.uuid()).fetch_optional(c).await)?;
    next.ok_or(StoreError::UnknownReference)
}

async fn insert(tx: &mut Tx, store: Id<Store>, rulebook: &Rulebook) -> Result<(), StoreError> {
    const SQL: &str =
        "INSERT INTO rulebooks (store_id, number, note, created_at, body) VALUES (?, ?, ?, ?, ?)";
    let body = to_json(rulebook)?;
    run!(tx, |c| sqlx::query(SQL)
        .bind(store.uuid())
        .bind(rulebook.number)
        .bind(&rulebook.note)
        .bind(rulebook.created_at.as_millis())
        .bind(body)
        .execute(c)
        .await
        .map(drop))?;
    Ok(())
}

async fn activate(tx: &mut Tx, store: Id<Store>, number: i64) -> Result<(), StoreError> {
    const UPDATE: &str = "UPDATE active_rulebooks SET number = ? WHERE store_id = ?";
    const INSERT: &str = "INSERT INTO active_rulebooks (number, store_id) VALUES (?, ?)";
    for sql in [UPDATE, INSERT] {
        let changed = run!(tx, |c| sqlx::query(sql)
            .bind(number)
            .bind(store.uuid())
            .execute(c)
            .await
            .map(|done| done.rows_affected()))?;
        if changed == 1 {
            break;
        }
    }
    Ok(())
}
