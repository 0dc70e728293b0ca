//! What must hold of every quote.

use serde_json::Value;

/// Checks that a quote's amounts add up, in itself and between its parts.
#[track_caller]
pub fn expect_sums(quote: &Value) {
    let lines = quote["lines"].as_array().expect("lines");
    let totals = &quote["totals"];
    let sum = |member: &str| lines.iter().map(|line| amount(&line[member])).sum::<i64>();
    for line in lines {
        assert_eq!(amount(&line["subtotal"]) - amount(&line["discount"]), amount(&line["total"]), "{line}");
        let units = line["units"].as_array().expect("units").iter();
        let count = |unit: &Value| unit["count"].as_i64().expect("a count");
        let (left, there) = units.fold((0, 0), |(left, there), unit| {
            (left + count(unit) * amount(&unit["left"]), there + count(unit))
        });
        assert_eq!(
            (left, there),
            (amount(&line["total"]), line["quantity"].as_i64().expect("a quantity")),
            "{line}"
        );
    }
    assert_eq!(sum("subtotal"), amount(&totals["goods_subtotal"]));
    assert_eq!(sum("discount"), amount(&totals["goods_discount"]));
    let shipping = if quote["shipping"].is_null() { 0 } else { amount(&quote["shipping"]["total"]) };
    let shipping_tax =
        if quote["shipping"].is_null() { 0 } else { amount(&quote["shipping"]["tax"]["amount"]) };
    assert_eq!(amount(&totals["shipping_subtotal"]) - amount(&totals["shipping_discount"]), shipping);
    let tax: i64 = lines.iter().map(|line| amount(&line["tax"]["amount"])).sum::<i64>() + shipping_tax;
    assert_eq!(tax, amount(&totals["tax"]));
    let on_top = if totals["tax_included"] == true { 0 } else { tax };
    assert_eq!(sum("total") + shipping + on_top, amount(&totals["total"]));
    expect_allocations(quote);
}

/// Applied candidates take off, by line and in all, just what lines and shipping bear.
fn expect_allocations(quote: &Value) {
    let candidates = quote["candidates"].as_array().expect("candidates");
    let mut discounts = 0;
    for candidate in candidates.iter().filter(|candidate| candidate["status"] == "applied") {
        let parts = candidate["allocations"].as_array().expect("allocations");
        let allocated: i64 = parts.iter().map(|part| amount(&part["amount"])).sum();
        assert_eq!(allocated, amount(&candidate["amount"]), "{candidate}");
        // Unit prices change what lines cost before discounts.
        discounts += if candidate["stage"] == "pricing" { 0 } else { allocated };
    }
    let totals = &quote["totals"];
    assert_eq!(discounts, amount(&totals["goods_discount"]) + amount(&totals["shipping_discount"]));
    for candidate in candidates.iter().filter(|candidate| candidate["status"] == "rejected") {
        assert!(candidate["reason"]["code"].is_string(), "{candidate}");
        assert!(candidate["explanation"].as_str().is_some_and(|words| !words.is_empty()), "{candidate}");
    }
}

/// The amount of money.
#[track_caller]
pub fn amount(money: &Value) -> i64 {
    money["amount"].as_i64().unwrap_or_else(|| panic!("{money} is no money"))
}
