//! Rulebooks: numbered in each store, never changed, one of them active.

mod quarantine;

use std::collections::BTreeSet;

use martlet_domain::{
    Id, Timestamp,
    plugin::{Group, Installation, Rulebook, SealedRulebook},
    settings::Store,
};

use crate::{
    ChangeKind, Db, StoreError, Tx,
    codec::{RowOf, to_json},
    seal::RulebookSeal,
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
    seal: Option<String>,
}

impl Db {
    /// Stores a rulebook under the next number of the store, makes it the active one, and returns
    /// it. Numbers have no gaps. Each of its components must be a plugin version of the store, and
    /// can't be deleted from then on.
    pub async fn publish_rulebook(
        &self,
        store: Id<Store>,
        draft: RulebookDraft,
    ) -> Result<SealedRulebook, StoreError> {
        let RulebookDraft { note, created_at, groups, installations } = draft;
        let draft = Rulebook { number: 0, note, created_at, groups, installations };
        transaction!(self, |tx| {
            let number = next_number(tx, store).await?;
            let rulebook = SealedRulebook::new(Rulebook { number, ..draft.clone() });
            insert(tx, store, &rulebook).await?;
            insert_components(tx, store, &rulebook).await?;
            activate(tx, store, number).await?;
            tx.log_change(store, ChangeKind::Rulebook, None).await?;
            Ok(rulebook)
        })
    }

    /// The rulebook with a number. [`StoreError::Corrupt`] says which installation isn't what was
    /// published.
    pub async fn find_rulebook(
        &self,
        store: Id<Store>,
        number: i64,
    ) -> Result<Option<SealedRulebook>, StoreError> {
        const SQL: &str = "SELECT number, body, seal FROM rulebooks WHERE store_id = ? AND number = ?";
        let row: Option<BodyRow> =
            read!(self, |c| sqlx::query_as(SQL).bind(store.uuid()).bind(number).fetch_optional(c).await)?;
        row.map(|row| row.decode(store)).transpose()
    }

    /// The active rulebook, once one was published.
    pub async fn find_active_rulebook(&self, store: Id<Store>) -> Result<Option<SealedRulebook>, StoreError> {
        const SQL: &str = "SELECT r.number, r.body, r.seal FROM active_rulebooks a \
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
    fn decode(self, store: Id<Store>) -> Result<SealedRulebook, StoreError> {
        let row = RowOf::named("rulebooks", format!("{} in {store:?}", self.number));
        let seal: Option<RulebookSeal> =
            self.seal.as_deref().map(|text| row.json("seal", text)).transpose()?;
        if let Some(change) = seal.as_ref().and_then(|seal| seal.change(&self.body)) {
            return Err(row.corrupt("body", change));
        }
        let rulebook: Rulebook = row.json("body", &self.body)?;
        if rulebook.number != self.number {
            return Err(row.corrupt("body", "it has another number"));
        }
        let rulebook = SealedRulebook::new(rulebook);
        // Receipts name the digest that it was sealed with: it can't mean something else today.
        match seal {
            Some(seal) if seal.digest() != rulebook.digest() => {
                Err(row.corrupt("seal", format!("what is read has the digest {}", rulebook.digest())))
            }
            _ => Ok(rulebook),
        }
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

async fn insert(tx: &mut Tx, store: Id<Store>, rulebook: &SealedRulebook) -> Result<(), StoreError> {
    const SQL: &str =
        "INSERT INTO rulebooks (store_id, number, note, created_at, body, seal) VALUES (?, ?, ?, ?, ?, ?)";
    let body = to_json::<Rulebook>(rulebook)?;
    let seal = to_json(&RulebookSeal::new(rulebook, &body)?)?;
    run!(tx, |c| sqlx::query(SQL)
        .bind(store.uuid())
        .bind(rulebook.number)
        .bind(&rulebook.note)
        .bind(rulebook.created_at.as_millis())
        .bind(body)
        .bind(seal)
        .execute(c)
        .await
        .map(drop))?;
    Ok(())
}

async fn insert_components(
    tx: &mut Tx,
    store: Id<Store>,
    rulebook: &SealedRulebook,
) -> Result<(), StoreError> {
    const SQL: &str = "INSERT INTO rulebook_components (store_id, number, component) VALUES (?, ?, ?)";
    let components: BTreeSet<_> =
        rulebook.installations.iter().map(|installation| installation.component).collect();
    for component in components {
        run!(tx, |c| sqlx::query(SQL)
            .bind(store.uuid())
            .bind(rulebook.number)
            .bind(component.as_bytes().as_slice())
            .execute(c)
            .await
            .map(drop))?;
    }
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
