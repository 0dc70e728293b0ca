//! Carts for tests, and what all plugins are tested for.

use std::{collections::BTreeSet, fmt};

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use crate::{
    Plugin, goods_left, guest,
    types::{
        Cart, Checkout, Customer, Destination, Line, Product, Shipping, Stage, Standing, Totals, UnitRun,
    },
};

/// A cart in the making: of a guest, priced at a fixed moment, in the line stage.
#[derive(Debug)]
pub struct CartBuilder(Cart);

/// A line in the making: of a product of its own.
#[derive(Debug)]
pub struct LineBuilder(Line);

impl CartBuilder {
    /// An empty cart in a currency with so many decimals.
    pub fn new(currency: &str, decimals: u8) -> Self {
        Self(Cart {
            stage: Stage::Line,
            as_of: 1_767_225_600_000,
            currency: currency.to_owned(),
            currency_decimals: decimals,
            prices_include_tax: true,
            customer: None,
            destination: None,
            lines: Vec::new(),
            shipping: None,
            codes: Vec::new(),
        })
    }

    /// With a line more.
    pub fn line(mut self, line: LineBuilder) -> Self {
        let position = u32::try_from(self.0.lines.len()).unwrap_or(u32::MAX);
        self.0.lines.push(Line { position, ..line.0 });
        self
    }

    /// In a stage.
    pub fn stage(mut self, stage: Stage) -> Self {
        self.0.stage = stage;
        self
    }

    /// Of a customer in these groups who has placed so many orders.
    pub fn customer(mut self, groups: &[&str], order_count: u32) -> Self {
        let groups = groups.iter().map(|group| (*group).to_owned()).collect();
        self.0.customer = Some(Customer { groups, order_count, lifetime_spend: 0 });
        self
    }

    /// Of a customer whose earlier orders came to so much; of one in no groups if none was named.
    pub fn lifetime_spend(mut self, amount: i64) -> Self {
        let customer = Customer { groups: Vec::new(), order_count: 0, lifetime_spend: 0 };
        self.0.customer.get_or_insert(customer).lifetime_spend = amount;
        self
    }

    /// Whose prices don't include tax.
    pub fn without_tax(mut self) -> Self {
        self.0.prices_include_tax = false;
        self
    }

    /// To a country.
    pub fn country(mut self, country: &str) -> Self {
        self.0.destination = Some(Destination { country: country.to_owned(), region: None });
        self
    }

    /// To a region of a country.
    pub fn region(mut self, country: &str, region: &str) -> Self {
        self.0.destination =
            Some(Destination { country: country.to_owned(), region: Some(region.to_owned()) });
        self
    }

    /// With a shipping method at a price, taxed as `standard`.
    pub fn shipping(mut self, method: &str, amount: i64) -> Self {
        self.0.shipping = Some(Shipping {
            method: method.to_owned(),
            list_amount: amount,
            left: amount,
            tax_category: "standard".to_owned(),
        });
        self
    }

    /// The cart.
    pub fn build(self) -> Cart {
        self.0
    }
}

impl LineBuilder {
    /// So many units of a variant at a price, of unknown weight and taxed as `standard`. The product's
    /// handle is the SKU in lower case.
    pub fn new(sku: &str, quantity: u32, amount: i64) -> Self {
        Self(Line {
            position: 0,
            variant: format!("00000000-0000-4000-8000-{:012}", sku.len()),
            sku: sku.to_owned(),
            options: Vec::new(),
            product: Product {
                id: format!("00000000-0000-4000-9000-{:012}", sku.len()),
                handle: sku.to_lowercase(),
                categories: Vec::new(),
                tags: Vec::new(),
                attributes: Vec::new(),
            },
            quantity,
            weight_grams: None,
            tax_category: "standard".to_owned(),
            base_amount: amount,
            units: vec![UnitRun { count: quantity, list_amount: amount, left: amount }],
        })
    }

    /// Of a product.
    pub fn product(mut self, handle: &str) -> Self {
        self.0.product.handle = handle.to_owned();
        self
    }

    /// In a category.
    pub fn category(mut self, handle: &str) -> Self {
        self.0.product.categories.push(handle.to_owned());
        self
    }

    /// With a tag.
    pub fn tag(mut self, tag: &str) -> Self {
        self.0.product.tags.push(tag.to_owned());
        self
    }

    /// Each unit weighing so many grams.
    pub fn weight(mut self, grams: u32) -> Self {
        self.0.weight_grams = Some(grams);
        self
    }

    /// Taxed by another rate than `standard`.
    pub fn tax_category(mut self, category: &str) -> Self {
        self.0.tax_category = category.to_owned();
        self
    }

    /// With so much left to pay for each unit.
    pub fn left(mut self, amount: i64) -> Self {
        for run in &mut self.0.units {
            run.left = amount;
        }
        self
    }
}

/// Mugs in the category `kitchen`, 16.00 USD each, and socks in `socks`, 14.00 USD.
pub fn mugs_and_socks(mugs: u32, socks: u32) -> CartBuilder {
    CartBuilder::new("USD", 2)
        .line(LineBuilder::new("MUG", mugs, 1_600).category("kitchen"))
        .line(LineBuilder::new("SOCK", socks, 1_400).category("socks"))
}

