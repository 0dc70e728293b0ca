//! What one request was counted against.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, HeaderName, HeaderValue, request::Parts},
};
use martlet_domain::{Digest, Id, settings::Store};

use super::{Group, Limits, Whom, tighter, whole_seconds};
use crate::{error::Error, redis::gcra::Verdict};

/// Requests that a rested client can make at once.
const LIMIT: HeaderName = HeaderName::from_static("ratelimit-limit");
/// How many of them are left.
const REMAINING: HeaderName = HeaderName::from_static("ratelimit-remaining");
/// Seconds until all of them are back.
const RESET: HeaderName = HeaderName::from_static("ratelimit-reset");

/// What a request was counted against so far. Handlers that learn more about who asks count that too; the
/// answer shows the tightest.
#[derive(Debug, Clone)]
pub struct Tally {
    limits: Arc<Limits>,
    tightest: Arc<Mutex<Option<Verdict>>>,
}

impl Tally {
    /// Of a request that was counted against nothing yet.
    pub(super) fn new(limits: Arc<Limits>) -> Self {
        Self { limits, tightest: Arc::default() }
    }

    /// Counts the request against the account that it is about, whether or not there is one.
    pub async fn account(&self, store: Id<Store>, email: &str) -> Result<(), Error> {
        self.count(Group::Login, &[Whom::account(store, email)], Some(store)).await
    }

    /// Notes that a store knows an API key: from now on requests with it are counted by the key.
    pub fn know_key(&self, hash: Digest) {
        if self.limits.is_enabled() {
            self.limits.known.insert(hash);
        }
    }

    /// Counts the request against all of these; an error if that makes too many.
    pub(super) async fn count(
        &self,
        group: Group,
        whom: &[Whom],
        store: Option<Id<Store>>,
    ) -> Result<(), Error> {
        let Some(verdict) = self.limits.count(group, whom, store).await else { return Ok(()) };
        {
            let mut tightest = self.tightest();
            *tightest = Some(tightest.map_or(verdict, |old| tighter(old, verdict)));
        }
        let refused = Error::RateLimited { group: group.name(), retry_after: verdict.retry_after };
        if verdict.allowed { Ok(()) } else { Err(refused) }
    }

    /// Shows the tightest in the headers of an answer.
    pub(super) fn show(&self, headers: &mut HeaderMap) {
        let Some(verdict) = *self.tightest() else { return };
        headers.insert(LIMIT, HeaderValue::from(verdict.limit));
        headers.insert(REMAINING, HeaderValue::from(verdict.remaining));
        headers.insert(RESET, HeaderValue::from(whole_seconds(verdict.reset)));
    }

    fn tightest(&self) -> MutexGuard<'_, Option<Verdict>> {
        self.tightest.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Tally {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Error> {
        let tally = parts.extensions.get::<Self>().cloned();
        tally.ok_or_else(|| Error::Internal("a handler stands outside of the limits".to_owned()))
    }
}
