//! The real router over a database of its own, with a clock that stands still and ids that repeat.

mod certificates;
mod customers;
mod installed;
mod instances;
mod log;
mod orders;
mod plugin;
mod published;
mod redis;

use std::{
    net::SocketAddr,
    sync::{Arc, LazyLock},
    time::Duration,
};

use axum::{
    Router,
    body::Body,
    extract::ConnectInfo,
    http::{HeaderMap, Method, Request, StatusCode, header},
};
use http_body_util::BodyExt as _;
use martlet_domain::{
    Timestamp,
    access::{Grant, Role, Scope},
    money::Ppm,
    plugin::{Installation, PluginVersion, World},
    settings::{Store, StoreSettings, TaxRates},
};
use martlet_plugin_host::{Host, HostConfig};
use martlet_store::{Db, StoreConfig};
use serde_json::{Value, json};
use tempfile::TempDir;
use tower::ServiceExt as _;

pub use certificates::CertificateFiles;
pub use customers::{PASSWORD, SignedIn};
pub use installed::{Installed, component};
pub use log::logged;
pub use redis::{TestRedis, free_port};

use crate::{
    access::make_key,
    auth::PasswordCost,
    cli,
    clock::{Clock, SetClock},
    config::{Config, LimitsConfig, PluginsConfig, SigningKeys},
    ids::Ids,
    inspector::How,
    plugins,
    redis::Redis,
    router,
    secret::Secret,
    state::{AppState, Foundation},
};

/// 2026-03-01T12:00:00Z.
pub const NOW: Timestamp = Timestamp::from_millis(1_772_366_400_000);

/// What a password costs in tests, so that they needn't wait.
const CHEAP: PasswordCost = PasswordCost { memory_kib: 8, passes: 1 };

/// Engines reserve gigabytes of address space, so all tests of a process share one.
static HOST: LazyLock<Arc<Host>> = LazyLock::new(|| {
    let config = HostConfig { slots: 8, ..HostConfig::default() };
    Arc::new(Host::new(config).expect("a plugin host"))
});

/// An engine with the store `default`, in US dollars, and a key to it.
pub struct TestApp {
    /// What handlers share.
    pub state: AppState,
    /// Moves the time.
    pub clock: SetClock,
    /// The store `default`.
    pub store: Store,
    /// Secret of an API key of that store.
    pub key: String,
    router: Router,
    _folder: TempDir,
}

/// What an app is made of, before it is made.
pub struct TestAppBuilder {
    config: Config,
    own_host: bool,
    redis: Redis,
    extra: Option<Box<dyn FnOnce(AppState) -> Router + Send>>,
}

impl TestApp {
    /// An engine as it is by default.
    pub async fn new() -> Self {
        Self::builder().build().await
    }

    /// An engine that is unlike the default.
    pub fn builder() -> TestAppBuilder {
        let mut config = Config::default();
        config.server.body_limit_bytes = 32 << 10;
        config.server.request_timeout_ms = 60_000;
        config.payments.timeout_ms = 1_000;
        // Tests ask as fast as they can.
        config.limits.enabled = false;
        TestAppBuilder { config, own_host: false, redis: Redis::off(), extra: None }
    }

    /// Another store, at hosts of its own, and a key to it.
    pub async fn add_store(&self, handle: &str, hosts: &[&str]) -> (Store, String) {
        add_store(&self.state, handle, hosts).await
    }

    /// The secret of another key of the store `default`: of a role, and narrowed to scopes where some are
    /// named.
    pub async fn key_with(&self, role: Role, scopes: &[Scope]) -> String {
        let grant = match scopes {
            [] => Grant::of(role),
            scopes => Grant::narrowed(role, scopes.iter().copied().collect()).expect("the role's scopes"),
        };
        let (db, world) = (&self.state.db, &self.state.world);
        let made = make_key(db, &world.clock, &world.ids, self.store.id, role.to_string(), grant).await;
        made.expect("a key").secret.reveal().to_owned()
    }

