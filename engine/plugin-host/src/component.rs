//! A component that is ready to be asked.

use std::sync::Arc;

use martlet_domain::{
    Digest,
    plugin::{Description, World},
    quote::{Class, Failure},
};
use wasmtime::{Result, Store};

use crate::{
    ComponentError, ConfigProblem, LoadError, LogLine,
    bindings::current as wit,
    convert, describe,
    inspect::{self, Inspected},
    runtime::{CallError, Compiled, Phase, Runtime, State, clip, printable},
    world::{Instance, Linked},
};

/// Problems of a configuration that are passed on.
const PROBLEMS: usize = 100;
/// Bytes of each that are.
const PROBLEM_BYTES: usize = 1_000;

/// A component, compiled and linked. Each call gets an instance of its own.
pub struct Component {
    digest: Digest,
    size: usize,
    inspected: Inspected,
    linked: Linked,
    runtime: Arc<Runtime>,
}

/// What came of a call.
pub(crate) struct Called<T> {
    pub(crate) result: Result<T, CallError>,
    pub(crate) fuel: u64,
    pub(crate) logs: Vec<LogLine>,
}

impl Component {
    /// Checks, compiles or takes from the cache, and links a component, and makes an instance to see that
    /// it can.
    pub(crate) fn new(runtime: &Arc<Runtime>, digest: Digest, bytes: &[u8]) -> Result<Self, LoadError> {
        let inspected = inspect::inspect(bytes, runtime.config.module_bytes)?;
        let Inspected { world, wit_version } = inspected;
        let Compiled { pre, unkept } = runtime.compile(digest, bytes)?;
        let linked = Linked::new(wit_version, world, pre).map_err(|error| {
            let problem = printable(&format!("{error:#}"));
            LoadError::Signature { world, version: wit_version.as_str().to_owned(), problem }
        })?;
        let component = Self { digest, size: bytes.len(), inspected, linked, runtime: Arc::clone(runtime) };
        // What can't be instantiated at all is better refused now than at a shopper's cart.
        component
            .call(runtime.config.fuel_per_call, 0, |_, _| Ok(()))
            .result
            .map_err(|error| LoadError::DoesNotStart(error.failure))?;
        // What is refused takes no room in the cache.
        if let Some(unkept) = unkept {
            runtime.keep(unkept);
        }
        Ok(component)
    }

    /// SHA-256 of its bytes.
    pub const fn digest(&self) -> Digest {
        self.digest
    }

    /// How many bytes it has.
    pub const fn size(&self) -> usize {
        self.size
    }

    /// The world it implements.
    pub const fn world(&self) -> World {
        self.inspected.world
    }

    /// The `martlet:commerce` it was built for, such as `0.1.0`.
    pub const fn wit_version(&self) -> &'static str {
        self.inspected.wit_version.as_str()
    }

    /// What it says of itself, checked.
    ///
    /// # Errors
    ///
    /// [`ComponentError::Failed`] and [`ComponentError::Unusable`].
    pub fn describe(&self) -> Result<Description, ComponentError> {
        let called = self.call(self.runtime.config.fuel_per_call, 0, Instance::describe);
        let description = called.result.map_err(ComponentError::from)?;
        describe::check(description)
            .map_err(|problem| ComponentError::Unusable { function: "describe", problem })
    }

    /// Asks it whether it can work with a configuration (JSON), and which classes its candidates
    /// will have. The classes are sorted; there are none for a world without candidates of classes.
    ///
    /// # Errors
    ///
    /// [`ComponentError::ConfigRefused`] with what is wrong and where; the others as for
    /// [`Component::describe`].
    pub fn validate_config(&self, config: &str) -> Result<Vec<Class>, ComponentError> {
        self.validate_config_burning(config, &mut 0)
    }

    /// The same; adds the fuel that was burnt, whatever came of it.
    ///
    /// # Errors
    ///
    /// As for [`Component::validate_config`].
    pub fn validate_config_burning(
        &self,
        config: &str,
        burnt: &mut u64,
    ) -> Result<Vec<Class>, ComponentError> {
        let fuel = self.runtime.config.fuel_per_call;
        let called = self.call(fuel, config.len(), |instance, store| instance.validate_config(store, config));
        *burnt = burnt.saturating_add(called.fuel);
        let unusable = |problem: String| ComponentError::Unusable { function: "validate-config", problem };
        match called.result.map_err(ComponentError::from)? {
            Ok(classes) => {
                let mut classes: Vec<Class> = classes.into_iter().map(convert::class).collect();
                classes.sort_unstable();
                classes.dedup();
                if classes.is_empty() && self.world().has_classes() {
                    return Err(unusable("it accepts the configuration but names no class".to_owned()));
                }
                Ok(classes)
            }
            Err(problems) if problems.is_empty() => {
                Err(unusable("it refuses the configuration but names no problem".to_owned()))
            }
            Err(problems) => {
                Err(ComponentError::ConfigRefused(problems.iter().take(PROBLEMS).map(problem).collect()))
            }
        }
    }

    /// Makes an instance, asks it, and drops it. The component may hand over `input` bytes, the
    /// size of what it is given, and the limit beyond that.
    pub(crate) fn call<T>(
        &self,
        fuel: u64,
        input: usize,
        ask: impl FnOnce(&Instance, &mut Store<State>) -> Result<T>,
    ) -> Called<T> {
        let transfer = self.runtime.config.hostcall_bytes.saturating_add(input);
        let mut store = match self.runtime.store(self.linked.engine(), fuel, transfer) {
            Ok(store) => store,
            Err(error) => {
                let error = CallError::new(&error, Phase::Instantiation, transfer);
                return Called { result: Err(error), fuel: 0, logs: Vec::new() };
            }
        };
        let mut phase = Phase::Instantiation;
        let result = self.linked.instantiate(&mut store).and_then(|instance| {
            phase = Phase::Call;
            ask(&instance, &mut store)
        });
        let result = result.map_err(|error| CallError::new(&error, phase, transfer));
        let left = store.get_fuel().unwrap_or_default();
        let burnt = match &result {
            Err(CallError { failure: Failure::OutOfFuel, .. }) => fuel,
            _ => fuel.saturating_sub(left),
        };
        Called { result, fuel: burnt, logs: store.into_data().logs.into_lines() }
    }
}

fn problem(problem: &wit::ConfigProblem) -> ConfigProblem {
    ConfigProblem {
        pointer: printable(clip(&problem.pointer, PROBLEM_BYTES)),
        problem: printable(clip(&problem.problem, PROBLEM_BYTES)),
    }
}

impl std::fmt::Debug for Component {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Component")
            .field("digest", &self.digest)
            .field("size", &self.size)
            .field("inspected", &self.inspected)
            .finish_non_exhaustive()
    }
}

impl From<CallError> for ComponentError {
    fn from(error: CallError) -> Self {
        Self::Failed { failure: error.failure, backtrace: error.backtrace }
    }
}
