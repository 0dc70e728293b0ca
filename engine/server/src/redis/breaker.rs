//! A circuit breaker: after failures in a row nobody asks for a while, then one does and decides.
//!
//! It is a state machine without a clock, so that everything it does can be tried at once.

use std::time::Duration;

use tokio::time::Instant;

/// When a breaker opens and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BreakerRules {
    /// Failures in a row that open it.
    pub failures: u32,
    /// How long it stays open before one call may try.
    pub open_for: Duration,
}

/// Says who may call.
#[derive(Debug)]
pub struct Breaker {
    rules: BreakerRules,
    state: State,
    /// Goes up with every change of state, so that calls of an earlier one have no say.
    epoch: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Closed {
        failures: u32,
    },
    Open {
        until: Instant,
    },
    /// A probe is on its way. One that never reports, as when its request was dropped, is given up.
    Probing {
        until: Instant,
    },
}

/// What a breaker lets through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BreakerState {
    /// Everyone.
    Closed,
    /// One probe, which is on its way.
    Probing,
    /// Nobody.
    Open,
}

/// Leave to call, to be given back with the outcome. One that is lost says nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub struct Permit(u64);

/// What an outcome has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transition {
    /// Nothing.
    None,
    /// The breaker opened, having been closed.
    Opened,
    /// The probe failed: it is open again.
    Reopened,
    /// The probe went well: it is closed.
    Closed,
}

impl Breaker {
    /// One that is closed.
    pub const fn new(rules: BreakerRules) -> Self {
        Self { rules, state: State::Closed { failures: 0 }, epoch: 0 }
    }

    /// What it lets through.
    pub const fn state(&self) -> BreakerState {
        match self.state {
            State::Closed { .. } => BreakerState::Closed,
            State::Probing { .. } => BreakerState::Probing,
            State::Open { .. } => BreakerState::Open,
        }
    }

    /// Leave to call now, where there is any.
    pub fn admit(&mut self, now: Instant) -> Option<Permit> {
        match self.state {
            State::Closed { .. } => {}
            State::Open { until } | State::Probing { until } if now < until => return None,
            State::Open { .. } | State::Probing { .. } => {
                self.enter(State::Probing { until: now + self.rules.open_for });
            }
        }
        Some(Permit(self.epoch))
    }

    /// A call went well.
    pub fn succeeded(&mut self, permit: Permit) -> Transition {
        if permit.0 != self.epoch {
            return Transition::None;
        }
        match self.state {
            State::Closed { .. } => {
                self.state = State::Closed { failures: 0 };
                Transition::None
            }
            State::Open { .. } | State::Probing { .. } => {
                self.enter(State::Closed { failures: 0 });
                Transition::Closed
            }
        }
    }

    /// A call failed, and is known to have failed now.
    pub fn failed(&mut self, permit: Permit, now: Instant) -> Transition {
        if permit.0 != self.epoch {
            return Transition::None;
        }
        let until = now + self.rules.open_for;
        match self.state {
            State::Closed { failures } if failures + 1 < self.rules.failures => {
                self.state = State::Closed { failures: failures + 1 };
                Transition::None
            }
            State::Closed { .. } => {
                self.enter(State::Open { until });
                Transition::Opened
            }
            State::Open { .. } | State::Probing { .. } => {
                self.enter(State::Open { until });
                Transition::Reopened
            }
        }
    }

    fn enter(&mut self, state: State) {
        self.state = state;
        self.epoch += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);
    const RULES: BreakerRules = BreakerRules { failures: 3, open_for: SECOND };

    /// A breaker that opened at this moment.
    fn open(now: Instant) -> Breaker {
        let mut breaker = Breaker::new(RULES);
        for expected in [Transition::None, Transition::None, Transition::Opened] {
            let permit = breaker.admit(now).unwrap();
            assert_eq!(breaker.failed(permit, now), expected);
        }
        assert_eq!(breaker.state(), BreakerState::Open);
        breaker
    }

    #[test]
    fn only_failures_in_a_row_open_it() {
        let now = Instant::now();
        let mut breaker = Breaker::new(RULES);
        for _ in 0..10 {
            for failing in [true, true, false] {
                let permit = breaker.admit(now).unwrap();
                let changed = if failing { breaker.failed(permit, now) } else { breaker.succeeded(permit) };
                assert_eq!(changed, Transition::None);
            }
        }
        assert_eq!(breaker.state(), BreakerState::Closed);
    }

    #[test]
    fn an_open_one_lets_nobody_through_until_its_time_is_over_and_then_one() {
        let now = Instant::now();
        let mut breaker = open(now);
        assert_eq!(breaker.admit(now + SECOND - Duration::from_nanos(1)), None);
        let probe = breaker.admit(now + SECOND);
        assert_eq!((probe.is_some(), breaker.state()), (true, BreakerState::Probing));
        assert_eq!(breaker.admit(now + SECOND), None);
    }

    #[test]
    fn the_probe_decides() {
        let now = Instant::now();
        let mut breaker = open(now);
        let probe = breaker.admit(now + SECOND).unwrap();
        assert_eq!(breaker.failed(probe, now + 2 * SECOND), Transition::Reopened);
        assert_eq!(breaker.admit(now + 3 * SECOND - Duration::from_nanos(1)), None);
        let probe = breaker.admit(now + 3 * SECOND).unwrap();
        assert_eq!(breaker.succeeded(probe), Transition::Closed);
        // Closed as if nothing had been: the same number of failures opens it again.
        for expected in [Transition::None, Transition::None, Transition::Opened] {
            let permit = breaker.admit(now).unwrap();
            assert_eq!(breaker.failed(permit, now), expected);
        }
    }

    #[test]
    fn a_probe_that_never_reports_is_given_up() {
        let now = Instant::now();
        let mut breaker = open(now);
        let lost = breaker.admit(now + SECOND).unwrap();
        assert_eq!(breaker.admit(now + 2 * SECOND - Duration::from_nanos(1)), None);
        let probe = breaker.admit(now + 2 * SECOND).unwrap();
        assert_eq!(breaker.succeeded(lost), Transition::None);
        assert_eq!(breaker.failed(lost, now + 2 * SECOND), Transition::None);
        assert_eq!(breaker.state(), BreakerState::Probing);
        assert_eq!(breaker.succeeded(probe), Transition::Closed);
    }

    #[test]
    fn calls_from_before_it_opened_have_no_say_after() {
        let now = Instant::now();
        let mut breaker = Breaker::new(RULES);
        let early: Vec<_> = (0..10).map(|_| breaker.admit(now).unwrap()).collect();
        let changed: Vec<_> = early[..9].iter().map(|permit| breaker.failed(*permit, now)).collect();
        let opened = changed.iter().filter(|changed| **changed == Transition::Opened);
        assert_eq!((opened.count(), changed[2]), (1, Transition::Opened));
        assert_eq!(breaker.succeeded(early[9]), Transition::None);
        assert_eq!(breaker.admit(now), None);
        let probe = breaker.admit(now + SECOND).unwrap();
        assert_eq!(breaker.failed(early[9], now + SECOND), Transition::None);
        assert_eq!(breaker.succeeded(probe), Transition::Closed);
    }
}
