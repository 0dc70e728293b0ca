//! What time it is. Nothing else in the engine asks the machine.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use martlet_domain::Timestamp;

/// Tells the time.
#[derive(Debug, Clone)]
pub enum Clock {
    /// The machine's.
    System,
    /// Stands still until it is moved.
    Set(SetClock),
}

impl Clock {
    /// This moment.
    pub fn now(&self) -> Timestamp {
        match self {
            Self::System => system_now(),
            Self::Set(clock) => clock.now(),
        }
    }
}

/// A clock that stands still until it is moved. Clones share their hands.
#[derive(Debug, Clone)]
pub struct SetClock(Arc<AtomicI64>);

impl SetClock {
    /// A clock that shows a moment.
    pub fn at(moment: Timestamp) -> Self {
        Self(Arc::new(AtomicI64::new(moment.as_millis())))
    }

    /// What it shows.
    pub fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::SeqCst))
    }

    /// Moves it forward.
    pub fn advance(&self, by: Duration) {
        let moved = |now| Timestamp::from_millis(now).plus(by).as_millis();
        self.0.update(Ordering::SeqCst, Ordering::SeqCst, moved);
    }
}

#[expect(clippy::disallowed_methods, reason = "the one place that implements the clock")]
fn system_now() -> Timestamp {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_millis(0).plus(since_epoch)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_clock_moves_only_when_told() {
        let set = SetClock::at(Timestamp::from_millis(1_000));
        let clock = Clock::Set(set.clone());
        assert_eq!(clock.now(), clock.now());
        set.advance(Duration::from_secs(2));
        assert_eq!(clock.now(), Timestamp::from_millis(3_000));
    }

    #[test]
    fn the_system_clock_shows_this_century() {
        let now = Clock::System.now().as_millis();
        assert!((1_600_000_000_000..4_100_000_000_000).contains(&now), "{now}");
    }
}
