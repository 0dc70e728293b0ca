//! Who is signed in.

use std::sync::Arc;

use axum::{
    extract::{FromRef, FromRequestParts, OptionalFromRequestParts},
    http::{HeaderMap, header, request::Parts},
};
use martlet_domain::{Id, customer::Customer, session::Session, settings::Store};

use super::{CurrentStore, staff::KEY_PREFIX};
use crate::{auth::Auth, error::Error};

/// A customer who is signed in to the store that the request means, by the access token in
/// `Authorization: Bearer`. As an `Option` it is nobody where there is no token; a token that isn't good
/// is refused there too, since whoever sends one means to be somebody.
#[derive(Debug, Clone)]
pub struct Shopper {
    /// The store.
    pub store: Store,
    /// Who.
    pub customer: Id<Customer>,
    /// In which session.
    pub session: Id<Session>,
}

impl<S> FromRequestParts<S> for Shopper
where
    S: Send + Sync,
    CurrentStore: FromRequestParts<S, Rejection = Error>,
    Arc<Auth>: FromRef<S>,
{
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Error> {
        let shopper = <Self as OptionalFromRequestParts<S>>::from_request_parts(parts, state).await?;
        shopper.ok_or(Error::NotSignedIn { sent: false })
    }
}

impl<S> OptionalFromRequestParts<S> for Shopper
where
    S: Send + Sync,
    CurrentStore: FromRequestParts<S, Rejection = Error>,
    Arc<Auth>: FromRef<S>,
{
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Option<Self>, Error> {
        if access_token(&parts.headers)?.is_none() {
            return Ok(None);
        }
        let CurrentStore(store) = CurrentStore::from_request_parts(parts, state).await?;
        find(&Arc::<Auth>::from_ref(state), store, &parts.headers).await
    }
}

/// Who is signed in to a store. An API key is nobody's access token.
pub(super) async fn find(auth: &Auth, store: Store, headers: &HeaderMap) -> Result<Option<Shopper>, Error> {
    let Some(token) = access_token(headers)? else { return Ok(None) };
    let claims = auth.identify(store.id, token).await?.ok_or(Error::NotSignedIn { sent: true })?;
    tracing::debug!(customer = %claims.customer, "authenticated");
    Ok(Some(Shopper { store, customer: claims.customer, session: claims.session }))
}

/// The text of the access token. Other schemes are other people's, such as of a proxy in front.
fn access_token(headers: &HeaderMap) -> Result<Option<&str>, Error> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let Some(value) = values.next() else { return Ok(None) };
    let text = value.to_str().unwrap_or_default();
    let (scheme, token) = text.split_once(' ').unwrap_or((text, ""));
    let token = token.trim();
    if !scheme.eq_ignore_ascii_case("bearer") || token.starts_with(KEY_PREFIX) {
        return Ok(None);
    }
    // Of two tokens one would have to be ignored.
    if values.next().is_some() { Err(Error::NotSignedIn { sent: true }) } else { Ok(Some(token)) }
}

#[cfg(test)]
mod tests;
