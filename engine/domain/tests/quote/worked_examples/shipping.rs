//! Shipping, and totals over goods and shipping.

use martlet_domain::{
    money::Ppm,
    quote::{Candidate, Class, Value},
};

use crate::support::*;

fn off_shipping(value: Value) -> Candidate {
    candidate(Class::Shipping, value)
}

/// 50 % of 501 is 250.5, so 251; goods are not touched.
#[test]
fn a_percentage_of_shipping() {
    let half = off_shipping(Value::Percent(Ppm(500_000)));
    let cart = krw().line(1, 1_000).shipping(501).with(promotion([half]));
    cart.price().comes_to(&[1_000, 250], 1_250).says(&["p1.a 251 [s:251]"]);
}

/// 100 %: all 500. Nothing is left for another.
#[test]
fn free_shipping() {
    let all = || off_shipping(Value::Percent(Ppm::ONE));
    let cart = krw().line(1, 1_000).shipping(500).with(promotion([all(), all()]));
    cart.price().comes_to(&[1_000, 0], 1_000).says(&["p1.a 500 [s:500]", "p1.b no_effect"]);
}

/// Down to 200 from 500 is 300 off; 100 across and 50 each then leave 50.
#[test]
fn amounts_off_shipping() {
    let values = [Value::UnitPrice(200), Value::Across(100), Value::Each(50)];
    let cart = krw().line(1, 1_000).shipping(500).with(promotion(values.map(off_shipping)));
    cart.price().comes_to(&[1_000, 50], 1_050).says(&[
        "p1.a 300 [s:300]",
        "p1.b 100 [s:100]",
        "p1.c 50 [s:50]",
    ]);
}

/// Nothing is chosen, so nobody is asked, and both are told why. Goods of 1,000 get their 10 %.
#[test]
fn no_shipping_method_yet() {
    let free = || off_shipping(Value::Percent(Ppm::ONE));
    let cart =
        krw().line(1, 1_000).with(promotion([free(), line_percent(10)])).with(code("FREESHIP", [free()]));
    cart.price().comes_to(&[900], 900).says(&[
        "p1.b 100 [0:100]",
        "p1 no_shipping_method",
        "FREESHIP no_shipping_method",
    ]);
}

/// 10 % of 1,000 + 500 is 150: 100 and 50.
#[test]
fn a_percentage_of_goods_and_shipping() {
    let cart = krw().line(1, 1_000).shipping(500).with(promotion([order_percent(10).class(Class::Total)]));
    cart.price().comes_to(&[900, 450], 1_350).says(&["p1.a 150 [0:100 s:50]"]);
}

/// 100 over 1,000 + 333 + 500 = 1,833: 54 remainder 1,018, 18 remainder 306, 27 remainder 509; the
/// one missing goes to position 0.
#[test]
fn an_amount_off_goods_and_shipping() {
    let cart = krw().line(1, 1_000).line(1, 333).shipping(500);
    cart.with(promotion([across(100).class(Class::Total)]))
        .price()
        .comes_to(&[945, 315, 473], 1_733)
        .says(&["p1.a 100 [0:55 1:18 s:27]"]);
}

/// 1 over 100 + 100: a tie, and shipping comes after the goods.
#[test]
fn shipping_comes_after_goods_in_ties() {
    let cart = krw().line(1, 100).shipping(100).with(promotion([across(1).class(Class::Total)]));
    cart.price().comes_to(&[99, 100], 199).says(&["p1.a 1 [0:1]"]);
}

/// Before a method is chosen the total is that of the goods: 10 % of 1,000.
#[test]
fn a_total_without_shipping() {
    let cart = krw().line(1, 1_000).with(promotion([order_percent(10).class(Class::Total)]));
    cart.price().comes_to(&[900], 900).says(&["p1.a 100 [0:100]"]);
}

/// Stages in their order: 20 % off the line of 1,000, 10 % off the 800 left, half of shipping's 300,
/// 10 % of the 720 + 150 left, which is 87: 72 and 15.
#[test]
fn all_stages_one_after_the_other() {
    let half = off_shipping(Value::Percent(Ppm(500_000)));
    let total = order_percent(10).class(Class::Total);
    let cart = krw().line(1, 1_000).shipping(300);
    cart.with(promotion([total, half, order_percent(10), line_percent(20)]))
        .price()
        .comes_to(&[648, 135], 783)
        .says(&["p1.d 200 [0:200]", "p1.c 80 [0:80]", "p1.b 150 [s:150]", "p1.a 87 [0:72 s:15]"]);
}
