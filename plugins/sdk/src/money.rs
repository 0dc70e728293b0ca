//! Money in configurations.

use serde::Deserialize;

use crate::{
    argument, message,
    types::{Cart, Message},
};

/// The message of an amount in another currency than the cart's. Plugins that use [`Money`] add
/// [`Money::templates`] to their description.
const OTHER_CURRENCY: &str = "sdk-other-currency";

/// An amount of one currency.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Money {
    /// Minor units.
    pub amount: i64,
    /// ISO 4217.
    pub currency: String,
}

impl Money {
    /// The amount, if the cart is in its currency; else the reason for declining.
    pub fn of(&self, cart: &Cart) -> Result<i64, Message> {
        if self.currency == cart.currency {
            return Ok(self.amount);
        }
        let arguments = [argument("currency", &self.currency), argument("cart", &cart.currency)];
        Err(message(OTHER_CURRENCY, arguments))
    }

    /// What is wrong with it.
    pub fn check(&self) -> Option<&'static str> {
        let is_code = self.currency.len() == 3 && self.currency.bytes().all(|byte| byte.is_ascii_uppercase());
        match (self.amount, is_code) {
            (..=-1, _) => Some("the amount must not be negative"),
            (_, false) => Some("the currency must be an ISO 4217 code, such as USD"),
            _ => None,
        }
    }

    /// The words of its message.
    pub fn templates() -> [crate::types::Template; 2] {
        [
            crate::template(OTHER_CURRENCY, "en", "for carts in {currency}; this one is in {cart}"),
            crate::template(OTHER_CURRENCY, "ko", "{currency} 장바구니 전용입니다 (현재 {cart})"),
        ]
    }
}
