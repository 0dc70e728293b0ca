//! The gate before first-come coupons: a counter that turns most latecomers away before they reach the
//! database. It errs in both directions (an answer that was lost, a seed from an older read) and may:
//! the database decides who gets a unit, and a "no" is checked there from time to time.

use martlet_domain::{Id, Timestamp, coupon::Coupon, settings::Store};

use super::{
    Budget, Redis, Unavailable,
    keys::{self, GATE_TTL, millis},
    script::Script,
};

/// Takes one of what is left. Answers 1 where there was one, 0 where not, -1 where nobody knows.
static TAKE: Script = Script::new(
    "local left = tonumber(redis.call('GET', KEYS[1]) or '')
if not left then return -1 end
if left < 1 then return 0 end
redis.call('DECR', KEYS[1])
return 1",
);

/// Gives one back where somebody counts: a counter made by this would be far too low.
static GIVE_BACK: Script = Script::new(
    "if redis.call('EXISTS', KEYS[1]) == 1 then redis.call('INCR', KEYS[1]) end
return 1",
);

/// What the gate says to somebody who wants a unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gate {
    /// There was one, and it is taken: go on to the database. Give it back if that refuses.
    Taken,
    /// There is none left, as far as is known.
    Gone,
    /// Nobody has counted: go on to the database, and begin to count.
    Missing,
}

impl Redis {
    /// Takes a unit of a coupon. Where Redis gives no answer, go on to the database and leave the count
    /// alone: it isn't known to be missing.
    pub async fn enter_gate(&self, store: Id<Store>, coupon: Id<Coupon>) -> Result<Gate, Unavailable> {
        let keys = [keys::coupon_stock(store, coupon)];
        Ok(match self.script::<i64>("gate.take", Budget::HotPath, &TAKE, &keys, &[]).await? {
            1 => Gate::Taken,
            0 => Gate::Gone,
            _ => Gate::Missing,
        })
    }

    /// Gives a unit back that was taken and not claimed.
    pub async fn give_back_coupon(&self, store: Id<Store>, coupon: Id<Coupon>) -> Result<(), Unavailable> {
        let keys = [keys::coupon_stock(store, coupon)];
        self.script("gate.give_back", Budget::HotPath, &GIVE_BACK, &keys, &[]).await
    }

