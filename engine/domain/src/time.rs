//! Moments in time.

use std::time::Duration;

use serde::{Deserialize, Serialize};

const MILLIS_OF_DAY: i64 = 24 * 60 * 60 * 1_000;

/// A moment: milliseconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The moment this many milliseconds after 1970-01-01T00:00:00Z.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// Milliseconds since 1970-01-01T00:00:00Z.
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// The day it is in, counted from 1970-01-01, in UTC.
    pub const fn day(self) -> i64 {
        self.0.div_euclid(MILLIS_OF_DAY)
    }

    /// The moment this much later, in whole milliseconds; the last there is where that is out of range.
    pub fn plus(self, by: Duration) -> Self {
        Self(self.0.saturating_add(millis(by)))
    }

    /// The moment this much earlier, in whole milliseconds; the first there is where that is out of range.
    pub fn minus(self, by: Duration) -> Self {
        Self(self.0.saturating_sub(millis(by)))
    }
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_begin_at_midnight() {
        for (millis, day) in [(0, 0), (86_399_999, 0), (86_400_000, 1), (-1, -1), (1_772_366_400_000, 20_513)]
        {
            assert_eq!(Timestamp::from_millis(millis).day(), day, "{millis}");
        }
    }

    #[test]
    fn moments_move_by_whole_milliseconds() {
        let moment = Timestamp::from_millis(1_000);
        assert_eq!(moment.plus(Duration::from_secs(2)), Timestamp::from_millis(3_000));
        assert_eq!(moment.minus(Duration::from_secs(2)), Timestamp::from_millis(-1_000));
        let less = Duration::from_micros(1_999);
        assert_eq!(moment.plus(less), Timestamp::from_millis(1_001));
        assert_eq!(moment.minus(less), Timestamp::from_millis(999));
    }

    #[test]
    fn moments_stay_in_range() {
        let (first, last) = (Timestamp::from_millis(i64::MIN), Timestamp::from_millis(i64::MAX));
        for by in [Duration::from_millis(1), Duration::MAX] {
            assert_eq!(last.plus(by), last);
            assert_eq!(first.minus(by), first);
        }
        // More milliseconds than fit count as the most that do.
        assert_eq!(first.plus(Duration::MAX), Timestamp::from_millis(-1));
        assert_eq!(last.minus(Duration::MAX), Timestamp::from_millis(0));
    }
}
