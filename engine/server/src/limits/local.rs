//! What an instance counts by itself.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use governor::{
    Quota, RateLimiter,
    clock::Clock as _,
    middleware::StateInformationMiddleware,
    nanos::Nanos,
    state::{StateStore, keyed::ShrinkableKeyedStateStore},
};
use martlet_domain::{Digest, Timestamp};

use super::Rate;
use crate::{
    clock::{Clock, SetClock},
    redis::gcra::Verdict,
};

/// Parts of the memory, each behind a lock of its own.
const SHARDS: usize = 16;
/// Most that a part remembers; 65,536 all together, in about 6 MB.
const MOST: usize = 4_096;

/// The requests that an instance has counted of a group, by the same algorithm as `redis/gcra.rs`.
#[derive(Debug)]
pub(super) struct Local {
    limiter: RateLimiter<Digest, Memory, Ticks, StateInformationMiddleware>,
    burst: u32,
    interval: Duration,
}

impl Local {
    pub(super) fn new(rate: Rate, clock: &Clock) -> Self {
        let quota = Quota::per_minute(rate.per_minute).allow_burst(rate.burst);
        Self {
            limiter: RateLimiter::new(quota, Memory::default(), Ticks::of(clock)),
            burst: rate.burst.get(),
            interval: quota.replenish_interval(),
        }
    }

    /// Counts a request.
    pub(super) fn count(&self, whom: &Digest) -> Verdict {
        match self.limiter.check_key(whom) {
            Ok(state) => {
                let remaining = state.remaining_burst_capacity();
                Verdict {
                    allowed: true,
                    limit: self.burst,
                    remaining,
                    // What is on its way back counts as not begun: at most one interval too long.
                    reset: self.interval * self.burst.saturating_sub(remaining),
                    retry_after: Duration::ZERO,
                }
            }
            Err(until) => {
                let retry_after = until.wait_time_from(self.limiter.clock().now());
                Verdict {
                    allowed: false,
                    limit: self.burst,
                    remaining: 0,
                    reset: retry_after + self.interval * (self.burst - 1),
                    retry_after,
                }
            }
        }
    }

    /// Forgets who may do everything again: nothing changes for them.
    pub(super) fn forget(&self) {
        self.limiter.retain_recent();
    }

    #[cfg(test)]
    pub(super) fn remembered(&self) -> usize {
        self.limiter.len()
    }
}

/// When the allowance of each is full again, for at most so many.
///
/// Where there is no room for another, the one that is nearest to having its whole allowance back makes
/// room: it loses the least, and who is refused at the moment is the last to be forgotten. So the memory
/// is bounded without anybody being refused for others' sake, and whoever wants a count forgotten needs
/// thousands of others that count for more.
#[derive(Debug, Default)]
struct Memory([Mutex<HashMap<Digest, Nanos>>; SHARDS]);

impl Memory {
    fn shard(&self, key: &Digest) -> MutexGuard<'_, HashMap<Digest, Nanos>> {
        open(&self.0[usize::from(key.as_bytes()[0]) % SHARDS])
    }
}

impl StateStore for Memory {
    type Key = Digest;

    fn measure_and_replace<T, F, E>(&self, key: &Digest, decide: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        let mut shard = self.shard(key);
        let known = shard.get_mut(key);
        let (answer, full_at) = decide(known.as_deref().copied())?;
        match known {
            Some(known) => *known = full_at,
            None => {
                if shard.len() >= MOST {
                    make_room(&mut shard);
                }
                shard.insert(*key, full_at);
            }
        }
        Ok(answer)
    }
}

impl ShrinkableKeyedStateStore<Digest> for Memory {
    fn retain_recent(&self, full_before: Nanos) {
        self.0.iter().for_each(|shard| open(shard).retain(|_, full_at| *full_at > full_before));
    }

    fn len(&self) -> usize {
        self.0.iter().map(|shard| open(shard).len()).sum()
    }

    fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

fn open(shard: &Mutex<HashMap<Digest, Nanos>>) -> MutexGuard<'_, HashMap<Digest, Nanos>> {
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A look at all of them, some microseconds, for each new one while there is no room.
fn make_room(shard: &mut HashMap<Digest, Nanos>) {
    let nearest = shard.iter().min_by_key(|(_, full_at)| **full_at).map(|(key, _)| *key);
    nearest.and_then(|key| shard.remove(&key));
}

/// Time that passes evenly, which the time of day doesn't: it is set.
#[derive(Debug, Clone)]
enum Ticks {
    Machine { since: Instant },
    Set { clock: SetClock, since: Timestamp },
}

impl Ticks {
    fn of(clock: &Clock) -> Self {
        match clock {
            Clock::System => Self::Machine { since: Instant::now() },
            Clock::Set(clock) => Self::Set { clock: clock.clone(), since: clock.now() },
        }
    }
}

impl governor::clock::Clock for Ticks {
    type Instant = Nanos;