    /// Begins to count where nobody does: so many units are left, until the coupon ends. Of those who
    /// begin at once the first one counts. Whether it was this one.
    pub async fn seed_coupon(
        &self,
        store: Id<Store>,
        coupon: Id<Coupon>,
        left: u64,
        ends: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<bool, Unavailable> {
        let mut set = set(store, coupon, left, ends, now);
        set.arg("NX");
        // Nothing is answered where the key was there.
        Ok(self.ask::<Option<String>>("gate.seed", Budget::HotPath, set).await?.is_some())
    }

    /// Puts the count right, as after a "no" that the database didn't agree with.
    pub async fn correct_coupon(
        &self,
        store: Id<Store>,
        coupon: Id<Coupon>,
        left: u64,
        ends: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<(), Unavailable> {
        self.ask("gate.correct", Budget::HotPath, set(store, coupon, left, ends, now)).await
    }
}

/// `SET` until the coupon ends, at most for [`GATE_TTL`]; at once over for one that has ended.
fn set(
    store: Id<Store>,
    coupon: Id<Coupon>,
    left: u64,
    ends: Option<Timestamp>,
    now: Timestamp,
) -> redis::Cmd {
    let most = millis(GATE_TTL);
    let until_the_end = |ends: Timestamp| {
        u64::try_from(ends.as_millis().saturating_sub(now.as_millis())).unwrap_or(0).clamp(1, most)
    };
    let ttl = ends.map_or(most, until_the_end);
    let mut set = redis::cmd("SET");
    set.arg(keys::coupon_stock(store, coupon)).arg(left).arg("PX").arg(ttl);
    set
}

#[cfg(test)]
mod tests {
    use tokio::task::JoinSet;
    use uuid::Uuid;

    use super::*;
    use crate::testing::{NOW, TestRedis};

    fn ids() -> (Id<Store>, Id<Coupon>) {
        (Id::new(Uuid::from_u128(1)), Id::new(Uuid::from_u128(2)))
    }

    #[tokio::test]
    async fn units_are_counted_down_and_given_back() {
        let Some(server) = TestRedis::start().await else { return };
        let (redis, (store, coupon)) = (server.connect(), ids());
        assert_eq!(redis.enter_gate(store, coupon).await, Ok(Gate::Missing));
        redis.give_back_coupon(store, coupon).await.unwrap();
        assert_eq!(redis.enter_gate(store, coupon).await, Ok(Gate::Missing), "giving back must not count");
        assert_eq!(redis.seed_coupon(store, coupon, 2, None, NOW).await, Ok(true));
        assert_eq!(redis.seed_coupon(store, coupon, 9, None, NOW).await, Ok(false));
        let mut said = Vec::new();
        for _ in 0..3 {
            said.push(redis.enter_gate(store, coupon).await.unwrap());
        }
        assert_eq!(said, [Gate::Taken, Gate::Taken, Gate::Gone]);
        redis.give_back_coupon(store, coupon).await.unwrap();
        assert_eq!(redis.enter_gate(store, coupon).await, Ok(Gate::Taken));
        assert_eq!(redis.enter_gate(store, coupon).await, Ok(Gate::Gone));
        redis.correct_coupon(store, coupon, 1, None, NOW).await.unwrap();
        assert_eq!(redis.enter_gate(store, coupon).await, Ok(Gate::Taken));
        // Another store's coupon of the same id is another coupon.
        assert_eq!(redis.enter_gate(Id::new(Uuid::from_u128(3)), coupon).await, Ok(Gate::Missing));
    }

    #[tokio::test]
    async fn the_count_ends_with_the_coupon() {
        let Some(server) = TestRedis::start().await else { return };
        let (redis, (store, coupon)) = (server.connect(), ids());
        let key = keys::coupon_stock(store, coupon);
        let day = i64::try_from(millis(GATE_TTL)).unwrap();
        for (ends, most) in [(None, day), (Some(i64::MAX), day), (Some(NOW.as_millis() + 60_000), 60_000)] {
            let ends = ends.map(Timestamp::from_millis);
            redis.correct_coupon(store, coupon, 5, ends, NOW).await.unwrap();
            let left: i64 = server.command(&["PTTL", key.as_str()]).await.parse().unwrap();
            assert!(left <= most && left > most - 50_000, "{left} of {most}");
            // Counting keeps the end.
            assert_eq!(redis.enter_gate(store, coupon).await, Ok(Gate::Taken));
            let left: i64 = server.command(&["PTTL", key.as_str()]).await.parse().unwrap();
            assert!(left > 0 && left <= most, "{left} of {most}");
        }
        redis.correct_coupon(store, coupon, 5, Some(Timestamp::from_millis(0)), NOW).await.unwrap();
        server.until_gone(key.as_str()).await;
        assert_eq!(redis.enter_gate(store, coupon).await, Ok(Gate::Missing));
    }

    #[tokio::test]
    async fn simultaneous_takers_get_no_more_than_there_are() {
        let Some(server) = TestRedis::start().await else { return };
        let (redis, (store, coupon)) = (server.connect(), ids());
        redis.seed_coupon(store, coupon, 40, None, NOW).await.unwrap();
        let mut takers = JoinSet::new();
        for _ in 0..200 {
            let redis = redis.clone();
            takers.spawn(async move { redis.enter_gate(store, coupon).await.unwrap() });
        }
        let said = takers.join_all().await;
        let count = |gate| said.iter().filter(|said| **said == gate).count();
        assert_eq!((count(Gate::Taken), count(Gate::Gone), count(Gate::Missing)), (40, 160, 0));
    }

    #[tokio::test]
    async fn without_redis_nobody_is_turned_away() {
        let (store, coupon) = ids();
        assert_eq!(Redis::off().enter_gate(store, coupon).await, Err(Unavailable::Off));
        assert_eq!(Redis::off().give_back_coupon(store, coupon).await, Err(Unavailable::Off));
    }
}
