//! Keys to the merchants' side of a store. Their secrets are never stored, only digests of them.

use martlet_domain::{Digest, Entity, Id, Timestamp, settings::Store};
use uuid::Uuid;

use crate::{Db, StoreError, Unique};

/// A key to the merchants' side of a store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKey {
    /// Its id.
    pub id: Id<ApiKey>,
    /// What the merchant calls it.
    pub name: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was made useless.
    pub revoked_at: Option<Timestamp>,
}

impl Entity for ApiKey {
    const NAME: &'static str = "api key";
}

/// A key that is to be stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewApiKey {
    /// Its id.
    pub id: Id<ApiKey>,
    /// What the merchant calls it.
    pub name: String,
    /// SHA-256 of its secret, which has enough random bits to need no salt.
    pub secret: Digest,
    /// When it is made.
    pub created_at: Timestamp,
}

#[derive(sqlx::FromRow)]
struct KeyRow {
    id: Uuid,
    name: String,
    created_at: i64,
    revoked_at: Option<i64>,
}

impl Db {
    /// Stores a key. [`Unique::ApiKey`] when its secret is there already.
    pub async fn insert_api_key(&self, store: Id<Store>, key: &NewApiKey) -> Result<(), StoreError> {
        const SQL: &str =
            "INSERT INTO api_keys (store_id, id, name, secret_digest, created_at) VALUES (?, ?, ?, ?, ?)";
        transaction!(self, |tx| {
            run!(tx, |c| sqlx::query(SQL)
                .bind(store.uuid())
                .bind(key.id.uuid())
                .bind(&key.name)
                .bind(key.secret.as_bytes().as_slice())
                .bind(key.created_at.as_millis())
                .execute(c)
                .await
                .map(drop))
            .map_err(|error| Unique::ApiKey.or(error))
        })
    }

    /// The key whose secret has this SHA-256, unless it is revoked or another store's.
    pub async fn find_api_key(&self, store: Id<Store>, secret: Digest) -> Result<Option<ApiKey>, StoreError> {
        const SQL: &str = "SELECT id, name, created_at, revoked_at FROM api_keys \
             WHERE store_id = ? AND secret_digest = ? AND revoked_at IS NULL";
        let row: Option<KeyRow> = read!(self, |c| sqlx::query_as(SQL)
            .bind(store.uuid())
            .bind(secret.as_bytes().as_slice())
            .fetch_optional(c)
            .await)?;
        Ok(row.map(KeyRow::decode))
    }

    /// All keys of a store, revoked ones too, those made first first.
    pub async fn list_api_keys(&self, store: Id<Store>) -> Result<Vec<ApiKey>, StoreError> {
        const SQL: &str = "SELECT id, name, created_at, revoked_at FROM api_keys \
             WHERE store_id = ? ORDER BY created_at, id";
        let rows: Vec<KeyRow> = read!(self, |c| sqlx::query_as(SQL).bind(store.uuid()).fetch_all(c).await)?;
        Ok(rows.into_iter().map(KeyRow::decode).collect())
    }

    /// Makes a key useless, for good. Whether there was one to revoke.
    pub async fn revoke_api_key(
        &self,
        store: Id<Store>,
        id: Id<ApiKey>,
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        const SQL: &str =
            "UPDATE api_keys SET revoked_at = ? WHERE store_id = ? AND id = ? AND revoked_at IS NULL";
        transaction!(self, |tx| {
            let done = run!(tx, |c| sqlx::query(SQL)
                .bind(at.as_millis())
                .bind(store.uuid())
                .bind(id.uuid())
                .execute(c)
                .await
                .map(|done| done.rows_affected()))?;
            Ok(done == 1)
        })
    }
}

impl KeyRow {
    fn decode(self) -> ApiKey {
        ApiKey {
            id: Id::new(self.id),
            name: self.name,
            created_at: Timestamp::from_millis(self.created_at),
            revoked_at: self.revoked_at.map(Timestamp::from_millis),
        }
    }
}
