//! Between the domain's types and those of the WIT.

mod answer;
mod proposal;
mod snapshot;

pub(crate) use answer::{objections, rates, taxes};
pub(crate) use proposal::{class, prices, proposal, quoted};
pub use snapshot::Prepared;
pub(crate) use snapshot::standing;
