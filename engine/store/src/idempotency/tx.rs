//! Taking, answering and freeing keys within a transaction.

use std::collections::{BTreeMap, BTreeSet};

use martlet_domain::{Digest, Timestamp};
use sqlx::QueryBuilder;

use super::{
    CHUNK, Claim, ClaimState, StoredAnswer,
    row::{self, ClaimRow, StateRow},
};
use crate::{StoreError, Tx, Unique, codec::to_json, dialect::Statement as _, shape::parts};

impl Tx {
    /// Takes keys that nobody has. Those that have expired by their claim's making are replaced.
    /// [`Unique::IdempotencyKey`] when any is taken; then the transaction has to be rolled back, as
    /// others of them may have been stored.
    pub async fn insert_claims(&mut self, claims: &[Claim]) -> Result<(), StoreError> {
        // Everybody goes through the keys in one order, so that groups don't lock each other out.
        let mut claims: Vec<&Claim> = claims.iter().collect();
        claims.sort_by_key(|claim| claim.id);
        for claims in parts(&claims, |_| 0) {
            match self.insert(claims).await {
                // A unique violation leaves the transaction usable, and nothing of the statement.
                Err(StoreError::Conflict(_)) if self.make_way(claims).await? => self.insert(claims).await?,
                done => done?,
            }
        }
        Ok(())
    }

    /// The claims that have some keys, answered and expired ones too. In no order.
    pub async fn find_claims(&mut self, ids: &[Digest]) -> Result<Vec<Claim>, StoreError> {
        let mut claims = Vec::new();
        for ids in ids.chunks(CHUNK) {
            let rows: Vec<ClaimRow> = run!(self, |c| {
                let mut query = QueryBuilder::new(row::CLAIMS);
                query.list(ids, |query, id| query.bytes(id.as_bytes()));
                query.build_query_as().fetch_all(c).await
            })?;
            for row in rows {
                claims.push(row.decode()?);
            }
        }
        Ok(claims)
    }

    /// The keys of some claims that are taken: by anybody, and not expired when the claim was made.
    pub async fn list_taken_claims(&mut self, claims: &[Claim]) -> Result<BTreeSet<Digest>, StoreError> {
        self.list_taken(claims.iter()).await
    }

    /// Keeps the answer to the request that has a key. Nothing happens where nobody has it, or it
    /// was answered.
    pub async fn answer_claim(&mut self, id: Digest, answer: &StoredAnswer) -> Result<(), StoreError> {
        self.answer_claim_of(id, None, answer).await.map(drop)
    }

    /// Frees a key. Nothing happens where nobody has it, or it was answered.
    pub async fn release_claim(&mut self, id: Digest) -> Result<(), StoreError> {
        self.release_claim_of(id, None).await.map(drop)
    }

    async fn insert(&mut self, claims: &[&Claim]) -> Result<(), StoreError> {
        const SQL: &str = "INSERT INTO idempotency_keys \
             (id, request_digest, request_id, created_at, expires_at) VALUES ";
        run!(self, |c| {
            let mut query = QueryBuilder::new(SQL);
            let mut separator = "(";
            for claim in claims {
                query.part(separator).bytes(claim.id.as_bytes()).part(", ").bytes(claim.request.as_bytes());
                query.part(", ").text(&claim.request_id).part(", ").int(claim.created_at.as_millis());
                query.part(", ").int(claim.expires_at.as_millis()).part(")");
                separator = ", (";
            }
            query.build().execute(c).await.map(drop)
        })
        .map_err(|error| Unique::IdempotencyKey.or(error))
    }

    async fn list_taken<'a>(
        &mut self,
        claims: impl Iterator<Item = &'a Claim>,
    ) -> Result<BTreeSet<Digest>, StoreError> {
        let made: BTreeMap<Digest, Timestamp> = claims.map(|claim| (claim.id, claim.created_at)).collect();
        let ids: Vec<Digest> = made.keys().copied().collect();
        let found = self.find_claims(&ids).await?;
        let taken = found.iter().filter(|found| made.get(&found.id).is_some_and(|at| !found.is_expired(*at)));
        Ok(taken.map(|claim| claim.id).collect())
    }

    /// Deletes what has expired of some keys, if all that are there have. Whether anything had.
    async fn make_way(&mut self, claims: &[&Claim]) -> Result<bool, StoreError> {
        // Read first: on MySQL all who were refused share a lock on the row, and if each of them wanted
        // it for itself, only to see that it is taken, they would lock each other out time and again.
        if !self.list_taken(claims.iter().copied()).await?.is_empty() {
            return Ok(false);
        }
        let mut deleted = 0;
        for claim in claims {
            deleted += self.delete_expired(&[claim.id.as_bytes().to_vec()], claim.created_at).await?;
        }
        Ok(deleted > 0)
    }

    pub(super) async fn delete_expired(
        &mut self,
        ids: &[Vec<u8>],
        now: Timestamp,
    ) -> Result<u64, StoreError> {
        const SQL: &str = "DELETE FROM idempotency_keys WHERE expires_at <= ";
        Ok(run!(self, |c| {
            let mut query = QueryBuilder::new(SQL);
            // Asked again, since a key that had expired may have been taken by now.
            query.int(now.as_millis()).part(" AND id IN ").list(ids, |query, id| query.bytes(id));
            query.build().execute(c).await.map(|done| done.rows_affected())
        })?)
    }

    pub(super) async fn state_of_taken(&mut self, claim: &Claim) -> Result<ClaimState, StoreError> {
        let row: Option<StateRow> = run!(self, |c| sqlx::query_as(row::STATE)
            .bind(claim.id.as_bytes().as_slice())
            .fetch_optional(c)
            .await)?;
        let state = row.map(|row| row.decode(claim.id, claim.request, claim.created_at)).transpose()?;
        Ok(match state {
            // Taken a moment ago and gone by now: whoever asks again finds it free.
            None | Some(ClaimState::Free) => ClaimState::InFlight { since: claim.created_at },
            Some(state) => state,
        })
    }

    pub(super) async fn answer_claim_of(
        &mut self,
        id: Digest,
        request_id: Option<&str>,
        answer: &StoredAnswer,
    ) -> Result<bool, StoreError> {
        const SQL: &str = "UPDATE idempotency_keys SET status = ?, headers = ?, body = ? \
             WHERE id = ? AND request_id = COALESCE(?, request_id) AND status IS NULL";
        let headers = to_json(&answer.headers)?;
        let changed = run!(self, |c| sqlx::query(SQL)
            .bind(i64::from(answer.status))
            .bind(headers)
            .bind(answer.body.as_slice())
            .bind(id.as_bytes().as_slice())
            .bind(request_id)
            .execute(c)
            .await
            .map(|done| done.rows_affected()))?;
        Ok(changed == 1)
    }

    pub(super) async fn release_claim_of(
        &mut self,
        id: Digest,
        request_id: Option<&str>,
    ) -> Result<bool, StoreError> {
        const SQL: &str = "DELETE FROM idempotency_keys \
             WHERE id = ? AND request_id = COALESCE(?, request_id) AND status IS NULL";
        let deleted = run!(self, |c| sqlx::query(SQL)
            .bind(id.as_bytes().as_slice())
            .bind(request_id)
            .execute(c)
            .await
            .map(|done| done.rows_affected()))?;
        Ok(deleted == 1)
    }
}
