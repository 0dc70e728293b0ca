//! The installations a store has had, for what names them. Those at work are in its active rulebook.

use std::collections::{BTreeMap, HashMap};

use martlet_domain::{Digest, Id, money::Currency, plugin::Installation, settings::Store};
use uuid::Uuid;

use crate::{
    Db, StoreError, Tx, Unique,
    codec::{RowOf, to_json},
    seal,
};

#[derive(sqlx::FromRow)]
struct InstallationRow {
    id: Uuid,
    body: String,
    seal: Option<Vec<u8>>,
}

impl Db {
    /// Stores an installation under the next sequence number of the store, whatever number it came
    /// with, and returns it as stored. Its component must be a plugin version of the store.
    /// [`Unique::Installation`] when its id is taken.
    pub async fn insert_installation(
        &self,
        store: Id<Store>,
        installation: &Installation,
    ) -> Result<Installation, StoreError> {
        let mut installation = installation.clone();
        transaction!(self, |tx| {
            installation.sequence = next_sequence(tx, store).await?;
            insert(tx, store, &installation).await?;
            Ok(installation.clone())
        })
    }

    /// The installation with an id.
    pub async fn find_installation(
        &self,
        store: Id<Store>,
        id: Id<Installation>,
    ) -> Result<Option<Installation>, StoreError> {
        const SQL: &str = "SELECT id, body, seal FROM installations WHERE store_id = ? AND id = ?";
        let row: Option<InstallationRow> =
            read!(self, |c| sqlx::query_as(SQL).bind(store.uuid()).bind(id.uuid()).fetch_optional(c).await)?;
        row.map(InstallationRow::decode).transpose()
    }

    /// In which currency it is counted what each installation has given, of those that ever had a budget.
    pub async fn budget_currencies(
        &self,
        store: Id<Store>,
    ) -> Result<BTreeMap<Id<Installation>, Currency>, StoreError> {
        const SQL: &str = "SELECT id, budget_currency FROM installations \
             WHERE store_id = ? AND budget_currency IS NOT NULL";
        let rows: Vec<(Uuid, String)> =
            read!(self, |c| sqlx::query_as(SQL).bind(store.uuid()).fetch_all(c).await)?;
        let read = |(id, currency): (Uuid, String)| {
            let id = Id::new(id);
            Ok((id, RowOf::entity("installations", id).parse("budget_currency", &currency)?))
        };
        rows.into_iter().map(read).collect()
    }

    /// All installations a store ever had, by sequence number, each as it was in the last rulebook that
    /// had it. Those at work are in the active one.
    pub async fn list_installations(&self, store: Id<Store>) -> Result<Vec<Installation>, StoreError> {
        self.list_installations_each(store).await?.into_iter().collect()
    }

    /// The same; one that can't be read, which was changed from outside, is there as its error.
    pub async fn list_installations_each(
        &self,
        store: Id<Store>,
    ) -> Result<Vec<Result<Installation, StoreError>>, StoreError> {
        const SQL: &str = "SELECT id, body, seal FROM installations WHERE store_id = ? ORDER BY sequence";
        let rows: Vec<InstallationRow> =
            read!(self, |c| sqlx::query_as(SQL).bind(store.uuid()).fetch_all(c).await)?;
        Ok(rows.into_iter().map(InstallationRow::decode).collect())
    }
}

impl InstallationRow {
    fn decode(self) -> Result<Installation, StoreError> {
        let id = Id::new(self.id);
        let row = RowOf::entity("installations", id);
        let read: Result<Installation, StoreError> = row.json("body", &self.body);
        seal::check(&row, "body", self.seal.as_deref(), Digest::of(self.body.as_bytes()), || match &read {
            Ok(installation) => {
                format!("the installation of `{}` or its configuration was changed", installation.plugin)
            }
            Err(_) => "it was changed, and can't be read any more".to_owned(),
        })?;
        let installation = read?;
        if installation.id != id {
            return Err(row.corrupt("body", "it has another id"));
        }
        Ok(installation)
    }
}

