//! Simulations: what other rules would do, on a cart or on past orders.

use std::{fmt, str::FromStr};

use crate::{Entity, Malformed};

/// Orders that one simulation goes through at most.
pub const MAX_ORDERS: u32 = 5_000;
/// Simulations of a store that run at a time.
pub const MAX_RUNNING: i64 = 2;
/// Simulations of a store that wait at most.
pub const MAX_QUEUED: i64 = 20;
/// Simulations of a store that are kept; older ones go.
pub const KEPT: u32 = 200;

/// A simulation, by which its id is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Simulation;

impl Entity for Simulation {
    const NAME: &'static str = "simulation";
}

/// How far a simulation has got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SimulationState {
    /// It waits for its turn.
    Queued,
    /// It is being worked on.
    Running,
    /// It is through.
    Done,
    /// It can't be worked out.
    Failed,
    /// Somebody stopped it.
    Cancelled,
    /// The instance that worked on it is gone.
    Interrupted,
}

impl SimulationState {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Queued, Self::Running, Self::Done, Self::Failed, Self::Cancelled, Self::Interrupted];

    /// Its name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Interrupted => "interrupted",
        }
    }

    /// Whether nothing more will come of it.
    pub const fn has_ended(self) -> bool {
        !matches!(self, Self::Queued | Self::Running)
    }
}

impl fmt::Display for SimulationState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for SimulationState {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let known = Self::ALL.into_iter().find(|state| state.as_str() == text);
        known.ok_or_else(|| Malformed::new("simulation state", "is not one that there is"))
    }
}

/// What other rules would mean for who placed an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SimulatedOutcome {
    /// They would have paid less.
    Winner,
    /// They would have paid more.
    Loser,
    /// They would have paid the same.
    Unchanged,
    /// It couldn't be worked out, or the order couldn't have been placed.
    Failed,
}

impl SimulatedOutcome {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Winner, Self::Loser, Self::Unchanged, Self::Failed];

    /// That of a total that becomes another.
    pub const fn of(before: i64, after: i64) -> Self {
        if after < before {
            Self::Winner
        } else if after > before {
            Self::Loser
        } else {
            Self::Unchanged
        }
    }

    /// Its name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Winner => "winner",
            Self::Loser => "loser",
            Self::Unchanged => "unchanged",
            Self::Failed => "failed",
        }
    }
}

impl FromStr for SimulatedOutcome {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let known = Self::ALL.into_iter().find(|outcome| outcome.as_str() == text);
        let names = Self::ALL.map(Self::as_str).join(", ");
        known.ok_or_else(|| Malformed::new("outcome", format!("is one of {names}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_pays_less_wins_and_names_are_read_back() {
        let of = SimulatedOutcome::of;
        assert_eq!(
            [of(2, 1), of(1, 2), of(2, 2)],
            [SimulatedOutcome::Winner, SimulatedOutcome::Loser, SimulatedOutcome::Unchanged]
        );
        for outcome in SimulatedOutcome::ALL {
            assert_eq!(outcome.as_str().parse(), Ok(outcome));
        }
        for state in SimulationState::ALL {
            assert_eq!(state.as_str().parse(), Ok(state));
        }
        assert!("Done".parse::<SimulationState>().is_err() && "".parse::<SimulatedOutcome>().is_err());
        assert_eq!(
            SimulationState::ALL.map(SimulationState::has_ended),
            [false, false, true, true, true, true]
        );
    }
}
