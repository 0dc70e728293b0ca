//! All that must differ between MySQL, MariaDB and SQLite.

use std::time::Duration;

use sqlx::{
    Connection as _, Executor as _, MySql, MySqlConnection, QueryBuilder, Sqlite,
    error::DatabaseError,
    mysql::{MySqlDatabaseError, MySqlPoolOptions},
    sqlite::{SqliteConnectOptions, SqliteError, SqliteJournalMode, SqliteSynchronous},
};
use uuid::Uuid;

use crate::{Durability, StoreConfig, shape::padded, sockets};

/// A connection to MySQL that nobody used for so long is asked whether it is still there.
const ASK_AFTER: Duration = Duration::from_secs(1);

/// What every connection to SQLite has.
pub(crate) fn sqlite_options(options: SqliteConnectOptions, config: &StoreConfig) -> SqliteConnectOptions {
    options
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(match config.durability {
            Durability::Normal => SqliteSynchronous::Normal,
            Durability::Full => SqliteSynchronous::Full,
        })
        .foreign_keys(true)
        .busy_timeout(config.lock_timeout)
        .statement_cache_capacity(config.statement_cache)
}

/// A pool whose connections behave alike on MySQL and MariaDB, whatever the server's defaults.
pub(crate) fn mysql_pool_options(config: &StoreConfig, port: u16) -> MySqlPoolOptions {
    let lock_timeout = i64::try_from(config.lock_timeout.as_secs()).unwrap_or(i64::MAX).max(1);
    MySqlPoolOptions::new()
        .max_connections(config.max_connections)
        .acquire_timeout(config.acquire_timeout)
        // A connection that was in use a moment ago is there: to ask would double the way to the server.
        .test_before_acquire(false)
        .before_acquire(|connection, used| {
            Box::pin(async move {
                if used.idle_for >= ASK_AFTER {
                    connection.ping().await?;
                }
                Ok(true)
            })
        })
        .after_connect(move |connection, _| {
            if let Err(error) = sockets::set_on_connections_to(port) {
                tracing::warn!(%error, "the sockets of connections to MySQL are left as they are");
            }
            Box::pin(mysql_session(connection, lock_timeout))
        })
}

async fn mysql_session(connection: &mut MySqlConnection, lock_timeout: i64) -> Result<(), sqlx::Error> {
    connection.execute("SET NAMES utf8mb4 COLLATE utf8mb4_bin").await?;
    connection.execute("SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED").await?;
    connection
        .execute(
            "SET SESSION sql_mode = 'PIPES_AS_CONCAT,ONLY_FULL_GROUP_BY,STRICT_TRANS_TABLES,STRICT_ALL_TABLES,\
             NO_ZERO_IN_DATE,NO_ZERO_DATE,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION'",
        )
        .await?;
    // A bound parameter, because the number isn't a constant fragment.
    sqlx::query("SET SESSION innodb_lock_wait_timeout = ?").bind(lock_timeout).execute(connection).await?;
    Ok(())
}

/// Waits for the lock that lets one engine migrate at a time, until the connection is closed. Whether
/// it got it. The one that sqlx takes waits -1 seconds: for ever on MySQL, not at all on MariaDB.
pub(crate) async fn lock_migrations(connection: &mut MySqlConnection) -> Result<bool, sqlx::Error> {
    const SQL: &str =
        "SELECT CAST(GET_LOCK(CONCAT('martlet.', LEFT(SHA2(DATABASE(), 256), 32)), 600) AS SIGNED)";
    let got: Option<i64> = sqlx::query_scalar(SQL).fetch_one(connection).await?;
    Ok(got == Some(1))
}

/// Whether a transaction lost against another and may be tried again.
pub(crate) fn is_transient(error: &dyn DatabaseError) -> bool {
    if let Some(error) = error.try_downcast_ref::<MySqlDatabaseError>() {
        // Deadlock, lock wait timeout, and MariaDB's record changed since last read.
        return matches!(error.number(), 1213 | 1205 | 1020);
    }
    // SQLITE_BUSY and SQLITE_LOCKED, in all their extended forms.
    sqlite_code(error).is_some_and(|code| matches!(code & 0xff, 5 | 6))
}

/// Whether MySQL refuses a user or its password.
pub(crate) fn is_sign_in_refused(error: &sqlx::Error) -> bool {
    mysql_number(error) == Some(1045)
}

/// Whether a user isn't made because there is one.
pub(crate) fn is_user_taken(error: &sqlx::Error) -> bool {
    mysql_number(error) == Some(1396)
}

fn mysql_number(error: &sqlx::Error) -> Option<u16> {
    Some(error.as_database_error()?.try_downcast_ref::<MySqlDatabaseError>()?.number())
}

/// Whether a server keeps the former password of a user beside a new one, by its `VERSION()`: Oracle's MySQL
/// does from 8.0.14 on, MariaDB doesn't.
pub(crate) fn keeps_former_password(version: &str) -> bool {
    let numbers = version.split(|c: char| !c.is_ascii_digit());
    let numbers: Vec<u32> = numbers.map_while(|number| number.parse().ok()).collect();
    !version.contains("MariaDB") && numbers.as_slice() >= &[8, 0, 14]
}