/// Makes the rows say what a rulebook's installations are. Those that have none yet get one and the next
/// sequence number, whatever number they came with. Rows of others stay: coupons, budgets and orders name
/// them.
pub(crate) async fn keep(
    tx: &mut Tx,
    store: Id<Store>,
    installations: &mut [Installation],
) -> Result<(), StoreError> {
    const SQL: &str = "SELECT id, body FROM installations WHERE store_id = ?";
    let rows: Vec<(Uuid, String)> = run!(tx, |c| sqlx::query_as(SQL).bind(store.uuid()).fetch_all(c).await)?;
    let known: HashMap<Uuid, String> = rows.into_iter().collect();
    for installation in installations {
        let Some(stored) = known.get(&installation.id.uuid()) else {
            installation.sequence = next_sequence(tx, store).await?;
            insert(tx, store, installation).await?;
            continue;
        };
        let body = to_json(installation)?;
        if body == *stored {
            continue;
        }
        update(tx, store, installation, &body).await?;
    }
    Ok(())
}

/// The currency of its first budget stays, whatever becomes of its budgets: what it gave is counted in it.
async fn update(
    tx: &mut Tx,
    store: Id<Store>,
    installation: &Installation,
    body: &str,
) -> Result<(), StoreError> {
    const SQL: &str = "UPDATE installations SET component = ?, body = ?, seal = ?, \
         budget_currency = COALESCE(budget_currency, ?) WHERE store_id = ? AND id = ?";
    let seal = Digest::of(body.as_bytes());
    run!(tx, |c| sqlx::query(SQL)
        .bind(installation.component.as_bytes().as_slice())
        .bind(body)
        .bind(seal.as_bytes().as_slice())
        .bind(installation.budget_currency().map(|currency| currency.code().to_owned()))
        .bind(store.uuid())
        .bind(installation.id.uuid())
        .execute(c)
        .await
        .map(drop))?;
    Ok(())
}

/// Counting locks the store's counters, so that no two installations get one number.
async fn next_sequence(tx: &mut Tx, store: Id<Store>) -> Result<i64, StoreError> {
    const COUNT: &str = "UPDATE store_counters SET installations = installations + 1 WHERE store_id = ?";
    const READ: &str = "SELECT installations FROM store_counters WHERE store_id = ?";
    run!(tx, |c| sqlx::query(COUNT).bind(store.uuid()).execute(c).await.map(drop))?;
    let next: Option<i64> =
        run!(tx, |c| sqlx::query_scalar(READ).bind(store.uuid()).fetch_optional(c).await)?;
    next.ok_or(StoreError::UnknownReference)
}

async fn insert(tx: &mut Tx, store: Id<Store>, installation: &Installation) -> Result<(), StoreError> {
    const SQL: &str = "INSERT INTO installations (store_id, id, sequence, component, body, seal, budget_currency) \
         VALUES (?, ?, ?, ?, ?, ?, ?)";
    const BUDGET: &str = "INSERT INTO budget_usage (store_id, installation_id, granted) VALUES (?, ?, 0)";
    let body = to_json(installation)?;
    let seal = Digest::of(body.as_bytes());
    run!(tx, |c| sqlx::query(SQL)
        .bind(store.uuid())
        .bind(installation.id.uuid())
        .bind(installation.sequence)
        .bind(installation.component.as_bytes().as_slice())
        .bind(body)
        .bind(seal.as_bytes().as_slice())
        .bind(installation.budget_currency().map(|currency| currency.code().to_owned()))
        .execute(c)
        .await
        .map(drop))
    .map_err(|error| Unique::Installation.or(error))?;
    // What it has given is there from the start, so that giving is one UPDATE.
    run!(tx, |c| sqlx::query(BUDGET)
        .bind(store.uuid())
        .bind(installation.id.uuid())
        .execute(c)
        .await
        .map(drop))?;
    Ok(())
}