    /// A request that is still to be filled in.
    pub fn request(&self, method: Method, path: &str) -> TestRequest<'_> {
        TestRequest {
            app: self,
            method,
            path: path.to_owned(),
            headers: HeaderMap::new(),
            body: Body::empty(),
            peer: None,
        }
    }

    /// The answer to a shopper's GET.
    pub async fn get(&self, path: &str) -> Answer {
        self.request(Method::GET, path).send().await
    }

    /// The answer to a merchant's GET.
    pub async fn admin_get(&self, path: &str) -> Answer {
        self.request(Method::GET, path).key(&self.key).send().await
    }

    /// The answer to a merchant's POST.
    pub async fn admin_post(&self, path: &str, body: Value) -> Answer {
        self.request(Method::POST, path).key(&self.key).json(&body).send().await
    }

    /// The answer to a merchant's PUT that is based on a version.
    pub async fn admin_put(&self, path: &str, version: i64, body: Value) -> Answer {
        let request = self.request(Method::PUT, path).key(&self.key);
        request.header("if-match", &format!("\"{version}\"")).json(&body).send().await
    }

    /// A small plugin of a world, installed. It refuses the configuration `{}`, fails on those of
    /// more than 100 bytes, and says of others that its class is `order`.
    pub async fn install(&self, world: World) -> Installation {
        plugin::install(&self.state.db, &self.state.world.ids, self.store.id, world).await
    }

    /// The first version of the same plugin, which takes any configuration that it can check, and which
    /// nobody has installed.
    pub async fn uploaded(&self, world: World) -> PluginVersion {
        self.upload(world, "1.0.0", "{}").await
    }

    /// A version of the same plugin with a schema for its configuration.
    pub async fn upload(&self, world: World, version: &str, config_schema: &str) -> PluginVersion {
        let (db, ids) = (&self.state.db, &self.state.world.ids);
        plugin::upload(db, ids, self.store.id, world, version, config_schema).await
    }

    /// The answer to a merchant's PATCH.
    pub async fn admin_patch(&self, path: &str, body: Value) -> Answer {
        self.request(Method::PATCH, path).key(&self.key).json(&body).send().await
    }

    /// A product with the option `size` in S and M, and the body that was answered.
    pub async fn product(&self, handle: &str) -> Value {
        let answer = self.admin_post(
            "/api/v1/admin/products",
            json!({
                "handle": handle, "title": format!("The {handle}"), "published": true,
                "options": [{"name": "size", "values": ["S", "M"]}], "tags": ["wool"],
            }),
        );
        answer.await.expect_status(201).body
    }

    /// A variant of a product, at 19.99 USD, and the body that was answered.
    pub async fn variant(&self, product: &Value, sku: &str, size: &str, on_hand: i64) -> Value {
        let path = format!("/api/v1/admin/products/{}/variants", product["id"].as_str().expect("an id"));
        let body = json!({
            "sku": sku, "options": [{"name": "size", "value": size}],
            "prices": [{"amount": 1999, "currency": "USD"}], "on_hand": on_hand,
        });
        self.admin_post(&path, body).await.expect_status(201).body
    }
}

impl TestAppBuilder {
    /// Largest body, in bytes.
    pub fn body_limit(mut self, bytes: usize) -> Self {
        self.config.server.body_limit_bytes = bytes;
        self
    }

    /// With a plugin host of its own, set up like this. It reserves address space for each slot.
    pub fn plugins(mut self, plugins: PluginsConfig) -> Self {
        self.config.plugins = plugins;
        self.own_host = true;
        self
    }

    /// So many carts are tried at a time with what is only tried.
    pub fn shadow_concurrency(mut self, at_once: usize) -> Self {
        self.config.plugins.shadow_concurrency = at_once;
        self
    }

    /// So many failures in a row quarantine an installation.
    pub fn quarantine_failures(mut self, in_a_row: u32) -> Self {
        self.config.plugins.quarantine_failures = in_a_row;
        self
    }

    /// Beside a Redis.
    pub fn redis(mut self, redis: Redis) -> Self {
        self.redis = redis;
        self
    }

    /// Longest time of a request.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.config.server.request_timeout_ms = u64::try_from(timeout.as_millis()).expect("a time");
        self
    }

    /// Keys of access tokens, the first of which signs.
    pub fn signing_keys(mut self, keys: &[&str]) -> Self {
        self.config.auth.signing_keys = SigningKeys(keys.iter().map(|key| Secret::new(*key)).collect());
        self
    }

    /// Requests are limited, by these numbers.
    pub fn limits(mut self, limits: LimitsConfig) -> Self {
        self.config.limits = limits;
        self
    }

    /// Who is believed about where requests come from.
    pub fn trusted_proxies(mut self, networks: &str) -> Self {
        self.config.server.trusted_proxies = networks.parse().expect("networks");
        self
    }

    /// Another router than the real one, in the same surroundings.
    pub fn router(mut self, router: impl FnOnce(AppState) -> Router + Send + 'static) -> Self {
        self.extra = Some(Box::new(router));
        self
    }

    /// Makes the app.
    pub async fn build(self) -> TestApp {
        log::start();
        let folder = tempfile::tempdir().expect("a folder");
        let url = format!("sqlite://{}", folder.path().join("martlet.db").display());
        let db = Db::open(&url, &StoreConfig::default()).await.expect("a database");
        db.migrate().await.expect("its tables");
        let clock = SetClock::at(NOW);
        let ids = Ids::seeded();
        let host = if self.own_host {
            // The cache's key and the ids of an app are drawn apart, so that ids are the same in each app.
            let (clock, ids) = (Clock::Set(clock.clone()), Ids::seeded());
            plugins::host(&self.config.plugins, &clock, &ids).expect("a plugin host")
        } else {
            HOST.clone()
        };
        let foundation = Foundation {
            db,
            redis: self.redis,
            host: host.clone(),
            inspection: How::Here(host),
            clock: Clock::Set(clock.clone()),
            ids,
            password_cost: CHEAP,
        };
        let state = AppState::new(&self.config, foundation).expect("an engine");
        let (store, key) = add_store(&state, "default", &[]).await;
        let router = self.extra.map_or_else(|| router::router(state.clone()), |extra| extra(state.clone()));
        TestApp { state, clock, store, key, router, _folder: folder }
    }
}

