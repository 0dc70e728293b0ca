//! What can go wrong that isn't a component's answer.

use martlet_domain::{Digest, plugin::World, quote::Failure};

use crate::WIT_VERSIONS;

/// The host can't start.
#[derive(Debug, thiserror::Error)]
pub enum HostError {
    /// The WebAssembly engine refuses its configuration.
    #[error("the WebAssembly engine can't be made on this machine: {0}")]
    Engine(String),
    /// The thread that watches deadlines can't be started.
    #[error("the thread that watches deadlines can't be started: {0}")]
    Ticker(#[from] std::io::Error),
}

/// Bytes are not a component that can run here.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LoadError {
    /// Too many bytes.
    #[error(
        "the component has {size} bytes and the limit is {limit}: build it for size, without debug information"
    )]
    TooLarge {
        /// Bytes there are.
        size: usize,
        /// Bytes allowed.
        limit: usize,
    },
    /// Not WebAssembly.
    #[error("this is not WebAssembly: upload the .wasm file of a component")]
    NotWasm,
    /// WebAssembly as text.
    #[error("this is WebAssembly text: turn it into a binary component first, as with `wasm-tools parse`")]
    Text,
    /// Native code.
    #[error(
        "this is compiled native code, which is only ever made here: upload the .wasm file of a component"
    )]
    Precompiled,
    /// A module of core WebAssembly.
    #[error(
        "this is a core module and not a component: make one of it with `cargo component build` or `wasm-tools component new`"
    )]
    CoreModule,
    /// Not valid, or with instructions that are switched off.
    #[error("this is not a valid component: {0}")]
    Invalid(String),
    /// It implements none of the worlds.
    #[error(
        "the component exports none of {}, so it is of no world of martlet:commerce; it exports {}",
        functions(), list(.exports)
    )]
    NoWorld {
        /// What it exports.
        exports: Vec<String>,
    },
    /// Its world came with a later version than the one it was built for.
    #[error(
        "martlet:commerce {version} has no world `{world}`: build the component against {}",
        WIT_VERSIONS.last().copied().unwrap_or_default()
    )]
    NoSuchWorld {
        /// Its world.
        world: World,
        /// The version it was built for.
        version: &'static str,
    },
    /// It implements several worlds.
    #[error("the component is of several worlds ({}): make one component for each", list(.worlds))]
    SeveralWorlds {
        /// Those it is of.
        worlds: Vec<World>,
    },
    /// It lacks a function of its world.
    #[error("the component doesn't export `{export}`, which the world `{world}` asks for")]
    MissingExport {
        /// Its world.
        world: World,
        /// What it lacks.
        export: &'static str,
    },
    /// It was built for another WIT.
    #[error(
        "the component was built for martlet:commerce {found}, and this engine runs {}: build it against one of those",
        list(WIT_VERSIONS)
    )]
    WitVersion {
        /// What it was built for.
        found: String,
    },
    /// It names no WIT version.
    #[error(
        "the component doesn't name the martlet:commerce it was built for: build it from the WIT package"
    )]
    NoWitVersion,
    /// It imports what isn't there.
    #[error("the component imports what it can't have: {}", list(.0))]
    UnknownImports(Vec<UnknownImport>),
    /// Its functions have other types than those of its world.
    #[error("the component doesn't fit the world `{world}` of martlet:commerce {version}: {problem}")]
    Signature {
        /// Its world.
        world: World,
        /// The WIT version it was built for.
        version: String,
        /// What doesn't fit.
        problem: String,
    },
    /// It can't even be instantiated within the limits.
    #[error("the component doesn't start: {}", words(.0))]
    DoesNotStart(Failure),
}

/// Something a component imports and can't have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownImport {
    /// Its name.
    pub name: String,
    /// What to do about it.
    pub advice: &'static str,
}

impl std::fmt::Display for UnknownImport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "`{}` ({})", self.name, self.advice)
    }
}

/// A component can't say what it is, or refuses a configuration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ComponentError {
    /// The call failed.
    #[error("the component failed: {}", words(.failure))]
    Failed {
        /// How.
        failure: Failure,
        /// The frames of WebAssembly it failed in, for its author.
        backtrace: Option<String>,
    },
    /// It answered something that isn't an answer.
    #[error("the component's answer to `{function}` can't be used: {problem}")]
    Unusable {
        /// What was called.
        function: &'static str,
        /// What is wrong with the answer, and what would be right.
        problem: String,
    },
    /// It refuses the configuration.
    #[error("the plugin refuses the configuration: {}", list(.0))]
    ConfigRefused(Vec<ConfigProblem>),
}

/// What is wrong at one place of a configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigProblem {
    /// JSON Pointer to the place; empty for the whole.
    pub pointer: String,
    /// What is wrong and what would be right, in the plugin's words.
    pub problem: String,
}

impl std::fmt::Display for ConfigProblem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.pointer.is_empty() {
            f.write_str(&self.problem)
        } else {
            write!(f, "{}: {}", self.pointer, self.problem)
        }
    }
}

/// A call can't be made. None of these is the component's doing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EvaluateError {
    /// No such component is loaded.
    #[error("the component {0} is not loaded: load its bytes first")]
    UnknownComponent(Digest),
    /// The call is meant for another world.
    #[error("the component {component} is of the world `{actual}` and was called for `{wanted}`")]
    OtherWorld {
        /// The component.
        component: Digest,
        /// The world it is of.
        actual: World,
        /// The world of the call.
        wanted: World,
    },
    /// A call in the world `coupon` names no coupon.
    #[error("the component {0} is of the world `coupon` and was called without a coupon")]
    NoCoupon(Digest),
    /// A call in the world `checkout-validation` outside of its stage.
    #[error(
        "the component {0} is of the world `checkout-validation` and was called without what the cart comes to"
    )]
    NoCheckout(Digest),
}

fn list<T: std::fmt::Display>(items: &[T]) -> String {
    let items: Vec<String> = items.iter().map(ToString::to_string).collect();
    if items.is_empty() { "nothing".to_owned() } else { items.join(", ") }
}

fn functions() -> String {
    World::ALL.map(|world| format!("`{}`", world.function())).join(", ")
}

fn words(failure: &Failure) -> String {
    match failure {
        Failure::Trapped(trap) => format!("it trapped: {trap}"),
        Failure::OutOfFuel => "it ran out of fuel".to_owned(),
        Failure::InvalidOutput(problem) => format!("its answer is invalid: {problem}"),
        Failure::TimedOut => "the host gave up waiting; try again".to_owned(),
        Failure::StackOverflow => "its calls nest too deeply".to_owned(),
        Failure::HostResources => "the host has no memory or slot left; try again".to_owned(),
    }
}
