//! Looks at components that merchants upload: in a process of its own with bounded memory and time, so
//! that whatever is sent here can't harm who is being served.

mod child;
mod process;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::Duration,
};

use axum::body::Bytes;
use martlet_domain::{Id, settings::Store};
use martlet_plugin_host::{Check, GateReport, Host, Undecided};
use tokio::sync::{AcquireError, OwnedSemaphorePermit, Semaphore, oneshot};

pub use child::{ChildArgs, run};
pub use process::{Bounds, Program};

use crate::error::Error;

/// Inspections at once. Each keeps a core busy for seconds, and the other half is for shoppers.
fn at_once() -> usize {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    (cores / 2).max(1)
}

/// How long an upload waits for its turn.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// Looks at components, a bounded number at a time.
#[derive(Debug)]
pub struct Inspector {
    how: How,
    turns: Arc<Semaphore>,
    /// Each store has one at a time, so that the others' come.
    by_store: Mutex<HashMap<Id<Store>, Arc<Semaphore>>>,
    patience: Duration,
}

/// Where the work is done.
#[derive(Debug, Clone)]
pub enum How {
    /// In a process of a program.
    Process(Program),
    /// In this process, without bounds: where what is looked at is trusted, as in tests.
    Here(Arc<Host>),
}

/// What an inspection came to.
#[derive(Debug, Clone, PartialEq)]
pub enum Inspected {
    /// All that was found.
    Report(Box<GateReport>),
    /// It was stopped, and why.
    Stopped(Check),
}

impl Inspector {
    /// An inspector that works in some way.
    pub fn new(how: How) -> Self {
        let turns = Arc::new(Semaphore::new(at_once()));
        Self { how, turns, by_store: Mutex::default(), patience: PATIENCE }
    }

    /// Looks at a component of a store once it is its turn.
    ///
    /// # Errors
    ///
    /// [`Error::Busy`] where its turn doesn't come, and where this machine has no room for it.
    pub async fn inspect(&self, store: Id<Store>, bytes: Bytes) -> Result<Inspected, Error> {
        let turn = tokio::time::timeout(self.patience, self.turn(store)).await;
        let Ok(Ok(turn)) = turn else { return Err(Error::Busy) };
        let how = self.how.clone();
        let (tell, told) = oneshot::channel();
        // A thread of its own, which the server doesn't wait for when it leaves. The turn ends with the
        // work, also where nobody waits for it any more.
        let started = thread::Builder::new().name("martlet-inspect".to_owned()).spawn(move || {
            let turn = turn;
            let inspected = match how {
                How::Process(program) => program.inspect(&bytes),
                How::Here(host) => here(&host, &bytes),
            };
            // Whoever hears of this end finds the turn free.
            drop(turn);
            let _ = tell.send(inspected);
        });
        let lost = |error: String| Error::Internal(format!("an inspection is lost: {error}"));
        started.map_err(|error| lost(error.to_string()))?;
        told.await.map_err(|error| lost(error.to_string()))?
    }
}

impl Inspector {
    /// A turn of a store, and one of all.
    async fn turn(
        &self,
        store: Id<Store>,
    ) -> Result<(OwnedSemaphorePermit, OwnedSemaphorePermit), AcquireError> {
        let own = {
            let mut by_store = self.by_store.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(by_store.entry(store).or_insert_with(|| Arc::new(Semaphore::new(1))))
        };
        Ok((own.acquire_owned().await?, Arc::clone(&self.turns).acquire_owned().await?))
    }
}

fn here(host: &Host, bytes: &[u8]) -> Result<Inspected, Error> {
    match host.examine(bytes, &mut |_| {}) {
        Ok(report) => Ok(Inspected::Report(Box::new(report))),
        Err(Undecided::Host(_)) => Err(Error::Busy),
        Err(error @ Undecided::Cart(_)) => Err(Error::Internal(error.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use martlet_plugin_host::HostConfig;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn whose_turn_does_not_come_is_told_that_we_are_busy() {
        let host = Host::new(HostConfig { pool: false, ..HostConfig::default() }).unwrap();
        let inspector = Inspector::new(How::Here(Arc::new(host)));
        let [store, other] = [1, 2].map(|number| Id::new(uuid::Uuid::from_u128(number)));
        let all = u32::try_from(at_once()).unwrap();
        let taken = inspector.turns.clone().acquire_many_owned(all).await.unwrap();
        let refused = inspector.inspect(store, Bytes::from_static(b"x")).await.unwrap_err();
        assert!(matches!(refused, Error::Busy), "{refused}");
        drop(taken);
        let Inspected::Report(report) = inspector.inspect(store, Bytes::from_static(b"x")).await.unwrap()
        else {
            panic!("it was stopped");
        };
        assert_eq!(report.failures().next().map(|check| check.name.as_str()), Some("format"));
        assert_eq!(inspector.turns.available_permits(), at_once());
        // Who has one under way waits for that, and nobody else does.
        let own = Arc::clone(&inspector.by_store.lock().unwrap()[&store]);
        let own = own.acquire_owned().await.unwrap();
        let refused = inspector.inspect(store, Bytes::from_static(b"x")).await.unwrap_err();
        assert!(matches!(refused, Error::Busy), "{refused}");
        inspector.inspect(other, Bytes::from_static(b"x")).await.unwrap();
        drop(own);
    }
}
