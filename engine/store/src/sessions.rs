//! Sessions of customers, and the refresh tokens that keep them going. Tokens are never stored, only
//! digests of them.
//!
//! A token is used once. The conditional UPDATE is the fence, and a second use means that somebody else
//! has the token: the session is over for both. A session's last 50 used tokens stay known for
//! that. One used before them is forgotten: it is [`Rotation::Unknown`], which ends nothing.

use std::collections::BTreeMap;

use martlet_domain::{Digest, Id, Timestamp, customer::Customer, session::Session, settings::Store};
use sqlx::QueryBuilder;
use uuid::Uuid;

use crate::{Db, StoreError, Tx, Unique, customers, dialect::Statement as _};

/// Sessions that one statement changes at most.
const CHUNK: usize = 256;
/// Sessions that one transaction deletes at most.
const MOST_DELETED: usize = 16;
/// Used tokens of a session that are kept.
const USED_KEPT: i64 = 50;
/// Tokens that one transaction deletes at most.
const TOKENS_DELETED: i64 = 500;

/// A refresh token that is to be stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRefreshToken {
    /// SHA-256 of the token, which has enough random bits to need no salt.
    pub digest: Digest,
    /// When it is made.
    pub created_at: Timestamp,
    /// When it can't be used any more.
    pub expires_at: Timestamp,
}

/// What became of the use of a refresh token.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "only a token that was rotated keeps its session going"]
pub enum Rotation {
    /// The token is used up, and the new one is stored.
    Rotated(Session),
    /// The token had been used before. The session is revoked, if it wasn't yet.
    Reused(Session),
    /// The token hadn't been used, but it or its session has ended. Nothing was changed.
    Expired,
    /// There is no such token in the store, or it was used so long ago that it is forgotten.
    Unknown,
}

#[derive(sqlx::FromRow)]
struct SessionRow {
    id: Uuid,
    customer_id: Uuid,
    created_at: i64,
    expires_at: i64,
    revoked_at: Option<i64>,
}

/// A refresh token and its session.
#[derive(sqlx::FromRow)]
struct TokenRow {
    #[sqlx(flatten)]
    session: SessionRow,
    token_expires_at: i64,
    used_at: Option<i64>,
}

impl Db {
    /// Stores a session with its first refresh token. Its customer must be there. [`Unique::Session`]
    /// when its id or its token is.
    pub async fn insert_session(
        &self,
        store: Id<Store>,
        session: &Session,
        refresh: &NewRefreshToken,
    ) -> Result<(), StoreError> {
        const SQL: &str = "INSERT INTO sessions (store_id, id, customer_id, created_at, expires_at, revoked_at) \
             VALUES (?, ?, ?, ?, ?, ?)";
        transaction!(self, |tx| {
            run!(tx, |c| sqlx::query(SQL)
                .bind(store.uuid())
                .bind(session.id.uuid())
                .bind(session.customer.uuid())
                .bind(session.created_at.as_millis())
                .bind(session.expires_at.as_millis())
                .bind(session.revoked_at.map(Timestamp::as_millis))
                .execute(c)
                .await
                .map(drop))
            .map_err(|error| Unique::Session.or(error))?;
            insert_token(tx, store, session.id, refresh).await
        })
    }

    /// The session with an id, also one that has ended.
    pub async fn find_session(
        &self,
        store: Id<Store>,
        id: Id<Session>,
    ) -> Result<Option<Session>, StoreError> {
        const SQL: &str = "SELECT id, customer_id, created_at, expires_at, revoked_at FROM sessions \
             WHERE store_id = ? AND id = ?";
        let row: Option<SessionRow> =
            read!(self, |c| sqlx::query_as(SQL).bind(store.uuid()).bind(id.uuid()).fetch_optional(c).await)?;
        Ok(row.map(SessionRow::decode))
    }

    /// The sessions of a customer, those that have ended too until they are deleted, those made last
    /// first where ids count up.
    pub async fn list_sessions(
        &self,
        store: Id<Store>,
        customer: Id<Customer>,
    ) -> Result<Vec<Session>, StoreError> {
        const SQL: &str = "SELECT id, customer_id, created_at, expires_at, revoked_at FROM sessions \
             WHERE store_id = ? AND customer_id = ? ORDER BY id DESC";
        let rows: Vec<SessionRow> =
            read!(self, |c| sqlx::query_as(SQL).bind(store.uuid()).bind(customer.uuid()).fetch_all(c).await)?;
        Ok(rows.into_iter().map(SessionRow::decode).collect())
    }

    /// Ends a session, for good. Whether there was one to end.
    pub async fn revoke_session(
        &self,
        store: Id<Store>,
        id: Id<Session>,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        transaction!(self, |tx| Ok(revoke(tx, store, &[id.uuid()], now).await? == 1))
    }

