//! Making API keys.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use martlet_domain::{Id, access::Grant, settings::Store};
use martlet_store::{ApiKey, Db, NewApiKey, StoreError};

use crate::{
    clock::Clock,
    extract::{KEY_PREFIX, stored_hash},
    ids::Ids,
    secret::Secret,
};

/// A key that has just been made.
#[derive(Debug)]
pub struct MadeKey {
    /// The key.
    pub key: ApiKey,
    /// What opens the store. Known here and now, and never again.
    pub secret: Secret,
}

/// Makes a key of a store, under a name that was checked.
pub async fn make_key(
    db: &Db,
    clock: &Clock,
    ids: &Ids,
    store: Id<Store>,
    name: String,
    grant: Grant,
) -> Result<MadeKey, StoreError> {
    let secret = format!("{KEY_PREFIX}{}", URL_SAFE_NO_PAD.encode(ids.bytes()));
    let now = clock.now();
    let hash = stored_hash(&secret, &grant);
    let new = NewApiKey { id: ids.next(now), name, grant, secret: hash, created_at: now };
    db.insert_api_key(store, &new).await?;
    let NewApiKey { id, name, grant, created_at, .. } = new;
    let key = ApiKey { id, name, grant, created_at, revoked_at: None };
    Ok(MadeKey { key, secret: Secret::new(secret) })
}
