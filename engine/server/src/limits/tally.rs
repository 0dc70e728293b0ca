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

    /// Counts the request against the account that it is about, whether or not there is one. Before
    /// the password is looked at, so that guesses aren't free: whoever is at it keeps the owner out.
    pub async fn account(&self, store: Id<Store>, email: &str) -> Result<(), Error> {
        let whom = [Whom::account(store, email)];
        self.count_here(Group::Login, &whom)?;
        self.count_together(Group::Login, &whom, store).await
    }

    /// Notes that a store knows an API key: from now on requests with it are counted by the key.
    pub fn know_key(&self, hash: Digest) {
        if self.limits.is_enabled() {
            self.limits.known.insert(hash);
        }
    }

    /// Counts the request against all of these in this instance; an error if that makes too many.
    pub(super) fn count_here(&self, group: Group, whom: &[Whom]) -> Result<(), Error> {
        self.note(group, self.limits.count_here(group, whom))
    }

    /// Counts it together with the other instances; an error if that makes too many.
    pub(super) async fn count_together(
        &self,
        group: Group,
        whom: &[Whom],
        store: Id<Store>,
    ) -> Result<(), Error> {
        self.note(group, self.limits.count_together(group, whom, store).await)
    }

    fn note(&self, group: Group, verdict: Option<Verdict>) -> Result<(), Error> {
        let Some(verdict) = verdict else { return Ok(()) };
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
