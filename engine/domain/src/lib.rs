//! What a store is and how a cart is priced.
//!
//! Pure: no I/O, no async, no clock and no randomness. Time, facts about the customer and the
//! answers of plugins come in as values, so that the same input gives the same bytes anywhere.
//!
//! Start at [`quote::Pricing`]: it walks a cart through the stages, asks for the proposals of
//! plugins between them and resolves what comes back.

pub mod access;
pub mod cart;
pub mod catalog;
pub mod coupon;
pub mod customer;
mod digest;
pub mod figures;
mod id;
pub mod money;
pub mod order;
pub mod payment;
pub mod plugin;
pub mod quote;
pub mod session;
pub mod settings;
pub mod simulation;
pub mod stock;
mod time;

pub use digest::Digest;
pub use id::{Entity, Id, ParseIdError};
pub use time::Timestamp;

/// A text that doesn't have the form its type asks for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} {problem}")]
pub struct Malformed {
    /// What the text should have been, such as `sku`.
    pub what: &'static str,
    /// What is wrong with it, and what would be right.
    pub problem: String,
}

impl Malformed {
    pub(crate) fn new(what: &'static str, problem: impl Into<String>) -> Self {
        Self { what, problem: problem.into() }
    }
}
