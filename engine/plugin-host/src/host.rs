//! The host: one a process.

use std::{collections::BTreeSet, io, sync::Arc, time::Duration};

use martlet_domain::{Digest, quote::Snapshot};

use crate::{
    Cache, Component, HostConfig, HostError, LoadError, Loaded, Prepared, Swept, registry::Registry,
    runtime::Runtime,
};

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
        Self::with_cache(config, None)
    }

    /// As [`Host::new`]. What it compiles it keeps in a cache, where there is one, and what it finds
    /// there it doesn't compile.
    ///
    /// # Errors
    ///
    /// As for [`Host::new`].
    pub fn with_cache(config: HostConfig, cache: Option<Cache>) -> Result<Self, HostError> {
        Ok(Self { runtime: Arc::new(Runtime::new(config, cache)?), registry: Registry::default() })
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

    /// Forgets components that nobody needs: those that aren't `wanted`, that were neither loaded nor
    /// found since this was called `calls` times, and that nobody holds. How many it forgot. Whoever
    /// holds what [`Host::load`] or [`Host::find`] answered keeps it findable by that.
    pub fn retain(&self, wanted: &BTreeSet<Digest>, calls: u32) -> usize {
        self.registry.retain(wanted, calls)
    }

    /// How many components were compiled here, and how many taken from the cache.
    pub fn loaded(&self) -> Loaded {
        self.runtime.loaded()
    }

    /// How many components are in memory now.
    pub fn held(&self) -> usize {
        self.registry.len()
    }

    /// Whether it has a cache of compiled components.
    pub fn has_cache(&self) -> bool {
        self.runtime.cache.is_some()
    }

    /// Removes from the cache what nobody has used for so long, but for what this host would use of
    /// the components that are `wanted`; and what somebody began to write and didn't end. Blocks the
    /// calling thread for as long as it takes to look at every file. Nothing without a cache.
    ///
    /// # Errors
    ///
    /// When the folder can't be read, or something can't be removed.
    pub fn sweep_cache(&self, wanted: &BTreeSet<Digest>, unused_for: Duration) -> io::Result<Option<Swept>> {
        let Some(cache) = &self.runtime.cache else { return Ok(None) };
        cache.sweep(wanted, &self.runtime.engines(), unused_for).map(Some)
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
