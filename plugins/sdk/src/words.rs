//! Words for people.

use crate::types::{Argument, Cart, Message, Template};

// The messages of this crate itself. Every component brings their words, whether it says them or not.
pub(crate) const INVALID_CONFIG: &str = "sdk-invalid-config";
pub(crate) const OTHER_CURRENCY: &str = "sdk-other-currency";
pub(crate) const NOT_IN_CURRENCY: &str = "sdk-not-in-currency";
const NO_GOODS: &str = "sdk-no-goods";
const TOO_FEW: &str = "sdk-too-few";
pub(crate) const NO_LOWER: &str = "sdk-no-lower";
const NO_DESTINATION: &str = "sdk-no-destination";
pub(crate) const NOTHING_TO_SHIP: &str = "sdk-nothing-to-ship";
pub(crate) const ELSEWHERE: &str = "sdk-elsewhere";
pub(crate) const METHOD: &str = "sdk-method";

/// The words of this crate's own messages.
pub(crate) fn templates() -> Vec<Template> {
    in_english_and_korean([
        (INVALID_CONFIG, "the configuration is not valid: {problem}", "설정이 올바르지 않습니다: {problem}"),
        (
            OTHER_CURRENCY,
            "for carts in {currency}; this one is in {cart}",
            "{currency} 장바구니 전용입니다 (현재 {cart})",
        ),
        (
            NOT_IN_CURRENCY,
            "has no amount in {cart}, only in {currencies}",
            "{cart} 금액이 없습니다 ({currencies}만 설정됨)",
        ),
        (NO_GOODS, "none of the goods it is for is in the cart", "대상 상품이 장바구니에 없습니다"),
        (TOO_FEW, "needs {needed} units, there are {there}", "{needed}개가 필요하며 현재 {there}개입니다"),
        (NO_LOWER, "the price is as low already", "이미 더 낮은 가격입니다"),
        (NO_DESTINATION, "the shopper hasn't said where the goods go", "배송지가 아직 입력되지 않았습니다"),
        (NOTHING_TO_SHIP, "the cart is empty", "장바구니가 비어 있습니다"),
        (ELSEWHERE, "not for {place}", "{place} 지역에는 적용되지 않습니다"),
        (METHOD, "{name}", "{name}"),
    ])
}

/// The words of messages, each as its key, the English and the Korean words.
pub fn in_english_and_korean<'a>(
    words: impl IntoIterator<Item = (&'a str, &'a str, &'a str)>,
) -> Vec<Template> {
    let both = |(key, english, korean)| [template(key, "en", english), template(key, "ko", korean)];
    words.into_iter().flat_map(both).collect()
}

/// The words of a message in a language, with places in braces.
pub fn template(key: &str, language: &str, text: &str) -> Template {
    Template { key: key.to_owned(), language: language.to_owned(), text: text.to_owned() }
}

/// A message: a template's key, and what fills its places.
pub fn message(key: &str, arguments: impl IntoIterator<Item = Argument>) -> Message {
    Message { key: key.to_owned(), arguments: arguments.into_iter().collect() }
}

/// The reason for declining where a cart has none of the goods.
pub fn no_goods() -> Message {
    message(NO_GOODS, [])
}

/// The reason for declining where it isn't known yet where the goods go.
pub fn no_destination() -> Message {
    message(NO_DESTINATION, [])
}

/// The reason for declining where there are fewer units than needed.
pub fn too_few(needed: impl Into<u64>, there: u64) -> Message {
    message(TOO_FEW, [argument("needed", needed.into()), argument("there", there)])
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