async fn add_store(state: &AppState, handle: &str, hosts: &[&str]) -> (Store, String) {
    let store = Store {
        id: state.world.ids.next::<Store>(NOW),
        handle: handle.parse().expect("a handle"),
        name: format!("Store {handle}"),
        hosts: hosts.iter().map(|host| (*host).to_owned()).collect(),
        created_at: NOW,
    };
    state.db.insert_store(&store).await.expect("a store");
    let settings = StoreSettings {
        default_currency: "USD".parse().expect("a currency"),
        prices_include_tax: false,
        tax: TaxRates { standard: Ppm(100_000), by_category: [].into() },
        shipping_methods: Vec::new(),
    };
    // What was asked before may be remembered.
    state.copies.stores.forget();
    let put = state.db.put_settings(store.id, &settings, 0).await.expect("settings");
    assert_eq!(put, martlet_store::Update::Done { version: 1 });
    let key = cli::create_key(
        &state.db,
        &state.world.clock,
        &state.world.ids,
        &store.handle,
        "test",
        Grant::of(Role::Owner),
    )
    .await
    .expect("a key");
    (store, key)
}

/// A request that is still to be filled in.
pub struct TestRequest<'a> {
    app: &'a TestApp,
    method: Method,
    path: String,
    headers: HeaderMap,
    body: Body,
    peer: Option<SocketAddr>,
}

impl TestRequest<'_> {
    /// Over a connection from an address.
    pub fn from(mut self, address: &str) -> Self {
        self.peer = Some(SocketAddr::new(address.parse().expect("an address"), 50_000));
        self
    }

    /// With a header.
    pub fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.append(name, value.parse().expect("a header's value"));
        self
    }

    /// With an API key.
    pub fn key(self, secret: &str) -> Self {
        self.header("authorization", &format!("Bearer {secret}"))
    }

    /// With a body of JSON.
    pub fn json(self, body: &Value) -> Self {
        self.raw("application/json", body.to_string())
    }

    /// With any body.
    pub fn raw(mut self, content_type: &str, body: impl Into<Body>) -> Self {
        self.body = body.into();
        self.header("content-type", content_type)
    }

    /// Its answer.
    pub async fn send(self) -> Answer {
        let mut request =
            Request::builder().method(self.method).uri(&self.path).body(self.body).expect("a request");
        *request.headers_mut() = self.headers;
        if let Some(peer) = self.peer {
            request.extensions_mut().insert(ConnectInfo(peer));
        }
        let response = self.app.router.clone().oneshot(request).await.expect("the router never fails");
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.expect("a body").to_bytes();
        let body = serde_json::from_slice(&bytes)
            .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(&bytes).into_owned()));
        Answer { status: parts.status, headers: parts.headers, body, bytes: bytes.into() }
    }
}

/// What was answered.
#[derive(Debug)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, as a string where it isn't JSON.
    pub body: Value,
    /// The same, to the byte.
    pub bytes: Vec<u8>,
}

impl Answer {
    /// A header's text; empty when it isn't there.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("text"))
    }

    /// Itself, if the status is this.
    #[track_caller]
    pub fn expect_status(self, status: u16) -> Self {
        assert_eq!(self.status.as_u16(), status, "{self:#?}");
        self
    }

    /// Itself, if it is a whole problem of this status and code.
    #[track_caller]
    pub fn expect_problem(self, status: u16, code: &str) -> Self {
        let answer = self.expect_status(status);
        assert_eq!(answer.header(header::CONTENT_TYPE.as_str()), "application/problem+json", "{answer:#?}");
        assert_eq!(answer.body["code"], code, "{answer:#?}");
        assert_eq!(answer.body["status"], status);
        let uri = format!("https://martlet.dev/problems/{}", code.replace('_', "-"));
        assert_eq!(answer.body["type"], uri);
        let instance = format!("urn:request:{}", answer.header("x-request-id"));
        assert_eq!(answer.body["instance"], instance);
        for member in ["title", "detail"] {
            assert!(answer.body[member].as_str().is_some_and(|text| !text.is_empty()), "{answer:#?}");
        }
        answer
    }

    /// The only violation of an invalid body: where, and what is expected there.
    #[track_caller]
    pub fn violation(&self) -> (&str, &str) {
        let errors = self.body["errors"].as_array().expect("violations");
        assert_eq!(errors.len(), 1, "{errors:?}");
        (errors[0]["pointer"].as_str().expect("a pointer"), errors[0]["detail"].as_str().expect("a detail"))
    }
}
