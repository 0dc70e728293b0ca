//! Plugins, their versions, their installations in a store, and rulebooks.

mod budget;
mod diff;
mod failures;
mod log;
mod rules;
mod shadow;

use std::{fmt, ops::Deref, str::FromStr};

use serde::{Deserialize, Serialize};

pub use budget::Granted;
pub use diff::{Differences, RulebookDiff, ValueChange};
pub use failures::{FailureRules, FailureWatch, TooManyFailures};
pub use log::{LogEntry, LogLevel};
pub use rules::{MAX_GIFT_SKUS, MAX_GROUP_NAME, MAX_GROUPS, MAX_RANK, RuleChange, RuleProblem};

use crate::{Digest, Entity, Id, Malformed, Timestamp, catalog::Sku, money::Money, quote::Class};

/// What kind of question a component answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum World {
    /// Makes unit prices.
    Pricing,
    /// Decides what a coupon gives.
    Coupon,
    /// Proposes automatic discounts.
    Promotion,
    /// Offers shipping methods.
    ShippingRates,
    /// Finds tax rates.
    Tax,
    /// Says whether a cart may be ordered.
    CheckoutValidation,
}

impl World {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Pricing,
        Self::Coupon,
        Self::Promotion,
        Self::ShippingRates,
        Self::Tax,
        Self::CheckoutValidation,
    ];

    /// Its name in the WIT package.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pricing => "pricing",
            Self::Coupon => "coupon",
            Self::Promotion => "promotion",
            Self::ShippingRates => "shipping-rates",
            Self::Tax => "tax",
            Self::CheckoutValidation => "checkout-validation",
        }
    }

    /// The function by which its components are known: no other world exports it.
    pub const fn function(self) -> &'static str {
        match self {
            Self::Pricing => "price",
            Self::Coupon => "redeem",
            Self::Promotion => "propose",
            Self::ShippingRates => "offer-shipping",
            Self::Tax => "find-taxes",
            Self::CheckoutValidation => "validate-checkout",
        }
    }

    /// Whether its components propose candidates of classes that they announce for a configuration. The
    /// others are asked in a stage of their own.
    pub const fn has_classes(self) -> bool {
        matches!(self, Self::Coupon | Self::Promotion)
    }

    /// What happens when one of its components fails, unless the merchant says otherwise.
    pub const fn default_failure_policy(self) -> FailurePolicy {
        match self {
            Self::Pricing => FailurePolicy::BasePrice,
            Self::Coupon => FailurePolicy::Reject,
            Self::Promotion | Self::ShippingRates | Self::Tax => FailurePolicy::Skip,
            Self::CheckoutValidation => FailurePolicy::Block,
        }
    }
}

impl fmt::Display for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for World {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|world| world.as_str() == text).ok_or_else(|| {
            let known = Self::ALL.map(Self::as_str).join(", ");
            Malformed::new("world", format!("is one of {known}"))
        })
    }
}

/// A named series of plugin versions in a store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plugin {
    /// Its id.
    pub id: Id<Plugin>,
    /// Unique in the store.
    pub name: String,
    /// The world all its versions implement.
    pub world: World,
}

impl Entity for Plugin {
    const NAME: &'static str = "plugin";
}

/// One component of a plugin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PluginVersion {
    /// The plugin it belongs to.
    pub plugin: Id<Plugin>,
    /// SHA-256 of the component's bytes, which names it.
    pub digest: Digest,
    /// What it says of itself.
    pub description: Description,
    /// Which `martlet:commerce` it was built for, such as `0.1.0`.
    pub wit_version: String,
    /// Bytes of the component.
    pub size: i64,
    /// When it was stored.
    pub created_at: Timestamp,
}

/// What a plugin says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Description {
    /// Its name.
    pub name: String,
    /// Semantic version.
    pub version: String,
    /// What a merchant calls it.
    pub title: String,
    /// One sentence on what it does.
    pub summary: String,
    /// JSON Schema of its configuration.
    pub config_schema: String,
    /// The words of its messages.
    pub templates: Vec<Template>,
}

/// Words for one message key in one language.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Template {
    /// The key.
    pub key: String,
    /// BCP 47.
    pub language: String,
    /// The words, with places in braces.
    pub text: String,
}

