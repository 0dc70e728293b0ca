//! Money as it stands in JSON.

use martlet_domain::money::{Currency, MAX_PRICE, Money};
use serde::{Deserialize, Deserializer, Serialize};

/// An amount of money: 1999 is 19.99 USD, 1,999 KRW or 1.999 KWD.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Money)]
pub struct MoneyBody {
    /// Whole minor units.
    #[schema(example = 1999)]
    pub amount: i64,
    /// ISO 4217.
    #[schema(value_type = String, example = "USD")]
    pub currency: Currency,
}

impl MoneyBody {
    /// So many minor units of a currency.
    pub fn new(amount: i64, currency: Currency) -> Self {
        Self { amount, currency }
    }
}

impl From<Money> for MoneyBody {
    fn from(money: Money) -> Self {
        Self::new(money.minor_units, money.currency)
    }
}

impl From<MoneyBody> for Money {
    fn from(body: MoneyBody) -> Self {
        Self { minor_units: body.amount, currency: body.currency }
    }
}

/// A bound of prices in a query.
#[derive(Debug, Clone, Copy, PartialEq, Eq, utoipa::ToSchema)]
#[schema(value_type = i64, minimum = 0)]
pub struct AmountParameter(pub i64);

impl<'de> Deserialize<'de> for AmountParameter {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        match text.parse() {
            Ok(amount @ 0..=MAX_PRICE) => Ok(Self(amount)),
            _ => Err(serde::de::Error::custom(format!(
                "is a whole number of minor units from 0 to {MAX_PRICE}"
            ))),
        }
    }
}
