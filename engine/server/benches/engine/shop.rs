//! The demo store in a database of its own, and servers on loopback.

use std::{net::SocketAddr, path::Path, sync::Arc};

use anyhow::{Context as _, Result, ensure};
use axum::{
    Router,
    body::{Body, Bytes},
    http::{HeaderValue, Method, Request, header},
};
use http_body_util::BodyExt as _;
use martlet_domain::{Timestamp, catalog::Handle, settings::Store};
use martlet_plugin_host::{Host, HostConfig};
use martlet_server::{
    auth::PasswordCost,
    clock::{Clock, SetClock},
    config::{Config, LimitsConfig, PluginsConfig, ServerConfig},
    ids::Ids,
    inspector::How,
    redis::Redis,
    router,
    seed::Seeder,
    serve,
    state::{AppState, Foundation, World},
};
use martlet_store::{Db, StoreConfig};
use sqlx::{AssertSqlSafe, Connection as _, MySqlConnection};
use tempfile::TempDir;
use tokio::{net::TcpListener, runtime::Runtime};
use tower::ServiceExt as _;

/// 2026-03-01T12:00:00Z. It stands still, so that an answer is as long each time.
pub(crate) const NOW: Timestamp = Timestamp::from_millis(1_772_366_400_000);

/// The engine over the demo store.
pub(crate) struct Shop {
    pub(crate) state: AppState,
    pub(crate) store: Store,
    pub(crate) router: Router,
    pub(crate) runtime: Runtime,
    /// What its database is called.
    pub(crate) database: &'static str,
    _folder: TempDir,
}

/// What was answered to one request.
pub(crate) struct Answer {
    pub(crate) content_type: HeaderValue,
    pub(crate) body: Bytes,
}

impl Shop {
    /// Seeds the demo store with components from a folder, in a file.
    pub(crate) fn open(components: &Path) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let url = format!("sqlite://{}", folder.path().join("bench.db").display());
        Self::open_at(components, &url, "SQLite", folder)
    }

    /// The same in a database on the MySQL server that `TEST_MYSQL_URL` names; nothing where there is
    /// none. The database stays, and goes with the server.
    pub(crate) fn open_mysql(components: &Path) -> Result<Option<Self>> {
        let Ok(server) = std::env::var("TEST_MYSQL_URL") else { return Ok(None) };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let name = format!("martlet_bench_{}", std::process::id());
        runtime.block_on(async {
            let mut connection = MySqlConnection::connect(&server).await?;
            sqlx::query(AssertSqlSafe(format!("CREATE DATABASE {name}"))).execute(&mut connection).await?;
            connection.close().await
        })?;
        let url = format!("{}/{name}", server.trim_end_matches('/'));
        Self::open_at(components, &url, "MySQL", tempfile::tempdir()?).map(Some)
    }

    fn open_at(components: &Path, url: &str, database: &'static str, folder: TempDir) -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        let (state, store) = runtime.block_on(seeded(url, components))?;
        let router = router::router(state.clone());
        Ok(Self { router, state, store, runtime, database, _folder: folder })
    }

    /// Seeds another store of the same engine.
    pub(crate) fn seed(&self, handle: &str, components: &Path) -> Result<Store> {
        self.runtime.block_on(seed(&self.state, handle.parse()?, components))
    }

    pub(crate) fn host(&self) -> &Arc<Host> {
        self.state.selling.pricer.host()
    }

    /// The answer to a request that must succeed.
    pub(crate) fn ask(&self, method: Method, path: &str, body: String) -> Result<Answer> {
        let request = Request::builder().method(method).uri(path);
        let request = request.header(header::CONTENT_TYPE, "application/json").body(Body::from(body))?;
        self.runtime.block_on(async {
            let (head, body) = self.router.clone().oneshot(request).await?.into_parts();
            let body = body.collect().await?.to_bytes();
            ensure!(head.status.is_success(), "{path}: {} {}", head.status, String::from_utf8_lossy(&body));
            let content_type = head.headers.get(header::CONTENT_TYPE).context("an answer without a type")?;
            Ok(Answer { content_type: content_type.clone(), body })
        })
    }

    /// Serves in the background, as the engine serves itself, for as long as the shop is there.
    pub(crate) fn serve(&self, router: Router) -> Result<SocketAddr> {
        let listener = self.runtime.block_on(TcpListener::bind(("127.0.0.1", 0)))?;
        let address = listener.local_addr()?;
        let operations = Arc::clone(&self.state.frame.operations);
        self.runtime.spawn(async move {
            let config = ServerConfig::default();
            serve::serve(listener, router, operations, &config, std::future::pending()).await;
        });
        Ok(address)
    }
}

async fn seeded(url: &str, components: &Path) -> Result<(AppState, Store)> {
    let db = Db::open(url, &StoreConfig::default()).await?;
    db.migrate().await?;
    let host = Arc::new(Host::new(HostConfig::default())?);
    let foundation = Foundation {
        db,
        redis: Redis::off(),
        inspection: How::Here(host.clone()),
        host,
        clock: Clock::Set(SetClock::at(NOW)),
        ids: Ids::System,
        password_cost: PasswordCost::default(),
    };
    // One address asks as fast as it can, and what fails goes on failing.
    let limits = LimitsConfig { enabled: false, ..LimitsConfig::default() };
    let plugins = PluginsConfig { quarantine_failures: 0, ..PluginsConfig::default() };
    let state = AppState::new(&Config { limits, plugins, ..Config::default() }, foundation)?;
    let store = seed(&state, state.frame.rules.default_store.clone(), components).await?;
    Ok((state, store))
}

async fn seed(state: &AppState, handle: Handle, components: &Path) -> Result<Store> {
    let AppState { db, world: World { clock, ids }, .. } = state;
    let seeder = Seeder { db, host: state.selling.pricer.host(), clock, ids };
    seeder.seed(&handle, components, &mut |_| ()).await?;
    db.find_store_by_handle(&handle).await?.context("the seeder made no store")
}
