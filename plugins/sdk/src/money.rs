//! Money in configurations, and of carts.

use serde::Deserialize;

use crate::{
    argument, message,
    types::{Cart, Line, Message},
    words::OTHER_CURRENCY,
};

/// All of an amount, in parts per million.
pub const ALL_OF_IT: u32 = 1_000_000;

/// The highest price that the engine takes, in minor units.
pub const MAX_PRICE: i64 = 100_000_000_000;

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
}

/// An amount less a share, rounded half up. Amounts aren't negative.
pub fn less(amount: i64, ppm: u32) -> i64 {
    let kept = i128::from(amount) * i128::from(ALL_OF_IT.saturating_sub(ppm));
    i64::try_from((kept + i128::from(ALL_OF_IT / 2)) / i128::from(ALL_OF_IT)).unwrap_or(amount)
}

/// What is left to pay for all goods, in minor units.
pub fn goods_left(cart: &Cart) -> i64 {
    let left = |line: &Line| -> i64 {
        let runs = line.units.iter().map(|run| run.left.saturating_mul(i64::from(run.count)));
        runs.fold(0, i64::saturating_add)
    };
    cart.lines.iter().map(left).fold(0, i64::saturating_add)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{CartBuilder, LineBuilder};

    #[test]
    fn a_share_less_is_rounded_half_up() {
        // 1,599 less 5 % is 1,519.05, less 10 % is 1,439.1; half of 5 is 2.5.
        assert_eq!((less(1_599, 50_000), less(1_599, 100_000), less(5, 500_000)), (1_519, 1_439, 3));
        assert_eq!((less(i64::MAX, 0), less(700, ALL_OF_IT), less(700, u32::MAX)), (i64::MAX, 0, 0));
    }

    #[test]
    fn what_is_left_of_goods_counts_discounts() {
        let cart = CartBuilder::new("USD", 2)
            .line(LineBuilder::new("MUG", 2, 1_600).left(1_500))
            .line(LineBuilder::new("SOCK", 1, 1_400))
            .shipping("standard", 600)
            .build();
        assert_eq!(goods_left(&cart), 4_400);
    }
}
