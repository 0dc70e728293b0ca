//! Connections to MySQL, and to a replica of it.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use sqlx::{MySql, Transaction, pool::PoolConnection};
use tokio::time::{Instant, timeout};

use crate::connections::Connections;

/// How long a read waits for a connection to the replica before it goes to the primary.
const PATIENCE: Duration = Duration::from_millis(250);
/// How long the replica is then left alone.
const REST: Duration = Duration::from_secs(5);

/// Connections to MySQL or MariaDB. They are the primary's, where everything happens but the reads of a
/// handle from [`crate::Db::lagging`].
#[derive(Debug, Clone)]
pub struct MySqlPools {
    primary: Connections,
    replica: Option<Replica>,
    /// Whether reads go to the replica.
    lags: bool,
}

#[derive(Debug, Clone)]
struct Replica {
    connections: Connections,
    rests_until: Arc<Mutex<Option<Instant>>>,
}

/// What a read may be from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    /// Whatever the handle reads from.
    Any,
    /// The primary, whatever the handle is.
    Primary,
}

/// A connection for one read.
pub(crate) struct Reader<'a> {
    pub(crate) connection: PoolConnection<MySql>,
    /// The replica, where it is one to that.
    of: Option<&'a Replica>,
}

impl Reader<'_> {
    /// Whether a read that failed like this is to be done again, from the primary. Any failure on a replica
    /// is reason enough: it may be going down, or not have a table yet.
    pub(crate) fn failed_on_replica(&self, error: &sqlx::Error) -> bool {
        let Some(replica) = self.of else { return false };
        if is_lost(error) {
            tracing::warn!(%error, "the replica is left alone for some seconds");
            replica.rest();
        } else {
            tracing::debug!(%error, "a read that failed on the replica is done on the primary");
        }
        true
    }
}

/// Whether the other end is gone, rather than at odds with what it was asked.
const fn is_lost(error: &sqlx::Error) -> bool {
    matches!(error, sqlx::Error::Io(_) | sqlx::Error::Tls(_) | sqlx::Error::Protocol(_))
}

impl MySqlPools {
    pub(crate) fn new(primary: Connections) -> Self {
        Self { primary, replica: None, lags: false }
    }

    pub(crate) fn with_replica(self, connections: Connections) -> Self {
        Self { replica: Some(Replica { connections, rests_until: Arc::default() }), ..self }
    }

    pub(crate) fn lagging(&self) -> Self {
        Self { lags: true, ..self.clone() }
    }

    /// A connection to the primary, once one is free.
    pub async fn acquire(&self) -> Result<PoolConnection<MySql>, sqlx::Error> {
        self.primary.acquire().await
    }

    /// How many connections to the primary there are.
    pub fn size(&self) -> u32 {
        self.primary.size()
    }

    /// How many of them are free.
    pub fn num_idle(&self) -> usize {
        self.primary.num_idle()
    }

    /// Connections to the primary.
    pub(crate) const fn primary(&self) -> &Connections {
        &self.primary
    }

    /// A transaction on the primary, once a connection is free.
    pub(crate) async fn begin(&self) -> Result<Transaction<'static, MySql>, sqlx::Error> {
        self.primary.begin().await
    }

    /// A connection for one read.
    pub(crate) async fn to_read(&self, from: Source) -> Result<Reader<'_>, sqlx::Error> {
        if let (true, Source::Any, Some(replica)) = (self.lags, from, &self.replica)
            && let Some(connection) = replica.connection().await
        {
            return Ok(Reader { connection, of: Some(replica) });
        }
        Ok(Reader { connection: self.primary.acquire().await?, of: None })
    }

    /// Closes all connections once they are free.
    pub(crate) async fn close(&self) {
        if let Some(replica) = &self.replica {
            replica.connections.close().await;
        }
        self.primary.close().await;
    }
}

impl Replica {
    /// A connection, unless there is none to be had soon.
    async fn connection(&self) -> Option<PoolConnection<MySql>> {
        if self.rests_until().is_some_and(|until| Instant::now() < until) {
            return None;
        }
        match timeout(PATIENCE, self.connections.acquire()).await {
            Ok(Ok(connection)) => return Some(connection),
            Ok(Err(error)) => tracing::warn!(%error, "the replica is left alone for some seconds"),
            // All its connections are at work, which it may well get done before the next read. One that is
            // being made counts, but who waited for it in vain has just taken it back.
            Err(_) if self.connections.is_full() => {
                tracing::debug!("no connection to the replica came free");
                return None;
            }
            Err(_) => tracing::warn!("the replica is left alone for some seconds: it can't be connected to"),
        }
        self.rest();
        None
    }

    fn rest(&self) {
        *self.rests_until() = Some(Instant::now() + REST);
    }

    fn rests_until(&self) -> std::sync::MutexGuard<'_, Option<Instant>> {
        self.rests_until.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
