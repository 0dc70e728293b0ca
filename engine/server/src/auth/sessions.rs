//! Sessions: begun with a password, carried on with refresh tokens, ended by the customer, by time or
//! by a refresh token that comes a second time.

use std::{sync::Arc, time::Duration};

use martlet_domain::{Id, Timestamp, customer::Customer, session::Session, settings::Store};
use martlet_store::{Db, NewRefreshToken, Rotation};
use moka::sync::Cache;
use tokio::{
    sync::Semaphore,
    time::{Instant, sleep},
};

use super::RefreshToken;
use crate::{
    clock::Clock,
    error::Error,
    ids::Ids,
    redis::{Redis, SessionState, Unavailable},
};

/// Sessions that are deleted at a time.
const SWEPT_AT_ONCE: u32 = 500;

/// How long it counts that a session's row was looked at: a revocation that Redis couldn't be told of is
/// noticed that late.
const CONFIRMED_FOR: Duration = Duration::from_secs(60);

/// How long after a revocation that Redis wasn't told of it is told again.
const TOLD_AGAIN_AFTER: Duration = Duration::from_secs(1);
/// Revocations that Redis is told of again at a time.
const MOST_TELLING: usize = 1_000;

/// How long sessions and tokens last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionRules {
    /// How long an access token is good for.
    pub access_token: Duration,
    /// After how long a customer signs in again, however often the session was refreshed.
    pub session: Duration,
}

/// Who is signed in.
#[derive(Debug)]
pub struct Sessions {
    db: Db,
    redis: Redis,
    clock: Clock,
    ids: Ids,
    rules: SessionRules,
    /// Those that this instance has ended, so that it needn't rely on Redis about them.
    ended: Cache<Id<Session>, ()>,
    /// For those who tell Redis again.
    telling: Arc<Semaphore>,
}

/// A session with the token that carries it on.
#[derive(Debug)]
pub struct Begun {
    /// The session.
    pub session: Session,
    /// Is shown this once.
    pub refresh_token: RefreshToken,
}

impl Sessions {
    /// Sessions in a database.
    pub fn new(db: Db, redis: Redis, clock: Clock, ids: Ids, rules: SessionRules) -> Self {
        let ended = Cache::builder().max_capacity(1_000_000).time_to_live(CONFIRMED_FOR * 2).build();
        let telling = Arc::new(Semaphore::new(MOST_TELLING));
        Self { db, redis, clock, ids, rules, ended, telling }
    }

    /// This moment, by the clock that sessions go by.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Whether a session goes on. Everything that is asked on behalf of a customer comes through here,
    /// so what is remembered of sessions stands in front of this read and nowhere else.
    pub async fn check(&self, store: Id<Store>, session: Id<Session>) -> Result<bool, Error> {
        if self.ended.contains_key(&session) {
            return Ok(false);
        }
        let now = self.now();
        match self.redis.session(store, session).await {
            Ok(SessionState::Revoked) => return Ok(false),
            Ok(SessionState::Ok { confirmed_at }) if is_recent(confirmed_at, now) => return Ok(true),
            Ok(_) | Err(_) => {}
        }
        let found = self.db.find_session(store, session).await?.filter(|session| session.is_open(now));
        let Some(found) = found else { return Ok(false) };
        // One that ends before it would be looked at again isn't remembered.
        if !found.is_open(now.plus(CONFIRMED_FOR)) {
            return Ok(true);
        }
        // Where it was revoked since the row was read, Redis knows.
        Ok(self.redis.confirm_session(store, session, now).await.unwrap_or(true))
    }

    /// Begins a session of a customer.
    pub async fn begin(&self, store: Id<Store>, customer: Id<Customer>) -> Result<Begun, Error> {
        let now = self.now();
        let session = Session {
            id: self.ids.next(now),
            customer,
            created_at: now,
            expires_at: now.plus(self.rules.session),
            revoked_at: None,
        };
        let (refresh_token, new) = self.token(now);
        self.db.insert_session(store, &session, &new).await?;
        tracing::info!(%customer, session = %session.id, "signed in");
        Ok(Begun { session, refresh_token })
    }

