//! Requests that claim their `Idempotency-Key` in the transactions that do their work.

use axum::extract::{FromRef, FromRequest, FromRequestParts, MatchedPath, Request};
use martlet_domain::{Digest, Id, Timestamp, settings::Store};
use martlet_store::Claim;
use serde::de::DeserializeOwned;

use super::{IdempotencyKey, IfMatch, json};
use crate::{
    clock::Clock,
    error::Error,
    frame::RequestId,
    idempotency::{self, Scope},
    state::BodyLimit,
};

/// A body of JSON with what its request is claimed by. Two requests are the same if they have the same
/// path, body, byte for byte, and version that they are based on.
#[derive(Debug, Clone)]
pub struct Asked<T> {
    /// The body.
    pub body: T,
    /// The version that it is based on.
    pub if_match: Option<IfMatch>,
    key: Option<IdempotencyKey>,
    route: String,
    digest: Digest,
    request_id: String,
    now: Timestamp,
}

impl<T> Asked<T> {
    /// Whether it has a key.
    pub fn has_key(&self) -> bool {
        self.key.is_some()
    }

    /// The claim to its key; nothing where it has none.
    pub fn claim(&self, store: Id<Store>, scope: Scope) -> Option<Claim> {
        let Self { key, route, digest, request_id, now, .. } = self;
        key.as_ref().map(|key| idempotency::claim_for(store, scope, route, key, *digest, request_id, *now))
    }
}

impl<S, T> FromRequest<S> for Asked<T>
where
    S: Send + Sync,
    BodyLimit: FromRef<S>,
    Clock: FromRef<S>,
    T: DeserializeOwned,
{
    type Rejection = Error;

    async fn from_request(request: Request, state: &S) -> Result<Self, Error> {
        let (mut parts, body) = request.into_parts();
        let key = Option::<IdempotencyKey>::from_request_parts(&mut parts, state).await?;
        let if_match = Option::<IfMatch>::from_request_parts(&mut parts, state).await?;
        let RequestId(request_id) = RequestId::from_request_parts(&mut parts, state).await?;
        let route = <MatchedPath as FromRequestParts<S>>::from_request_parts(&mut parts, state).await;
        let route =
            route.map_err(|_| Error::Internal("a handler stands outside of the routes".to_owned()))?;
        let bytes = json::read(Request::from_parts(parts.clone(), body), state).await?;
        Ok(Self {
            body: json::parse(&bytes)?,
            if_match,
            key,
            route: route.as_str().to_owned(),
            digest: idempotency::digest_of_request(&parts, &bytes),
            request_id,
            now: Clock::from_ref(state).now(),
        })
    }
}
