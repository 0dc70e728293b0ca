//! What components of the worlds answer that propose no discounts. The records mirror those of `wit/`,
//! which says more about each.

use serde::{Deserialize, Serialize};

use super::{Decline, Message};
use crate::{catalog::Handle, money::Ppm};

/// Days from the order to the doorstep, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliveryDays {
    /// At the earliest.
    pub earliest: u32,
    /// At the latest.
    pub latest: u32,
}

/// A shipping method that a component offers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShippingRate {
    /// Names it within the answer.
    pub key: String,
    /// The method's handle, by which shoppers choose.
    pub method: Handle,
    /// What it costs before discounts, in minor units and in the prices' tax basis.
    pub amount: i64,
    /// Decides its tax rate; nothing means `standard`.
    pub tax_category: Option<String>,
    /// When it arrives, where that is known.
    pub delivery: Option<DeliveryDays>,
    /// What shoppers call it.
    pub name: Message,
}

/// The answer of a component that offers shipping methods.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rates {
    /// The methods it offers, in its own order.
    pub rates: Vec<ShippingRate>,
    /// What it considered and left.
    pub declined: Vec<Decline>,
}

/// What a tax rate is for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TaxScope {
    /// All goods and shipping.
    All,
    /// The lines at these positions.
    Lines(Vec<u32>),
    /// Shipping.
    Shipping,
}

/// A tax rate. Several that meet on a line are added up and the tax is rounded once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaxRate {
    /// Names it within the answer.
    pub key: String,
    /// What it is for.
    pub scope: TaxScope,
    /// The rate.
    pub rate: Ppm,
    /// What the tax is called.
    pub name: Message,
}

/// The answer of a component that knows tax rates.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Taxes {
    /// Whether the tax is in the amounts, or comes on top of them.
    pub included: bool,
    /// The rates, in its own order.
    pub rates: Vec<TaxRate>,
    /// What it considered and left.
    pub declined: Vec<Decline>,
}

/// Why a cart can't be ordered as it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Objection {
    /// Names it within the answer.
    pub key: String,
    /// The line it is about; nothing where it is about the whole cart.
    pub position: Option<u32>,
    /// The reason, in words for the shopper.
    pub message: Message,
}
