//! Customers who sign in.
//!
//! A password opens a session, which has two tokens. The **access token** is a signed text that comes
//! with each request and is good for minutes. The **refresh token** is random, is kept as a digest
//! only, and is exchanged once for the next pair. A session that has ended takes both with it: the row
//! is asked with each request.

mod access_token;
mod password;
mod passwords;
mod refresh_token;
mod sessions;
mod signing_key;

use std::sync::Arc;

use axum::extract::FromRef;
use martlet_domain::{Id, customer::Customer, settings::Store};
use martlet_store::Db;

pub use access_token::{AccessTokens, Claims};
pub use password::{MAX_PASSWORD, MIN_PASSWORD, Password};
pub use passwords::{PasswordCost, Passwords};
pub use refresh_token::RefreshToken;
pub use sessions::{Begun, SessionRules, Sessions};
pub use signing_key::{KeyError, SigningKey};

use crate::{clock::Clock, error::Error, ids::Ids, redis::Redis, state::AppState};

/// What lets customers sign in. One a process.
#[derive(Debug)]
pub struct Auth {
    /// Hashes and verifies passwords.
    pub passwords: Passwords,
    /// Who is signed in.
    pub sessions: Sessions,
    tokens: AccessTokens,
}

impl FromRef<AppState> for Arc<Auth> {
    fn from_ref(state: &AppState) -> Self {
        state.auth.clone()
    }
}

/// What a client gets that signs in or refreshes.
#[derive(Debug)]
pub struct SignedIn {
    /// Comes with each request, as `Authorization: Bearer`.
    pub access_token: String,
    /// For how many seconds.
    pub expires_in: u64,
    /// Is exchanged for the next pair.
    pub refresh_token: RefreshToken,
    /// Who.
    pub customer: Id<Customer>,
}

impl Auth {
    /// With keys of which the first signs and all verify. Without any, with one that this process makes
    /// up: tokens then end with it, and other instances don't know them.
    pub fn new(
        db: Db,
        redis: Redis,
        clock: Clock,
        ids: Ids,
        keys: Vec<SigningKey>,
        rules: SessionRules,
        cost: PasswordCost,
    ) -> Result<Self, Error> {
        let mut keys = keys.into_iter();
        let first = keys.next().unwrap_or_else(|| SigningKey::from_random(ids.bytes()));
        Ok(Self {
            passwords: Passwords::new(cost, ids.bytes())?,
            tokens: AccessTokens::new(first, keys.collect(), rules.access_token),
            sessions: Sessions::new(db, redis, clock, ids, rules),
        })
    }

    /// Begins a session of a customer who has shown who they are.
    pub async fn begin(&self, store: Id<Store>, customer: Id<Customer>) -> Result<SignedIn, Error> {
        let begun = self.sessions.begin(store, customer).await?;
        Ok(self.signed_in(store, begun))
    }

    /// Exchanges a refresh token for the next pair.
    pub async fn refresh(&self, store: Id<Store>, token: &str) -> Result<SignedIn, Error> {
        let token: RefreshToken = token.parse().map_err(|_| Error::InvalidRefreshToken)?;
        let begun = self.sessions.rotate(store, &token).await?.ok_or(Error::InvalidRefreshToken)?;
        Ok(self.signed_in(store, begun))
    }

    /// Whose an access token is, if it is one of this store and its session goes on.
    pub async fn identify(&self, store: Id<Store>, token: &str) -> Result<Option<Claims>, Error> {
        let claims = self.tokens.verify(token, self.sessions.now()).filter(|claims| claims.store == store);
        let Some(claims) = claims else { return Ok(None) };
        let goes_on = self.sessions.check(store, claims.session).await?;
        Ok(goes_on.then_some(claims))
    }

    fn signed_in(&self, store: Id<Store>, begun: Begun) -> SignedIn {
        let Begun { session, refresh_token } = begun;
        let now = self.sessions.now();
        SignedIn {
            access_token: self.tokens.issue(store, session.customer, session.id, now),
            expires_in: self.tokens.lifetime().as_secs(),
            refresh_token,
            customer: session.customer,
        }
    }
}

#[cfg(test)]
mod tests;