    /// Ends all sessions of a customer, for good, and says which weren't revoked before. One that begins
    /// at the same time is among them or begins afterwards.
    pub async fn revoke_sessions_of(
        &self,
        store: Id<Store>,
        customer: Id<Customer>,
        now: Timestamp,
    ) -> Result<Vec<Id<Session>>, StoreError> {
        let revoked: Vec<Uuid> = transaction!(self, |tx| {
            // A session that begins looks at its customer's row.
            if !customers::lock(tx, store, customer).await? {
                return Ok(Vec::new());
            }
            let ids = lock_unrevoked(tx, store, customer).await?;
            for ids in ids.chunks(CHUNK) {
                revoke(tx, store, ids, now).await?;
            }
            Ok(ids)
        })?;
        Ok(revoked.into_iter().map(Id::new).collect())
    }

    /// Uses a refresh token up and stores the next one of its session. Of several who use the same token
    /// at once, one gets [`Rotation::Rotated`]. [`Unique::Session`] when the new one is there already.
    /// Of the session's used tokens the last 50 are kept, so that it doesn't grow with its age.
    pub async fn rotate_refresh_token(
        &self,
        store: Id<Store>,
        digest: Digest,
        new: &NewRefreshToken,
        now: Timestamp,
    ) -> Result<Rotation, StoreError> {
        transaction!(self, |tx| {
            let Some(found) = lock_token(tx, store, digest).await? else { return Ok(Rotation::Unknown) };
            let ended = Timestamp::from_millis(found.token_expires_at) <= now;
            let mut session = found.session.decode();
            if found.used_at.is_none() {
                if ended || !session.is_open(now) {
                    return Ok(Rotation::Expired);
                }
                if use_up(tx, store, digest, now).await? {
                    insert_token(tx, store, session.id, new).await?;
                    forget_used(tx, store, session.id).await?;
                    return Ok(Rotation::Rotated(session));
                }
            }
            revoke(tx, store, &[session.id.uuid()], now).await?;
            session.revoked_at = session.revoked_at.or(Some(now));
            Ok(Rotation::Reused(session))
        })
    }

    /// Deletes some of the sessions that have ended by themselves, in all stores, with their tokens, at
    /// most `limit`, and says how many: where it is as many as were asked for, there may be more.
    pub async fn delete_expired_sessions(&self, now: Timestamp, limit: u32) -> Result<u64, StoreError> {
        const FIND: &str =
            "SELECT store_id, id FROM sessions WHERE expires_at <= ? ORDER BY expires_at LIMIT ?";
        let expired: Vec<(Uuid, Uuid)> = read!(self, |c| sqlx::query_as(FIND)
            .bind(now.as_millis())
            .bind(i64::from(limit))
            .fetch_all(c)
            .await)?;
        let mut by_store: BTreeMap<Uuid, Vec<Uuid>> = BTreeMap::new();
        for (store, id) in expired {
            by_store.entry(store).or_default().push(id);
        }
        let mut deleted = 0;
        for (store, ids) in by_store {
            for ids in ids.chunks(MOST_DELETED) {
                while transaction!(self, |tx| delete_some_tokens(tx, store, ids).await)? {}
                deleted += transaction!(self, |tx| delete(tx, store, ids).await)?;
            }
        }
        Ok(deleted)
    }
}

impl SessionRow {
    fn decode(self) -> Session {
        Session {
            id: Id::new(self.id),
            customer: Id::new(self.customer_id),
            created_at: Timestamp::from_millis(self.created_at),
            expires_at: Timestamp::from_millis(self.expires_at),
            revoked_at: self.revoked_at.map(Timestamp::from_millis),
        }
    }
}

async fn insert_token(
    tx: &mut Tx,
    store: Id<Store>,
    session: Id<Session>,
    token: &NewRefreshToken,
) -> Result<(), StoreError> {
    const SQL: &str = "INSERT INTO refresh_tokens (store_id, digest, session_id, created_at, expires_at) \
         VALUES (?, ?, ?, ?, ?)";
    run!(tx, |c| sqlx::query(SQL)
        .bind(store.uuid())
        .bind(token.digest.as_bytes().as_slice())
        .bind(session.uuid())
        .bind(token.created_at.as_millis())
        .bind(token.expires_at.as_millis())
        .execute(c)
        .await
        .map(drop))
    .map_err(|error| Unique::Session.or(error))
}

/// Locks a token and its session, so that neither is used, revoked or deleted in between.
async fn lock_token(tx: &mut Tx, store: Id<Store>, digest: Digest) -> Result<Option<TokenRow>, StoreError> {
    const SQL: &str = "SELECT s.id, s.customer_id, s.created_at, s.expires_at, s.revoked_at, \
         t.expires_at AS token_expires_at, t.used_at FROM refresh_tokens t \
         JOIN sessions s ON s.store_id = t.store_id AND s.id = t.session_id WHERE t.store_id = ";
    Ok(run!(tx, |c| {
        let mut query = QueryBuilder::new(SQL);
        query.id(store.uuid()).part(" AND t.digest = ").bytes(digest.as_bytes()).for_update();
        query.build_query_as().fetch_optional(c).await
    })?)
}

