//! Databases to run the suite on.

use std::{
    io::{Read as _, Write as _},
    process::{Child, Command, Stdio},
    sync::{
        Once, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
};

use martlet_domain::{Id, settings::Store};
use martlet_store::{Db, StoreConfig, Tx};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, mysql::MySqlConnectOptions};
use tempfile::TempDir;
use uuid::Uuid;

use crate::samples;

const SERVER: &str = "TEST_MYSQL_URL";
const REQUIRE: &str = "MARTLET_TEST_REQUIRE";
/// Tells a second process of this suite whose databases to drop.
const DROP: &str = "MARTLET_TEST_DROP_PREFIX";

/// Where a behaviour is tried: a database with two stores in it.
pub(crate) struct World {
    /// The database.
    pub(crate) db: Db,
    /// Where it is.
    pub(crate) url: String,
    /// The store that is acted on.
    pub(crate) store: Id<Store>,
    /// One that must see nothing of it.
    pub(crate) other: Id<Store>,
    /// Where SQLite's file lies, until the end of the test.
    folder: Option<TempDir>,
}

impl World {
    async fn at(url: String, folder: Option<TempDir>) -> Self {
        let db = Db::open(&url, &StoreConfig::default()).await.unwrap();
        db.migrate().await.unwrap();
        let (store, other) = (samples::store(), samples::store());
        db.insert_store(&store).await.unwrap();
        db.insert_store(&other).await.unwrap();
        Self { db, url, store: store.id, other: other.id, folder }
    }

    /// Runs a statement as nobody should, to damage a row.
    pub(crate) async fn damage(&self, sql: String) {
        assert_eq!(self.attempt(sql).await.unwrap(), 1, "one row is damaged");
    }

    /// Runs a statement as nobody should, and says how many rows it changed.
    pub(crate) async fn attempt(&self, sql: String) -> Result<u64, sqlx::Error> {
        match self.db.begin().await.unwrap() {
            Tx::MySql(mut tx) => {
                let done = sqlx::query(AssertSqlSafe(sql)).execute(&mut *tx).await?;
                tx.commit().await.unwrap();
                Ok(done.rows_affected())
            }
            Tx::Sqlite(mut tx) => {
                let done = sqlx::query(AssertSqlSafe(sql)).execute(&mut *tx).await?;
                tx.commit().await.unwrap();
                Ok(done.rows_affected())
            }
        }
    }

    /// The URL of a database without tables, of the same kind.
    pub(crate) async fn empty_database(&self) -> String {
        match &self.folder {
            Some(folder) => format!("sqlite:{}", folder.path().join("empty.db").display()),
            None => create_mysql_database(&new_name()).await,
        }
    }
}

/// A name for a database or a user that is dropped when the suite ends.
pub(crate) fn new_name() -> String {
    format!("{}_{}", mysql_prefix(), number())
}

/// A number that no other call in this process gets.
pub(crate) fn number() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// An id that no other call in this process gets, above all earlier ones.
pub(crate) fn id<T>() -> Id<T> {
    Id::new(Uuid::from_u128(0x0198_0000_0000_7000_8000_0000_0000_0000 + u128::from(number())))
}

/// Runs a future to its end.
pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.worker_threads(2).enable_all().build().unwrap().block_on(future)
}

/// Tries a behaviour on SQLite.
pub(crate) fn on_sqlite<F: Future<Output = ()> + Send + 'static>(behaviour: fn(World) -> F) {
    block_on(async {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", folder.path().join("martlet.db").display());
        attempt(behaviour, World::at(url, Some(folder)).await).await;
    });
}

/// Tries a behaviour on the server that `TEST_MYSQL_URL` names.
pub(crate) fn on_mysql<F: Future<Output = ()> + Send + 'static>(behaviour: fn(World) -> F) {
    static DATABASE: OnceLock<String> = OnceLock::new();
    if !server_is_there() {
        return;
    }
    let url = DATABASE.get_or_init(|| block_on(create_mysql_database(mysql_prefix())));
    block_on(async { attempt(behaviour, World::at(url.clone(), None).await).await });
}

