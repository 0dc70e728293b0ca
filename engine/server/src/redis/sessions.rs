//! Which sessions stand, as far as instances have told each other. The row is the truth: who signs out
//! changes it first, and whoever finds nothing here reads it.

use martlet_domain::{Id, Timestamp, session::Session, settings::Store};

use super::{
    Budget, Link, Redis, Unavailable,
    keys::{self, SESSION_TTL, millis},
    script::Script,
};

const REVOKED: &str = "revoked";
const OK: &str = "ok:";

/// Notes that the row was read and says yes, unless it has been revoked since.
static CONFIRM: Script = Script::new(
    "if redis.call('GET', KEYS[1]) == 'revoked' then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1",
);

/// What is known of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SessionState {
    /// It stood when its row was last read.
    Ok {
        /// When that was.
        confirmed_at: Timestamp,
    },
    /// It was revoked.
    Revoked,
    /// Nothing: read the row.
    Unknown,
}

impl Redis {
    /// What is known of a session, which keeps that for a while longer.
    pub async fn session(&self, store: Id<Store>, session: Id<Session>) -> Result<SessionState, Unavailable> {
        let mut get = redis::cmd("GETEX");
        get.arg(keys::session(store, session)).arg("PX").arg(millis(SESSION_TTL));
        let found: Option<String> = self.ask("session.get", Budget::HotPath, get).await?;
        Ok(found.as_deref().map_or(SessionState::Unknown, SessionState::of))
    }

    /// Notes that a session stood when its row was read, at a moment before. `false` where it was
    /// revoked since then, whatever the row said.
    pub async fn confirm_session(
        &self,
        store: Id<Store>,
        session: Id<Session>,
        read_at: Timestamp,
    ) -> Result<bool, Unavailable> {
        let keys = [keys::session(store, session)];
        let value = format!("{OK}{}", read_at.as_millis());
        let arguments = [value, millis(SESSION_TTL).to_string()].map(String::into_bytes);
        self.script("session.confirm", Budget::HotPath, &CONFIRM, &keys, &arguments).await
    }

    /// Notes that sessions are revoked: to be called when their rows say so.
    pub async fn revoke_sessions(
        &self,
        store: Id<Store>,
        sessions: &[Id<Session>],
    ) -> Result<(), Unavailable> {
        let mut revoke = redis::pipe();
        for key in sessions.iter().map(|session| keys::session(store, *session)) {
            revoke.cmd("SET").arg(key).arg(REVOKED).arg("PX").arg(millis(SESSION_TTL)).ignore();
        }
        if revoke.is_empty() {
            return Ok(());
        }
        let revoke = async move |mut link: Link| revoke.exec_async(&mut link).await;
        self.run("session.revoke", Budget::Command, revoke).await
    }
}

impl SessionState {
    /// What is written; nothing where it makes no sense.
    fn of(text: &str) -> Self {
        if text == REVOKED {
            return Self::Revoked;
        }
        let millis = text.strip_prefix(OK).and_then(|millis| millis.parse().ok());
        millis.map_or(Self::Unknown, |millis| Self::Ok { confirmed_at: Timestamp::from_millis(millis) })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use uuid::Uuid;

    use super::*;
    use crate::testing::{NOW, TestRedis};

    fn ids() -> (Id<Store>, Id<Session>) {
        (Id::new(Uuid::from_u128(1)), Id::new(Uuid::from_u128(2)))
    }

    #[tokio::test]
    async fn a_session_is_known_from_its_confirmation_and_kept_by_being_asked_for() {
        let Some(server) = TestRedis::start().await else { return };
        let (redis, (store, session)) = (server.connect(), ids());
        assert_eq!(redis.session(store, session).await, Ok(SessionState::Unknown));
        assert_eq!(redis.confirm_session(store, session, NOW).await, Ok(true));
        assert_eq!(redis.session(store, session).await, Ok(SessionState::Ok { confirmed_at: NOW }));
        let key = keys::session(store, session);
        server.command(&["PEXPIRE", key.as_str(), "60000"]).await;
        redis.session(store, session).await.unwrap();
        let left: u64 = server.command(&["PTTL", key.as_str()]).await.parse().unwrap();
        assert!(left > 1_000_000 && left <= millis(SESSION_TTL), "{left}");
        let later = NOW.plus(Duration::from_secs(60));
        assert_eq!(redis.confirm_session(store, session, later).await, Ok(true));
        assert_eq!(redis.session(store, session).await, Ok(SessionState::Ok { confirmed_at: later }));
        server.command(&["SET", key.as_str(), "ok:later"]).await;
        assert_eq!(redis.session(store, session).await, Ok(SessionState::Unknown));
    }

    #[tokio::test]
    async fn what_was_read_before_a_revocation_doesnt_undo_it() {
        let Some(server) = TestRedis::start().await else { return };
        let (redis, (store, session)) = (server.connect(), ids());
        let other = Id::new(Uuid::from_u128(3));
        redis.confirm_session(store, session, NOW).await.unwrap();
        redis.revoke_sessions(store, &[session, other]).await.unwrap();
        for session in [session, other] {
            assert_eq!(redis.session(store, session).await, Ok(SessionState::Revoked));
            assert_eq!(redis.confirm_session(store, session, NOW).await, Ok(false));
            assert_eq!(redis.session(store, session).await, Ok(SessionState::Revoked));
        }
        assert_eq!(redis.revoke_sessions(store, &[]).await, Ok(()));
        let elsewhere = Id::new(Uuid::from_u128(4));
        assert_eq!(redis.session(elsewhere, session).await, Ok(SessionState::Unknown));
    }
}