/// A standing of nothing used yet and no budget.
pub fn unused() -> Standing {
    Standing { used: 0, used_by_customer: 0, budget_left: None }
}

/// What a cart comes to without tax: what is left of goods and shipping. No gifts.
pub fn checkout(cart: &Cart) -> Checkout {
    let (goods, shipping) = (goods_left(cart), cart.shipping.as_ref().map_or(0, |shipping| shipping.left));
    let tax_included = cart.prices_include_tax;
    let totals = Totals { goods, shipping, tax: 0, tax_included, total: goods.saturating_add(shipping) };
    Checkout { totals, gifts: Vec::new() }
}

/// The places of all that a plugin finds wrong with a configuration.
pub fn problems_at<P: Plugin>(json: &str) -> Vec<String> {
    let problems = guest::check::<P>(json).err().unwrap_or_default();
    problems.into_iter().map(|problem| problem.pointer).collect()
}

/// Fails unless a plugin has words in English and Korean for every message, and a schema with titles
/// for a form, bounds for every integer and examples that it takes itself, in which nothing stands twice.
pub fn expect_complete_description<P: Plugin>() {
    let description = guest::describe::<P>();
    let keys = |language: &str| -> BTreeSet<&str> {
        let templates = description.templates.iter().filter(|template| template.language == language);
        templates.map(|template| template.key.as_str()).collect()
    };
    assert_eq!(keys("en"), keys("ko"), "messages in English and in Korean");
    assert_eq!(description.templates.len(), 2 * keys("en").len(), "a template stands twice");
    let once = serde_json::from_str::<Once>(&description.config_schema);
    assert!(once.is_ok(), "the schema: {once:?}");
    let schema: Value = serde_json::from_str(&description.config_schema).unwrap_or_default();
    expect_titles("", &schema);
    expect_bounds("", &schema);
    let examples = schema["examples"].as_array().map(Vec::as_slice).unwrap_or_default();
    assert!(!examples.is_empty(), "the schema has no examples");
    for example in examples {
        assert_eq!(problems_at::<P>(&example.to_string()), Vec::<String>::new(), "{example}");
    }
}

/// JSON in whose objects no key stands twice: of two the first would be lost without a word.
#[derive(Debug)]
struct Once;

impl<'de> Deserialize<'de> for Once {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Self)
    }
}

impl<'de> Visitor<'de> for Once {
    type Value = Self;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut members: M) -> Result<Self, M::Error> {
        let mut keys = BTreeSet::new();
        while let Some((key, _)) = members.next_entry::<String, Self>()? {
            if keys.contains(&key) {
                return Err(M::Error::custom(format!("{key} stands twice")));
            }
            keys.insert(key);
        }
        Ok(self)
    }

    fn visit_seq<S: SeqAccess<'de>>(self, mut items: S) -> Result<Self, S::Error> {
        while items.next_element::<Self>()?.is_some() {}
        Ok(self)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_str<E>(self, _: &str) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_unit<E>(self) -> Result<Self, E> {
        Ok(self)
    }
}

/// Every integer has a least and a most value: a number that its type doesn't hold would be refused as a
/// whole, and no form could say where.
fn expect_bounds(at: &str, schema: &Value) {
    let is_bounded = schema.get("minimum").is_some() && schema.get("maximum").is_some();
    assert!(schema.get("type") != Some(&Value::from("integer")) || is_bounded, "{at} has no bounds");
    for (name, member) in schema.as_object().into_iter().flatten() {
        expect_bounds(&format!("{at}/{name}"), member);
    }
    for (index, item) in schema.as_array().into_iter().flatten().enumerate() {
        expect_bounds(&format!("{at}/{index}"), item);
    }
}

/// Every property has a title, or refers to something with one.
fn expect_titles(at: &str, schema: &Value) {
    if let Some(properties) = schema.get("properties").and_then(Value::as_object) {
        for (name, property) in properties {
            let is_titled = property.get("title").is_some() || property.get("$ref").is_some();
            assert!(is_titled, "{at}/properties/{name} has no title");
        }
    }
    let Some(members) = schema.as_object() else { return };
    for (name, member) in members.iter().filter(|(name, _)| *name != "examples" && *name != "default") {
        expect_titles(&format!("{at}/{name}"), member);
        for (index, item) in member.as_array().into_iter().flatten().enumerate() {
            expect_titles(&format!("{at}/{name}/{index}"), item);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_stands_twice_is_found() {
        let read =
            |json: &str| serde_json::from_str::<Once>(json).map(|_| ()).map_err(|error| error.to_string());
        assert_eq!(read(r#"{"a": [{"b": 1}, {"b": 2.5}], "b": null, "c": [true, "x", -1]}"#), Ok(()));
        assert!(
            read(r#"{"a": [{"b": 1, "c": 2, "b": 3}]}"#).is_err_and(|error| error.starts_with("b stands"))
        );
    }
}
