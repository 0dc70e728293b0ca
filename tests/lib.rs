//! A running engine, used from outside as its users do: over HTTP and its command line.

mod engine;
mod http;
pub mod ledger;
mod mysql;
pub mod quote;
pub mod shop;

pub use engine::{Engine, EngineBuilder, Finished, components_dir};
pub use http::Answer;
pub use mysql::Database;
