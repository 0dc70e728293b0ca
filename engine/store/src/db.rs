//! Opening a database, and transactions.

use std::{str::FromStr as _, time::Duration};

use sqlx::{
    MySql, Sqlite, SqlitePool, Transaction,
    mysql::MySqlConnectOptions,
    sqlite::{SqliteConnectOptions, SqlitePoolOptions},
};

use crate::{MySqlPools, StoreConfig, StoreError, connections::Connections, dialect};

/// Connections that engines leave to others.
const SPARE_CONNECTIONS: i64 = 10;
/// How often a transaction is tried that loses against others.
const MOST_TRIES: u32 = 8;

/// A database. Cheap to clone.
#[derive(Debug, Clone)]
pub enum Db {
    /// MySQL or MariaDB.
    MySql(MySqlPools),
    /// SQLite, in WAL mode: any number of readers beside one writer.
    Sqlite {
        /// Connections that can't write.
        read: SqlitePool,
        /// The one that writes.
        write: SqlitePool,
    },
}

/// What a MySQL server allows all its clients together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ServerLimits {
    /// `max_connections`.
    pub connections: i64,
    /// `max_prepared_stmt_count`.
    pub statements: i64,
}

impl ServerLimits {
    /// How many engines with the same settings fit.
    pub fn engines(&self, config: &StoreConfig) -> i64 {
        let connections = i64::from(config.max_connections);
        let statements = i64::try_from(config.statement_cache).unwrap_or(i64::MAX);
        let by_statements = self.statements / connections.saturating_mul(statements).max(1);
        // Migrations and operators want some too.
        ((self.connections - SPARE_CONNECTIONS) / connections.max(1)).min(by_statements).max(0)
    }
}

