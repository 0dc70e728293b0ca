//! What plugins log.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::{Entity, Id, Malformed, Timestamp, quote::Stage};

/// How much a line of log matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogLevel {
    /// For the plugin's author.
    Debug,
    /// Of interest.
    Info,
    /// Something is off.
    Warn,
    /// Something failed.
    Error,
}

impl LogLevel {
    /// All of them, the least first.
    pub const ALL: [Self; 4] = [Self::Debug, Self::Info, Self::Warn, Self::Error];

    /// Its name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
        }
    }
}

impl fmt::Display for LogLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for LogLevel {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|level| level.as_str() == text).ok_or_else(|| {
            let known = Self::ALL.map(Self::as_str).join(", ");
            Malformed::new("level", format!("is one of {known}"))
        })
    }
}

/// A line that an installation logged while a cart was priced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogEntry {
    /// Its id. Later ones are above earlier ones.
    pub id: Id<LogEntry>,
    /// When.
    pub at: Timestamp,
    /// How much it matters.
    pub level: LogLevel,
    /// In which stage.
    pub stage: Stage,
    /// What it says. Control characters are escaped.
    pub message: String,
}

impl Entity for LogEntry {
    const NAME: &'static str = "line of log";
}
