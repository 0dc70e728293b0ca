//! Who acts on the merchants' side.

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, header, request::Parts},
};
use martlet_domain::{
    Digest, Id,
    access::{Grant, Role, Scope},
    settings::Store,
};
use martlet_store::{ApiKey, Db};

use super::CurrentStore;
use crate::{error::Error, limits::Tally, state::AppState};

/// What API keys begin with, so that scanners for leaked secrets know them.
pub const KEY_PREFIX: &str = "mk_";
/// Characters of an API key: the prefix and 32 bytes in base64url.
const KEY_LENGTH: usize = 46;

/// Whoever holds an API key of the store that the request means. The key of another store is as
/// unknown as one that never was.
///
/// Handlers get it from [`guard`](crate::access::guard), which has made sure that the key has the scope
/// that the operation names. Outside of that layer there is none.
#[derive(Debug, Clone)]
pub struct Staff {
    /// The store.
    pub store: Store,
    /// The key.
    pub key: ApiKey,
}

impl Staff {
    /// What the holder of the key is.
    pub const fn role(&self) -> Role {
        self.key.grant.role()
    }

    /// Refuses what needs a scope that the key doesn't have. What every request to an operation needs is
    /// said in its description; this is for what only some need.
    pub fn needs(&self, scope: Scope) -> Result<(), Error> {
        if self.key.grant.has(scope) { Ok(()) } else { Err(Error::Forbidden { required: scope }) }
    }

    /// Whoever holds the key that a request has.
    pub(crate) async fn identify(parts: &mut Parts, state: &AppState) -> Result<Self, Error> {
        let secret = bearer(&parts.headers)?.to_owned();
        let CurrentStore(store) = CurrentStore::from_request_parts(parts, state).await?;
        let key = find(&state.db, store.id, &secret).await?;
        if let Some(tally) = parts.extensions.get::<Tally>() {
            tally.know_key(hash_of_key(&secret));
        }
        Ok(Self { store, key })
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Staff {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Error> {
        let staff = parts.extensions.get::<Self>().cloned();
        staff.ok_or_else(|| {
            Error::Internal("a handler of the merchants' side stands outside of its guard".to_owned())
        })
    }
}

/// The API key that a request has, if its store knows it.
pub(super) async fn key_of(db: &Db, store: Id<Store>, headers: &HeaderMap) -> Result<ApiKey, Error> {
    find(db, store, bearer(headers)?).await
}

async fn find(db: &Db, store: Id<Store>, secret: &str) -> Result<ApiKey, Error> {
    let key = match db.find_api_key(store, hash_of_key(secret)).await? {
        Some(key) => Some(key),
        None => db.find_api_key(store, hash_of_limited_key(secret)).await?,
    };
    let key = key.ok_or(Error::Unauthenticated { sent: true })?;
    tracing::debug!(api_key = %key.id, "authenticated");
    Ok(key)
}

/// What is stored of an API key with a grant. Releases that know of no roles take whatever key they find
/// for one that may do everything. So that they find no other while a deployment rolls, of one that may do
/// less another hash is stored than they look for.
pub fn stored_hash(secret: &str, grant: &Grant) -> Digest {
    if grant.is_everything() { hash_of_key(secret) } else { hash_of_limited_key(secret) }
}

fn hash_of_limited_key(secret: &str) -> Digest {
    Digest::of(format!("limited {secret}").as_bytes())
}

/// The hash of an API key. It has 256 random bits, so a plain hash can't be guessed back,
/// and looking it up by hash leaks nothing through time that would help to guess the key.
fn hash_of_key(secret: &str) -> Digest {
    Digest::of(secret.as_bytes())
}

/// The hash of what a request has as an API key, whether or not there is such a key.
pub fn hash_of_sent_key(headers: &HeaderMap) -> Option<Digest> {
    bearer(headers).ok().map(hash_of_key)
}

fn bearer(headers: &HeaderMap) -> Result<&str, Error> {
    let Some(value) = headers.get(header::AUTHORIZATION) else {
        return Err(Error::Unauthenticated { sent: false });
    };
    let (scheme, secret) = value.to_str().ok().and_then(|text| text.split_once(' ')).unwrap_or_default();
    let secret = secret.trim();
    if scheme.eq_ignore_ascii_case("bearer") && secret.starts_with(KEY_PREFIX) && secret.len() == KEY_LENGTH {
        Ok(secret)
    } else {
        Err(Error::Unauthenticated { sent: scheme.eq_ignore_ascii_case("bearer") })
    }
}

#[cfg(test)]
mod tests {
    use axum::http::Method;
    use martlet_domain::access::Area;
    use martlet_store::Revocation;

    use super::*;
    use crate::testing::{Answer, TestApp};

    async fn with(app: &TestApp, authorization: &str) -> Answer {
        app.request(Method::GET, "/api/v1/admin/products").header("authorization", authorization).send().await
    }

    #[tokio::test]
    async fn the_merchants_side_needs_a_key_of_its_store() {
        let app = TestApp::new().await;
        let (_, other) = app.add_store("other", &[]).await;
        with(&app, &format!("bearer {}", app.key)).await.expect_status(200);
        let none = app.get("/api/v1/admin/products").await.expect_problem(401, "unauthenticated");
        assert_eq!(none.header("www-authenticate"), "Bearer realm=\"martlet\"");
        let padded = format!("Bearer {}x", app.key);
        let foreign = format!("Bearer {other}");
        for wrong in
            ["", "Bearer", "Bearer ", "Bearer mk_", "Basic bWs6", "\u{e9}", &padded, &foreign, &app.key]
        {
            with(&app, wrong).await.expect_problem(401, "unauthenticated");
        }
        let request = app.request(Method::GET, "/api/v1/admin/products").header("martlet-store", "other");
        request.key(&app.key).send().await.expect_problem(401, "unauthenticated");
    }

    /// They look keys up by the hash of the secret, and take those they find for owners'.
    #[tokio::test]
    async fn releases_that_know_no_roles_find_owners_keys_alone() {
        let app = TestApp::new().await;
        let catalog = [Scope::read(Area::Catalog)];
        for (role, scopes, found) in [
            (Role::Owner, &[][..], true),
            (Role::Owner, &catalog, false),
            (Role::Staff, &[], false),
            (Role::Developer, &[], false),
        ] {
            let key = app.key_with(role, scopes).await;
            let plain = Digest::of(key.as_bytes());
            let known = app.state.db.find_api_key(app.store.id, plain).await.unwrap();
            assert_eq!(known.is_some(), found, "{role}");
            with(&app, &format!("Bearer {key}")).await.expect_status(200);
        }
    }

    #[tokio::test]
    async fn a_revoked_key_is_no_key() {
        let app = TestApp::new().await;
        let keys = app.state.db.list_api_keys(app.store.id).await.unwrap();
        assert_eq!((keys.len(), keys[0].name.as_str()), (1, "test"));
        assert!(app.key.starts_with("mk_") && app.key.len() == 46);
        app.key_with(Role::Owner, &[]).await;
        let now = app.state.world.clock.now();
        let revoked = app.state.db.revoke_api_key(app.store.id, keys[0].id, now).await.unwrap();
        assert_eq!(revoked, Revocation::Done);
        app.admin_get("/api/v1/admin/products").await.expect_problem(401, "unauthenticated");
    }
}