/// A transaction. Dropped without a commit, it is rolled back.
#[derive(Debug)]
pub enum Tx {
    /// On MySQL or MariaDB.
    MySql(Transaction<'static, MySql>),
    /// On SQLite, where it has the only write lock from its beginning.
    Sqlite(Transaction<'static, Sqlite>),
}

impl Db {
    /// Opens `sqlite:PATH`, `sqlite://PATH` or `mysql://USER:PASSWORD@HOST:PORT/DATABASE`. A file
    /// is created when there is none; its folder isn't. No table is made: see
    /// [`Db::migrate`].
    pub async fn open(url: &str, config: &StoreConfig) -> Result<Self, StoreError> {
        if let Some(path) = url.strip_prefix("sqlite:") {
            Self::open_sqlite(path.strip_prefix("//").unwrap_or(path), config).await
        } else if url.starts_with("mysql:") {
            Self::open_mysql(url, config).await
        } else {
            Err(StoreError::Unusable("its URL begins with neither sqlite: nor mysql:".to_owned()))
        }
    }

    /// The same with a replica of the database, for [`Db::lagging`]: a MySQL that follows the one that
    /// `url` names. It isn't connected to before something is read from it.
    pub async fn open_with_replica(
        url: &str,
        replica_url: &str,
        config: &StoreConfig,
    ) -> Result<Self, StoreError> {
        let replica = mysql_options(replica_url, "the URL of its replica", config)?;
        match Self::open(url, config).await? {
            Self::MySql(pools) => {
                Ok(Self::MySql(pools.with_replica(Connections::lazy(replica, config).await?)))
            }
            Self::Sqlite { .. } => Err(StoreError::Unusable("only MySQL has replicas".to_owned())),
        }
    }

    /// A handle that reads from the replica, where there is one and it answers; else from where all others
    /// read. What it reads may be seconds old, so it is never for refilling a copy after a change.
    /// Transactions are on the primary.
    #[must_use]
    pub fn lagging(&self) -> Self {
        match self {
            Self::MySql(pools) => Self::MySql(pools.lagging()),
            Self::Sqlite { .. } => self.clone(),
        }
    }

    async fn open_sqlite(path: &str, config: &StoreConfig) -> Result<Self, StoreError> {
        if path.is_empty() || path.starts_with(":memory:") || path.contains('?') {
            let problem = "sqlite: takes the path of a file, without parameters";
            return Err(StoreError::Unusable(problem.to_owned()));
        }
        if config.password_file.is_some() {
            return Err(StoreError::Unusable("only MySQL has passwords".to_owned()));
        }
        let options = dialect::sqlite_options(SqliteConnectOptions::new().filename(path), config);
        // The writer goes first: it makes the file and switches it to WAL.
        let write = open_writer(path, options.clone().create_if_missing(true), config).await?;
        let read = SqlitePoolOptions::new()
            .max_connections(config.max_connections)
            .test_before_acquire(false)
            .acquire_timeout(config.acquire_timeout)
            .connect_with(options.pragma("query_only", "ON"))
            .await?;
        Ok(Self::Sqlite { read, write })
    }

    async fn open_mysql(url: &str, config: &StoreConfig) -> Result<Self, StoreError> {
        let options = mysql_options(url, "its URL", config)?;
        Ok(Self::MySql(MySqlPools::new(Connections::open(options, config).await?)))
    }

    /// Asks the database for an answer, as a readiness check does.
    pub async fn ping(&self) -> Result<(), StoreError> {
        read!(self, |c| sqlx::query_scalar::<_, i64>("SELECT 1").fetch_one(c).await)?;
        Ok(())
    }

    /// What the server allows all engines together; nothing on SQLite.
    pub async fn server_limits(&self) -> Result<Option<ServerLimits>, StoreError> {
        const SQL: &str = "SELECT CAST(@@max_connections AS SIGNED), \
             CAST(@@max_prepared_stmt_count AS SIGNED)";
        let Self::MySql(pools) = self else { return Ok(None) };
        let (connections, statements): (i64, i64) =
            sqlx::query_as(SQL).fetch_one(&mut *pools.acquire().await?).await?;
        Ok(Some(ServerLimits { connections, statements }))
    }

    /// Closes all connections once they are free.
    pub async fn close(&self) {
        match self {
            Self::MySql(pools) => pools.close().await,
            Self::Sqlite { read, write } => {
                read.close().await;
                // The last connection to leave folds the WAL into the file.
                write.close().await;
            }
        }
    }

    /// Begins a transaction. Prefer [`crate::transaction!`], which tries again when it loses.
    pub async fn begin(&self) -> Result<Tx, StoreError> {
        match self {
            Self::MySql(pools) => Ok(Tx::MySql(pools.begin().await?)),
            // A transaction that begins as a reader can't become a writer while another writes.
            Self::Sqlite { write, .. } => Ok(Tx::Sqlite(write.begin_with("BEGIN IMMEDIATE").await?)),
        }
    }

    /// Whether a transaction that failed like this is to be tried again, after a pause.
    #[doc(hidden)]
    pub async fn tries_again(error: &StoreError, tries: u32) -> bool {
        if !error.is_transient() || tries >= MOST_TRIES {
            return false;
        }
        tracing::debug!(tries, %error, "a transaction lost against another and is tried again");
        tokio::time::sleep(Duration::from_millis(1 << tries)).await;
        true
    }
}

/// `of` says in messages whose URL it is.
fn mysql_options(url: &str, of: &str, config: &StoreConfig) -> Result<MySqlConnectOptions, StoreError> {
    // The parser's own words may quote the URL, and with it the password.
    let options = Some(url).filter(|url| url.starts_with("mysql:"));
    let options = options.and_then(|url| MySqlConnectOptions::from_str(url).ok()).ok_or_else(|| {
        StoreError::Unusable(format!("{of} isn't mysql://USER:PASSWORD@HOST:PORT/DATABASE"))
    })?;
    if options.get_database().is_none_or(str::is_empty) {
        return Err(StoreError::Unusable(format!("{of} names no database: add /NAME")));
    }
    Ok(options.statement_cache_capacity(config.statement_cache))
}

/// Opens the only connection that writes. The switch to WAL doesn't wait for other engines that
/// open the same new file, whatever the busy timeout, so it is tried again.
async fn open_writer(
    path: &str,
    options: SqliteConnectOptions,
    config: &StoreConfig,
) -> Result<SqlitePool, StoreError> {
    let mut tries = 0;
    loop {
        let pool = SqlitePoolOptions::new()
            .max_connections(1)
            // A file doesn't hang up, and asking it would double the way to the connection's thread.
            .test_before_acquire(false)
            .acquire_timeout(config.acquire_timeout)
            .max_lifetime(None)
            .idle_timeout(None);
        let error = match pool.connect_with(options.clone()).await {
            Ok(pool) => return Ok(pool),
            Err(error) => StoreError::from(error),
        };
        tries += 1;
        if !Db::tries_again(&error, tries).await {
            return Err(StoreError::Unusable(format!("{path} can't be opened ({error})")));
        }
    }
}

impl Tx {
    /// Makes its changes visible and lasting.
    pub async fn commit(self) -> Result<(), StoreError> {
        match self {
            Self::MySql(transaction) => transaction.commit().await?,
            Self::Sqlite(transaction) => transaction.commit().await?,
        }
        Ok(())
    }

    /// Undoes its changes. A connection on which that fails is dropped, which undoes them too.
    pub async fn rollback(self) {
        let undone = match self {
            Self::MySql(transaction) => transaction.rollback().await,
            Self::Sqlite(transaction) => transaction.rollback().await,
        };
        if let Err(error) = undone {
            tracing::debug!(%error, "a transaction wasn't rolled back by request");
        }
    }
}
