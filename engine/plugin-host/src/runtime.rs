//! Engines, and the store that lives for one call.

mod engine;
mod failure;
mod limits;
mod logs;
mod sandbox;
mod ticker;

use std::sync::atomic::{AtomicU64, Ordering};

use martlet_domain::Digest;
use wasmtime::{
    CallHook, Store,
    component::{Component, InstancePre},
};

pub(crate) use failure::{CallError, Phase};
pub use logs::{LogLevel, LogLine};
pub(crate) use logs::{clip, printable};

use crate::{
    HostConfig, HostError, LoadError,
    cache::{self, Cache},
};
use limits::Limits;
use logs::Logs;
use sandbox::Sandbox;
use ticker::Ticker;

/// What lives as long as the process: the engines, the limits and the thread behind deadlines.
pub(crate) struct Runtime {
    pub(crate) config: HostConfig,
    pub(crate) cache: Option<Cache>,
    pooled: Option<Sandbox>,
    on_demand: Sandbox,
    compiled: AtomicU64,
    cached: AtomicU64,
    _ticker: Ticker,
}

/// How many components came into being how, since the host started.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Loaded {
    /// Compiled here.
    pub compiled: u64,
    /// Compiled before, and taken from the cache.
    pub cached: u64,
}

/// A component that can be instantiated.
pub(crate) struct Compiled {
    pub(crate) pre: InstancePre<State>,
    /// What the cache doesn't have yet.
    pub(crate) unkept: Option<Unkept>,
}

/// Code that isn't in the cache, and the name it gets there.
pub(crate) struct Unkept {
    name: String,
    component: Component,
}

/// What lives as long as a call.
pub(crate) struct State {
    limits: Limits,
    pub(crate) logs: Logs,
}

impl Runtime {
    pub(crate) fn new(config: HostConfig, cache: Option<Cache>) -> Result<Self, HostError> {
        let slot = engine::slot(&config);
        let pooled = config.pool.then(|| Sandbox::new("pooled", &engine::pooled(&config), &slot));
        let pooled = match pooled.transpose() {
            Ok(sandbox) => sandbox,
            Err(error) => {
                let error = format!("{error:#}");
                tracing::warn!(error, "no pool of instances on this machine: allocating them one by one");
                None
            }
        };
        // What is compiled for it beside a pool is what doesn't fit this pool, and without one all there is.
        let beside = if pooled.is_some() { &slot } else { "" };
        let on_demand = Sandbox::new("on-demand", &engine::on_demand(&config), beside)
            .map_err(|error| HostError::Engine(format!("{error:#}")))?;
        let engines = pooled.iter().chain([&on_demand]).map(|sandbox| sandbox.engine.weak()).collect();
        let ticker = Ticker::start(engines, config.tick())?;
        let (compiled, cached) = (AtomicU64::new(0), AtomicU64::new(0));
        Ok(Self { config, cache, pooled, on_demand, compiled, cached, _ticker: ticker })
    }

    /// A component for the pool, or where it doesn't fit a slot of it, for allocation on demand: from
    /// the cache where it has it, and from the compiler else.
    pub(crate) fn compile(&self, digest: Digest, bytes: &[u8]) -> Result<Compiled, LoadError> {
        if let Some(pre) = self.sandboxes().find_map(|sandbox| self.revive(sandbox, digest)) {
            self.cached.fetch_add(1, Ordering::Relaxed);
            return Ok(Compiled { pre, unkept: None });
        }
        if let Some(pooled) = &self.pooled {
            match pooled.compile(bytes) {
                Ok(compiled) => return Ok(self.compiled(pooled, digest, compiled)),
                Err(error) => tracing::debug!(error = format!("{error:#}"), "not for the pool"),
            }
        }
        let compiled = self
            .on_demand
            .compile(bytes)
            .map_err(|error| LoadError::Invalid(printable(&format!("{error:#}"))))?;
        Ok(self.compiled(&self.on_demand, digest, compiled))
    }

    /// Puts what was compiled into the cache.
    pub(crate) fn keep(&self, unkept: Unkept) {
        let Some(cache) = &self.cache else { return };
        match unkept.component.serialize() {
            Ok(code) => cache.keep(&unkept.name, &code),
            Err(error) => tracing::warn!(error = format!("{error:#}"), "compiled code can't be written down"),
        }
    }

    /// How many components came into being how.
    pub(crate) fn loaded(&self) -> Loaded {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Loaded { compiled: count(&self.compiled), cached: count(&self.cached) }
    }

    /// How the engines are called in names of the cache.
    pub(crate) fn engines(&self) -> Vec<&str> {
        self.sandboxes().map(|sandbox| sandbox.name.as_str()).collect()
    }

    fn sandboxes(&self) -> impl Iterator<Item = &Sandbox> {
        self.pooled.iter().chain([&self.on_demand])
    }

    /// A component from the cache.
    fn revive(&self, sandbox: &Sandbox, digest: Digest) -> Option<InstancePre<State>> {
        let cache = self.cache.as_ref()?;
        let name = cache::name(digest, &sandbox.name);
        let code = cache.find(&name)?;
        match sandbox.revive(&code) {
            Ok(pre) => Some(pre),
            Err(error) => {
                cache.discard(&name, &format!("{error:#}"));
                None
            }
        }
    }

    fn compiled(
        &self,
        sandbox: &Sandbox,
        digest: Digest,
        (component, pre): (Component, InstancePre<State>),
    ) -> Compiled {
        self.compiled.fetch_add(1, Ordering::Relaxed);
        Compiled { pre, unkept: Some(Unkept { name: cache::name(digest, &sandbox.name), component }) }
    }

    /// A store for one call, with its limits. `transfer` is what the component may hand over.
    pub(crate) fn store(
        &self,
        engine: &wasmtime::Engine,
        fuel: u64,
        transfer: usize,
    ) -> Result<Store<State>, wasmtime::Error> {
        let mut store = Store::try_new(engine, State::new(&self.config))?;
        store.limiter(|state| &mut state.limits);
        store.set_fuel(fuel)?;
        store.set_epoch_deadline(self.config.deadline());
        store.call_hook(move |mut store, hook| {
            match hook {
                // A line of log is looked at where it lies and cut: however long it is, it takes
                // no memory of the host.
                CallHook::CallingWasm => store.set_hostcall_fuel(usize::MAX),
                // What comes back is copied.
                CallHook::ReturningFromWasm => store.set_hostcall_fuel(transfer),
                CallHook::CallingHost | CallHook::ReturningFromHost => {}
            }
            Ok(())
        });
        Ok(store)
    }
}

impl State {
    fn new(config: &HostConfig) -> Self {
        Self { limits: Limits::new(config), logs: Logs::new(config) }
    }
}
