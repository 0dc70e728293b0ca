//! Amounts in several currencies.

use serde::Deserialize;

use crate::{
    Money, Problems, argument, message,
    types::{Cart, Message},
    words::NOT_IN_CURRENCY,
};

/// An amount for each currency that a shop sells in.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Amounts(Vec<Money>);

impl Amounts {
    /// The amount in the cart's currency; else the reason for declining.
    pub fn of(&self, cart: &Cart) -> Result<i64, Message> {
        let fitting = self.0.iter().find(|money| money.currency == cart.currency);
        fitting.map(|money| money.amount).ok_or_else(|| {
            let currencies: Vec<&str> = self.0.iter().map(|money| money.currency.as_str()).collect();
            let arguments = [argument("cart", &cart.currency), argument("currencies", currencies.join(", "))];
            message(NOT_IN_CURRENCY, arguments)
        })
    }

    /// The amount in the cart's currency, where any amounts are configured at all.
    pub fn of_some(amounts: Option<&Self>, cart: &Cart) -> Result<Option<i64>, Message> {
        amounts.map(|amounts| amounts.of(cart)).transpose()
    }

    /// Whether there is an amount for each currency of those others.
    pub fn cover(&self, others: &Self) -> bool {
        let is_there = |other: &Money| self.0.iter().any(|money| money.currency == other.currency);
        others.0.iter().all(is_there)
    }

    /// Notes what is wrong with them: there is at least one, each with a currency of its own.
    pub fn check(&self, pointer: &str, problems: &mut Problems) {
        problems.refuse_if(self.0.is_empty(), pointer, "needs an amount in at least one currency");
        for (index, money) in self.0.iter().enumerate() {
            let pointer = format!("{pointer}/{index}");
            problems.money(&pointer, money);
            let is_twice = self.0[..index].iter().any(|other| other.currency == money.currency);
            problems.refuse_if(is_twice, &format!("{pointer}/currency"), "this currency stands twice");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::CartBuilder;

    fn amounts(json: &str) -> Amounts {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn the_amount_is_that_of_the_carts_currency() {
        let amounts = amounts(r#"[{"amount": 600, "currency": "USD"}, {"amount": 3000, "currency": "KRW"}]"#);
        let of = |currency: &str| amounts.of(&CartBuilder::new(currency, 0).build());
        assert_eq!((of("USD"), of("KRW")), (Ok(600), Ok(3_000)));
        let reason = of("EUR").unwrap_err();
        assert_eq!((reason.key.as_str(), reason.arguments[1].value.as_str()), (NOT_IN_CURRENCY, "USD, KRW"));
    }

    #[test]
    fn each_mistake_has_its_place() {
        let places = |json: &str| -> Vec<String> {
            let mut problems = Problems::default();
            amounts(json).check("/at", &mut problems);
            problems.found.into_iter().map(|problem| problem.pointer).collect()
        };
        assert_eq!(places("[]"), ["/at"]);
        assert_eq!(places(r#"[{"amount": -1, "currency": "usd"}]"#), ["/at/0/amount", "/at/0/currency"]);
        assert_eq!(
            places(r#"[{"amount": 1, "currency": "USD"}, {"amount": 2, "currency": "USD"}]"#),
            ["/at/1/currency"]
        );
    }
}
