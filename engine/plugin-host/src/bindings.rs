//! Rust types of the published WIT packages: one module a version.
//!
//! A published version never changes, so neither does its module. A later version gets a module of
//! its own, and [`crate::world`] brings the answers of each older one forward to [`current`].

pub(crate) mod v0_1_0;
pub(crate) mod v1_0_0;

/// The types that the host works with: those of the newest version.
pub(crate) use v1_0_0::types as current;
