//! Building tax rates.

use crate::types::{Message, TaxRate, TaxScope};

/// A tax rate in the making: on all goods and shipping.
#[derive(Debug)]
pub struct TaxRateBuilder(TaxRate);

impl TaxRateBuilder {
    /// A rate in parts per million.
    pub fn new(key: &str, rate: u32, name: Message) -> Self {
        Self(TaxRate { key: key.to_owned(), scope: TaxScope::All, rate, name })
    }

    /// On these lines.
    pub fn on_lines(mut self, positions: impl IntoIterator<Item = u32>) -> Self {
        self.0.scope = TaxScope::Lines(positions.into_iter().collect());
        self
    }

    /// On shipping.
    pub fn on_shipping(mut self) -> Self {
        self.0.scope = TaxScope::Shipping;
        self
    }

    /// The rate.
    pub fn build(self) -> TaxRate {
        self.0
    }
}
