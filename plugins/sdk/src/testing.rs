//! Carts for tests.

use crate::types::{Cart, Customer, Destination, Line, Product, Shipping, Stage, Standing, UnitRun};

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

    /// To a country.
    pub fn country(mut self, country: &str) -> Self {
        self.0.destination = Some(Destination { country: country.to_owned(), region: None });
        self
    }

    /// With a shipping method at a price.
    pub fn shipping(mut self, method: &str, amount: i64) -> Self {
        self.0.shipping = Some(Shipping { method: method.to_owned(), list_amount: amount, left: amount });
        self
    }

    /// The cart.
    pub fn build(self) -> Cart {
        self.0
    }
}

impl LineBuilder {
    /// So many units of a variant at a price. The product's handle is the SKU in lower case.
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
}

/// A standing of nothing used yet and no budget.
pub fn unused() -> Standing {
    Standing { used: 0, used_by_customer: 0, budget_left: None }
}
