//! Pricing a cart: `quote = f(rulebook, cart snapshot, facts, as_of)`.
//!
//! [`Pricing`] walks the stages. [`Pricing::next_stage`] freezes what the components of the next
//! stage see and says whom to ask; [`Pricing::resolve`] takes their answers, checks every
//! candidate and applies what fits; [`Pricing::finish`] taxes and adds up.

mod answer;
mod apply;
mod budget;
mod candidate;
mod check;
mod compare;
mod input;
mod ledger;
mod objections;
mod pick;
mod pricing;
mod rates;
mod receipt;
mod recorded;
mod resolve;
mod roster;
mod snapshot;
mod spread;
mod tax;
mod taxes;
mod totals;
mod verdict;
mod words;

pub use answer::{DeliveryDays, Objection, Rates, ShippingRate, TaxRate, TaxScope, Taxes};
pub(crate) use check::tags as check_tags;

pub use candidate::{
    Argument, Basis, Bundle, BundlePart, BuyXGetY, Candidate, Class, Decline, Gift, Message, Minimum,
    Proposal, Scope, ScopeLine, Threshold, Value,
};
pub use check::{Unsound, is_key, unsound};
pub use compare::{ChangeKind, Given, VerdictChange, changes, given};
pub use input::{
    CouponInput, Destination, GiftInput, Input, InputError, LineInput, ProductFacts, ShippingInput, Standing,
};
pub use pricing::{AnswersError, Pricing};
pub use rates::OfferedMethod;
pub use receipt::{Receipt, RulebookReference};
pub use recorded::{Difference, ReadNow, ReceiptError, Recorded, RulebookMismatch};
pub use snapshot::{
    Call, Evaluation, Failure, Outcome, Snapshot, SnapshotCheckout, SnapshotLine, SnapshotShipping, Stage,
    StageCalls, UnitRun,
};
pub use totals::{Quote, QuotedLine, QuotedShipping, Tax, Totals};
pub use verdict::{
    Allocation, Applied, Decision, GrantedGift, Objected, PluginReference, Reason, Reduction, Source, Verdict,
};
pub use words::{Language, format_amount, render};
