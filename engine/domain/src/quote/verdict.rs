//! What became of everything that was proposed, declined or failed: a quote explains itself.

use serde::{Deserialize, Serialize};

use super::{Class, Failure, Message, Stage};
use crate::{
    Digest, Id,
    catalog::{Handle, Sku, Variant},
    coupon::{CouponCode, CouponRefusal},
    money::Ppm,
    plugin::Installation,
};

/// What became of one candidate, one thing declined, or one call that gave no answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// The stage it belongs to.
    pub stage: Stage,
    /// Who proposed it.
    pub source: Source,
    /// The candidate's key, or the key under which the component declined; nothing where the
    /// verdict is on the whole call.
    pub key: Option<String>,
    /// The candidate's class. Unit prices have none.
    pub class: Option<Class>,
    /// What the component calls it.
    pub message: Option<Message>,
    /// What became of it.
    pub decision: Decision,
}

impl Verdict {
    /// A verdict on a whole call.
    pub(super) const fn on_call(stage: Stage, source: Source, reason: Reason) -> Self {
        Self { stage, source, key: None, class: None, message: None, decision: Decision::Rejected(reason) }
    }
}

/// Who proposed something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// The installation.
    pub installation: Id<Installation>,
    /// What it runs; nothing where the rulebook doesn't hold it.
    pub plugin: Option<PluginReference>,
    /// The coupon it was asked for.
    pub coupon: Option<CouponCode>,
}

/// Names exactly what ran.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PluginReference {
    /// Name of the plugin.
    pub name: String,
    /// Its version.
    pub version: String,
    /// The component.
    pub component: Digest,
}

impl Source {
    /// What a merchant calls it: the coupon's code, else the plugin's name.
    pub fn name(&self) -> &str {
        match (&self.coupon, &self.plugin) {
            (Some(code), _) => code.as_str(),
            (None, Some(plugin)) => &plugin.name,
            (None, None) => "",
        }
    }
}

/// What became of something proposed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// It applies.
    Applied(Applied),
    /// It doesn't, and why.
    Rejected(Reason),
    /// The shipping method is offered.
    Offered {
        /// Its handle.
        method: Handle,
        /// What it costs before discounts, in minor units.
        amount: i64,
    },
    /// The tax rate holds.
    Taxed {
        /// The rate.
        rate: Ppm,
        /// Whether the tax is in the amounts.
        included: bool,
    },
    /// The cart can't be ordered as it is, for the reason in the verdict's message.
    Objected {
        /// The line it is about; nothing where it is about the whole cart.
        position: Option<u32>,
    },
    /// Nothing stands against ordering the cart.
    Passed,
}

/// Something that stands against ordering a cart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Objected {
    /// Who objects.
    pub source: Source,
    /// The line it is about; nothing where it is about the whole cart.
    pub position: Option<u32>,
    /// The reason.
    pub message: Message,
}

/// What an applied candidate gives.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Applied {
    /// What it takes off, in minor units. Less than 0 where a pricing component raises a price.
    /// A gift takes nothing off.
    pub amount: i64,
    /// The same by line and shipping: it adds up to `amount`.
    pub allocations: Vec<Allocation>,
    /// The gift, where it is one.
    pub gift: Option<GrantedGift>,
    /// Why it gives less than was proposed, where it does.
    pub reduced: Option<Reduction>,
}

impl Applied {
    /// What it gives the shopper and draws from a budget: what it takes off, or what its gift is
    /// worth. A unit price that adds something gives 0.
    pub fn given(&self) -> i64 {
        let worth = self.gift.as_ref().map_or(0, |gift| gift.worth);
        self.amount.max(0).saturating_add(worth)
    }
}

/// The part of a discount that one line, or shipping, bears.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Allocation {
    /// The line; nothing for shipping.
    pub position: Option<u32>,
    /// Minor units.
    pub amount: i64,
}

/// A gift that goes with the cart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GrantedGift {
    /// Its stock-keeping unit.
    pub sku: Sku,
    /// Its id.
    pub variant: Id<Variant>,
    /// How many.
    pub quantity: u32,
    /// What they would have cost together.
    pub worth: i64,
}

/// Why an applied candidate gives less than it proposed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reduction {
    /// It reached its own cap.
    Cap,
    /// No more was left, or a floor price stood in the way.
    Left,
}

