//! Rate limits that all instances share: the generic cell rate algorithm.
//!
//! A caller's allowance drains by one with each request and fills again evenly. What is kept is the
//! theoretical arrival time, the moment at which it is full again (ITU-T I.371, annex A). The whole
//! decision is one script, by Redis's own clock, so that instances need not agree on the time.

use std::{num::NonZeroU32, time::Duration};

use martlet_domain::{Digest, Id, settings::Store};

use super::{Budget, Redis, Unavailable, keys, script::Script};

/// `ARGV`: microseconds for one request, the burst. Answers whether it is allowed, how many more are,
/// after how many microseconds one is again, after how many all are.
///
/// A stored time beyond a whole burst from now is another clock's, as after a failover, and is cut.
static GCRA: Script = Script::new(
    "local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local interval, burst = tonumber(ARGV[1]), tonumber(ARGV[2])
local whole = interval * burst
local full_at = tonumber(redis.call('GET', KEYS[1]) or now) or now
full_at = math.max(now, math.min(full_at, now + whole))
local allowed_at = full_at + interval - whole
if allowed_at > now then
  return {0, 0, allowed_at - now, full_at - now}
end
full_at = full_at + interval
local ttl = math.ceil((full_at - now) / 1000)
redis.call('SET', KEYS[1], string.format('%.0f', full_at), 'PX', string.format('%.0f', ttl))
return {1, math.floor((now + whole - full_at) / interval), 0, full_at - now}",
);

/// How many requests are allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    per_minute: NonZeroU32,
    burst: NonZeroU32,
}

/// What a limit says to a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verdict {
    /// Whether it may go on. One that may not has taken nothing.
    pub allowed: bool,
    /// Requests that a rested caller can make at once.
    pub limit: u32,
    /// How many of them are left.
    pub remaining: u32,
    /// After how long all of them are back.
    pub reset: Duration,
    /// After how long another request is allowed; zero where this one was.
    pub retry_after: Duration,
}

impl Quota {
    /// So many requests a minute for long, and so many at once.
    pub const fn per_minute(per_minute: NonZeroU32, burst: NonZeroU32) -> Self {
        Self { per_minute, burst }
    }

    /// Time in which the allowance grows by one.
    const fn interval(self) -> Duration {
        Duration::from_micros(60_000_000 / self.per_minute.get() as u64)
    }
}

impl Redis {
    /// Whether a request of somebody, by the digest of who it is, is within the quota of a group.
    pub async fn limit(
        &self,
        store: Id<Store>,
        group: &'static str,
        whom: &Digest,
        quota: Quota,
    ) -> Result<Verdict, Unavailable> {
        let keys = [keys::limit(store, group, whom)];
        let arguments = [quota.interval().as_micros().to_string(), quota.burst.to_string()];
        let arguments = arguments.map(String::into_bytes);
        let (allowed, remaining, retry_after, reset): (bool, u32, u64, u64) =
            self.script("limit", Budget::HotPath, &GCRA, &keys, &arguments).await?;
        Ok(Verdict {
            allowed,
            limit: quota.burst.get(),
            remaining,
            reset: Duration::from_micros(reset),
            retry_after: Duration::from_micros(retry_after),
        })
    }
}

#[cfg(test)]
mod tests {
    use tokio::task::JoinSet;
    use uuid::Uuid;

    use super::*;
    use crate::testing::TestRedis;

    fn quota(per_minute: u32, burst: u32) -> Quota {
        Quota::per_minute(per_minute.try_into().unwrap(), burst.try_into().unwrap())
    }

