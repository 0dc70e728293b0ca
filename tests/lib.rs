//! A running engine, used from outside as its users do: over HTTP and its command line.

pub mod customers;
mod engine;
mod http;
pub mod ledger;
mod mysql;
mod patience;
mod ports;
pub mod quote;
pub mod random;
mod redis;
pub mod shop;
pub mod wire;

pub use engine::{Engine, EngineBuilder, Finished, components_dir};
pub use http::Answer;
pub use mysql::{Database, DatabaseUser};
pub use patience::eventually;
pub use ports::free_port;
pub use redis::Redis;
