//! Keys to the merchants' side of a store. Their secrets are never stored, only digests of them.

use std::collections::BTreeSet;

use martlet_domain::{
    Digest, Entity, Id, Timestamp,
    access::{Grant, Role, Scope},
    settings::Store,
};
use sqlx::QueryBuilder;
use uuid::Uuid;

use crate::{
    Db, StoreError, Tx, Unique,
    codec::{RowOf, to_json},
    dialect::Statement as _,
};

/// A key to the merchants' side of a store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKey {
    /// Its id.
    pub id: Id<ApiKey>,
    /// What the merchant calls it.
    pub name: String,
    /// What it may do.
    pub grant: Grant,
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
    /// What it may do.
    pub grant: Grant,
    /// What it is found by: SHA-256 of its secret, or of what was made of it. The secret has enough random
    /// bits to need no salt.
    pub secret: Digest,
    /// When it is made.
    pub created_at: Timestamp,
}

/// What became of revoking a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "a key that wasn't revoked still opens the store"]
pub enum Revocation {
    /// It is useless from now on.
    Done,
    /// It was useless before.
    Already,
    /// It is the last key that may do everything, and stays.
    LastOwner,
    /// There is no such key.
    Missing,
}

#[derive(sqlx::FromRow)]
struct KeyRow {
    id: Uuid,
    name: String,
    role: String,
    scopes: Option<String>,
    created_at: i64,
    revoked_at: Option<i64>,
}

const SELECT: &str = "SELECT id, name, role, scopes, created_at, revoked_at FROM api_keys WHERE store_id = ";

impl Db {
    /// Stores a key. [`Unique::ApiKey`] when its secret is there already.
    pub async fn insert_api_key(&self, store: Id<Store>, key: &NewApiKey) -> Result<(), StoreError> {
        const SQL: &str = "INSERT INTO api_keys (store_id, id, name, role, scopes, secret_digest, created_at) \
             VALUES (?, ?, ?, ?, ?, ?, ?)";
        let scopes = key.grant.narrower().map(to_json).transpose()?;
        transaction!(self, |tx| {
            run!(tx, |c| sqlx::query(SQL)
                .bind(store.uuid())
                .bind(key.id.uuid())
                .bind(&key.name)
                .bind(key.grant.role().as_str())
                .bind(scopes.as_deref())
                .bind(key.secret.as_bytes().as_slice())
                .bind(key.created_at.as_millis())
                .execute(c)
                .await
                .map(drop))
            .map_err(|error| Unique::ApiKey.or(error))
        })
    }

    /// The key that was stored under this SHA-256, unless it is revoked or another store's.
    pub async fn find_api_key(&self, store: Id<Store>, secret: Digest) -> Result<Option<ApiKey>, StoreError> {
        const SQL: &str = "SELECT id, name, role, scopes, created_at, revoked_at FROM api_keys \
             WHERE store_id = ? AND secret_digest = ? AND revoked_at IS NULL";
        let row: Option<KeyRow> = read!(self, |c| sqlx::query_as(SQL)
            .bind(store.uuid())
            .bind(secret.as_bytes().as_slice())
            .fetch_optional(c)
            .await)?;
        row.map(KeyRow::decode).transpose()
    }

    /// All keys of a store, revoked ones too, those made first first.
    pub async fn list_api_keys(&self, store: Id<Store>) -> Result<Vec<ApiKey>, StoreError> {
        let rows: Vec<KeyRow> = read!(self, |c| {
            let mut query = QueryBuilder::new(SELECT);
            query.id(store.uuid()).part(" ORDER BY created_at, id");
            query.build_query_as().fetch_all(c).await
        })?;
        rows.into_iter().map(KeyRow::decode).collect()
    }

    /// Makes a key useless, for good, unless nobody could do everything any more.
    pub async fn revoke_api_key(
        &self,
        store: Id<Store>,
        id: Id<ApiKey>,
        at: Timestamp,
    ) -> Result<Revocation, StoreError> {
        const SQL: &str = "UPDATE api_keys SET revoked_at = ? WHERE store_id = ? AND id = ?";
        transaction!(self, |tx| {
            // All of them are locked, in one order, so that two keys that revoke each other wait.
            let keys = tx.lock_api_keys(store).await?;
            let Some(key) = keys.iter().find(|key| key.id == id) else { return Ok(Revocation::Missing) };
            if key.revoked_at.is_some() {
                return Ok(Revocation::Already);
            }
            let is_owner = |key: &&ApiKey| key.revoked_at.is_none() && key.grant.is_everything();
            if is_owner(&key) && keys.iter().filter(is_owner).count() == 1 {
                return Ok(Revocation::LastOwner);
            }
            run!(tx, |c| sqlx::query(SQL)
                .bind(at.as_millis())
                .bind(store.uuid())
                .bind(id.uuid())
                .execute(c)
                .await
                .map(drop))?;
            Ok(Revocation::Done)
        })
    }
}

impl Tx {
    async fn lock_api_keys(&mut self, store: Id<Store>) -> Result<Vec<ApiKey>, StoreError> {
        let rows: Vec<KeyRow> = run!(self, |c| {
            let mut query = QueryBuilder::new(SELECT);
            query.id(store.uuid()).part(" ORDER BY id").for_update();
            query.build_query_as().fetch_all(c).await
        })?;
        rows.into_iter().map(KeyRow::decode).collect()
    }
}

impl KeyRow {
    fn decode(self) -> Result<ApiKey, StoreError> {
        let id = Id::new(self.id);
        let row = RowOf::entity("api_keys", id);
        let role: Role = row.parse("role", &self.role)?;
        let scopes = self.scopes.map(|list| row.json::<Vec<String>>("scopes", &list)).transpose()?;
        // A scope that a later release has added is one that this one needn't know: nothing asks for it.
        let known = |list: Vec<String>| -> BTreeSet<Scope> {
            list.iter().filter_map(|scope| scope.parse().ok()).collect()
        };
        Ok(ApiKey {
            id,
            name: self.name,
            grant: Grant::stored(role, scopes.map(known)),
            created_at: Timestamp::from_millis(self.created_at),
            revoked_at: self.revoked_at.map(Timestamp::from_millis),
        })
    }
}
