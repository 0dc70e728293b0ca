//! Carts that components are asked about.

use std::sync::Arc;

use martlet_domain::{
    Id, Malformed, Timestamp,
    quote::{
        Gift, ProductFacts, Snapshot, SnapshotCheckout, SnapshotLine, SnapshotShipping, Stage, Totals,
        UnitRun,
    },
};
use uuid::Uuid;

/// Units of each line. The first of them has become cheaper.
const QUANTITY: u32 = 3;

/// A cart of so many lines, as a stage sees it.
///
/// # Errors
///
/// Never: what stands here is well-formed.
pub fn cart(stage: Stage, lines: u32) -> Result<Snapshot, Malformed> {
    let lines = (0..lines).map(line).collect::<Result<Vec<_>, _>>()?;
    let left = lines.iter().flat_map(|line| &line.units).map(|run| i64::from(run.count) * run.left).sum();
    let totals = Totals { goods_subtotal: left, total: left, ..Totals::default() };
    let gifts = vec![Gift { sku: "MUG".parse()?, quantity: 1 }];
    Ok(Snapshot {
        stage,
        as_of: Timestamp::from_millis(1_790_000_000_000),
        currency: "USD".parse()?,
        prices_include_tax: false,
        customer: None,
        destination: None,
        lines,
        shipping: Some(SnapshotShipping {
            method: "post".parse()?,
            list_amount: 500,
            left: 500,
            tax_category: "standard".to_owned(),
        }),
        codes: vec!["SUMMER10".parse()?],
        checkout: (stage == Stage::CheckoutValidation).then_some(SnapshotCheckout { totals, gifts }),
    })
}

fn line(position: u32) -> Result<SnapshotLine, Malformed> {
    let amount = 1_000 + 333 * i64::from(position);
    Ok(SnapshotLine {
        variant: Id::new(Uuid::from_u128(u128::from(position))),
        sku: format!("SKU-{position}").parse()?,
        options: Vec::new(),
        product: Arc::new(ProductFacts {
            id: Id::new(Uuid::from_u128(1_000 + u128::from(position))),
            handle: format!("product-{position}").parse()?,
            categories: vec!["shirts".parse()?],
            tags: vec!["summer".to_owned()],
            attributes: Vec::new(),
        }),
        quantity: QUANTITY,
        weight_grams: Some(400),
        tax_category: "standard".to_owned(),
        base_amount: amount,
        units: vec![
            UnitRun { count: 1, list_amount: amount, left: amount / 2 },
            UnitRun { count: QUANTITY - 1, list_amount: amount, left: amount },
        ],
    })
}
