//! What a stage shows to its components, whom it asks, and what comes back.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Class, Destination, ProductFacts, Proposal, Standing};
use crate::{
    Digest, Id, Timestamp,
    catalog::{Attribute, Handle, Sku, Variant},
    coupon::CouponCode,
    customer::CustomerFacts,
    money::Currency,
    plugin::{Installation, World},
};

/// A stage in which components are asked, in the order they are gone through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Unit prices are made.
    Pricing,
    /// Discounts on lines.
    Line,
    /// Discounts on the goods together, and gifts.
    Order,
    /// Discounts on shipping.
    Shipping,
    /// Discounts on goods and shipping together.
    Total,
}

impl Stage {
    /// All stages in which components are asked, in order.
    pub const ALL: [Self; 5] = [Self::Pricing, Self::Line, Self::Order, Self::Shipping, Self::Total];

    /// The stage that candidates of a class join.
    pub const fn of(class: Class) -> Self {
        match class {
            Class::Line => Self::Line,
            Class::Order | Class::Gift => Self::Order,
            Class::Shipping => Self::Shipping,
            Class::Total => Self::Total,
        }
    }
}

/// The cart as it stands when a stage begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// The stage.
    pub stage: Stage,
    /// The moment the cart is priced at.
    pub as_of: Timestamp,
    /// The cart's currency.
    pub currency: Currency,
    /// Whether prices include tax.
    pub prices_include_tax: bool,
    /// Nothing for a guest.
    pub customer: Option<CustomerFacts>,
    /// Where the goods go, as far as is known.
    pub destination: Option<Destination>,
    /// The lines; their index is their position.
    pub lines: Vec<SnapshotLine>,
    /// The chosen shipping method.
    pub shipping: Option<SnapshotShipping>,
    /// The codes on the cart.
    pub codes: Vec<CouponCode>,
}

/// A line of a snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SnapshotLine {
    /// What is bought.
    pub variant: Id<Variant>,
    /// Its stock-keeping unit.
    pub sku: Sku,
    /// Its options, sorted by name.
    pub options: Vec<Attribute>,
    /// The product it belongs to.
    pub product: Arc<ProductFacts>,
    /// How many.
    pub quantity: u32,
    /// The price of one unit in the price list.
    pub base_amount: i64,
    /// All its units, in runs.
    pub units: Vec<UnitRun>,
}

/// Several units of a line with the same amounts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnitRun {
    /// How many.
    pub count: u32,
    /// The price of one before any discount.
    pub list_amount: i64,
    /// What is left to pay for one.
    pub left: i64,
}

/// The shipping method of a snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SnapshotShipping {
    /// Its handle.
    pub method: Handle,
    /// Its price before any discount.
    pub list_amount: i64,
    /// What is left to pay.
    pub left: i64,
}

/// A stage that wants answers: one for each call, in the same order, from the same snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StageCalls {
    /// What every component of the stage sees.
    pub snapshot: Snapshot,
    /// Whom to ask.
    pub calls: Vec<Call>,
}

/// One question to one component.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// The installation that is asked.
    pub installation: Id<Installation>,
    /// The component to run.
    pub component: Digest,
    /// The world it implements.
    pub world: World,
    /// JSON: the installation's, or the coupon's own.
    pub config: String,
    /// The coupon it is asked for; always there in the world `coupon`, never elsewhere.
    pub coupon: Option<CouponCode>,
    /// What it has given so far.
    pub standing: Standing,
}

/// What came of a call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evaluation {
    /// The answer, or why there is none.
    pub outcome: Outcome,
    /// Fuel it burnt. Recorded beside the receipt, never part of it.
    pub fuel: u64,
}

/// An answer, or why there is none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The component answered.
    Proposed(Proposal),
    /// It did not.
    Failed(Failure),
}

/// Why a component gave no answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Failure {
    /// It trapped. Why, in the words of the WebAssembly specification.
    Trapped(String),
    /// It burnt all its fuel.
    OutOfFuel,
    /// It answered something that isn't an answer. What is wrong with it.
    InvalidOutput(String),
    /// The host gave up waiting. Depends on the host, not on the component alone.
    TimedOut,
    /// Its calls nested too deeply for the host's stack. Depends on the host.
    StackOverflow,
    /// The host had no memory or no free slot for it. Depends on the host.
    HostResources,
}

impl Failure {
    /// Whether the same call fails in the same way on any host. What isn't is never committed.
    pub const fn is_deterministic(&self) -> bool {
        matches!(self, Self::Trapped(_) | Self::OutOfFuel | Self::InvalidOutput(_))
    }
}