/// As a task of its own, so that what the store returns has to be `Send`.
async fn attempt<F: Future<Output = ()> + Send + 'static>(behaviour: fn(World) -> F, world: World) {
    if let Err(error) = tokio::spawn(behaviour(world)).await {
        std::panic::resume_unwind(error.into_panic());
    }
}

fn server_is_there() -> bool {
    static SAID: Once = Once::new();
    if std::env::var(SERVER).is_ok_and(|url| !url.is_empty()) {
        return true;
    }
    let required =
        std::env::var(REQUIRE).is_ok_and(|list| list.split(',').any(|item| item.trim() == "mysql"));
    assert!(!required, "{REQUIRE} asks for mysql, and {SERVER} names no server");
    SAID.call_once(|| {
        // Written past the test harness, which would swallow it.
        let words = format!("\n*** SKIPPED: the conformance suite on MySQL. Set {SERVER} to a server. ***\n");
        std::io::stderr().write_all(words.as_bytes()).unwrap();
    });
    false
}

fn server() -> MySqlConnectOptions {
    std::env::var(SERVER).unwrap().parse().unwrap()
}

/// What the names of this run's databases begin with. Random, because servers are shared.
fn mysql_prefix() -> &'static str {
    static PREFIX: OnceLock<(String, Child)> = OnceLock::new();
    let (prefix, _) = PREFIX.get_or_init(|| {
        let random = tempfile::Builder::new().prefix("").rand_bytes(12).tempdir().unwrap();
        let random = random.path().file_name().unwrap().to_string_lossy().to_lowercase();
        let prefix = format!("martlet_test_{random}");
        let heir = heir(&prefix);
        (prefix, heir)
    });
    prefix
}

pub(crate) async fn create_mysql_database(name: &str) -> String {
    let mut connection = server().connect().await.unwrap();
    let sql = format!("CREATE DATABASE {name} CHARACTER SET utf8mb4");
    sqlx::query(AssertSqlSafe(sql)).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
    let url = std::env::var(SERVER).unwrap();
    let (base, parameters) = url.split_once('?').map_or((url.as_str(), None), |(a, b)| (a, Some(b)));
    let host = base.trim_start_matches("mysql://").split('/').next().unwrap();
    let parameters = parameters.map(|text| format!("?{text}")).unwrap_or_default();
    format!("mysql://{host}/{name}{parameters}")
}

/// A process that outlives this one, however it ends, and then drops its databases and users: the test
/// harness has no word for "after all tests".
fn heir(prefix: &str) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "harness::databases_are_dropped_when_the_suite_has_ended"])
        .env(DROP, prefix)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

#[test]
#[ignore = "the suite starts it by itself, in a process of its own"]
fn databases_are_dropped_when_the_suite_has_ended() {
    let Ok(prefix) = std::env::var(DROP) else { return };
    // The pipe ends when the suite does.
    std::io::stdin().read_to_end(&mut Vec::new()).unwrap();
    block_on(async {
        let mut connection = server().connect().await.unwrap();
        let names: Vec<String> = sqlx::query_scalar(
            "SELECT CAST(schema_name AS CHAR) FROM information_schema.schemata WHERE LEFT(schema_name, ?) = ?",
        )
        .bind(prefix.len() as i64)
        .bind(&prefix)
        .fetch_all(&mut connection)
        .await
        .unwrap();
        assert!(!names.is_empty());
        let users: Vec<String> =
            sqlx::query_scalar("SELECT CAST(user AS CHAR) FROM mysql.user WHERE LEFT(user, ?) = ?")
                .bind(prefix.len() as i64)
                .bind(&prefix)
                .fetch_all(&mut connection)
                .await
                .unwrap();
        let databases = names.iter().map(|name| format!("DROP DATABASE {name}"));
        for sql in databases.chain(users.iter().map(|name| format!("DROP USER {name}@'%'"))) {
            sqlx::query(AssertSqlSafe(sql)).execute(&mut connection).await.unwrap();
        }
    });
}