    /// Carries a session on with the next refresh token; nothing for a token that isn't one any more.
    ///
    /// A token that comes a second time has been stolen, or its owner has sent it twice: which of the
    /// two can't be told, so the session ends for both.
    pub async fn rotate(&self, store: Id<Store>, token: &RefreshToken) -> Result<Option<Begun>, Error> {
        let now = self.now();
        let (refresh_token, new) = self.token(now);
        match self.db.rotate_refresh_token(store, token.digest(), &new, now).await? {
            Rotation::Rotated(session) => Ok(Some(Begun { session, refresh_token })),
            Rotation::Reused(session) => {
                tracing::warn!(
                    customer = %session.customer, session = %session.id,
                    "a refresh token came a second time: the session is ended"
                );
                self.revoked(store, &[session.id]).await;
                Ok(None)
            }
            Rotation::Expired | Rotation::Unknown => Ok(None),
        }
    }

    /// Ends a session.
    pub async fn end(&self, store: Id<Store>, session: Id<Session>) -> Result<(), Error> {
        self.db.revoke_session(store, session, self.now()).await?;
        self.revoked(store, &[session]).await;
        tracing::info!(%session, "signed out");
        Ok(())
    }

    /// Ends all sessions of a customer.
    pub async fn end_all(&self, store: Id<Store>, customer: Id<Customer>) -> Result<(), Error> {
        let ended = self.db.revoke_sessions_of(store, customer, self.now()).await?;
        self.revoked(store, &ended).await;
        tracing::info!(%customer, sessions = ended.len(), "signed out everywhere");
        Ok(())
    }

    /// Deletes sessions that have ended by themselves, and says how many.
    pub async fn sweep(&self) -> Result<u64, Error> {
        let mut deleted = 0;
        loop {
            let now = self.db.delete_expired_sessions(self.now(), SWEPT_AT_ONCE).await?;
            deleted += now;
            if now < u64::from(SWEPT_AT_ONCE) {
                return Ok(deleted);
            }
        }
    }

    /// Sweeps for ever, now and then.
    pub async fn run(&self, interval: Duration) {
        loop {
            match self.sweep().await {
                Ok(0) => {}
                Ok(sessions) => tracing::info!(sessions, "sessions that had ended are deleted"),
                Err(error) => tracing::error!("sessions that have ended aren't deleted: {error}"),
            }
            sleep(interval).await;
        }
    }

    /// The rows say that these sessions are over: tells those who remember them.
    async fn revoked(&self, store: Id<Store>, sessions: &[Id<Session>]) {
        sessions.iter().for_each(|session| self.ended.insert(*session, ()));
        match self.redis.revoke_sessions(store, sessions).await {
            Ok(()) | Err(Unavailable::Off) => {}
            Err(why) => {
                tracing::warn!(
                    %why, sessions = sessions.len(),
                    "other instances may take sessions for open that have ended, until Redis is told or \
                     they look at their rows"
                );
                self.tell_again(store, sessions);
            }
        }
    }

    /// Tells Redis again that sessions are over, until it hears it or no instance goes by what it has any
    /// more. With more than [`MOST_TELLING`] at it, the rows have to do.
    fn tell_again(&self, store: Id<Store>, sessions: &[Id<Session>]) {
        let Ok(permit) = Arc::clone(&self.telling).try_acquire_owned() else { return };
        let (redis, sessions) = (self.redis.clone(), sessions.to_vec());
        tokio::spawn(async move {
            let _permit = permit;
            let begun = Instant::now();
            while begun.elapsed() < CONFIRMED_FOR {
                sleep(TOLD_AGAIN_AFTER).await;
                if redis.revoke_sessions(store, &sessions).await.is_ok() {
                    tracing::info!(sessions = sessions.len(), "Redis is told of sessions that have ended");
                    return;
                }
            }
        });
    }

    fn token(&self, now: Timestamp) -> (RefreshToken, NewRefreshToken) {
        let token = RefreshToken::from_random(self.ids.bytes());
        // Good as long as its session, which ends before.
        let expires_at = now.plus(self.rules.session);
        let new = NewRefreshToken { digest: token.digest(), created_at: now, expires_at };
        (token, new)
    }
}

/// By the clock of whoever looked, which may be a little ahead.
fn is_recent(confirmed_at: Timestamp, now: Timestamp) -> bool {
    confirmed_at.minus(CONFIRMED_FOR) < now && now < confirmed_at.plus(CONFIRMED_FOR)
}
