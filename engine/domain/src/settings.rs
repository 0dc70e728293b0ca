//! Stores and their settings.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    Entity, Id, Timestamp,
    catalog::Handle,
    money::{Currency, Ppm},
};

/// A tenant. Everything belongs to one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Store {
    /// Its id.
    pub id: Id<Store>,
    /// Names it in the `Martlet-Store` header.
    pub handle: Handle,
    /// What people call it.
    pub name: String,
    /// Host names that are its own.
    pub hosts: Vec<String>,
    /// When it was made.
    pub created_at: Timestamp,
}

impl Entity for Store {
    const NAME: &'static str = "store";
}

/// How a store sells.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoreSettings {
    /// What carts are in unless they ask for another.
    pub default_currency: Currency,
    /// Whether prices include tax.
    pub prices_include_tax: bool,
    /// Tax rates by tax category.
    pub tax: TaxRates,
    /// Ways to ship, in the order they are offered.
    pub shipping_methods: Vec<ShippingMethod>,
}

/// Tax rates by category.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TaxRates {
    /// For every category without a rate of its own.
    pub standard: Ppm,
    /// Categories with one.
    pub by_category: BTreeMap<String, Ppm>,
}

impl TaxRates {
    /// The rate of a category.
    pub fn rate(&self, category: &str) -> Ppm {
        self.by_category.get(category).copied().unwrap_or(self.standard)
    }
}

/// A way to ship at a flat price.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShippingMethod {
    /// Names it in requests.
    pub handle: Handle,
    /// What shoppers call it.
    pub name: String,
    /// Its price by currency, in minor units. A cart in another currency isn't offered it.
    pub amounts: BTreeMap<Currency, i64>,
    /// Its tax category.
    pub tax_category: String,
    /// ISO 3166-1 alpha-2 codes of where it goes; empty means everywhere.
    pub countries: Vec<String>,
}

impl ShippingMethod {
    /// Its price for a cart in this currency that goes there, where it is offered at all.
    pub fn amount(&self, currency: Currency, country: Option<&str>) -> Option<i64> {
        let goes_there = self.countries.is_empty()
            || country.is_some_and(|country| self.countries.iter().any(|known| known == country));
        if goes_there { self.amounts.get(&currency).copied() } else { None }
    }
}
