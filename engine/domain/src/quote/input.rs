//! Everything a quote depends on.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{
    Id, Timestamp,
    catalog::{Attribute, Handle, Product, Sku, Variant},
    coupon::Coupon,
    customer::CustomerFacts,
    money::Currency,
    plugin::{Installation, Rulebook},
    settings::TaxRates,
};

/// Everything a quote depends on, beside the answers of the components it names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Input {
    /// The rules.
    pub rulebook: Arc<Rulebook>,
    /// The moment the cart is priced at.
    pub as_of: Timestamp,
    /// The cart's currency.
    pub currency: Currency,
    /// Whether prices include tax.
    pub prices_include_tax: bool,
    /// Tax rates by category.
    pub tax: TaxRates,
    /// What is known of the customer; nothing for a guest.
    pub customer: Option<CustomerFacts>,
    /// Where the goods go, as far as is known.
    pub destination: Option<Destination>,
    /// The lines; their index is their position.
    pub lines: Vec<LineInput>,
    /// The chosen shipping method.
    pub shipping: Option<ShippingInput>,
    /// The coupons on the cart, in the order they were added.
    pub coupons: Vec<CouponInput>,
    /// What installations have given so far; those not named have given nothing.
    pub standings: Vec<(Id<Installation>, Standing)>,
    /// The variants that installations may give away.
    pub gifts: Vec<GiftInput>,
    /// Which of 10,000 buckets the cart falls in. A canary of N % is asked below N x 100.
    pub bucket: u16,
}

/// One line of the cart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineInput {
    /// What is bought.
    pub variant: Id<Variant>,
    /// Its stock-keeping unit.
    pub sku: Sku,
    /// Its options, sorted by name.
    pub options: Vec<Attribute>,
    /// The product it belongs to.
    pub product: Arc<ProductFacts>,
    /// How many, at least 1.
    pub quantity: u32,
    /// The base price of one unit, in minor units.
    pub unit_amount: i64,
    /// No discount takes a unit below this.
    pub floor: i64,
    /// Decides the tax rate.
    pub tax_category: String,
}

/// What pricing may know of a product.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProductFacts {
    /// Its id.
    pub id: Id<Product>,
    /// Its handle.
    pub handle: Handle,
    /// Handles of its categories and of all their ancestors, sorted.
    pub categories: Vec<Handle>,
    /// Tags, sorted.
    pub tags: Vec<String>,
    /// Attributes, sorted by name.
    pub attributes: Vec<Attribute>,
}

/// Where the goods go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Destination {
    /// ISO 3166-1 alpha-2.
    pub country: String,
    /// ISO 3166-2 subdivision without the country.
    pub region: Option<String>,
}

/// The chosen shipping method.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShippingInput {
    /// Its handle.
    pub method: Handle,
    /// Its price, in minor units.
    pub amount: i64,
    /// Decides the tax rate.
    pub tax_category: String,
}

/// A coupon on the cart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CouponInput {
    /// The coupon.
    pub coupon: Coupon,
    /// How often it has been used.
    pub standing: Standing,
}

/// How often a promotion or coupon has been used, and what it may still give.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// Orders that used it.
    pub used: u64,
    /// Orders of this customer that used it; 0 for a guest.
    pub used_by_customer: u64,
    /// What is left of its money budget.
    pub budget_left: Option<i64>,
}

/// A variant that an installation may give away.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GiftInput {
    /// Its stock-keeping unit.
    pub sku: Sku,
    /// Its id.
    pub variant: Id<Variant>,
    /// What one unit would cost, in minor units: what the shopper saves.
    pub unit_amount: i64,
    /// Units there are beyond what the cart's own lines take.
    pub available: i64,
}
