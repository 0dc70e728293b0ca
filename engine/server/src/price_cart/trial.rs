//! Carts that are priced for trial, under rules that needn't be active.

use std::sync::Arc;

use martlet_domain::{
    Id, Timestamp,
    cart::Cart,
    catalog::{Handle, Variant},
    customer::CustomerFacts,
    money::Currency,
    plugin::SealedRulebook,
    quote::{GiftInput, Input, Quote},
    settings::{Store, StoreSettings},
};
use martlet_store::Db;

use super::{CallReport, Facts, PricedCart};
use crate::error::Error;

/// A cart of which everything is read that its price depends on under some rules.
pub struct Trial {
    cart: Cart,
    facts: Facts,
    /// What its price depends on.
    pub input: Input,
}

impl Trial {
    /// Reads what the price of a cart depends on. `customer` is what is known of somebody who needn't be a
    /// customer, and to whom nothing was given yet.
    pub async fn read(
        db: &Db,
        store: Id<Store>,
        cart: Cart,
        customer: Option<CustomerFacts>,
        rulebook: Arc<SealedRulebook>,
        as_of: Timestamp,
    ) -> Result<Self, Error> {
        let facts = Facts::read(db, store, &cart, customer.is_some(), &rulebook, as_of).await?;
        let mut input = facts.input(&cart, rulebook, as_of)?;
        input.customer = customer.or(input.customer);
        Ok(Self { cart, facts, input })
    }

    /// The shipping method that the cart has chosen, offered or not; nothing where there are no goods.
    pub fn method(&self) -> Option<&Handle> {
        self.cart.shipping_method.as_ref().filter(|_| !self.cart.lines.is_empty())
    }

    /// The cart with its price.
    pub fn priced(self, quote: Quote, calls: Vec<CallReport>) -> PricedCart {
        let Self { cart, facts, input } = self;
        let rulebook = input.rulebook;
        let ships = !facts.settings.shipping_methods.is_empty() || rulebook.offers_shipping();
        let coupons = facts.coupons.into_iter().map(|(coupon, _)| coupon).collect();
        PricedCart { cart, quote, rulebook, offers: facts.offers, coupons, ships, calls }
    }
}

impl std::fmt::Debug for Trial {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Trial").field("cart", &self.cart).finish_non_exhaustive()
    }
}

/// A variant that may be given away, as many as there are; nothing where it has no price in a currency.
pub fn gift(variant: &Variant, currency: Currency) -> Option<GiftInput> {
    Some(GiftInput {
        sku: variant.sku.clone(),
        variant: variant.id,
        unit_amount: variant.price(currency)?.amount,
        available: variant.stock.available().max(0),
    })
}

/// Handles of the store's own shipping methods that go to a country.
pub fn own_methods(settings: &StoreSettings, currency: Currency, country: Option<&str>) -> Vec<Handle> {
    let methods = settings.shipping_methods.iter();
    methods
        .filter(|method| method.amount(currency, country).is_some())
        .map(|method| method.handle.clone())
        .collect()
}
