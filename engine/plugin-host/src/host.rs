//! The host: one a process.

use std::sync::Arc;

use martlet_domain::{Digest, quote::Snapshot};

use crate::{Component, HostConfig, HostError, LoadError, Prepared, registry::Registry, runtime::Runtime};

/// Loads components and runs them. One a process; it is shared by reference between threads.
pub struct Host {
    runtime: Arc<Runtime>,
    registry: Registry,
}

impl Host {
    /// Makes the engines and starts the thread behind deadlines, which ends with the host and its
    /// components.
    ///
    /// # Errors
    ///
    /// When this machine can't run the engine at all. Where it only lacks address space for the
    /// pool, instances are allocated one by one instead, and a warning is logged.
    pub fn new(config: HostConfig) -> Result<Self, HostError> {
        Ok(Self { runtime: Arc::new(Runtime::new(config)?), registry: Registry::default() })
    }

    /// The limits.
    pub fn config(&self) -> &HostConfig {
        &self.runtime.config
    }

    /// Checks and compiles a component and keeps it under the digest of its bytes. Bytes that are
    /// loaded already answer the same component at once. Compiling takes the calling thread tens
    /// of milliseconds for a small component, and seconds for one of many megabytes.
    ///
    /// # Errors
    ///
    /// Every reason for which the bytes are refused, with what to do about it.
    pub fn load(&self, bytes: &[u8]) -> Result<Arc<Component>, LoadError> {
        let digest = Digest::of(bytes);
        if let Some(component) = self.registry.find(&digest) {
            return Ok(component);
        }
        let component = Component::new(&self.runtime, digest, bytes)?;
        Ok(self.registry.insert(component))
    }

    /// A loaded component.
    pub fn find(&self, digest: &Digest) -> Option<Arc<Component>> {
        self.registry.find(digest)
    }

    /// Forgets a component. Calls under way end as they would have.
    pub fn unload(&self, digest: &Digest) -> Option<Arc<Component>> {
        self.registry.remove(digest)
    }

    /// Forgets a component unless somebody holds it. Whether it did.
    pub fn unload_unheld(&self, digest: &Digest) -> bool {
        self.registry.remove_unheld(digest)
    }

    /// Brings a stage's snapshot into the form that components get it in: once a stage, for all
    /// its calls.
    pub fn prepare(&self, snapshot: &Snapshot) -> Prepared {
        Prepared::new(snapshot)
    }
}

impl std::fmt::Debug for Host {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Host").field("config", self.config()).finish_non_exhaustive()
    }
}
