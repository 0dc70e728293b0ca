//! Rust types of the published WIT packages: one module a version.
//!
//! A published version never changes, so neither does its module. A later version gets a module of
//! its own, and [`crate::convert`] brings each to the domain's types.

pub(crate) mod v0_1_0;
