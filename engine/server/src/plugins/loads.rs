//! Components that are being loaded: each once, however many wait for it, and few at a time.

use std::{
    collections::HashMap,
    sync::{Arc, LazyLock, Mutex, PoisonError},
};

use martlet_domain::Digest;
use martlet_plugin_host::{Component, Host};
use martlet_store::{Db, StoreError};
use tokio::sync::{Semaphore, watch};

use super::blocking;
use crate::error::Error;

/// Those of this process, since it is the process's cores and memory that they are bounded for.
static LOADS: LazyLock<Loads> =
    LazyLock::new(|| Loads { under_way: Mutex::default(), compilers: Arc::new(Semaphore::new(at_once())) });

/// A host's address, and the component. No other host has the address meanwhile: the load holds its host.
type Key = (usize, Digest);
/// Nothing until it is known.
type Outcome = Option<Result<Arc<Component>, Failed>>;

/// How many are compiled at a time: each keeps a core busy, and the others are for shoppers.
fn at_once() -> usize {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    (cores / 2).max(1)
}

struct Loads {
    under_way: Mutex<HashMap<Key, watch::Receiver<Outcome>>>,
    /// One for each that may be compiled at a time, its bytes in memory.
    compilers: Arc<Semaphore>,
}

/// Why a component wasn't loaded, for all who waited for it.
#[derive(Debug, Clone)]
enum Failed {
    /// Its row isn't what was stored.
    Corrupt { table: &'static str, column: &'static str, id: String, problem: String },
    /// The database had no connection in time.
    PoolTimeout,
    /// Anything else.
    Internal(String),
}

/// Loads a component that the host doesn't hold, or waits for whoever does that already. It goes on when
/// all who wait have gone away.
pub(super) async fn load(db: &Db, host: &Arc<Host>, digest: Digest) -> Result<Arc<Component>, Error> {
    let key = (Arc::as_ptr(host).addr(), digest);
    let mut outcome = {
        let mut under_way = LOADS.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        match under_way.get(&key) {
            Some(outcome) => outcome.clone(),
            None => {
                let (said, outcome) = watch::channel(None);
                under_way.insert(key, outcome.clone());
                let (db, host, entry) = (db.clone(), Arc::clone(host), Entry(key));
                tokio::spawn(async move {
                    let loaded = read_and_compile(&db, host, digest).await.map_err(Failed::from);
                    // Who asks from here on finds it with the host, or tries again.
                    drop(entry);
                    said.send_replace(Some(loaded));
                });
                outcome
            }
        }
    };
    let said = outcome.wait_for(Option::is_some).await.ok().and_then(|said| said.clone());
    let ended = || Err(Failed::Internal(format!("loading the component {digest} ended early")));
    said.unwrap_or_else(ended).map_err(Error::from)
}

async fn read_and_compile(db: &Db, host: Arc<Host>, digest: Digest) -> Result<Arc<Component>, Error> {
    let compiler = Arc::clone(&LOADS.compilers).acquire_owned().await;
    let compiler = compiler.map_err(|_| Error::Internal("no more components are loaded".to_owned()))?;
    // It was loaded between the first look and now.
    if let Some(component) = host.find(&digest) {
        return Ok(component);
    }
    let bytes = db.find_component(digest).await?;
    let bytes =
        bytes.ok_or_else(|| Error::Internal(format!("the component {digest} is not in the database")))?;
    blocking(move || {
        let loaded = host.load(&bytes);
        drop(compiler);
        loaded
    })
    .await?
    .map_err(|error| Error::Internal(format!("the component {digest} can't be loaded: {error}")))
}

/// A load under way, until it is dropped.
struct Entry(Key);

impl Drop for Entry {
    fn drop(&mut self) {
        LOADS.under_way.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.0);
    }
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        match error {
            Error::Store(StoreError::Corrupt { table, column, id, problem }) => {
                Self::Corrupt { table, column, id, problem }
            }
            Error::Store(StoreError::PoolTimeout) => Self::PoolTimeout,
            Error::Internal(problem) => Self::Internal(problem),
            other => Self::Internal(other.to_string()),
        }
    }
}

impl From<Failed> for Error {
    fn from(failed: Failed) -> Self {
        match failed {
            Failed::Corrupt { table, column, id, problem } => {
                Self::Store(StoreError::Corrupt { table, column, id, problem })
            }
            Failed::PoolTimeout => Self::Store(StoreError::PoolTimeout),
            Failed::Internal(problem) => Self::Internal(problem),
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::task::JoinSet;

    use super::*;
    use crate::{
        config::PluginsConfig,
        plugins,
        testing::{Installed, TestApp},
    };

    #[tokio::test(flavor = "multi_thread")]
    async fn all_who_wait_for_a_component_wait_for_one_load() {
        let app = TestApp::new().await;
        let installed = app.publish(&[Installed::new("percentage-off", r#"{"percent_ppm": 100000}"#)]).await;
        let digest = installed[0].component;
        let config = PluginsConfig { slots: 2, ..PluginsConfig::default() };
        let host = Arc::new(Host::new(config.host()).unwrap());
        let mut waiting = JoinSet::new();
        // Whoever came first goes away while it is loaded.
        let compilers = LOADS.compilers.acquire_many(u32::try_from(at_once()).unwrap()).await.unwrap();
        let (db, of) = (app.state.db.clone(), Arc::clone(&host));
        let first = tokio::spawn(async move { plugins::component(&db, &of, digest).await });
        let key = (Arc::as_ptr(&host).addr(), digest);
        while !LOADS.under_way.lock().unwrap().contains_key(&key) {
            tokio::task::yield_now().await;
        }
        first.abort();
        assert!(first.await.unwrap_err().is_cancelled());
        for _ in 0..20 {
            let (db, host) = (app.state.db.clone(), Arc::clone(&host));
            waiting.spawn(async move { plugins::component(&db, &host, digest).await.unwrap() });
        }
        drop(compilers);
        let loaded = waiting.join_all().await;
        assert!(loaded.iter().all(|component| Arc::ptr_eq(component, &loaded[0])));
        assert_eq!(host.loaded().compiled, 1);
        assert!(!LOADS.under_way.lock().unwrap().contains_key(&key));
    }

    #[tokio::test]
    async fn what_can_not_be_loaded_is_said_to_all_and_looked_for_again() {
        let app = TestApp::new().await;
        let host = app.state.selling.pricer.host();
        let digest = Digest::of(b"nothing");
        let load = || plugins::component(&app.state.db, host, digest);
        let (one, other) = tokio::join!(load(), load());
        for error in [one.unwrap_err(), other.unwrap_err(), load().await.unwrap_err()] {
            assert!(matches!(&error, Error::Internal(problem) if problem.contains("not in the database")));
        }
    }
}
