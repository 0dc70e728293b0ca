//! Choosing lines by what is known of them.

use serde::{Deserialize, Deserializer};

use crate::{
    no_goods,
    types::{Cart, Line, Message, Scope, ScopeLine},
};

/// Names goods in a configuration. A line fits when any of its lists names it; a selector without
/// lists fits every line.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Selector {
    /// Stock-keeping units, as [`deserialize_sku`] reads them.
    #[serde(deserialize_with = "skus")]
    pub skus: Vec<String>,
    /// Handles of products.
    pub products: Vec<String>,
    /// Handles of categories; their descendants are in them.
    pub categories: Vec<String>,
    /// Tags.
    pub tags: Vec<String>,
}

/// Reads an SKU of a configuration as the engine has it, without spaces around it and in capitals. Letters
/// beyond ASCII stay as they are written.
pub fn deserialize_sku<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    String::deserialize(deserializer).map(|sku| normalised(&sku))
}

fn skus<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    let skus = Vec::<String>::deserialize(deserializer)?;
    Ok(skus.iter().map(|sku| normalised(sku)).collect())
}

fn normalised(sku: &str) -> String {
    sku.trim().to_ascii_uppercase()
}

impl Selector {
    /// Whether it fits every line.
    pub fn is_everything(&self) -> bool {
        self.skus.is_empty() && self.products.is_empty() && self.categories.is_empty() && self.tags.is_empty()
    }

    /// Whether it fits a line.
    pub fn fits(&self, line: &Line) -> bool {
        let shares = |wanted: &[String], there: &[String]| wanted.iter().any(|word| there.contains(word));
        self.is_everything()
            || self.skus.contains(&line.sku)
            || self.products.contains(&line.product.handle)
            || shares(&self.categories, &line.product.categories)
            || shares(&self.tags, &line.product.tags)
    }

    /// Positions of the lines it fits.
    pub fn positions(&self, cart: &Cart) -> Vec<u32> {
        cart.lines.iter().filter(|line| self.fits(line)).map(|line| line.position).collect()
    }

    /// How many units it fits.
    pub fn units(&self, cart: &Cart) -> u64 {
        cart.lines.iter().filter(|line| self.fits(line)).map(|line| u64::from(line.quantity)).sum()
    }

    /// The scope of what it fits; else the reason for declining.
    pub fn scope_or_reason(&self, cart: &Cart) -> Result<Scope, Message> {
        self.scope(cart).ok_or_else(no_goods)
    }

    /// The scope of what it fits; nothing where it fits no line.
    pub fn scope(&self, cart: &Cart) -> Option<Scope> {
        if self.is_everything() {
            return Some(Scope::All);
        }
        let lines: Vec<ScopeLine> =
            self.positions(cart).into_iter().map(|position| ScopeLine { position, quantity: None }).collect();
        (!lines.is_empty()).then_some(Scope::Lines(lines))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{CartBuilder, LineBuilder};

    #[test]
    fn a_line_fits_when_any_list_names_it() {
        let cart = CartBuilder::new("USD", 2)
            .line(LineBuilder::new("MUG", 1, 1_600).category("kitchen").tag("gift"))
            .line(LineBuilder::new("SOCK", 2, 1_400).category("socks").tag("wool"))
            .build();
        let selector = |json: &str| serde_json::from_str::<Selector>(json).unwrap();
        assert_eq!(selector("{}").positions(&cart), [0, 1]);
        assert_eq!(selector("{}").scope(&cart), Some(Scope::All));
        assert_eq!(selector(r#"{"skus": ["SOCK"]}"#).positions(&cart), [1]);
        assert_eq!(selector(r#"{"skus": ["SOCK"]}"#).units(&cart), 2);
        assert_eq!(selector(r#"{"skus": [" sock "]}"#).positions(&cart), [1]);
        assert_eq!(selector(r#"{"categories": ["socks"], "tags": ["gift"]}"#).positions(&cart), [0, 1]);
        assert_eq!(selector(r#"{"products": ["mug"]}"#).positions(&cart), [0]);
        assert_eq!(selector(r#"{"tags": ["linen"]}"#).scope(&cart), None);
        assert_eq!(selector(r#"{"tags": ["linen"]}"#).scope_or_reason(&cart), Err(no_goods()));
        assert!(serde_json::from_str::<Selector>(r#"{"sku": ["SOCK"]}"#).is_err());
    }
}
