//! How a store sells.

use martlet_domain::{
    Id,
    settings::{Store, StoreSettings},
};

use crate::{
    ChangeKind, Db, StoreError, Tx, Update, Versioned,
    codec::{RowOf, to_json},
    error::is_unique_violation,
};

#[derive(sqlx::FromRow)]
struct SettingsRow {
    version: i64,
    body: String,
}

impl Db {
    /// The settings of a store, once it has some.
    pub async fn find_settings(
        &self,
        store: Id<Store>,
    ) -> Result<Option<Versioned<StoreSettings>>, StoreError> {
        const SQL: &str = "SELECT version, body FROM store_settings WHERE store_id = ?";
        let found: Option<SettingsRow> =
            read!(self, |c| sqlx::query_as(SQL).bind(store.uuid()).fetch_optional(c).await)?;
        found
            .map(|found| {
                let value = RowOf::entity("store_settings", store).json("body", &found.body)?;
                Ok(Versioned { version: found.version, value })
            })
            .transpose()
    }

    /// Replaces the settings of a store. The expected version is 0 where it has none yet.
    pub async fn put_settings(
        &self,
        store: Id<Store>,
        settings: &StoreSettings,
        expected_version: i64,
    ) -> Result<Update, StoreError> {
        let body = to_json(settings)?;
        transaction!(self, |tx| {
            let update = put(tx, store, &body, expected_version).await?;
            if matches!(update, Update::Done { .. }) {
                tx.log_change(store, ChangeKind::Store, None).await?;
            }
            Ok(update)
        })
    }
}

async fn put(tx: &mut Tx, store: Id<Store>, body: &str, expected: i64) -> Result<Update, StoreError> {
    const UPDATE: &str =
        "UPDATE store_settings SET version = version + 1, body = ? WHERE store_id = ? AND version = ?";
    const INSERT: &str = "INSERT INTO store_settings (store_id, version, body) VALUES (?, 1, ?)";
    const VERSION: &str = "SELECT version FROM store_settings WHERE store_id = ?";
    let done = run!(tx, |c| sqlx::query(UPDATE)
        .bind(body)
        .bind(store.uuid())
        .bind(expected)
        .execute(c)
        .await
        .map(|done| done.rows_affected()))?;
    if done == 1 {
        return Ok(Update::Done { version: expected + 1 });
    }
    if expected == 0 {
        let inserted =
            run!(tx, |c| sqlx::query(INSERT).bind(store.uuid()).bind(body).execute(c).await.map(drop));
        match inserted {
            Ok(()) => return Ok(Update::Done { version: 1 }),
            Err(error) if is_unique_violation(&error) => {}
            Err(error) => return Err(error.into()),
        }
    }
    let current: Option<i64> =
        run!(tx, |c| sqlx::query_scalar(VERSION).bind(store.uuid()).fetch_optional(c).await)?;
    Ok(Update::refused(current))
}
