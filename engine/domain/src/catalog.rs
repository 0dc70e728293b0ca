//! What a store sells: products, their variants and the categories they stand in.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize};
use unicode_normalization::UnicodeNormalization as _;

use crate::{Entity, Id, Malformed, Timestamp, stock::StockLevel};

/// The readable part of an address: 1 to 100 of `a-z`, `0-9` and inner `-`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Handle(String);

impl Handle {
    /// Its text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Handle {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if (1..=100).contains(&text.len())
            && text.bytes().all(allowed)
            && !text.starts_with('-')
            && !text.ends_with('-')
        {
            Ok(Self(text.to_owned()))
        } else {
            Err(Malformed::new("handle", "is 1 to 100 of a-z, 0-9 and inner hyphens"))
        }
    }
}

impl fmt::Display for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Handle {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// A stock-keeping unit: trimmed, NFKC, upper case, 1 to 64 characters without control
/// characters. Unique in a store.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Sku(String);

impl Sku {
    /// Its text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Sku {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        normalise_code("sku", text).map(Self)
    }
}

impl fmt::Display for Sku {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Sku {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// Trims, normalises (NFKC) and upper-cases a code that people type.
pub(crate) fn normalise_code(what: &'static str, text: &str) -> Result<String, Malformed> {
    let code: String = text.nfkc().flat_map(char::to_uppercase).nfkc().collect();
    let code = code.trim();
    match code.chars().count() {
        1..=64 if !code.chars().any(char::is_control) => Ok(code.to_owned()),
        _ => Err(Malformed::new(what, "is 1 to 64 characters without control characters")),
    }
}

/// A named fact, such as `material` = `wool`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Attribute {
    /// The fact's name.
    pub name: String,
    /// Its value.
    pub value: String,
}

/// Something a product comes in, such as `size` in `S`, `M` and `L`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProductOption {
    /// Its name.
    pub name: String,
    /// Its values, in the order they are shown.
    pub values: Vec<String>,
}

/// A node of the store's tree of categories.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Category {
    /// Its id.
    pub id: Id<Category>,
    /// Unique in the store.
    pub handle: Handle,
    /// What shoppers call it.
    pub name: String,
    /// The category it stands in.
    pub parent: Option<Id<Category>>,
    /// Where it stands among its siblings.
    pub position: i64,
}

impl Entity for Category {
    const NAME: &'static str = "category";
}

/// Something the store sells, in one or more variants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Product {
    /// Its id.
    pub id: Id<Product>,
    /// Unique in the store.
    pub handle: Handle,
    /// What shoppers call it.
    pub title: String,
    /// Plain text.
    pub description: String,
    /// Whether shoppers see it.
    pub published: bool,
    /// Free words for rules and searches, sorted.
    pub tags: Vec<String>,
    /// Named facts, sorted by name.
    pub attributes: Vec<Attribute>,
    /// What it comes in.
    pub options: Vec<ProductOption>,
    /// Decides its tax rate.
    pub tax_category: String,
    /// The categories it stands in directly.
    pub categories: Vec<Id<Category>>,
    /// Counts changes, from 1.
    pub version: i64,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

impl Entity for Product {
    const NAME: &'static str = "product";
}

/// Most that a unit may weigh: 1,000 tonnes.
pub const MAX_WEIGHT_GRAMS: u32 = 1_000_000_000;

/// What is actually bought: a product in one choice of its options.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Variant {
    /// Its id.
    pub id: Id<Variant>,
    /// The product it belongs to.
    pub product: Id<Product>,
    /// Unique in the store.
    pub sku: Sku,
    /// What tells it from its siblings, such as `M / navy`.
    pub title: String,
    /// The choice: one value for each of the product's options, sorted by name.
    pub options: Vec<Attribute>,
    /// Its prices, one a currency.
    pub prices: Vec<Price>,
    /// What there is of it.
    pub stock: StockLevel,
    /// What one unit weighs, where the merchant has said: at most [`MAX_WEIGHT_GRAMS`].
    pub weight_grams: Option<u32>,
    /// Where it stands among its siblings.
    pub position: i64,
    /// Counts changes, from 1. Stock isn't counted.
    pub version: i64,
}

impl Entity for Variant {
    const NAME: &'static str = "variant";
}

impl Variant {
    /// Its price in a currency.
    pub fn price(&self, currency: crate::money::Currency) -> Option<Price> {
        self.prices.iter().find(|price| price.currency == currency).copied()
    }
}

/// What one unit of a variant costs in one currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Price {
    /// The currency.
    pub currency: crate::money::Currency,
    /// Minor units, 0 to [`crate::money::MAX_PRICE`].
    pub amount: i64,
    /// No discount takes a unit below this; 0 to `amount`.
    pub floor: i64,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn codes_are_trimmed_composed_and_in_upper_case() {
        let codes = [
            (" abc-1\t", "ABC-1"),
            ("ｓｋｕ１", "SKU1"),
            ("straße", "STRASSE"),
            ("ﬁne", "FINE"),
            ("e\u{301}", "É"),
            ("ᵃ", "A"),
            ("①", "1"),
            ("a b", "A B"),
            ("\u{a0}x\u{3000}", "X"),
            ("양말", "양말"),
        ];
        for (text, expected) in codes {
            assert_eq!(text.parse::<Sku>().unwrap().as_str(), expected, "{text}");
        }
    }

    #[test]
    fn what_is_no_code_is_refused() {
        for text in ["", "  ", "\u{3000}", "a\0b", "a\nb", "a\u{85}b", &"x".repeat(65), &"ß".repeat(33)] {
            assert!(text.parse::<Sku>().is_err(), "{text:?}");
        }
        assert!("x".repeat(64).parse::<Sku>().is_ok());
        assert!("양".repeat(64).parse::<Sku>().is_ok());
    }

    proptest! {
        #[test]
        fn a_code_is_the_code_of_itself(text in "\\PC{0,70}") {
            if let Ok(sku) = text.parse::<Sku>() {
                prop_assert_eq!(sku.as_str().parse::<Sku>().unwrap(), sku);
            }
        }

        #[test]
        fn case_tells_no_codes_apart(text in "[a-zA-Zäöüß0-9-]{1,30}") {
            let sku: Sku = text.parse().unwrap();
            prop_assert_eq!(text.to_uppercase().parse::<Sku>().unwrap(), sku.clone());
            prop_assert_eq!(text.to_lowercase().parse::<Sku>().unwrap(), sku);
        }
    }

    #[test]
    fn handles_are_plain() {
        for text in ["a", "wool-socks", "0", "a--b", &"a".repeat(100)] {
            assert_eq!(text.parse::<Handle>().unwrap().as_str(), text);
        }
        for text in ["", "-a", "a-", "A", "a b", "ä", "a_b", &"a".repeat(101)] {
            assert!(text.parse::<Handle>().is_err(), "{text}");
        }
    }
}
