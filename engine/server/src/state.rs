//! What handlers share. Each asks for what it uses.

use std::sync::Arc;

use axum::{extract::FromRef, http::Method};
use martlet_domain::{Malformed, catalog::Handle};
use martlet_plugin_host::Host;
use martlet_store::Db;

use crate::{
    auth::{Auth, KeyError, PasswordCost},
    catalog::Catalog,
    changes::Changes,
    claims::Claims,
    clock::Clock,
    config::{Config, TrustedProxies},
    error::Error,
    figures::Counters,
    ids::Ids,
    inspector::{self, How, Inspector},
    limits::{Group, Limits},
    operations::Operations,
    orders::Orders,
    payments::Payments,
    plugins::metrics::LoadedMetrics,
    price_cart::{Pricer, turns::Turns},
    redis::Redis,
    router::group_of,
    rules::Rules,
    simulations::Simulations,
    stores::Stores,
};

/// Everything a process has one of.
#[derive(Debug, Clone)]
pub struct AppState {
    /// Where state lives.
    pub db: Db,
    /// What is done with it for shoppers.
    pub selling: Selling,
    /// What this instance keeps copies of.
    pub copies: Copies,
    /// Lets customers sign in.
    pub auth: Arc<Auth>,
    /// Where time and chance come from.
    pub world: World,
    /// What surrounds every handler.
    pub frame: Frame,
}

/// What is done for shoppers.
#[derive(Debug, Clone)]
pub struct Selling {
    /// Prices carts, with the host that runs components.
    pub pricer: Arc<Pricer>,
    /// Places, settles and changes orders.
    pub orders: Arc<Orders>,
    /// Claims coupons.
    pub claims: Arc<Claims>,
    /// Looks at components before they are stored.
    pub inspector: Arc<Inspector>,
    /// Counts what plugins do.
    pub counters: Arc<Counters>,
    /// Tries rules for merchants before shoppers meet them.
    pub simulations: Arc<Simulations>,
}

/// What an instance keeps copies of, until it hears that they are wrong.
#[derive(Debug, Clone)]
pub struct Copies {
    /// What shoppers look at.
    pub catalog: Arc<Catalog>,
    /// Which stores there are.
    pub stores: Arc<Stores>,
    /// Hears of changes.
    pub changes: Arc<Changes>,
}

/// Where time and chance come from.
#[derive(Debug, Clone)]
pub struct World {
    /// Tells the time.
    pub clock: Clock,
    /// Makes ids.
    pub ids: Ids,
}

/// What surrounds every handler.
#[derive(Debug, Clone)]
pub struct Frame {
    /// What operators look at.
    pub operations: Arc<Operations>,
    /// What requests are held to.
    pub rules: Arc<RequestRules>,
}

/// What an engine stands on.
#[derive(Debug)]
pub struct Foundation {
    /// Where state lives.
    pub db: Db,
    /// What instances share besides.
    pub redis: Redis,
    /// Runs components.
    pub host: Arc<Host>,
    /// How components are looked at that merchants upload.
    pub inspection: How,
    /// Tells the time.
    pub clock: Clock,
    /// Makes ids.
    pub ids: Ids,
    /// What a password costs to hash.
    pub password_cost: PasswordCost,
}

