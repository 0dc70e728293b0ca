//! A database on the MySQL server that `TEST_MYSQL_URL` names.

use sqlx::{AssertSqlSafe, Connection as _, MySqlConnection};

/// A database of its own. It is dropped with its tables when this is.
#[derive(Debug)]
pub struct Database {
    server: String,
    name: String,
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
        database.execute("CREATE DATABASE");
        Some(database)
    }

    /// Its address.
    pub fn url(&self) -> String {
        format!("{}/{}", self.server.trim_end_matches('/'), self.name)
    }

    fn execute(&self, statement: &str) {
        // The name is made of a word of ours and a number.
        let sql = AssertSqlSafe(format!("{statement} {}", self.name));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let mut connection = MySqlConnection::connect(&self.server).await.expect("the server answers");
            sqlx::query(sql).execute(&mut connection).await.expect("the server does it");
        });
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        self.execute("DROP DATABASE");
    }
}
