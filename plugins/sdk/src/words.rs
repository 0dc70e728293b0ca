//! Words for people.

use crate::types::{Argument, Cart, Message, Template};

/// The words of a message in a language, with places in braces.
pub fn template(key: &str, language: &str, text: &str) -> Template {
    Template { key: key.to_owned(), language: language.to_owned(), text: text.to_owned() }
}

/// A message: a template's key, and what fills its places.
pub fn message(key: &str, arguments: impl IntoIterator<Item = Argument>) -> Message {
    Message { key: key.to_owned(), arguments: arguments.into_iter().collect() }
}

/// What fills a place.
pub fn argument(name: &str, value: impl ToString) -> Argument {
    Argument { name: name.to_owned(), value: value.to_string() }
}

/// An amount as people write it: 1999 is `19.99` in USD, `1999` in KRW, `1.999` in KWD.
pub fn amount(minor_units: i64, cart: &Cart) -> String {
    let decimals = usize::from(cart.currency_decimals);
    let digits = format!("{:0width$}", minor_units.unsigned_abs(), width = decimals + 1);
    let (whole, fraction) = digits.split_at(digits.len() - decimals);
    let sign = if minor_units < 0 { "-" } else { "" };
    if decimals == 0 { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") }
}

/// Parts per million as people write per cent: 100000 is `10`, 12500 is `1.25`.
pub fn percent(ppm: u32) -> String {
    let fraction = format!("{:04}", ppm % 10_000);
    match fraction.trim_end_matches('0') {
        "" => (ppm / 10_000).to_string(),
        fraction => format!("{}.{fraction}", ppm / 10_000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::CartBuilder;

    #[test]
    fn amounts_have_the_currencys_decimals() {
        let written =
            |units, currency, decimals| amount(units, &CartBuilder::new(currency, decimals).build());
        assert_eq!(written(1_999, "USD", 2), "19.99");
        assert_eq!(written(5, "USD", 2), "0.05");
        assert_eq!(written(-5, "USD", 2), "-0.05");
        assert_eq!(written(1_999, "KRW", 0), "1999");
        assert_eq!(written(1_999, "KWD", 3), "1.999");
    }

    #[test]
    fn per_cent_have_no_needless_zeros() {
        assert_eq!(percent(100_000), "10");
        assert_eq!(percent(12_500), "1.25");
        assert_eq!(percent(1), "0.0001");
        assert_eq!(percent(0), "0");
    }
}
