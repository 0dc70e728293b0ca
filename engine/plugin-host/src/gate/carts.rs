//! The carts that every component is tried on.

use std::sync::Arc;

use martlet_domain::{
    Id, Malformed, Timestamp,
    cart::{MAX_LINES, MAX_QUANTITY},
    catalog::{Attribute, Handle},
    customer::CustomerFacts,
    money::MAX_PRICE,
    quote::{
        Destination, ProductFacts, Snapshot, SnapshotCheckout, SnapshotLine, SnapshotShipping, Stage,
        Standing, Totals, UnitRun,
    },
};
use uuid::Uuid;

/// 2026-03-01T12:00:00Z.
const NOW: Timestamp = Timestamp::from_millis(1_772_366_400_000);
/// 9999-12-31T23:59:59Z.
const LAST: Timestamp = Timestamp::from_millis(253_402_300_799_000);
/// Texts that break what is put together carelessly.
const HOSTILE: &[&str] = &[
    "{percent}",
    "\"quoted\", 'twice' \\ and \\u0000",
    "</script><b>",
    "' OR 1=1 --",
    "%s%n%x",
    "../../etc/passwd",
    "-9223372036854775808",
    "NaN",
];
/// Texts in which bytes, characters and what is seen are different numbers.
const UNICODE: &[&str] = &[
    "한글 셔츠",
    "Größe Ⅻ",
    "e\u{301}te\u{301}",
    "👩‍👩‍👧‍👦 famille",
    "\u{202e}txet desrever",
    "שלום עולם",
    "ﬁ ligature",
    "\u{1d54f}\u{10ffff}",
];

/// A cart, with what else a call is given.
pub(super) struct TrialCart {
    pub(super) name: &'static str,
    pub(super) snapshot: Snapshot,
    pub(super) standing: Standing,
}

/// How one of the carts differs from an ordinary one.
struct Shape {
    lines: usize,
    quantity: u32,
    amount: i64,
    texts: &'static [&'static str],
}

/// All of them, as a stage sees them.
pub(super) fn all(stage: Stage) -> Result<Vec<TrialCart>, Malformed> {
    let ordinary = Shape { lines: 1, quantity: 2, amount: 1_999, texts: &["summer"] };
    let huge = Shape { lines: MAX_LINES, quantity: MAX_QUANTITY, ..ordinary };
    let largest = Shape { lines: 20, quantity: MAX_QUANTITY, amount: MAX_PRICE, texts: HOSTILE };
    let unicode = Shape { lines: 8, texts: UNICODE, ..ordinary };
    let free = Shape { lines: 3, amount: 0, ..ordinary };
    let plain = |name, shape: &Shape| {
        Ok::<_, Malformed>(TrialCart { name, snapshot: cart(stage, shape)?, standing: Standing::default() })
    };
    let mut carts = vec![
        plain("empty", &Shape { lines: 0, ..ordinary })?,
        plain("one line", &ordinary)?,
        plain("huge", &huge)?,
        adversarial(cart(stage, &largest)?)?,
        foreign(cart(stage, &unicode)?)?,
        plain("zero price", &free)?,
    ];
    for cart in &mut carts {
        cart.snapshot.checkout = checkout(&cart.snapshot);
    }
    Ok(carts)
}

/// An ordinary cart of so many lines.
pub(super) fn of_lines(stage: Stage, lines: usize) -> Result<Snapshot, Malformed> {
    let snapshot = cart(stage, &Shape { lines, quantity: 2, amount: 1_999, texts: &["summer"] })?;
    Ok(Snapshot { checkout: checkout(&snapshot), ..snapshot })
}

/// The largest numbers there are, in a currency of three decimals, with a budget that is spent.
fn adversarial(mut snapshot: Snapshot) -> Result<TrialCart, Malformed> {
    snapshot.as_of = LAST;
    snapshot.currency = "KWD".parse()?;
    snapshot.prices_include_tax = true;
    snapshot.customer = Some(CustomerFacts {
        groups: HOSTILE.iter().map(|text| (*text).to_owned()).collect(),
        order_count: u32::MAX,
        lifetime_spend: i64::MAX,
    });
    // Runs as later stages see them: some of the units are free already.
    for line in &mut snapshot.lines {
        let left = |index: u32| if index.is_multiple_of(2) { line.base_amount } else { 0 };
        line.units = (0..100)
            .map(|index| UnitRun {
                count: line.quantity / 100,
                list_amount: line.base_amount,
                left: if snapshot.stage == Stage::Pricing { line.base_amount } else { left(index) },
            })
            .collect();
    }
    let standing = Standing { used: u64::MAX, used_by_customer: u64::MAX, budget_left: Some(0) };
    Ok(TrialCart { name: "adversarial", snapshot, standing })
}

