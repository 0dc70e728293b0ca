//! The carts that are priced.

use std::sync::Arc;

use martlet_domain::{
    Id, Malformed, Timestamp,
    cart::MAX_QUANTITY,
    customer::CustomerFacts,
    money::{MAX_PRICE, Ppm},
    plugin::{Rulebook, SealedRulebook},
    quote::{Destination, GiftInput, Input, LineInput, ProductFacts, ShippingInput},
    settings::TaxRates,
};
use uuid::Uuid;

/// How many there are.
pub(crate) const CARTS: usize = 5;

/// The moment at which all are priced.
pub(crate) const NOW: i64 = 1_000_000;

/// Quantity, price, floor and tax category of a line.
type Line = (u32, i64, i64, &'static str);

/// A cart in a store without rules.
pub(crate) fn cart(number: usize) -> Result<Input, Malformed> {
    let many: Vec<Line> = (1..40).map(|line| (7, 100 + 13 * line, 0, "standard")).collect();
    let (currency, included, lines): (_, _, &[Line]) = match number {
        0 => ("KRW", true, &[(3, 3_333, 0, "standard"), (2, 5_555, 0, "standard"), (1, 12_345, 0, "books")]),
        1 => ("USD", false, &[(1, 1_999, 500, "standard"), (50, 7, 0, "food"), (2, 0, 0, "books")]),
        2 => ("KWD", true, &[(MAX_QUANTITY, MAX_PRICE, 0, "standard"), (MAX_QUANTITY, 1, 1, "food")]),
        3 => ("EUR", false, &many),
        _ => ("USD", true, &[]),
    };
    let by_category = [("books", 0), ("food", 1_000_000)];
    // One chooses a method of the store, one a method that somebody has to offer.
    let shipping = (number == 0 || number == 2).then(|| shipping(number)).transpose()?;
    Ok(Input {
        rulebook: Arc::new(SealedRulebook::new(Rulebook {
            number: 7,
            note: String::new(),
            created_at: Timestamp::from_millis(0),
            groups: Vec::new(),
            installations: Vec::new(),
        })),
        as_of: Timestamp::from_millis(NOW),
        currency: currency.parse()?,
        prices_include_tax: included,
        tax: TaxRates {
            standard: Ppm(100_000),
            by_category: by_category.map(|(category, rate)| (category.to_owned(), Ppm(rate))).into(),
        },
        customer: (number != 1).then(CustomerFacts::default),
        destination: Some(Destination { country: "KR".to_owned(), region: None }),
        lines: lines.iter().enumerate().map(line).collect::<Result<_, _>>()?,
        wanted_method: shipping.is_none().then(|| "courier".parse()).transpose()?,
        own_methods: vec!["post".parse()?],
        shipping,
        coupons: Vec::new(),
        standings: Vec::new(),
        gifts: vec![gift("MUG", 800, 3)?, gift("SAMPLE", 0, i64::MAX)?, gift("GONE", MAX_PRICE, -1)?],
        bucket: 0,
    })
}

fn shipping(number: usize) -> Result<ShippingInput, Malformed> {
    let amount = if number == 0 { 3_000 } else { MAX_PRICE };
    Ok(ShippingInput { method: "post".parse()?, amount, tax_category: "shipping".to_owned() })
}

fn line((number, &(quantity, unit_amount, floor, category)): (usize, &Line)) -> Result<LineInput, Malformed> {
    Ok(LineInput {
        variant: id(number),
        sku: format!("SKU-{number}").parse()?,
        options: Vec::new(),
        product: Arc::new(ProductFacts {
            id: id(number),
            handle: format!("product-{number}").parse()?,
            categories: Vec::new(),
            tags: Vec::new(),
            attributes: Vec::new(),
        }),
        quantity,
        weight_grams: None,
        unit_amount,
        floor,
        tax_category: category.to_owned(),
    })
}

fn gift(sku: &str, unit_amount: i64, available: i64) -> Result<GiftInput, Malformed> {
    Ok(GiftInput { sku: sku.parse()?, variant: id(1_000 + sku.len()), unit_amount, available })
}

/// The how-manieth of its kind.
pub(crate) fn id<T>(number: usize) -> Id<T> {
    Id::new(Uuid::from_u128(number as u128))
}
