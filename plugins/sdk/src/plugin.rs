//! What a plugin implements.

use serde::de::DeserializeOwned;

use crate::types::{
    Cart, Checkout, Class, ConfigProblem, Description, Objection, Prices, Proposal, Rates, Standing, Taxes,
};

/// What every plugin has: words on itself, and a configuration.
pub trait Plugin {
    /// Its configuration, read from JSON. Deny unknown fields, so that a misspelt one is found.
    type Config: DeserializeOwned;

    /// What it says of itself.
    fn describe() -> Description;

    /// What is wrong with a configuration beyond its types. Nothing, unless it says otherwise.
    fn check(_config: &Self::Config) -> Vec<ConfigProblem> {
        Vec::new()
    }
}

/// Makes unit prices.
pub trait Pricing: Plugin {
    /// Proposes unit prices for the cart.
    fn price(cart: &Cart, standing: Standing, config: &Self::Config) -> Prices;
}

/// Decides what a coupon gives.
pub trait Coupon: Plugin {
    /// The classes that candidates can have under a configuration: it is asked in their stages
    /// alone.
    fn classes(config: &Self::Config) -> Vec<Class>;

    /// Proposes what the coupon gives on the cart.
    fn redeem(cart: &Cart, code: &str, standing: Standing, config: &Self::Config) -> Proposal;
}

/// Proposes automatic discounts and gifts.
pub trait Promotion: Plugin {
    /// The classes that candidates can have under a configuration: it is asked in their stages
    /// alone.
    fn classes(config: &Self::Config) -> Vec<Class>;

    /// Proposes discounts for the cart.
    fn propose(cart: &Cart, standing: Standing, config: &Self::Config) -> Proposal;
}

/// Offers shipping methods.
pub trait ShippingRates: Plugin {
    /// Offers methods for the cart.
    fn offer_shipping(cart: &Cart, config: &Self::Config) -> Rates;
}

/// Finds tax rates.
pub trait Tax: Plugin {
    /// Finds the rates of the cart's lines and shipping.
    fn find_taxes(cart: &Cart, config: &Self::Config) -> Taxes;
}

/// Says whether a cart may be ordered.
pub trait CheckoutValidation: Plugin {
    /// What stands against ordering the cart. Nothing, where nothing does.
    fn validate_checkout(cart: &Cart, checkout: &Checkout, config: &Self::Config) -> Vec<Objection>;
}
