//! The lock of a hot stock row. It keeps instances out of each other's way and no more: the row is
//! fenced in the database, so one who can't have the lock goes on without it.

use std::time::Duration;

use martlet_domain::{Id, catalog::Variant, settings::Store};
use tokio::time::{Instant, sleep};

use super::{
    Budget, Redis, Unavailable,
    keys::{self, Key, LOCK_TTL, millis},
    script::Script,
};

/// How long to wait before asking again.
const PAUSE: Duration = Duration::from_millis(2);

/// Deletes the lock if it still is the one that was taken: it may have lapsed and be another's.
static UNLOCK: Script = Script::new(
    "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0",
);

/// A lock that is held until it is given back or [`LOCK_TTL`] is over.
#[derive(Debug)]
#[must_use]
pub struct StockLock {
    key: Key,
    token: [u8; 32],
}

impl Redis {
    /// Locks the stock of a variant under a token that nobody else has, with some patience for whoever
    /// holds it and for Redis. Nothing where it can't be had: go on without it.
    pub async fn lock_stock(
        &self,
        store: Id<Store>,
        variant: Id<Variant>,
        token: [u8; 32],
        patience: Duration,
    ) -> Option<StockLock> {
        let begun = Instant::now();
        loop {
            let lock = StockLock { key: keys::stock_lock(store, variant), token };
            let mut set = redis::cmd("SET");
            set.arg(&lock.key).arg(&token).arg("NX").arg("PX").arg(millis(LOCK_TTL));
            let taken = self.ask::<Option<String>>("lock.take", Budget::AtMost(patience), set).await;
            match taken {
                Ok(Some(_)) => return Some(lock),
                Ok(None) if begun.elapsed() + PAUSE < patience => sleep(PAUSE).await,
                Ok(None) | Err(Unavailable::Off | Unavailable::Resting) => return None,
                Err(Unavailable::Slow { .. } | Unavailable::Failed(_)) => {
                    self.abandon(lock);
                    return None;
                }
            }
        }
    }

    /// Gives back in the background what may have been taken without an answer, so that nobody waits
    /// for it to lapse.
    fn abandon(&self, lock: StockLock) {
        let redis = self.clone();
        tokio::spawn(async move {
            if let Err(why) = redis.release(lock, Budget::Command).await {
                tracing::debug!(%why, "a lock that may have been taken isn't given back, and lapses");
            }
        });
    }

    /// Gives a lock back. `false` where it had lapsed.
    pub async fn unlock_stock(&self, lock: StockLock) -> Result<bool, Unavailable> {
        self.release(lock, Budget::HotPath).await
    }

    async fn release(&self, lock: StockLock, budget: Budget) -> Result<bool, Unavailable> {
        let (keys, arguments) = ([lock.key], [lock.token.to_vec()]);
        self.script("lock.release", budget, &UNLOCK, &keys, &arguments).await
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::testing::TestRedis;

    /// Enough on any machine.
    const LONG: Duration = Duration::from_secs(9);

    fn ids() -> (Id<Store>, Id<Variant>) {
        (Id::new(Uuid::from_u128(1)), Id::new(Uuid::from_u128(2)))
    }

    #[tokio::test]
    async fn one_holds_it_and_only_that_one_gives_it_back() {
        let Some(server) = TestRedis::start().await else { return };
        let (redis, (store, variant)) = (server.connect(), ids());
        let first = redis.lock_stock(store, variant, [1; 32], LONG).await.unwrap();
        // Somebody who can't have it goes without when the patience is over.
        let patience = Duration::from_millis(20);
        assert!(redis.lock_stock(store, variant, [2; 32], patience).await.is_none());
        let other = redis.lock_stock(store, Id::new(Uuid::from_u128(3)), [3; 32], LONG).await.unwrap();
        assert_eq!(redis.unlock_stock(other).await, Ok(true));

        // It lapses, somebody else takes it, and the first one comes back late.
        let key = keys::stock_lock(store, variant);
        let left: u64 = server.command(&["PTTL", key.as_str()]).await.parse().unwrap();
        assert!(left > 0 && left <= millis(LOCK_TTL), "{left}");
        server.command(&["DEL", key.as_str()]).await;
        let second = redis.lock_stock(store, variant, [2; 32], LONG).await.unwrap();
        assert_eq!(redis.unlock_stock(first).await, Ok(false));
        assert_eq!(server.command(&["EXISTS", key.as_str()]).await, "1", "the second one holds it");
        assert_eq!(redis.unlock_stock(second).await, Ok(true));
        assert_eq!(server.command(&["EXISTS", key.as_str()]).await, "0");
    }

    #[tokio::test]
    async fn one_who_waits_gets_it_when_it_is_given_back() {
        let Some(server) = TestRedis::start().await else { return };
        let (redis, (store, variant)) = (server.connect(), ids());
        let held = redis.lock_stock(store, variant, [1; 32], LONG).await.unwrap();
        let waiting = redis.clone();
        let waits = tokio::spawn(async move { waiting.lock_stock(store, variant, [2; 32], LONG).await });
        // It has asked in vain at least once.
        server.until(&["INFO", "commandstats"], |stats| !stats.contains("cmdstat_set:calls=1,")).await;
        assert!(!waits.is_finished());
        assert_eq!(redis.unlock_stock(held).await, Ok(true));
        let lock = waits.await.unwrap().unwrap();
        assert_eq!(redis.unlock_stock(lock).await, Ok(true));
    }

    #[tokio::test]
    async fn without_redis_there_is_no_lock_to_wait_for() {
        let (store, variant) = ids();
        assert!(Redis::off().lock_stock(store, variant, [1; 32], LONG).await.is_none());
    }
}
