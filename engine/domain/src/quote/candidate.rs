//! What plugins propose. The records mirror those of `wit/`, which says more about each.

use serde::{Deserialize, Serialize};

use crate::{catalog::Sku, money::Ppm};

/// What a candidate acts on, and so the stage it joins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// Lines, each rounded on its own.
    Line,
    /// The goods together.
    Order,
    /// Shipping.
    Shipping,
    /// Goods and shipping together.
    Total,
    /// A variant given for nothing.
    Gift,
}

/// A discount that a component proposes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Candidate {
    /// Names it within the answer.
    pub key: String,
    /// What it acts on.
    pub class: Class,
    /// What the value is taken on.
    pub scope: Scope,
    /// What it gives.
    pub value: Value,
    /// The most it may give in all.
    pub cap: Option<i64>,
    /// Tested at its turn.
    pub threshold: Option<Threshold>,
    /// Of two candidates that share a tag, the one applied first excludes the other.
    pub exclusivity_tags: Vec<String>,
    /// What it is called.
    pub message: Message,
}

/// What a value is taken on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// All that the class covers.
    All,
    /// These lines.
    Lines(Vec<ScopeLine>),
}

/// Some units of a line: the dearest left first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScopeLine {
    /// The line.
    pub position: u32,
    /// At most so many units; nothing means all of them.
    pub quantity: Option<u32>,
}

/// What a candidate gives.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Value {
    /// A share of what is left of the scope.
    Percent(Ppm),
    /// So much off every unit.
    Each(i64),
    /// So much off the scope, shared in proportion to what is left.
    Across(i64),
    /// So much off one unit, the cheapest left.
    Once(i64),
    /// Each unit comes down to this price.
    UnitPrice(i64),
    /// Units together for one price.
    Bundle(Bundle),
    /// Some units make others cheaper or free.
    BuyXGetY(BuyXGetY),
    /// Something on top.
    Gift(Gift),
}

/// Units sold together for one price.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bundle {
    /// What one bundle takes.
    pub parts: Vec<BundlePart>,
    /// What one bundle costs.
    pub price: i64,
    /// Most bundles.
    pub most: Option<u32>,
}

/// One part of a bundle.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BundlePart {
    /// Units that can fill it.
    pub scope: Scope,
    /// How many it takes.
    pub count: u32,
}

/// Buy some, get some.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BuyXGetY {
    /// Units that can qualify.
    pub buy: Scope,
    /// How many qualify each time.
    pub buy_count: u32,
    /// Units that can be given.
    pub get: Scope,
    /// How many are given each time.
    pub get_count: u32,
    /// How much is taken off each given unit.
    pub percent: Ppm,
    /// Most applications.
    pub most: Option<u32>,
}

/// A variant given for nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gift {
    /// Which.
    pub sku: Sku,
    /// How many.
    pub quantity: u32,
}

/// A condition that is tested at the candidate's turn, inclusive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Threshold {
    /// What must be there.
    pub minimum: Minimum,
    /// Over which goods.
    pub scope: Scope,
    /// Of which amounts.
    pub basis: Basis,
}

/// What a threshold asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Minimum {
    /// So much money.
    Spend(i64),
    /// So many units.
    Quantity(u32),
}

/// Which amounts a threshold adds up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Basis {
    /// What is left at the candidate's turn.
    Left,
    /// List amounts.
    List,
}

/// Words for people, as a template's key and what fills its places.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// The template's key.
    pub key: String,
    /// What fills its places.
    pub arguments: Vec<Argument>,
}

/// One filled-in place of a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Argument {
    /// The name in braces.
    pub name: String,
    /// What stands there.
    pub value: String,
}

/// Why a component proposes nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decline {
    /// What was considered.
    pub key: String,
    /// The reason.
    pub message: Message,
}

/// The answer of a component. Unit prices of pricing components come as candidates of the class
/// `Line` with the value `UnitPrice`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proposal {
    /// What it proposes, in its own order.
    pub candidates: Vec<Candidate>,
    /// What it considered and left.
    pub declined: Vec<Decline>,
}
