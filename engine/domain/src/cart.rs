//! Carts.

use crate::{
    Entity, Id, Timestamp,
    catalog::{Handle, Variant},
    coupon::Coupon,
    customer::Customer,
    money::Currency,
    order::Order,
};

/// Most lines a cart may have.
pub const MAX_LINES: usize = 500;
/// Most units a line may have.
pub const MAX_QUANTITY: u32 = 10_000;
/// Most coupons a cart may have.
pub const MAX_COUPONS: usize = 10;

/// What a shopper means to buy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cart {
    /// Its id. Whoever knows it may use the cart.
    pub id: Id<Cart>,
    /// Counts changes, from 1.
    pub version: i64,
    /// Its currency, which never changes.
    pub currency: Currency,
    /// The customer it is bound to.
    pub customer: Option<Id<Customer>>,
    /// A guest's e-mail address, in lower case.
    pub email: Option<String>,
    /// Where the goods go.
    pub shipping_address: Option<Address>,
    /// Handle of the chosen shipping method.
    pub shipping_method: Option<Handle>,
    /// Its lines, in the order they were added.
    pub lines: Vec<LineItem>,
    /// Its coupons, in the order they were added.
    pub coupons: Vec<Id<Coupon>>,
    /// The order it has become. While it is one, it can't be changed.
    pub order: Option<Id<Order>>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

impl Entity for Cart {
    const NAME: &'static str = "cart";
    const CAPABILITY: bool = true;
}

/// Some units of a variant in a cart. A variant has one line at most.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineItem {
    /// Its id.
    pub id: Id<LineItem>,
    /// What is bought.
    pub variant: Id<Variant>,
    /// How many, 1 to [`MAX_QUANTITY`].
    pub quantity: u32,
    /// When it was added.
    pub added_at: Timestamp,
}

impl Entity for LineItem {
    const NAME: &'static str = "line";
}

/// Where goods go. Only country and region reach pricing and receipts.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Address {
    /// Who receives.
    pub name: String,
    /// Street and number, and what else there is.
    pub lines: Vec<String>,
    /// City.
    pub city: String,
    /// Postal code, where the country has them.
    pub postal_code: Option<String>,
    /// ISO 3166-2 subdivision without the country.
    pub region: Option<String>,
    /// ISO 3166-1 alpha-2.
    pub country: String,
}
