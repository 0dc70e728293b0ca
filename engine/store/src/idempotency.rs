//! Requests that may be sent again: whose turn it is, and what was answered.
//!
//! A claim holds a key from before a request's work until its answer, and the answer holds it until
//! the key expires. All times are the caller's, and a row that has expired is as good as absent.

mod row;
mod tx;

use martlet_domain::{Digest, Timestamp};

use self::row::StateRow;
use crate::{Db, StoreError};

/// Rows that one statement reads or deletes at most.
const CHUNK: usize = 256;

/// A request that wants a key for itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// Names the key: a digest of whose it is, for what, and the key itself.
    pub id: Digest,
    /// What is asked for. Another digest under the same key is another request.
    pub request: Digest,
    /// The request's id, at most 64 bytes. It tells the claims of a key apart.
    pub request_id: String,
    /// When it is made.
    pub created_at: Timestamp,
    /// When the key is free again, whatever came of it.
    pub expires_at: Timestamp,
}

/// An answer that is given again, byte for byte.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredAnswer {
    /// The HTTP status.
    pub status: u16,
    /// The headers that belong to it, in their order.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

/// How things stand with a key.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "only a key that is free may be worked under"]
pub enum ClaimState {
    /// Nobody has it. After [`Db::claim`]: nobody had it, and now the claim does.
    Free,
    /// The same request is being worked on.
    InFlight {
        /// When that began.
        since: Timestamp,
    },
    /// Another request has it.
    OtherRequest,
    /// The same request was answered.
    Answered(StoredAnswer),
}

impl Claim {
    /// Whether the key is free again.
    pub fn is_expired(&self, now: Timestamp) -> bool {
        self.expires_at <= now
    }
}

impl Db {
    /// How things stand with a key, for a request with a digest.
    pub async fn find_claim(
        &self,
        id: Digest,
        request: Digest,
        now: Timestamp,
    ) -> Result<ClaimState, StoreError> {
        let row: Option<StateRow> = read!(self, |c| sqlx::query_as(row::STATE)
            .bind(id.as_bytes().as_slice())
            .fetch_optional(c)
            .await)?;
        row.map_or(Ok(ClaimState::Free), |row| row.decode(id, request, now))
    }

    /// Takes a key if nobody has it, and says how things stood.
    pub async fn claim(&self, claim: &Claim) -> Result<ClaimState, StoreError> {
        transaction!(self, |tx| {
            match tx.insert_claims(std::slice::from_ref(claim)).await {
                Ok(()) => Ok(ClaimState::Free),
                Err(StoreError::Conflict(_)) => tx.state_of_taken(claim).await,
                Err(error) => Err(error),
            }
        })
    }

    /// Takes a key if nobody has it, with its answer at once, and says how things stood.
    pub async fn claim_answered(
        &self,
        claim: &Claim,
        answer: &StoredAnswer,
    ) -> Result<ClaimState, StoreError> {
        transaction!(self, |tx| {
            match tx.insert_claims(std::slice::from_ref(claim)).await {
                Ok(()) => {
                    tx.answer_claim(claim.id, answer).await?;
                    Ok(ClaimState::Free)
                }
                Err(StoreError::Conflict(_)) => tx.state_of_taken(claim).await,
                Err(error) => Err(error),
            }
        })
    }

    /// Takes a key from a claim of the same request that was made up to a moment and never got an
    /// answer. Whether it did: of several that try, one does.
    pub async fn take_over_claim(&self, claim: &Claim, made_until: Timestamp) -> Result<bool, StoreError> {
        const SQL: &str = "UPDATE idempotency_keys SET request_id = ?, created_at = ?, expires_at = ? \
             WHERE id = ? AND request_digest = ? AND created_at <= ? AND status IS NULL";
        transaction!(self, |tx| {
            let changed = run!(tx, |c| sqlx::query(SQL)
                .bind(&claim.request_id)
                .bind(claim.created_at.as_millis())
                .bind(claim.expires_at.as_millis())
                .bind(claim.id.as_bytes().as_slice())
                .bind(claim.request.as_bytes().as_slice())
                .bind(made_until.as_millis())
                .execute(c)
                .await
                .map(|done| done.rows_affected()))?;
            Ok(changed == 1)
        })
    }

    /// Keeps the answer to a request that has a key. Whether it still had it, unanswered.
    pub async fn answer_claim(
        &self,
        id: Digest,
        request_id: &str,
        answer: &StoredAnswer,
    ) -> Result<bool, StoreError> {
        transaction!(self, |tx| tx.answer_claim_of(id, Some(request_id), answer).await)
    }

    /// Frees the key of a request that is to be made again. Whether it still had it, unanswered.
    pub async fn release_claim(&self, id: Digest, request_id: &str) -> Result<bool, StoreError> {
        transaction!(self, |tx| tx.release_claim_of(id, Some(request_id)).await)
    }

    /// Deletes some of what has expired, at most `limit`, and says how many: where it is as many as
    /// were asked for, there may be more.
    pub async fn delete_expired_claims(&self, now: Timestamp, limit: u32) -> Result<u64, StoreError> {
        const FIND: &str =
            "SELECT id FROM idempotency_keys WHERE expires_at <= ? ORDER BY expires_at LIMIT ?";
        let ids: Vec<Vec<u8>> = read!(self, |c| sqlx::query_scalar(FIND)
            .bind(now.as_millis())
            .bind(i64::from(limit))
            .fetch_all(c)
            .await)?;
        let mut deleted = 0;
        for ids in ids.chunks(CHUNK) {
            deleted += transaction!(self, |tx| tx.delete_expired(ids, now).await)?;
        }
        Ok(deleted)
    }
}