/// Why something doesn't apply.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// The component declined and said why, in the verdict's message.
    Declined,
    /// The component proposed nothing and gave no reason.
    Silent,
    /// The component gave no answer.
    Failed(Failure),
    /// The candidate isn't sound. What is wrong with it.
    Invalid(String),
    /// Its class isn't one the installation was checked for.
    ClassNotAllowed,
    /// Its class belongs to another stage.
    WrongStage,
    /// Too little is spent.
    BelowMinimumSpend {
        /// Minor units that are missing.
        short: i64,
    },
    /// Too few units.
    BelowMinimumQuantity {
        /// Units that are missing.
        short: u64,
    },
    /// Nothing is left that it could be taken off.
    NoEffect,
    /// The cart doesn't hold the units that it takes.
    NotFilled,
    /// It would apply, but saves nothing: its group keeps only what does, or its bundle costs no less
    /// than the units in it.
    SavesNothing,
    /// Another one of its group saves more, or came first.
    LostTo {
        /// Name of the winner.
        winner: String,
    },
    /// An earlier group ended the stage.
    Stopped {
        /// Name of what ended it.
        by: String,
    },
    /// Something that applied before shares an exclusivity tag with it.
    Excluded {
        /// The tag.
        tag: String,
        /// Name of what applied.
        by: String,
    },
    /// The installation may not give this variant away.
    GiftNotGranted,
    /// There aren't enough units of the gift.
    GiftOutOfStock {
        /// Units there are.
        available: i64,
    },
    /// It would give more than is left of its installation's budget.
    BudgetSpent {
        /// Minor units that are left.
        left: i64,
    },
    /// The coupon can't be used.
    Coupon(CouponRefusal),
    /// No installation in the rulebook runs the coupon's plugin.
    Unavailable,
    /// It discounts shipping, and no method is chosen yet.
    NoShippingMethod,
    /// A shipping method of the same handle is offered already.
    MethodTaken {
        /// Who offers it; nothing where the store itself does.
        by: Option<String>,
    },
    /// The installation's window hasn't begun.
    NotStarted,
    /// The installation's window is over.
    Ended,
}

impl Reason {
    /// A stable word for programs.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Declined => "declined",
            Self::Silent => "silent",
            Self::Failed(Failure::Trapped(_)) => "trapped",
            Self::Failed(Failure::OutOfFuel) => "out_of_fuel",
            Self::Failed(Failure::InvalidOutput(_)) => "invalid_output",
            Self::Failed(Failure::TimedOut) => "timed_out",
            Self::Failed(Failure::StackOverflow) => "stack_overflow",
            Self::Failed(Failure::HostResources) => "host_resources",
            Self::Invalid(_) => "invalid_candidate",
            Self::ClassNotAllowed => "class_not_allowed",
            Self::WrongStage => "wrong_stage",
            Self::BelowMinimumSpend { .. } => "below_minimum_spend",
            Self::BelowMinimumQuantity { .. } => "below_minimum_quantity",
            Self::NoEffect => "no_effect",
            Self::NotFilled => "not_filled",
            Self::SavesNothing => "saves_nothing",
            Self::LostTo { .. } => "lost_to",
            Self::Stopped { .. } => "stopped",
            Self::Excluded { .. } => "excluded",
            Self::GiftNotGranted => "gift_not_granted",
            Self::GiftOutOfStock { .. } => "gift_out_of_stock",
            Self::BudgetSpent { .. } => "budget_spent",
            Self::Coupon(CouponRefusal::Disabled) => "coupon_disabled",
            Self::Coupon(CouponRefusal::NotStarted) => "coupon_not_started",
            Self::Coupon(CouponRefusal::Expired) => "coupon_expired",
            Self::Coupon(CouponRefusal::UsedUp) => "coupon_used_up",
            Self::Coupon(CouponRefusal::UsedUpByCustomer) => "coupon_used_up_by_customer",
            Self::Coupon(CouponRefusal::NeedsCustomer) => "coupon_needs_customer",
            Self::Unavailable => "unavailable",
            Self::NoShippingMethod => "no_shipping_method",
            Self::MethodTaken { .. } => "method_taken",
            Self::NotStarted => "not_started",
            Self::Ended => "ended",
        }
    }
}
