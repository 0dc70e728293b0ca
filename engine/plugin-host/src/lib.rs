//! Runs merchants' components in a sandbox.
//!
//! [`Host::load`] takes the bytes of a component, refuses what can't work with a reason, compiles
//! the rest and keeps it by digest. [`Host::evaluate`] asks one component one question: a fresh
//! store and instance, one call, and all of it dropped. What comes back is a
//! [`martlet_domain::quote::Evaluation`]; what it means for the cart is the domain's business.
//!
//! Every limit, its number and what happens at it stand in [`HostConfig`]. This is the only crate
//! that knows wasmtime.

mod bindings;
mod component;
mod config;
mod convert;
mod describe;
mod error;
mod evaluate;
mod host;
mod inspect;
mod registry;
mod runtime;
mod world;

pub use component::Component;
pub use config::HostConfig;
pub use convert::Prepared;
pub use error::{ComponentError, ConfigProblem, EvaluateError, HostError, LoadError, UnknownImport};
pub use evaluate::Evaluated;
pub use host::Host;
pub use runtime::{LogLevel, LogLine};
pub use world::WIT_VERSIONS;