/// Whether nobody had used it.
async fn use_up(tx: &mut Tx, store: Id<Store>, digest: Digest, now: Timestamp) -> Result<bool, StoreError> {
    const SQL: &str = "UPDATE refresh_tokens SET used_at = ? \
         WHERE store_id = ? AND digest = ? AND used_at IS NULL";
    let changed = run!(tx, |c| sqlx::query(SQL)
        .bind(now.as_millis())
        .bind(store.uuid())
        .bind(digest.as_bytes().as_slice())
        .execute(c)
        .await
        .map(|done| done.rows_affected()))?;
    Ok(changed == 1)
}

async fn lock_unrevoked(
    tx: &mut Tx,
    store: Id<Store>,
    customer: Id<Customer>,
) -> Result<Vec<Uuid>, StoreError> {
    let rows: Vec<(Uuid,)> = run!(tx, |c| {
        let mut query = QueryBuilder::new("SELECT id FROM sessions WHERE store_id = ");
        query.id(store.uuid()).part(" AND customer_id = ").id(customer.uuid());
        query.part(" AND revoked_at IS NULL ORDER BY id").for_update();
        query.build_query_as().fetch_all(c).await
    })?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

/// How many of some sessions weren't revoked before.
async fn revoke(tx: &mut Tx, store: Id<Store>, ids: &[Uuid], now: Timestamp) -> Result<u64, StoreError> {
    Ok(run!(tx, |c| {
        let mut query = QueryBuilder::new("UPDATE sessions SET revoked_at = ");
        query.int(now.as_millis()).part(" WHERE store_id = ").id(store.uuid());
        query.part(" AND revoked_at IS NULL AND id IN ").ids(ids.iter().copied());
        query.build().execute(c).await.map(|done| done.rows_affected())
    })?)
}

/// Deletes used tokens of a session but for the last ones. So many at a time, because sessions from before
/// this was done may have thousands: a few rotations catch up.
async fn forget_used(tx: &mut Tx, store: Id<Store>, session: Id<Session>) -> Result<(), StoreError> {
    const SQL: &str = "SELECT digest FROM refresh_tokens WHERE store_id = ? AND session_id = ? \
         AND used_at IS NOT NULL ORDER BY used_at DESC, created_at DESC, digest LIMIT ? OFFSET ?";
    let old: Vec<(Vec<u8>,)> = run!(tx, |c| sqlx::query_as(SQL)
        .bind(store.uuid())
        .bind(session.uuid())
        .bind(TOKENS_DELETED)
        .bind(USED_KEPT)
        .fetch_all(c)
        .await)?;
    delete_tokens(tx, store.uuid(), old).await
}

/// Deletes tokens of some sessions, and says whether there may be more.
async fn delete_some_tokens(tx: &mut Tx, store: Uuid, sessions: &[Uuid]) -> Result<bool, StoreError> {
    let some: Vec<(Vec<u8>,)> = run!(tx, |c| {
        let mut query = QueryBuilder::new("SELECT digest FROM refresh_tokens WHERE store_id = ");
        query.id(store).part(" AND session_id IN ").ids(sessions.iter().copied());
        query.part(" LIMIT ").int(TOKENS_DELETED);
        query.build_query_as().fetch_all(c).await
    })?;
    let more = i64::try_from(some.len()).is_ok_and(|some| some == TOKENS_DELETED);
    delete_tokens(tx, store, some).await?;
    Ok(more)
}

async fn delete_tokens(tx: &mut Tx, store: Uuid, digests: Vec<(Vec<u8>,)>) -> Result<(), StoreError> {
    if digests.is_empty() {
        return Ok(());
    }
    run!(tx, |c| {
        let mut query = QueryBuilder::new("DELETE FROM refresh_tokens WHERE store_id = ");
        query.id(store).part(" AND digest IN ");
        query.list(digests.iter().map(|(digest,)| digest), |query, digest| query.bytes(digest));
        query.build().execute(c).await.map(drop)
    })?;
    Ok(())
}

/// Deletes sessions with the tokens that are left, should one have been rotated in between by a slower
/// clock. The end of a session never changes, so it isn't asked for again.
async fn delete(tx: &mut Tx, store: Uuid, ids: &[Uuid]) -> Result<u64, StoreError> {
    const TOKENS: &str = "DELETE FROM refresh_tokens WHERE store_id = ";
    const SESSIONS: &str = "DELETE FROM sessions WHERE store_id = ";
    let mut deleted = 0;
    for (sql, among) in [(TOKENS, " AND session_id IN "), (SESSIONS, " AND id IN ")] {
        deleted = run!(tx, |c| {
            let mut query = QueryBuilder::new(sql);
            query.id(store).part(among).ids(ids.iter().copied());
            query.build().execute(c).await.map(|done| done.rows_affected())
        })?;
    }
    Ok(deleted)
}
