//! How a database is used.

use std::{path::PathBuf, time::Duration};

/// How a database is used. The defaults suit one engine on a small machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreConfig {
    /// A file with the password for MySQL and its replica, instead of those in their URLs. It is read again
    /// when it is refused.
    pub password_file: Option<PathBuf>,
    /// Most connections to MySQL, or most readers of SQLite, which has one writer besides. Times
    /// `statement_cache`, over all engines, it stays below MySQL's `max_prepared_stmt_count`
    /// (16,382).
    pub max_connections: u32,
    /// How long a query waits for a free connection before it fails with
    /// [`crate::StoreError::PoolTimeout`].
    pub acquire_timeout: Duration,
    /// How long a statement waits for a lock, in whole seconds on MySQL.
    pub lock_timeout: Duration,
    /// Prepared statements kept for each connection.
    pub statement_cache: usize,
    /// What SQLite does before it calls a transaction committed.
    pub durability: Durability,
}

impl Default for StoreConfig {
    fn default() -> Self {
        Self {
            password_file: None,
            max_connections: 16,
            acquire_timeout: Duration::from_secs(5),
            lock_timeout: Duration::from_secs(5),
            statement_cache: 100,
            durability: Durability::Normal,
        }
    }
}

/// What SQLite does before it calls a transaction committed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Durability {
    /// Survives a crash of the engine; a power cut can take the last transactions, whole.
    #[default]
    Normal,
    /// Survives a power cut.
    Full,
}