/// An engine can't be set up.
#[derive(Debug, thiserror::Error)]
pub enum SetUpError {
    /// Something can't be counted.
    #[error("the metrics can't be set up: {0}")]
    Metrics(#[from] prometheus::Error),
    /// A key of access tokens.
    #[error("auth.signing_keys: one {0}")]
    SigningKey(#[from] KeyError),
    /// The default store's handle.
    #[error("stores.default: a {0}")]
    DefaultStore(#[from] Malformed),
    /// Passwords can't be hashed.
    #[error(transparent)]
    Passwords(#[from] Error),
}

impl AppState {
    /// An engine of a configuration that was checked.
    pub fn new(config: &Config, on: Foundation) -> Result<Self, SetUpError> {
        let Foundation { db, redis, host, inspection, clock, ids, password_cost } = on;
        let operations = Operations::new(clock.now())?;
        redis.register(operations.metrics.registry())?;
        let limits = Limits::new(&config.limits, &clock, redis.clone())?;
        limits.register(operations.metrics.registry())?;
        operations.metrics.registry().register(Box::new(LoadedMetrics::new(host.clone())?))?;
        let uploads = UploadRules {
            body_limit: host.config().module_bytes,
            timeout: config.server.request_timeout() + inspector::PATIENCE + config.plugins.bounds().wall,
        };
        let pricer = Pricer::new(host.clone(), config.plugins.turns())?;
        let rules = Rules::new(db.clone(), host, pricer.turns().clone(), clock.clone(), ids.clone());
        let counters =
            Counters::new(db.clone(), clock.clone(), ids.clone(), rules, config.plugins.failures())?;
        counters.register(operations.metrics.registry())?;
        let pricer = Arc::new(pricer.watched(counters.clone(), config.plugins.shadow_concurrency));
        pricer.turns().register(operations.metrics.registry())?;
        let stores = Arc::new(Stores::new(db.clone()));
        let catalog = Arc::new(Catalog::new(db.clone(), redis.clone(), clock.clone(), ids.clone())?);
        catalog.register(operations.metrics.registry())?;
        let claims = Claims::new(db.clone(), redis.clone());
        let changes =
            Changes::new(db.clone(), catalog.clone(), stores.clone(), pricer.clone(), redis.clone());
        let payments = Payments::new(db.clone(), clock.clone(), &config.payments);
        let orders = Orders::new(
            db.clone(),
            redis.clone(),
            pricer.clone(),
            clock.clone(),
            ids.clone(),
            payments,
            config.orders.rules(),
        );
        let simulations = Simulations::new(db.clone(), pricer.clone(), clock.clone(), ids.clone());
        let keys = config.auth.keys()?;
        let sessions = config.auth.rules();
        let auth = Auth::new(db.clone(), redis, clock.clone(), ids.clone(), keys, sessions, password_cost)?;
        let rules = RequestRules {
            body_limit: BodyLimit(config.server.body_limit_bytes),
            timeout: config.server.request_timeout(),
            uploads,
            default_store: config.stores.default.parse()?,
            trusted_proxies: config.server.trusted_proxies.clone(),
            limits: Arc::new(limits),
        };
        Ok(Self {
            db,
            selling: Selling {
                pricer,
                orders,
                claims: Arc::new(claims),
                counters,
                simulations: Arc::new(simulations),
                inspector: Arc::new(Inspector::new(inspection)),
            },
            copies: Copies { catalog, stores, changes: Arc::new(changes) },
            auth: Arc::new(auth),
            world: World { clock, ids },
            frame: Frame { operations: Arc::new(operations), rules: Arc::new(rules) },
        })
    }
}

/// What requests are held to.
#[derive(Debug, Clone)]
pub struct RequestRules {
    /// Largest body, in bytes.
    pub body_limit: BodyLimit,
    /// Longest time.
    pub timeout: std::time::Duration,
    /// What uploads of components are held to instead.
    pub uploads: UploadRules,
    /// The store that a request means which names none.
    pub default_store: Handle,
    /// Who is believed about where requests come from.
    pub trusted_proxies: TrustedProxies,
    /// How many of them one side may make.
    pub limits: Arc<Limits>,
}

/// What uploads of components are held to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UploadRules {
    /// Largest body, in bytes: the largest component.
    pub body_limit: usize,
    /// Longest time: what other requests have, the wait for a turn, and the longest inspection.
    pub timeout: std::time::Duration,
}

impl RequestRules {
    /// Largest body of a route, by the template of its path.
    pub fn body_limit_of(&self, method: &Method, route: &str) -> usize {
        if is_upload(method, route) { self.uploads.body_limit } else { self.body_limit.0 }
    }

    /// Longest time of a route, by the template of its path.
    pub fn timeout_of(&self, method: &Method, route: &str) -> std::time::Duration {
        if is_upload(method, route) { self.uploads.timeout } else { self.timeout }
    }
}

/// Whether a route takes the bytes of a component.
fn is_upload(method: &Method, route: &str) -> bool {
    group_of(method, route) == Some(Group::Upload)
}

/// Largest body of a request, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BodyLimit(pub usize);

impl FromRef<AppState> for Db {
    fn from_ref(state: &AppState) -> Self {
        state.db.clone()
    }
}

impl FromRef<AppState> for Arc<Host> {
    fn from_ref(state: &AppState) -> Self {
        state.selling.pricer.host().clone()
    }
}

impl FromRef<AppState> for Arc<Catalog> {
    fn from_ref(state: &AppState) -> Self {
        state.copies.catalog.clone()
    }
}

impl FromRef<AppState> for Arc<Claims> {
    fn from_ref(state: &AppState) -> Self {
        state.selling.claims.clone()
    }
}

impl FromRef<AppState> for Arc<Counters> {
    fn from_ref(state: &AppState) -> Self {
        state.selling.counters.clone()
    }
}

impl FromRef<AppState> for Arc<Stores> {
    fn from_ref(state: &AppState) -> Self {
        state.copies.stores.clone()
    }
}

impl FromRef<AppState> for Arc<Changes> {
    fn from_ref(state: &AppState) -> Self {
        state.copies.changes.clone()
    }
}

impl FromRef<AppState> for Turns {
    fn from_ref(state: &AppState) -> Self {
        state.selling.pricer.turns().clone()
    }
}

impl FromRef<AppState> for Clock {
    fn from_ref(state: &AppState) -> Self {
        state.world.clock.clone()
    }
}

impl FromRef<AppState> for Ids {
    fn from_ref(state: &AppState) -> Self {
        state.world.ids.clone()
    }
}

impl FromRef<AppState> for Arc<Operations> {
    fn from_ref(state: &AppState) -> Self {
        state.frame.operations.clone()
    }
}

impl FromRef<AppState> for Arc<RequestRules> {
    fn from_ref(state: &AppState) -> Self {
        state.frame.rules.clone()
    }
}

impl FromRef<AppState> for Arc<Inspector> {
    fn from_ref(state: &AppState) -> Self {
        state.selling.inspector.clone()
    }
}

impl FromRef<AppState> for UploadRules {
    fn from_ref(state: &AppState) -> Self {
        state.frame.rules.uploads
    }
}

impl FromRef<AppState> for BodyLimit {
    fn from_ref(state: &AppState) -> Self {
        state.frame.rules.body_limit
    }
}
