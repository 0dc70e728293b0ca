//! Connections to MySQL, and to a replica of it.

use std::{
    ops::Deref,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use sqlx::{MySql, MySqlPool, pool::PoolConnection};
use tokio::time::{Instant, timeout};

/// How long a read waits for a connection to the replica before it goes to the primary.
const PATIENCE: Duration = Duration::from_millis(250);
/// How long the replica is then left alone.
const REST: Duration = Duration::from_secs(5);

/// Connections to MySQL or MariaDB. It stands for the pool of the primary, where everything happens but
/// the reads of a handle from [`crate::Db::lagging`].
#[derive(Debug, Clone)]
pub struct MySqlPools {
    primary: MySqlPool,
    replica: Option<Replica>,
    /// Whether reads go to the replica.
    lags: bool,
}

#[derive(Debug, Clone)]
struct Replica {
    pool: MySqlPool,
    rests_until: Arc<Mutex<Option<Instant>>>,
}

impl MySqlPools {
    pub(crate) fn new(primary: MySqlPool) -> Self {
        Self { primary, replica: None, lags: false }
    }

    pub(crate) fn with_replica(self, pool: MySqlPool) -> Self {
        Self { replica: Some(Replica { pool, rests_until: Arc::default() }), ..self }
    }

    pub(crate) fn lagging(&self) -> Self {
        Self { lags: true, ..self.clone() }
    }

    /// The pool of the replica, where there is one.
    pub fn replica(&self) -> Option<&MySqlPool> {
        self.replica.as_ref().map(|replica| &replica.pool)
    }

    /// A connection for one read.
    pub(crate) async fn to_read(&self) -> Result<PoolConnection<MySql>, sqlx::Error> {
        if let (true, Some(replica)) = (self.lags, &self.replica)
            && let Some(connection) = replica.connection().await
        {
            return Ok(connection);
        }
        self.primary.acquire().await
    }

    /// Closes all connections once they are free.
    pub(crate) async fn close(&self) {
        if let Some(replica) = &self.replica {
            replica.pool.close().await;
        }
        self.primary.close().await;
    }
}

impl Deref for MySqlPools {
    type Target = MySqlPool;

    fn deref(&self) -> &MySqlPool {
        &self.primary
    }
}

impl Replica {
    /// A connection, unless there is none to be had soon.
    async fn connection(&self) -> Option<PoolConnection<MySql>> {
        if self.rests_until().is_some_and(|until| Instant::now() < until) {
            return None;
        }
        match timeout(PATIENCE, self.pool.acquire()).await {
            Ok(Ok(connection)) => return Some(connection),
            Ok(Err(error)) => tracing::warn!(%error, "the replica is left alone for some seconds"),
            Err(_) => tracing::warn!("the replica is left alone for some seconds: no connection came free"),
        }
        *self.rests_until() = Some(Instant::now() + REST);
        None
    }

    fn rests_until(&self) -> std::sync::MutexGuard<'_, Option<Instant>> {
        self.rests_until.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
