//! Engines, and the store that lives for one call.

mod engine;
mod failure;
mod limits;
mod logs;
mod ticker;

use wasmtime::{
    CallHook, Store,
    component::{InstancePre, Linker},
};

pub(crate) use failure::{CallError, Phase};
pub use logs::{LogLevel, LogLine};
pub(crate) use logs::{clip, printable};

use crate::{HostConfig, HostError, LoadError};
use limits::Limits;
use logs::Logs;
use ticker::Ticker;

/// What lives as long as the process: the engines, the limits and the thread behind deadlines.
pub(crate) struct Runtime {
    pub(crate) config: HostConfig,
    pooled: Option<Sandbox>,
    on_demand: Sandbox,
    _ticker: Ticker,
}

/// An engine, and what its components may import.
struct Sandbox {
    engine: wasmtime::Engine,
    linker: Linker<State>,
}

/// What lives as long as a call.
pub(crate) struct State {
    limits: Limits,
    pub(crate) logs: Logs,
}

impl Runtime {
    pub(crate) fn new(config: HostConfig) -> Result<Self, HostError> {
        let pooled = match config.pool.then(|| Sandbox::new(engine::pooled(&config))).transpose() {
            Ok(sandbox) => sandbox,
            Err(error) => {
                let error = format!("{error:#}");
                tracing::warn!(error, "no pool of instances on this machine: allocating them one by one");
                None
            }
        };
        let on_demand = Sandbox::new(engine::on_demand(&config))
            .map_err(|error| HostError::Engine(format!("{error:#}")))?;
        let engines = pooled.iter().chain([&on_demand]).map(|sandbox| sandbox.engine.weak()).collect();
        let ticker = Ticker::start(engines, config.tick())?;
        Ok(Self { config, pooled, on_demand, _ticker: ticker })
    }

    /// Compiles a component: for the pool, or where it doesn't fit a slot of it, for allocation on
    /// demand.
    pub(crate) fn compile(&self, bytes: &[u8]) -> Result<InstancePre<State>, LoadError> {
        if let Some(pooled) = &self.pooled {
            match pooled.compile(bytes) {
                Ok(pre) => return Ok(pre),
                Err(error) => tracing::debug!(error = format!("{error:#}"), "not for the pool"),
            }
        }
        self.on_demand.compile(bytes).map_err(|error| LoadError::Invalid(printable(&format!("{error:#}"))))
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

impl Sandbox {
    fn new(config: wasmtime::Config) -> Result<Self, wasmtime::Error> {
        let engine = wasmtime::Engine::new(&config)?;
        let mut linker = Linker::new(&engine);
        logs::add_to_linker(&mut linker)?;
        Ok(Self { engine, linker })
    }

    fn compile(&self, bytes: &[u8]) -> Result<InstancePre<State>, wasmtime::Error> {
        let component = wasmtime::component::Component::from_binary(&self.engine, bytes)?;
        self.linker.instantiate_pre(&component)
    }
}

impl State {
    fn new(config: &HostConfig) -> Self {
        Self { limits: Limits::new(config), logs: Logs::new(config) }
    }
}
