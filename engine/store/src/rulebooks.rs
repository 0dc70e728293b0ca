//! Rulebooks: numbered in each store, never changed, one of them active.

use std::collections::BTreeSet;

use martlet_domain::{
    Digest, Id, Timestamp,
    plugin::{Group, Installation, Rulebook, SealedRulebook},
    settings::Store,
};

use sqlx::QueryBuilder;

use crate::{
    AuditEntry, ChangeKind, Db, StoreError, Tx,
    codec::{RowOf, to_json},
    dialect::Statement as _,
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

/// What became of a change of the rules.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "a stale change was not made"]
pub enum Published {
    /// It is made, and this is active.
    Done(SealedRulebook),
    /// Another change came first, and nothing was stored.
    Stale {
        /// The number that is active; 0 where there is none.
        current: i64,
    },
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
    /// The older rulebook that it was made of by going back.
    pub repeats: Option<i64>,
}

#[derive(sqlx::FromRow)]
struct SummaryRow {
    number: i64,
    note: String,
    created_at: i64,
    repeats: Option<i64>,
}

#[derive(sqlx::FromRow)]
struct BodyRow {
    number: i64,
    body: String,
    seal: Option<String>,
}

impl Db {
    /// Stores a rulebook under the next number of the store, makes it the active one, and returns
    /// it, whatever was active before. Numbers have no gaps. Each of its components must be a plugin version of the store, and
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
            publish(tx, store, &rulebook, None).await?;
            Ok(rulebook)
        })
    }

    /// Stores a rulebook that was made of the active one and makes it active, unless another change came
    /// first. The rows of its installations become what they are in it; those that have no row yet get
    /// one, and the store's next sequence number. `repeats` is the older rulebook it goes back to; `entry`
    /// goes into the audit log with it.
    /// Each of its components must be a plugin version of the store.
    pub async fn publish_change(
        &self,
        store: Id<Store>,
        next: &Rulebook,
        repeats: Option<i64>,
        entry: Option<&AuditEntry>,
    ) -> Result<Published, StoreError> {
        transaction!(self, |tx| {
            let current = lock_active_number(tx, store).await?;
            if current + 1 != next.number {
                return Ok(Published::Stale { current });
            }
            let mut next = next.clone();
            crate::installations::keep(tx, store, &mut next.installations).await?;
            next.installations.sort_by_key(|installation| installation.sequence);
            next.number = next_number(tx, store).await?;
            let rulebook = SealedRulebook::new(next);
            publish(tx, store, &rulebook, repeats).await?;
            if let Some(entry) = entry {
                tx.insert_audit(store, entry).await?;
            }
            Ok(Published::Done(rulebook))
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

    /// Components that any rulebook of any store names, active or not.
    pub async fn list_rulebook_components(&self) -> Result<BTreeSet<Digest>, StoreError> {
        const SQL: &str = "SELECT DISTINCT component FROM rulebook_components";
        let rows: Vec<Vec<u8>> = read!(self, |c| sqlx::query_scalar(SQL).fetch_all(c).await)?;
        let row = RowOf::named("rulebook_components", "any");
        rows.iter().map(|bytes| row.digest("component", bytes)).collect()
    }

    /// What a list says of the rulebook with a number.
    pub async fn find_rulebook_summary(
        &self,
        store: Id<Store>,
        number: i64,
    ) -> Result<Option<RulebookSummary>, StoreError> {
        const SQL: &str = "SELECT number, note, created_at, repeats FROM rulebooks \
             WHERE store_id = ? AND number = ?";
        let row: Option<SummaryRow> =
            read!(self, |c| sqlx::query_as(SQL).bind(store.uuid()).bind(number).fetch_optional(c).await)?;
        Ok(row.map(SummaryRow::decode))
    }

    /// Rulebooks numbered below `before`, where given, the highest first, at most `limit`.
    pub async fn list_rulebooks(
        &self,
        store: Id<Store>,
        before: Option<i64>,
        limit: u32,
    ) -> Result<Vec<RulebookSummary>, StoreError> {
        const SQL: &str = "SELECT number, note, created_at, repeats FROM rulebooks \
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
        RulebookSummary { number: self.number, note: self.note, created_at, repeats: self.repeats }
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

/// Locks the store's counters, as every publisher does, and reads which rulebook is active.
async fn lock_active_number(tx: &mut Tx, store: Id<Store>) -> Result<i64, StoreError> {
    const LOCK: &str = "SELECT rulebooks FROM store_counters WHERE store_id = ";
    const ACTIVE: &str = "SELECT number FROM active_rulebooks WHERE store_id = ?";
    let locked: Option<i64> = run!(tx, |c| {
        let mut query = QueryBuilder::new(LOCK);
        query.id(store.uuid()).for_update();
        query.build_query_scalar().fetch_optional(c).await
    })?;
    locked.ok_or(StoreError::UnknownReference)?;
    let active: Option<i64> =
        run!(tx, |c| sqlx::query_scalar(ACTIVE).bind(store.uuid()).fetch_optional(c).await)?;
    Ok(active.unwrap_or(0))
}

/// Stores a numbered rulebook and makes it active.
async fn publish(
    tx: &mut Tx,
    store: Id<Store>,
    rulebook: &SealedRulebook,
    repeats: Option<i64>,
) -> Result<(), StoreError> {
    insert(tx, store, rulebook, repeats).await?;
    insert_components(tx, store, rulebook).await?;
    activate(tx, store, rulebook.number).await?;
    tx.log_change(store, ChangeKind::Rulebook, None).await
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

async fn insert(
    tx: &mut Tx,
    store: Id<Store>,
    rulebook: &SealedRulebook,
    repeats: Option<i64>,
) -> Result<(), StoreError> {
    const SQL: &str = "INSERT INTO rulebooks (store_id, number, note, created_at, body, seal, repeats) \
         VALUES (?, ?, ?, ?, ?, ?, ?)";
    let body = to_json::<Rulebook>(rulebook)?;
    let seal = to_json(&RulebookSeal::new(rulebook, &body)?)?;
    run!(tx, |c| sqlx::query(SQL)
        .bind(store.uuid())
        .bind(rulebook.number)
        .bind(&rulebook.note)
        .bind(rulebook.created_at.as_millis())
        .bind(body)
        .bind(seal)
        .bind(repeats)
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
