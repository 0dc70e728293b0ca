//! Rows of idempotency_keys.

use martlet_domain::{Digest, Timestamp};

use super::{Claim, ClaimState, StoredAnswer};
use crate::{StoreError, codec::RowOf};

/// How things stand with one key.
pub(super) const STATE: &str = "SELECT request_digest, created_at, expires_at, status, headers, body \
     FROM idempotency_keys WHERE id = ?";
/// The claims of a list of keys, which is to follow.
pub(super) const CLAIMS: &str = "SELECT id, request_digest, request_id, created_at, expires_at \
     FROM idempotency_keys WHERE id IN ";

#[derive(sqlx::FromRow)]
pub(super) struct StateRow {
    request_digest: Vec<u8>,
    created_at: i64,
    expires_at: i64,
    status: Option<i64>,
    headers: Option<String>,
    body: Option<Vec<u8>>,
}

#[derive(sqlx::FromRow)]
pub(super) struct ClaimRow {
    id: Vec<u8>,
    request_digest: Vec<u8>,
    request_id: String,
    created_at: i64,
    expires_at: i64,
}

impl StateRow {
    /// What the row means for a request.
    pub(super) fn decode(
        self,
        id: Digest,
        request: Digest,
        now: Timestamp,
    ) -> Result<ClaimState, StoreError> {
        let row = RowOf::named("idempotency_keys", id);
        if self.expires_at <= now.as_millis() {
            return Ok(ClaimState::Free);
        }
        if row.digest("request_digest", &self.request_digest)? != request {
            return Ok(ClaimState::OtherRequest);
        }
        let Some(status) = self.status else {
            return Ok(ClaimState::InFlight { since: Timestamp::from_millis(self.created_at) });
        };
        let missing = |column| row.corrupt(column, "missing beside a status");
        let headers = self.headers.ok_or_else(|| missing("headers"))?;
        Ok(ClaimState::Answered(StoredAnswer {
            status: row.number("status", status)?,
            headers: row.json("headers", &headers)?,
            body: self.body.ok_or_else(|| missing("body"))?,
        }))
    }
}

impl ClaimRow {
    pub(super) fn decode(self) -> Result<Claim, StoreError> {
        let id = RowOf::named("idempotency_keys", "a key").digest("id", &self.id)?;
        let row = RowOf::named("idempotency_keys", id);
        Ok(Claim {
            id,
            request: row.digest("request_digest", &self.request_digest)?,
            request_id: self.request_id,
            created_at: Timestamp::from_millis(self.created_at),
            expires_at: Timestamp::from_millis(self.expires_at),
        })
    }
}