    fn now(&self) -> Nanos {
        match self {
            Self::Machine { since } => since.elapsed().into(),
            Self::Set { clock, since } => {
                let millis = clock.now().as_millis().saturating_sub(since.as_millis());
                Duration::from_millis(u64::try_from(millis).unwrap_or_default()).into()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_772_366_400_000);

    fn local(per_minute: u32, burst: u32) -> (Local, SetClock) {
        let clock = SetClock::at(NOW);
        let rate = Rate { per_minute: per_minute.try_into().unwrap(), burst: burst.try_into().unwrap() };
        (Local::new(rate, &Clock::Set(clock.clone())), clock)
    }

    fn whom(number: u32) -> Digest {
        Digest::of(&number.to_be_bytes())
    }

    #[test]
    fn a_burst_is_allowed_and_comes_back_one_by_one() {
        // One in six seconds.
        let (local, clock) = local(10, 3);
        for left in [2, 1, 0] {
            let seconds = 6 * u64::from(3 - left);
            let expected = Verdict {
                allowed: true,
                limit: 3,
                remaining: left,
                reset: Duration::from_secs(seconds),
                retry_after: Duration::ZERO,
            };
            assert_eq!(local.count(&whom(1)), expected);
        }
        let refused = |wait| Verdict {
            allowed: false,
            limit: 3,
            remaining: 0,
            reset: wait + Duration::from_secs(12),
            retry_after: wait,
        };
        // Being refused takes nothing, however often.
        for _ in 0..5 {
            assert_eq!(local.count(&whom(1)), refused(Duration::from_secs(6)));
        }
        clock.advance(Duration::from_millis(5_999));
        assert_eq!(local.count(&whom(1)), refused(Duration::from_millis(1)));
        clock.advance(Duration::from_millis(1));
        assert!(local.count(&whom(1)).allowed);
        assert!(!local.count(&whom(1)).allowed);
        // Others aren't concerned.
        assert_eq!(local.count(&whom(2)).remaining, 2);
        clock.advance(Duration::from_secs(18));
        let allowed = (0..10).filter(|_| local.count(&whom(1)).allowed).count();
        assert_eq!(allowed, 3);
    }

    #[test]
    fn in_the_long_run_it_is_the_rate() {
        let (local, clock) = local(120, 60);
        let mut allowed = 0;
        // Ten a second for ten minutes.
        for _ in 0..6_000 {
            allowed += u32::from(local.count(&whom(1)).allowed);
            clock.advance(Duration::from_millis(100));
        }
        assert_eq!(allowed, 60 + 10 * 120 - 1);
    }

    #[test]
    fn simultaneous_requests_get_exactly_the_burst() {
        let (local, _clock) = local(1, 37);
        let allowed = std::thread::scope(|scope| {
            let count = || (0..50).filter(|_| local.count(&whom(1)).allowed).count();
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(count)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).sum::<usize>()
        });
        assert_eq!(allowed, 37);
    }

    #[test]
    fn who_may_do_everything_again_is_forgotten() {
        let (local, clock) = local(60, 10);
        for number in 0..100 {
            local.count(&whom(number));
        }
        for _ in 0..9 {
            local.count(&whom(7));
        }
        clock.advance(Duration::from_secs(5));
        local.forget();
        assert_eq!(local.remembered(), 1);
        // Ten were made and five are back.
        assert_eq!(local.count(&whom(7)).remaining, 4);
        clock.advance(Duration::from_secs(60));
        local.forget();
        assert_eq!(local.remembered(), 0);
    }

    #[test]
    fn memory_is_bounded_and_who_is_refused_is_remembered() {
        let (local, _clock) = local(1, 2);
        while local.count(&whom(0)).allowed {}
        // So many more than there is room for that each part is full.
        let many = u32::try_from(SHARDS * MOST + 8_000).unwrap();
        let allowed = (1..=many).filter(|number| local.count(&whom(*number)).allowed).count();
        // Nobody is refused for others' sake.
        assert_eq!(allowed, many as usize);
        assert_eq!(local.remembered(), SHARDS * MOST);
        assert!(!local.count(&whom(0)).allowed);
    }

    #[test]
    fn the_machines_time_passes() {
        let ticks = Ticks::of(&Clock::System);
        let before = ticks.now();
        while ticks.now() == before {}
        assert!(ticks.now() > before);
    }
}
