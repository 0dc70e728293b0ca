//! Pricing a cart: `quote = f(rulebook, cart snapshot, facts, as_of)`.
//!
//! [`Pricing`] walks the stages. [`Pricing::next_stage`] freezes what the components of the next
//! stage see and says whom to ask; [`Pricing::resolve`] takes their answers, checks every
//! candidate and applies what fits; [`Pricing::finish`] adds up.

mod candidate;
mod input;
mod snapshot;
mod verdict;

pub use candidate::{
    Argument, Basis, Bundle, BundlePart, BuyXGetY, Candidate, Class, Decline, Gift, Message, Minimum,
    Proposal, Scope, ScopeLine, Threshold, Value,
};
pub use input::{
    CouponInput, Destination, GiftInput, Input, LineInput, ProductFacts, ShippingInput, Standing,
};
pub use snapshot::{
    Call, Evaluation, Failure, Outcome, Snapshot, SnapshotLine, SnapshotShipping, Stage, StageCalls, UnitRun,
};