/// Whether a value doesn't fit its column.
pub(crate) fn is_out_of_bounds(error: &dyn DatabaseError) -> bool {
    if let Some(error) = error.try_downcast_ref::<MySqlDatabaseError>() {
        // Data too long, out of range (column and expression), and CHECK on MySQL and MariaDB.
        return matches!(error.number(), 1406 | 1264 | 1690 | 3819 | 4025);
    }
    // SQLITE_CONSTRAINT_CHECK and SQLITE_TOOBIG.
    sqlite_code(error).is_some_and(|code| matches!(code, 275 | 18))
}

/// Whether a statement names a table that isn't there.
pub(crate) fn is_missing_table(error: &dyn DatabaseError) -> bool {
    if let Some(error) = error.try_downcast_ref::<MySqlDatabaseError>() {
        return error.number() == 1146;
    }
    // SQLite has no code of its own for it.
    sqlite_code(error) == Some(1) && error.message().starts_with("no such table")
}

fn sqlite_code(error: &dyn DatabaseError) -> Option<i32> {
    error.try_downcast_ref::<SqliteError>().and_then(|error| error.code()?.parse().ok())
}

/// A statement put together from constant fragments and bound values, on either database.
pub(crate) trait Statement {
    /// Appends a constant fragment.
    fn part(&mut self, fragment: &'static str) -> &mut Self;
    /// Appends a placeholder for a number.
    fn int(&mut self, value: i64) -> &mut Self;
    /// Appends a placeholder for a text.
    fn text(&mut self, value: &str) -> &mut Self;
    /// Appends a placeholder for an id.
    fn id(&mut self, value: Uuid) -> &mut Self;
    /// Appends a placeholder for an id that may be missing.
    fn maybe_id(&mut self, value: Option<Uuid>) -> &mut Self;
    /// Appends a placeholder for a number that may be missing.
    fn maybe_int(&mut self, value: Option<i64>) -> &mut Self;
    /// Appends a placeholder for bytes.
    fn bytes(&mut self, value: &[u8]) -> &mut Self;
    /// Locks the rows that are read, in the order they are read, until the transaction ends. On SQLite
    /// the transaction has locked all others out already.
    fn for_update(&mut self) -> &mut Self;
    /// Appends the moment by the database's own clock, in milliseconds: the same one for all instances.
    fn now(&mut self) -> &mut Self;

    /// Appends `(?, ?, ...)`, for `IN`: some values stand in it more than once. An empty list isn't SQL:
    /// callers answer that without asking.
    fn list<T: Clone>(
        &mut self,
        values: impl IntoIterator<Item = T>,
        push: impl Fn(&mut Self, T) -> &mut Self,
    ) -> &mut Self {
        let mut separator = "(";
        for value in padded(values) {
            push(self.part(separator), value);
            separator = ", ";
        }
        self.part(")")
    }

    /// Appends a list of ids, see [`Statement::list`].
    fn ids(&mut self, values: impl IntoIterator<Item = Uuid>) -> &mut Self {
        self.list(values, Self::id)
    }
}

macro_rules! statement {
    ($database:ty, $lock:literal, $now:literal) => {
        impl Statement for QueryBuilder<$database> {
            fn part(&mut self, fragment: &'static str) -> &mut Self {
                self.push(fragment)
            }

            fn int(&mut self, value: i64) -> &mut Self {
                self.push_bind(value)
            }

            fn text(&mut self, value: &str) -> &mut Self {
                self.push_bind(value.to_owned())
            }

            fn id(&mut self, value: Uuid) -> &mut Self {
                self.push_bind(value)
            }

            fn maybe_id(&mut self, value: Option<Uuid>) -> &mut Self {
                self.push_bind(value)
            }

            fn maybe_int(&mut self, value: Option<i64>) -> &mut Self {
                self.push_bind(value)
            }

            fn bytes(&mut self, value: &[u8]) -> &mut Self {
                self.push_bind(value.to_vec())
            }

            fn for_update(&mut self) -> &mut Self {
                self.push($lock)
            }

            fn now(&mut self) -> &mut Self {
                self.push($now)
            }
        }
    };
}

statement!(MySql, " FOR UPDATE", "TIMESTAMPDIFF(MICROSECOND, '1970-01-01', UTC_TIMESTAMP(3)) DIV 1000");
// A fraction, so it is rounded: 0.001 has no exact one.
statement!(Sqlite, "", "CAST(ROUND(unixepoch('now', 'subsec') * 1000) AS INTEGER)");

#[cfg(test)]
mod tests {
    use super::keeps_former_password;

    #[test]
    fn servers_that_keep_a_former_password_are_told_by_their_version() {
        for version in ["8.0.14", "8.0.35-27", "8.4.3", "9.1.0-commercial"] {
            assert!(keeps_former_password(version), "{version}");
        }
        let others =
            ["5.7.44", "8.0.13", "8.0.11-TiDB-v8.5.0", "10.11.14-MariaDB-0+deb12u2", "11.4.2-MariaDB", ""];
        for version in others {
            assert!(!keeps_former_password(version), "{version}");
        }
    }
}
