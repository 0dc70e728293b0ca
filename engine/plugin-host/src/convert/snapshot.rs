//! What goes in: a stage's snapshot.

use std::sync::OnceLock;

use martlet_domain::{
    catalog::Attribute,
    quote::{Gift, ProductFacts, Snapshot, SnapshotCheckout, SnapshotLine, Stage, Standing},
};

use crate::bindings::{current as wit, v0_1_0};

/// A stage's snapshot in the form that components get it. Made once a stage, used for every call.
pub struct Prepared {
    pub(crate) cart: wit::Cart,
    pub(crate) cart_v0_1_0: OnceLock<v0_1_0::types::Cart>,
    pub(crate) checkout: Option<wit::Checkout>,
    pub(crate) lines: usize,
    pub(crate) bytes: usize,
}

impl Prepared {
    /// Converts a snapshot.
    pub(crate) fn new(snapshot: &Snapshot) -> Self {
        let cart = cart(snapshot);
        Self {
            lines: cart.lines.len(),
            bytes: size(&cart),
            cart,
            cart_v0_1_0: OnceLock::new(),
            checkout: snapshot.checkout.as_ref().map(checkout),
        }
    }
}

impl std::fmt::Debug for Prepared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Prepared")
            .field("lines", &self.lines)
            .field("bytes", &self.bytes)
            .finish_non_exhaustive()
    }
}

pub(crate) fn standing(standing: Standing) -> wit::Standing {
    wit::Standing {
        used: standing.used,
        used_by_customer: standing.used_by_customer,
        budget_left: standing.budget_left,
    }
}

fn cart(snapshot: &Snapshot) -> wit::Cart {
    wit::Cart {
        stage: stage(snapshot.stage),
        as_of: snapshot.as_of.as_millis(),
        currency: snapshot.currency.code().to_owned(),
        currency_decimals: snapshot.currency.decimals(),
        prices_include_tax: snapshot.prices_include_tax,
        customer: snapshot.customer.as_ref().map(|facts| wit::Customer {
            groups: facts.groups.clone(),
            order_count: facts.order_count,
            lifetime_spend: facts.lifetime_spend,
        }),
        destination: snapshot.destination.as_ref().map(|destination| wit::Destination {
            country: destination.country.clone(),
            region: destination.region.clone(),
        }),
        lines: (0_u32..).zip(&snapshot.lines).map(|(position, facts)| line(position, facts)).collect(),
        shipping: snapshot.shipping.as_ref().map(|shipping| wit::Shipping {
            method: shipping.method.to_string(),
            list_amount: shipping.list_amount,
            left: shipping.left,
            tax_category: shipping.tax_category.clone(),
        }),
        codes: snapshot.codes.iter().map(ToString::to_string).collect(),
    }
}

const fn stage(stage: Stage) -> wit::Stage {
    match stage {
        Stage::Pricing => wit::Stage::Pricing,
        Stage::Line => wit::Stage::Line,
        Stage::Order => wit::Stage::Order,
        Stage::ShippingRates => wit::Stage::ShippingRates,
        Stage::Shipping => wit::Stage::Shipping,
        Stage::Total => wit::Stage::Total,
        Stage::Tax => wit::Stage::Tax,
        Stage::CheckoutValidation => wit::Stage::CheckoutValidation,
    }
}

fn checkout(checkout: &SnapshotCheckout) -> wit::Checkout {
    let totals = checkout.totals;
    let gift = |gift: &Gift| wit::Gift { sku: gift.sku.to_string(), quantity: gift.quantity };
    wit::Checkout {
        totals: wit::Totals {
            goods: totals.goods_subtotal - totals.goods_discount,
            shipping: totals.shipping_subtotal - totals.shipping_discount,
            tax: totals.tax,
            tax_included: totals.tax_included,
            total: totals.total,
        },
        gifts: checkout.gifts.iter().map(gift).collect(),
    }
}

fn line(position: u32, line: &SnapshotLine) -> wit::Line {
    wit::Line {
        position,
        variant: line.variant.to_string(),
        sku: line.sku.to_string(),
        options: attributes(&line.options),
        product: product(&line.product),
        quantity: line.quantity,
        weight_grams: line.weight_grams,
        tax_category: line.tax_category.clone(),
        base_amount: line.base_amount,
        units: line
            .units
            .iter()
            .map(|run| wit::UnitRun { count: run.count, list_amount: run.list_amount, left: run.left })
            .collect(),
    }
}

fn product(facts: &ProductFacts) -> wit::Product {
    wit::Product {
        id: facts.id.to_string(),
        handle: facts.handle.to_string(),
        categories: facts.categories.iter().map(ToString::to_string).collect(),
        tags: facts.tags.clone(),
        attributes: attributes(&facts.attributes),
    }
}

fn attributes(attributes: &[Attribute]) -> Vec<wit::Attribute> {
    let attribute = |fact: &Attribute| wit::Attribute { name: fact.name.clone(), value: fact.value.clone() };
    attributes.iter().map(attribute).collect()
}

/// Bytes that a cart takes up in a component's memory: records, lists and texts. It is only a
/// measure of how much a sensible answer about this cart may hold, and stays what it is: what goes past
/// it stands in receipts.
fn size(cart: &wit::Cart) -> usize {
    const CART: usize = 160;
    const LINE: usize = 120;
    const RUN: usize = 24;
    let lines: usize =
        cart.lines.iter().map(|line| LINE + RUN * line.units.len() + texts_of_line(line)).sum();
    let groups = cart.customer.as_ref().map_or(0, |customer| texts(&customer.groups));
    CART + lines + groups + texts(&cart.codes)
}

