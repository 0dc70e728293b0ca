//! Components from the database into the plugin host, and what they are asked outside of quotes.

pub mod metrics;
pub mod upkeep;

mod loads;

use std::sync::Arc;

use martlet_domain::{
    Digest, Id,
    quote::{Class, Failure},
    settings::Store,
};
use martlet_plugin_host::{
    Cache, CacheError, Component, ComponentError, ConfigProblem, ConfigSchema, Host, HostError,
};
use martlet_store::Db;

use crate::{
    clock::Clock,
    config::PluginsConfig,
    error::{Error, Violation},
    ids::Ids,
    price_cart::turns::{Turns, Urgency},
};

/// The plugin host of a configuration. A folder for compiled components that can't be used costs time
/// and is logged; one that others could put code into is an error.
pub fn host(config: &PluginsConfig, clock: &Clock, ids: &Ids) -> Result<Arc<Host>, HostError> {
    let cache = config.cache().map(|folder| {
        let clock = clock.clone();
        Cache::open(folder, || ids.bytes(), Box::new(move || clock.now()))
    });
    let cache = match cache.transpose() {
        Ok(cache) => cache,
        Err(error @ CacheError::Unusable { .. }) => {
            tracing::warn!("plugins.cache_dir: {error}; components are compiled at each start");
            None
        }
        Err(error @ CacheError::Exposed { .. }) => return Err(error.into()),
    };
    Ok(Arc::new(Host::with_cache(config.host(), cache)?))
}

/// A component, loaded and compiled where it isn't yet: once, however many ask for it.
pub async fn component(db: &Db, host: &Arc<Host>, digest: Digest) -> Result<Arc<Component>, Error> {
    if let Some(component) = host.find(&digest) {
        return Ok(component);
    }
    loads::load(db, host, digest).await
}

/// Checks a configuration against its plugin's schema, and asks the component whether it can work with it
/// and which classes its candidates will have. That is done in the store's turn, in line with its shoppers:
/// behind them a busy store's merchant would never get there. What it burns is the store's.
pub async fn check_config(
    turns: &Turns,
    store: Id<Store>,
    component: Arc<Component>,
    schema: String,
    config: String,
) -> Result<Vec<Class>, Error> {
    let mut turn = turns.take(store, Urgency::Foreground).await?;
    let checked = blocking(move || {
        let schema = ConfigSchema::parse(&schema).map_err(|problems| Error::PluginFailed {
            problem: format!("its schema of configurations can't be used: {}", words(&problems)),
        })?;
        let value = serde_json::from_str(&config)
            .map_err(|error| Error::Internal(format!("a configuration is no JSON: {error}")))?;
        schema.validate(&value).map_err(|problems| refused(ComponentError::ConfigRefused(problems)))?;
        let mut burnt = 0;
        let answered = component.validate_config_burning(&config, &mut burnt);
        turn.charge(burnt);
        answered.map_err(refused)
    });
    checked.await?
}

fn words(problems: &[ConfigProblem]) -> String {
    problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

fn refused(error: ComponentError) -> Error {
    match error {
        ComponentError::ConfigRefused(problems) => Error::ConfigRefused {
            violations: problems
                .into_iter()
                .map(|problem| Violation::new(format!("/config{}", problem.pointer), problem.problem))
                .collect(),
        },
        // The host's trouble and not the component's: the same call may work in a moment.
        ComponentError::Failed { failure: Failure::TimedOut | Failure::HostResources, .. } => Error::Busy,
        error => Error::PluginFailed { problem: error.to_string() },
    }
}

/// Runs what takes long off the threads that answer requests.
pub async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Error> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| Error::Internal(format!("work off the request threads ended early: {error}")))
}
