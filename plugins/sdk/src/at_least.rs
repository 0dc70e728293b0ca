//! Minimums of offers.

use serde::Deserialize;

use crate::{
    Amounts, Problems, Selector, minimum_quantity, minimum_spend,
    types::{Cart, Message, Threshold},
};

/// What has to be in the cart, in a configuration: so much spent or so many units, of all goods or of
/// some.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AtLeast {
    /// The least spend, on what is left to pay.
    pub spend: Option<Amounts>,
    /// Or the least number of units.
    pub quantity: Option<u32>,
    /// Which goods count.
    #[serde(default)]
    pub goods: Selector,
}

impl AtLeast {
    /// The threshold for the host to test; else the reason for declining.
    pub fn threshold(&self, cart: &Cart) -> Result<Threshold, Message> {
        let scope = self.goods.scope_or_reason(cart)?;
        let spend = Amounts::of_some(self.spend.as_ref(), cart)?;
        Ok(match spend {
            Some(amount) => Threshold { scope, ..minimum_spend(amount) },
            None => minimum_quantity(self.quantity.unwrap_or(1), scope),
        })
    }

    /// Notes what is wrong with it.
    pub fn check(&self, pointer: &str, problems: &mut Problems) {
        let is_one = self.spend.is_some() != self.quantity.is_some();
        problems.refuse_if(!is_one, pointer, "needs either spend or quantity");
        problems.at_least_one(&format!("{pointer}/quantity"), self.quantity.unwrap_or(1));
        problems.some_amounts(&format!("{pointer}/spend"), self.spend.as_ref());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        testing::{CartBuilder, LineBuilder},
        types::{Minimum, Scope, ScopeLine},
    };

    fn at_least(json: &str) -> AtLeast {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn spend_and_quantity_are_counted_over_the_goods_named() {
        let cart = CartBuilder::new("USD", 2)
            .line(LineBuilder::new("MUG", 1, 1_600))
            .line(LineBuilder::new("SOCK", 2, 1_400))
            .build();
        let threshold = |json: &str| at_least(json).threshold(&cart).map(|it| (it.minimum, it.scope));
        let socks = Scope::Lines(vec![ScopeLine { position: 1, quantity: None }]);
        let spend = r#"{"spend": [{"amount": 5000, "currency": "USD"}]}"#;
        assert_eq!(threshold(spend), Ok((Minimum::Spend(5_000), Scope::All)));
        let quantity = r#"{"quantity": 3, "goods": {"skus": ["SOCK"]}}"#;
        assert_eq!(threshold(quantity), Ok((Minimum::Quantity(3), socks)));
        let won = r#"{"spend": [{"amount": 5000, "currency": "KRW"}]}"#;
        assert_eq!(threshold(won).unwrap_err().key, "sdk-not-in-currency");
        assert_eq!(threshold(r#"{"quantity": 1, "goods": {"skus": ["HAT"]}}"#), Err(crate::no_goods()));
    }

    #[test]
    fn it_is_one_of_the_two() {
        let places = |json: &str| -> Vec<String> {
            let mut problems = Problems::default();
            at_least(json).check("/minimum", &mut problems);
            problems.found.into_iter().map(|problem| problem.pointer).collect()
        };
        assert_eq!(places("{}"), ["/minimum"]);
        assert_eq!(
            places(r#"{"quantity": 0, "spend": []}"#),
            ["/minimum", "/minimum/quantity", "/minimum/spend"]
        );
    }
}