fn texts_of_line(line: &wit::Line) -> usize {
    let product = &line.product;
    let single = [&line.variant, &line.sku, &product.id, &product.handle];
    single.iter().map(|text| text.len()).sum::<usize>()
        + texts_of_attributes(&line.options)
        + texts_of_attributes(&product.attributes)
        + texts(&product.categories)
        + texts(&product.tags)
}

fn texts_of_attributes(attributes: &[wit::Attribute]) -> usize {
    attributes.iter().map(|attribute| 16 + attribute.name.len() + attribute.value.len()).sum()
}

fn texts(texts: &[String]) -> usize {
    texts.iter().map(|text| 8 + text.len()).sum()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use martlet_domain::{
        Id, Timestamp,
        customer::CustomerFacts,
        quote::{Destination, SnapshotShipping, UnitRun},
    };
    use uuid::Uuid;

    use super::*;

    fn fact(name: &str, value: &str) -> Attribute {
        Attribute { name: name.to_owned(), value: value.to_owned() }
    }

    fn snapshot() -> Snapshot {
        Snapshot {
            stage: Stage::Shipping,
            as_of: Timestamp::from_millis(1_790_000_000_123),
            currency: "KWD".parse().expect("a currency"),
            prices_include_tax: true,
            customer: Some(CustomerFacts {
                groups: vec!["vip".to_owned()],
                order_count: 4,
                lifetime_spend: 5_000,
            }),
            destination: Some(Destination { country: "US".to_owned(), region: Some("CA".to_owned()) }),
            lines: vec![SnapshotLine {
                variant: Id::new(Uuid::from_u128(1)),
                sku: "SHIRT-M".parse().expect("a sku"),
                options: vec![fact("size", "M")],
                product: Arc::new(ProductFacts {
                    id: Id::new(Uuid::from_u128(2)),
                    handle: "shirt".parse().expect("a handle"),
                    categories: vec!["shirts".parse().expect("a handle")],
                    tags: vec!["summer".to_owned()],
                    attributes: vec![fact("material", "wool")],
                }),
                quantity: 3,
                weight_grams: Some(250),
                tax_category: "standard".to_owned(),
                base_amount: 1_200,
                units: vec![
                    UnitRun { count: 2, list_amount: 1_100, left: 900 },
                    UnitRun { count: 1, list_amount: 1_200, left: 0 },
                ],
            }],
            shipping: Some(SnapshotShipping {
                method: "express".parse().expect("a handle"),
                list_amount: 700,
                left: 600,
                tax_category: "postage".to_owned(),
            }),
            codes: vec!["SUMMER10".parse().expect("a code")],
            checkout: None,
        }
    }

    #[test]
    fn the_cart_arrives() {
        let cart = Prepared::new(&snapshot()).cart;
        assert_eq!(cart.stage, wit::Stage::Shipping);
        assert_eq!(cart.as_of, 1_790_000_000_123);
        assert_eq!((cart.currency.as_str(), cart.currency_decimals), ("KWD", 3));
        assert!(cart.prices_include_tax);
        let customer = cart.customer.expect("a customer");
        assert_eq!((customer.groups, customer.order_count), (vec!["vip".to_owned()], 4));
        assert_eq!(customer.lifetime_spend, 5_000);
        let destination = cart.destination.expect("a destination");
        assert_eq!((destination.country.as_str(), destination.region.as_deref()), ("US", Some("CA")));
        let shipping = cart.shipping.expect("shipping");
        assert_eq!((shipping.method.as_str(), shipping.list_amount, shipping.left), ("express", 700, 600));
        assert_eq!(shipping.tax_category, "postage");
        assert_eq!(cart.codes, ["SUMMER10"]);
    }

    #[test]
    fn lines_arrive_with_their_position_and_runs() {
        let mut snapshot = snapshot();
        snapshot.lines.push(snapshot.lines[0].clone());
        let prepared = Prepared::new(&snapshot);
        assert_eq!(prepared.lines, 2);
        let positions: Vec<u32> = prepared.cart.lines.iter().map(|line| line.position).collect();
        assert_eq!(positions, [0, 1]);
        let line = &prepared.cart.lines[0];
        assert_eq!(line.variant, Uuid::from_u128(1).to_string());
        assert_eq!((line.sku.as_str(), line.quantity, line.base_amount), ("SHIRT-M", 3, 1_200));
        assert_eq!((line.options[0].name.as_str(), line.options[0].value.as_str()), ("size", "M"));
        assert_eq!((line.weight_grams, line.tax_category.as_str()), (Some(250), "standard"));
        let runs: Vec<_> = line.units.iter().map(|run| (run.count, run.list_amount, run.left)).collect();
        assert_eq!(runs, [(2, 1_100, 900), (1, 1_200, 0)]);
        assert_eq!(line.product.id, Uuid::from_u128(2).to_string());
        assert_eq!(
            (line.product.handle.as_str(), &line.product.categories[..]),
            ("shirt", &["shirts".to_owned()][..])
        );
        assert_eq!(line.product.tags, ["summer"]);
        assert_eq!(line.product.attributes[0].value, "wool");
    }

    #[test]
    fn a_larger_cart_has_more_bytes() {
        let one = snapshot();
        let mut two = snapshot();
        two.lines.push(two.lines[0].clone());
        assert!(Prepared::new(&two).bytes > Prepared::new(&one).bytes + 100);
    }
}
