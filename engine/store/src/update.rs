//! Optimistic versions.

/// What became of a change that was made from a certain version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "a stale change wasn't made"]
pub enum Update {
    /// It was made, and this is the version now.
    Done {
        /// One more than the expected version.
        version: i64,
    },
    /// Somebody else was faster: nothing was changed.
    Stale {
        /// The version there is.
        current: i64,
    },
    /// There is nothing of that id in the store.
    Missing,
}

impl Update {
    /// What an update of one row by version means: `current` is the version found afterwards
    /// when no row matched.
    pub(crate) fn refused(current: Option<i64>) -> Self {
        current.map_or(Self::Missing, |current| Self::Stale { current })
    }
}

/// A value and the version it has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Versioned<T> {
    /// Counts changes, from 1.
    pub version: i64,
    /// The value.
    pub value: T,
}