/// A plugin version at work in a store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Installation {
    /// Its id.
    pub id: Id<Installation>,
    /// The how-manieth installation of the store it is; decides between equal priorities.
    pub sequence: i64,
    /// Name of the plugin.
    pub plugin: String,
    /// Its version.
    pub version: String,
    /// Which component runs.
    pub component: Digest,
    /// Which world that implements.
    pub world: World,
    /// JSON, checked by the plugin. Coupons carry their own, so `{}` for a coupon plugin.
    pub config: String,
    /// The classes its candidates can have. Coupons carry their own.
    pub classes: Vec<Class>,
    /// How far it has got.
    pub stage: InstallationStage,
    /// Higher goes first.
    pub priority: i32,
    /// Name of its stacking group.
    pub group: Option<String>,
    /// What happens when it fails.
    pub failure_policy: FailurePolicy,
    /// The variants it may give away.
    pub gift_skus: Vec<Sku>,
    /// What it may give in all: what it takes off, and what its gifts are worth. Nothing where it
    /// may give what it likes. Left out of a rulebook's digest where it is nothing, so that older
    /// rulebooks keep theirs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub budget: Option<Money>,
    /// What it may give in a day, which is one of UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub daily_budget: Option<Money>,
    /// What it may give a customer. A guest is nobody who could be counted, and gets nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer_budget: Option<Money>,
    /// Not asked before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub starts_at: Option<Timestamp>,
    /// Not asked from then on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ends_at: Option<Timestamp>,
    /// Tags that each of its candidates has beside its own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exclusivity_tags: Vec<String>,
    /// Why it was switched off, where it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quarantine: Option<Quarantine>,
    /// The words of its messages.
    pub templates: Vec<Template>,
}

impl Installation {
    /// Whether a moment is in its window.
    pub fn is_in_window(&self, at: Timestamp) -> bool {
        self.starts_at.is_none_or(|start| start <= at) && self.ends_at.is_none_or(|end| at < end)
    }
}

/// Why and when an installation was switched off after failing too often.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Quarantine {
    /// What went wrong, in words for the merchant.
    pub reason: String,
    /// When.
    pub at: Timestamp,
    /// How far it had got, and where it goes on when it is called back.
    pub from: InstallationStage,
}

impl Entity for Installation {
    const NAME: &'static str = "installation";
}

/// How far an installation has got.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InstallationStage {
    /// Stored, not asked.
    Draft,
    /// Asked beside live traffic, never applied.
    Shadow,
    /// Asked for carts whose bucket is below this many per cent.
    Canary(u8),
    /// Asked for every cart.
    Active,
    /// Switched off after failing too often.
    Quarantined,
}

impl InstallationStage {
    /// Whether it is asked for any cart at all.
    pub const fn is_live(self) -> bool {
        matches!(self, Self::Canary(_) | Self::Active)
    }
}

/// What happens to a cart when a plugin fails on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FailurePolicy {
    /// The cart is priced without it, and the quote says so.
    Skip,
    /// The coupon is refused as unavailable.
    Reject,
    /// Base prices stand.
    BasePrice,
    /// The cart can't be ordered until it works again. A unit price, a tax rate or an objection that isn't
    /// sound is a failure too.
    Block,
}

impl FailurePolicy {
    /// Its name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Skip => "skip",
            Self::Reject => "reject",
            Self::BasePrice => "base-price",
            Self::Block => "block",
        }
    }
}

/// Installations whose candidates compete or add up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Group {
    /// Unique in the rulebook.
    pub name: String,
    /// The only class its rules are for. Candidates of another class stand outside of it.
    pub class: GroupClass,
    /// Lower goes first. Candidates without a group go last.
    pub rank: i32,
    /// How they combine.
    pub mode: GroupMode,
    /// Whether percentages are taken on list amounts instead of what is left.
    pub on_list_amounts: bool,
}

/// The class of a group: those of candidates, and unit prices.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GroupClass {
    /// Unit prices of pricing plugins.
    Pricing,
    /// Candidates.
    Candidates(Class),
}

/// How the candidates of a group combine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GroupMode {
    /// All apply, one after the other.
    Stack,
    /// The installation that saves most, all its candidates together.
    Best,
    /// The first installation that saves anything.
    First,
    /// As `First`; then the stage's later groups don't get their turn.
    Stop,
}

/// The numbered, immutable set of a store's installations at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rulebook {
    /// Counts up from 1 in each store.
    pub number: i64,
    /// What changed, in the merchant's words.
    pub note: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// Its groups.
    pub groups: Vec<Group>,
    /// Its installations, by sequence.
    pub installations: Vec<Installation>,
}

/// A rulebook with the digest that receipts name it by. It never changes, so that is worked out
/// once and not for each quote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedRulebook {
    pub(crate) rulebook: Rulebook,
    pub(crate) digest: Digest,
}

impl SealedRulebook {
    /// SHA-256 of its deterministic CBOR.
    pub const fn digest(&self) -> Digest {
        self.digest
    }
}

impl Deref for SealedRulebook {
    type Target = Rulebook;

    fn deref(&self) -> &Rulebook {
        &self.rulebook
    }
}
