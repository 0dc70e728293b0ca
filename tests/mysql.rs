//! A database on the MySQL server that `TEST_MYSQL_URL` names, and users of it.

use std::path::PathBuf;

use sqlx::{AssertSqlSafe, Connection as _, MySqlConnection};
use tempfile::TempDir;

/// A database of its own. It is dropped with its tables when this is.
#[derive(Debug)]
pub struct Database {
    server: String,
    name: String,
}

/// A user that an engine signs in as. It is dropped when this is, whoever has made it.
#[derive(Debug)]
pub struct DatabaseUser<'a> {
    database: &'a Database,
    name: String,
    folder: TempDir,
}

impl Database {
    /// A new database; nothing where there is no server, which is said, and which is a failure
    /// where `MARTLET_TEST_REQUIRE` asks for it.
    pub fn create(purpose: &str) -> Option<Self> {
        let Ok(server) = std::env::var("TEST_MYSQL_URL") else {
            let required = std::env::var("MARTLET_TEST_REQUIRE").unwrap_or_default();
            assert!(
                !required.split(',').any(|means| matches!(means.trim(), "mysql" | "all")),
                "TEST_MYSQL_URL is not set"
            );
            eprintln!("SKIPPED: TEST_MYSQL_URL is not set");
            return None;
        };
        let database = Self { server, name: format!("martlet_{purpose}_{}", std::process::id()) };
        database.execute(&["CREATE DATABASE ", &database.name]);
        Some(database)
    }

    /// Its address.
    pub fn url(&self) -> String {
        format!("{}/{}", self.server.trim_end_matches('/'), self.name)
    }

    /// A user that isn't made yet, and whose file isn't written.
    pub fn user(&self) -> DatabaseUser<'_> {
        let folder = tempfile::tempdir().expect("a folder");
        DatabaseUser { database: self, name: format!("martlet_{}", std::process::id()), folder }
    }

    /// Has the server do what the parts of a statement say together. They are words of ours, and numbers.
    fn execute(&self, statement: &[&str]) {
        self.block_on(async |connection| {
            let sql = AssertSqlSafe(statement.concat());
            sqlx::query(sql).execute(connection).await.expect("the server does it");
        });
    }

    fn block_on<T>(&self, work: impl AsyncFnOnce(&mut MySqlConnection) -> T) -> T {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let mut connection = MySqlConnection::connect(&self.server).await.expect("the server answers");
            work(&mut connection).await
        })
    }
}

impl DatabaseUser<'_> {
    /// What it is called.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The database's address for it, with a password that isn't its.
    pub fn url(&self) -> String {
        let url = self.database.url();
        let (_, place) = url.split_once("://").expect("a URL");
        let place = place.split_once('@').map_or(place, |(_, place)| place);
        format!("mysql://{}:another@{place}", self.name)
    }

    /// The file of its password.
    pub fn file(&self) -> PathBuf {
        self.folder.path().join("password")
    }

    /// Writes a password to its file.
    pub fn write(&self, password: &str) {
        std::fs::write(self.file(), format!("{password}\n")).expect("the file is written");
    }

    /// Gives it another password and ends its connections. Its file is left as it is.
    pub fn lock_out(&self, password: &str) {
        const THEIRS: &str = "SELECT CAST(id AS SIGNED) FROM information_schema.processlist WHERE user = ?";
        self.database.execute(&["ALTER USER '", &self.name, "'@'%' IDENTIFIED BY '", password, "'"]);
        self.database.block_on(async |connection| {
            let theirs = sqlx::query_scalar(THEIRS).bind(&self.name);
            let theirs: Vec<i64> = theirs.fetch_all(&mut *connection).await.expect("a list");
            for id in theirs {
                // It may have ended by itself.
                drop(sqlx::query(AssertSqlSafe(format!("KILL {id}"))).execute(&mut *connection).await);
            }
        });
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        self.execute(&["DROP DATABASE ", &self.name]);
    }
}

impl Drop for DatabaseUser<'_> {
    fn drop(&mut self) {
        self.database.execute(&["DROP USER IF EXISTS '", &self.name, "'@'%'"]);
    }
}