    #[tokio::test]
    async fn a_burst_is_allowed_and_then_nothing_until_time_has_passed() {
        let Some(server) = TestRedis::start().await else { return };
        let (redis, store, whom) = (server.connect(), Id::new(Uuid::from_u128(1)), Digest::of(b"jo"));
        // One a minute: nothing comes back while the test runs.
        for left in [2, 1, 0] {
            let verdict = redis.limit(store, "login", &whom, quota(1, 3)).await.unwrap();
            assert_eq!((verdict.allowed, verdict.limit, verdict.remaining), (true, 3, left));
            let spent = Duration::from_secs(60) * (3 - left);
            assert!(verdict.reset <= spent && verdict.reset > spent - Duration::from_secs(50), "{verdict:?}");
            assert_eq!(verdict.retry_after, Duration::ZERO);
        }
        for _ in 0..2 {
            let verdict = redis.limit(store, "login", &whom, quota(1, 3)).await.unwrap();
            assert_eq!((verdict.allowed, verdict.limit, verdict.remaining), (false, 3, 0));
            assert!(verdict.retry_after > Duration::ZERO, "{verdict:?}");
            assert!(verdict.retry_after <= Duration::from_secs(60), "{verdict:?}");
            assert!(verdict.reset <= Duration::from_secs(180), "{verdict:?}");
        }
        // Others are not concerned: another group, another caller, another store.
        let somebody_else = Digest::of(b"bo");
        assert!(redis.limit(store, "coupon", &whom, quota(1, 3)).await.unwrap().allowed);
        assert!(redis.limit(store, "login", &somebody_else, quota(1, 3)).await.unwrap().allowed);
        let other = Id::new(Uuid::from_u128(2));
        assert!(redis.limit(other, "login", &whom, quota(1, 3)).await.unwrap().allowed);
    }

    #[tokio::test]
    async fn the_allowance_comes_back_at_its_rate() {
        let Some(server) = TestRedis::start().await else { return };
        let (redis, store, whom) = (server.connect(), Id::new(Uuid::from_u128(1)), Digest::of(b"jo"));
        let quota = quota(6_000, 1);
        assert!(redis.limit(store, "carts", &whom, quota).await.unwrap().allowed);
        // At once or after the time that it says, however long this took here.
        let mut verdict = redis.limit(store, "carts", &whom, quota).await.unwrap();
        if !verdict.allowed {
            tokio::time::sleep(verdict.retry_after).await;
            verdict = redis.limit(store, "carts", &whom, quota).await.unwrap();
        }
        assert_eq!((verdict.allowed, verdict.remaining), (true, 0));
        // What is full again is forgotten.
        server.until_gone(keys::limit(store, "carts", &whom).as_str()).await;
    }

    #[tokio::test]
    async fn simultaneous_callers_get_exactly_the_burst() {
        let Some(server) = TestRedis::start().await else { return };
        let (store, whom) = (Id::new(Uuid::from_u128(1)), Digest::of(b"jo"));
        // Two instances, a hundred callers each.
        let instances = [server.connect(), server.connect()];
        let mut callers = JoinSet::new();
        for turn in 0..200 {
            let redis = instances[turn % 2].clone();
            callers.spawn(async move { redis.limit(store, "checkout", &whom, quota(1, 37)).await.unwrap() });
        }
        let verdicts = callers.join_all().await;
        let mut left: Vec<u32> = verdicts.iter().filter(|v| v.allowed).map(|v| v.remaining).collect();
        left.sort_unstable();
        assert_eq!(left, (0..37).collect::<Vec<u32>>());
    }

    #[tokio::test]
    async fn a_time_of_another_clock_doesnt_lock_anybody_out() {
        let Some(server) = TestRedis::start().await else { return };
        let (redis, store, whom) = (server.connect(), Id::new(Uuid::from_u128(1)), Digest::of(b"jo"));
        let key = keys::limit(store, "login", &whom);
        for wrong in ["9000000000000000", "1", "soon"] {
            server.command(&["SET", key.as_str(), wrong]).await;
            let verdict = redis.limit(store, "login", &whom, quota(60, 2)).await.unwrap();
            assert!(verdict.reset <= Duration::from_secs(2), "{wrong}: {verdict:?}");
        }
    }
}