/// A guest's cart in a currency without decimals, in scripts of every kind.
fn foreign(mut snapshot: Snapshot) -> Result<TrialCart, Malformed> {
    snapshot.currency = "KRW".parse()?;
    snapshot.customer = None;
    snapshot.destination = Some(Destination { country: "KR".to_owned(), region: Some("11".to_owned()) });
    Ok(TrialCart { name: "unicode", snapshot, standing: Standing::default() })
}

fn cart(stage: Stage, shape: &Shape) -> Result<Snapshot, Malformed> {
    let lines = (0..shape.lines).map(|index| line(index, shape)).collect::<Result<_, _>>()?;
    // Where shipping is discounted a method is chosen.
    let ships = shape.lines > 0 || stage == Stage::Shipping;
    let shipping = SnapshotShipping {
        method: "post".parse()?,
        list_amount: shape.amount,
        left: shape.amount,
        tax_category: "standard".to_owned(),
    };
    Ok(Snapshot {
        stage,
        as_of: NOW,
        currency: "USD".parse()?,
        prices_include_tax: false,
        customer: Some(CustomerFacts {
            groups: vec!["vip".to_owned()],
            order_count: 3,
            lifetime_spend: 9_990,
        }),
        destination: Some(Destination { country: "US".to_owned(), region: Some("CA".to_owned()) }),
        lines,
        shipping: ships.then_some(shipping),
        codes: vec!["CONFORMANCE".parse()?],
        checkout: None,
    })
}

/// What the units and shipping of the cart come to, without tax, where a stage sees it.
fn checkout(snapshot: &Snapshot) -> Option<SnapshotCheckout> {
    let units = || snapshot.lines.iter().flat_map(|line| &line.units);
    let sum = |amount: fn(&UnitRun) -> i64| -> i64 {
        units().map(|run| i64::from(run.count).saturating_mul(amount(run))).fold(0, i64::saturating_add)
    };
    let (list, left) = (sum(|run| run.list_amount), sum(|run| run.left));
    let (shipping_list, shipping_left) =
        snapshot.shipping.as_ref().map_or((0, 0), |shipping| (shipping.list_amount, shipping.left));
    let totals = Totals {
        goods_subtotal: list,
        goods_discount: list.saturating_sub(left),
        shipping_subtotal: shipping_list,
        shipping_discount: shipping_list.saturating_sub(shipping_left),
        tax_included: snapshot.prices_include_tax,
        total: left.saturating_add(shipping_left),
        ..Totals::default()
    };
    let is_seen = snapshot.stage == Stage::CheckoutValidation;
    is_seen.then(|| SnapshotCheckout { totals, gifts: Vec::new() })
}

fn line(index: usize, shape: &Shape) -> Result<SnapshotLine, Malformed> {
    let text = shape.texts[index % shape.texts.len()];
    let fact = |name: &str| Attribute { name: name.to_owned(), value: text.to_owned() };
    let mut tags: Vec<String> = shape.texts.iter().map(|text| (*text).to_owned()).collect();
    tags.sort();
    let handle = |name: &str| -> Result<Handle, Malformed> { name.parse() };
    Ok(SnapshotLine {
        variant: Id::new(Uuid::from_u128(index as u128 + 1)),
        sku: format!("SKU-{index}").parse()?,
        options: vec![fact("size")],
        product: Arc::new(ProductFacts {
            id: Id::new(Uuid::from_u128(index as u128 + 10_000)),
            handle: handle(&format!("product-{index}"))?,
            categories: vec![handle("clothing")?, handle("shirts")?],
            tags,
            attributes: vec![fact("material")],
        }),
        quantity: shape.quantity,
        weight_grams: (!index.is_multiple_of(3)).then_some(1_000),
        tax_category: "standard".to_owned(),
        base_amount: shape.amount,
        units: vec![UnitRun { count: shape.quantity, list_amount: shape.amount, left: shape.amount }],
    })
}
