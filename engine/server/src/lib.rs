//! The engine as a server: the HTTP face and the command line over domain, store and plugin host.
//!
//! `main` hands over to [`cli`]; `cli::serve` builds the [`state::AppState`] and runs
//! [`router::router`], the list of all routes. A simple read goes from its handler straight to the
//! store. `error.rs` holds what can go wrong, `problem.rs` what clients are told of it.

pub mod access;
pub mod actuator;
pub mod api;
pub mod auth;
pub mod carts;
pub mod catalog;
pub mod changes;
pub mod claims;
pub mod cli;
pub mod clock;
pub mod committer;
pub mod config;
pub mod error;
pub mod extract;
pub mod figures;
pub mod frame;
pub mod idempotency;
pub mod ids;
pub mod inspector;
pub mod limits;
pub mod metrics;
pub mod openapi;
pub mod operations;
pub mod orders;
pub mod payments;
pub mod plugins;
pub mod price_cart;
pub mod problem;
pub mod redis;
pub mod replay;
pub mod router;
pub mod rulebooks;
pub mod rules;
pub mod secret;
pub mod seed;
pub mod serve;
pub mod simulations;
pub mod state;
pub mod stores;
pub mod telemetry;
#[cfg(test)]
pub mod testing;
pub mod uploads;
