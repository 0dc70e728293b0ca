//! Who may do what on the merchants' side, and the log of what was done there.
//!
//! Each operation names the one scope it needs in its description, as
//! `security(("api_key" = ["catalog:write"]))`. [`guard`] stands around every route below
//! `/api/v1/admin/` and holds requests to what the description says: it finds the key, refuses it where it
//! lacks the scope, and writes what changes something into the audit log before it is done. An operation
//! that names no scope is refused to everybody. What documentation, permission and log say of an operation
//! thus comes from one place.

mod describe;
mod detail;
mod guard;
mod keys;
mod operations;
#[cfg(test)]
mod tests;
mod timely;

pub use self::{
    describe::describe,
    guard::{guard, is_change},
    keys::{MadeKey, make_key},
};
