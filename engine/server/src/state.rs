//! What handlers share. Each asks for what it uses.

use std::sync::Arc;

use axum::extract::FromRef;
use martlet_domain::catalog::Handle;
use martlet_plugin_host::Host;
use martlet_store::Db;

use crate::{clock::Clock, ids::Ids, operations::Operations, orders::Orders, price_cart::Pricer};

/// Everything a process has one of.
#[derive(Debug, Clone)]
pub struct AppState {
    /// Where state lives.
    pub db: Db,
    /// Prices carts, with the host that runs components.
    pub pricer: Arc<Pricer>,
    /// Places, settles and changes orders.
    pub orders: Arc<Orders>,
    /// Tells the time.
    pub clock: Clock,
    /// Makes ids.
    pub ids: Ids,
    /// What operators look at.
    pub operations: Arc<Operations>,
    /// What requests are held to.
    pub rules: Arc<RequestRules>,
}

/// What requests are held to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestRules {
    /// Largest body, in bytes.
    pub body_limit: BodyLimit,
    /// Longest time.
    pub timeout: std::time::Duration,
    /// The store that a request means which names none.
    pub default_store: Handle,
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
        state.pricer.host().clone()
    }
}

impl FromRef<AppState> for Clock {
    fn from_ref(state: &AppState) -> Self {
        state.clock.clone()
    }
}

impl FromRef<AppState> for Ids {
    fn from_ref(state: &AppState) -> Self {
        state.ids.clone()
    }
}

impl FromRef<AppState> for Arc<Operations> {
    fn from_ref(state: &AppState) -> Self {
        state.operations.clone()
    }
}

impl FromRef<AppState> for Arc<RequestRules> {
    fn from_ref(state: &AppState) -> Self {
        state.rules.clone()
    }
}

impl FromRef<AppState> for BodyLimit {
    fn from_ref(state: &AppState) -> Self {
        state.rules.body_limit
    }
}
