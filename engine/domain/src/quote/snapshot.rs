//! What a stage shows to its components, whom it asks, and what comes back.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{
    Class, Decline, Destination, Gift, Message, Objection, ProductFacts, Proposal, Rates, Standing, Taxes,
    Totals,
};
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
    /// Shipping methods are offered.
    ShippingRates,
    /// Discounts on shipping.
    Shipping,
    /// Discounts on goods and shipping together.
    Total,
    /// Tax rates are found.
    Tax,
    /// The cart may be ordered, or not.
    CheckoutValidation,
}

impl Stage {
    /// All stages in which components are asked, in order.
    pub const ALL: [Self; 8] = [
        Self::Pricing,
        Self::Line,
        Self::Order,
        Self::ShippingRates,
        Self::Shipping,
        Self::Total,
        Self::Tax,
        Self::CheckoutValidation,
    ];

    /// Its name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pricing => "pricing",
            Self::Line => "line",
            Self::Order => "order",
            Self::ShippingRates => "shipping_rates",
            Self::Shipping => "shipping",
            Self::Total => "total",
            Self::Tax => "tax",
            Self::CheckoutValidation => "checkout_validation",
        }
    }

    /// The first stage in which a component of a world is asked that announced these classes.
    pub fn first_of(world: World, classes: &[Class]) -> Self {
        match world {
            World::Pricing => Self::Pricing,
            World::ShippingRates => Self::ShippingRates,
            World::Tax => Self::Tax,
            World::CheckoutValidation => Self::CheckoutValidation,
            World::Coupon | World::Promotion => {
                classes.iter().copied().map(Self::of).min().unwrap_or(Self::Order)
            }
        }
    }

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
    /// What the cart comes to, in the stage that asks whether it may be ordered.
    pub checkout: Option<SnapshotCheckout>,
}

/// A cart that is about to be ordered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SnapshotCheckout {
    /// What it comes to.
    pub totals: Totals,
    /// The gifts that go with it.
    pub gifts: Vec<Gift>,
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
    /// What one unit weighs, where that is known.
    pub weight_grams: Option<u32>,
    /// Decides its tax rate.
    pub tax_category: String,
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
    /// Decides its tax rate.
    pub tax_category: String,
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
    /// A component of the worlds pricing, coupon or promotion answered.
    Proposed(Proposal),
    /// One that offers shipping methods answered.
    Rated(Rates),
    /// One that knows tax rates answered.
    Taxed(Taxes),
    /// One that says whether a cart may be ordered answered: what stands against it.
    Validated(Vec<Objection>),
    /// It did not answer.
    Failed(Failure),
}

impl Outcome {
    /// Whether a component of a world can answer so.
    pub const fn is_of(&self, world: World) -> bool {
        match self {
            Self::Proposed(_) => matches!(world, World::Pricing | World::Coupon | World::Promotion),
            Self::Rated(_) => matches!(world, World::ShippingRates),
            Self::Taxed(_) => matches!(world, World::Tax),
            Self::Validated(_) => matches!(world, World::CheckoutValidation),
            Self::Failed(_) => true,
        }
    }

    /// The words of all that it proposes, and then of what it declines.
    pub fn messages(&self) -> Vec<&Message> {
        let mut messages: Vec<&Message> = match self {
            Self::Proposed(proposal) => proposal.candidates.iter().map(|it| &it.message).collect(),
            Self::Rated(rates) => rates.rates.iter().map(|rate| &rate.name).collect(),
            Self::Taxed(taxes) => taxes.rates.iter().map(|rate| &rate.name).collect(),
            Self::Validated(objections) => objections.iter().map(|objection| &objection.message).collect(),
            Self::Failed(_) => Vec::new(),
        };
        messages.extend(self.declined().iter().map(|decline| &decline.message));
        messages
    }

    /// What it considered and left.
    pub(super) fn declined(&self) -> &[Decline] {
        match self {
            Self::Proposed(Proposal { declined, .. })
            | Self::Rated(Rates { declined, .. })
            | Self::Taxed(Taxes { declined, .. }) => declined,
            Self::Validated(_) | Self::Failed(_) => &[],
        }
    }

    /// Whether it neither proposes nor declines anything. That nothing stands against an order is an
    /// answer.
    pub(super) fn is_silent(&self) -> bool {
        let proposes = match self {
            Self::Proposed(proposal) => !proposal.candidates.is_empty(),
            Self::Rated(rates) => !rates.rates.is_empty(),
            Self::Taxed(taxes) => !taxes.rates.is_empty(),
            Self::Validated(_) | Self::Failed(_) => true,
        };
        !proposes && self.declined().is_empty()
    }
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
