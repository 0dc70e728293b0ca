//! Bringing the tables up to date.

use std::{collections::BTreeSet, fs::File, path::Path, sync::LazyLock, time::Duration};

use sqlx::{SqlitePool, migrate::Migrator};

use crate::{Db, StoreConfig, StoreError, connections::Connections, dialect};

static MYSQL: LazyLock<Migrator> = LazyLock::new(|| tolerant(sqlx::migrate!("migrations/mysql")));
static SQLITE: LazyLock<Migrator> = LazyLock::new(|| tolerant(sqlx::migrate!("migrations/sqlite")));

/// How long a migration waits for a lock of another session.
const LOCK_TIMEOUT: Duration = Duration::from_secs(60);

/// A step from one shape of the tables to the next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Migration {
    /// Its number, the same on every database.
    pub number: i64,
    /// What it does.
    pub description: String,
}

impl Db {
    /// Brings the tables up to date. Engines that start at once wait for each other, and those
    /// that come later find nothing to do.
    pub async fn migrate(&self) -> Result<(), StoreError> {
        match self {
            Self::MySql(pools) => {
                // Connections of its own, closed even on failure: sqlx keeps a lock on one whose
                // migration failed, and in the pool it would block the next run.
                let config =
                    StoreConfig { max_connections: 2, lock_timeout: LOCK_TIMEOUT, ..StoreConfig::default() };
                let own = pools.primary().beside(config).await?;
                let outcome = migrate_mysql(&own).await;
                own.close().await;
                outcome
            }
            Self::Sqlite { write, .. } => {
                let lock = lock_beside(write).await?;
                let outcome = SQLITE.run(write).await;
                drop(lock);
                Ok(outcome?)
            }
        }
    }

    /// The migrations that [`Db::migrate`] would run.
    pub async fn pending_migrations(&self) -> Result<Vec<Migration>, StoreError> {
        let applied = self.applied_migrations().await?;
        let known = match self {
            Self::MySql(_) => &MYSQL,
            Self::Sqlite { .. } => &SQLITE,
        };
        let pending = known.iter().filter(|migration| !applied.contains(&migration.version));
        Ok(pending
            .map(|migration| Migration {
                number: migration.version,
                description: migration.description.to_string(),
            })
            .collect())
    }

    async fn applied_migrations(&self) -> Result<BTreeSet<i64>, StoreError> {
        const SQL: &str = "SELECT version FROM _sqlx_migrations WHERE success = TRUE";
        match read!(self, |c| sqlx::query_scalar::<_, i64>(SQL).fetch_all(c).await) {
            Ok(versions) => Ok(versions.into_iter().collect()),
            Err(error) if error.as_database_error().is_some_and(dialect::is_missing_table) => {
                Ok(BTreeSet::new())
            }
            Err(error) => Err(error.into()),
        }
    }
}

/// Migrations of a later release are no trouble: they only add, so this one runs on what they leave.
fn tolerant(mut migrator: Migrator) -> Migrator {
    migrator.set_ignore_missing(true);
    migrator
}

async fn migrate_mysql(connections: &Connections) -> Result<(), StoreError> {
    let mut lock = connections.acquire().await?;
    if !dialect::lock_migrations(&mut lock).await? {
        let problem = "another engine has been migrating it for ten minutes: see whether that one hangs";
        return Err(StoreError::Unusable(problem.to_owned()));
    }
    // `run` is the same, but makes this future one that can't be sent to another thread.
    let outcome = MYSQL.run_direct(None, &mut *connections.acquire().await?, false).await;
    // With its connection ends the lock.
    let closed = lock.close().await;
    outcome?;
    Ok(closed?)
}

/// Locks a file beside the database until it is dropped. SQLite itself has no lock that spans a
/// whole run of migrations.
async fn lock_beside(pool: &SqlitePool) -> Result<File, StoreError> {
    let options = pool.connect_options();
    let mut path = options.get_filename().as_os_str().to_owned();
    path.push(".migrate-lock");
    let locked = tokio::task::spawn_blocking(move || {
        let file = File::create(Path::new(&path))?;
        file.lock()?;
        Ok::<_, std::io::Error>(file)
    });
    match locked.await {
        Ok(Ok(file)) => Ok(file),
        Ok(Err(error)) => {
            Err(StoreError::Unusable(format!("the lock file beside it can't be held ({error})")))
        }
        Err(error) => Err(StoreError::Unusable(format!("waiting for its lock file failed ({error})"))),
    }
}
