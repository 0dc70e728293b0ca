//! Thresholds: inclusive, at the candidate's turn, over their scope.

use martlet_domain::quote::{Basis, Class, Minimum, Scope};

use crate::support::*;

/// From 25,000: exactly 25,000 is enough, 24,999 is 1 short.
#[test]
fn a_minimum_is_inclusive() {
    let cart = |amount| krw().line(1, amount).with(promotion([across(3_000).from(25_000)])).price();
    cart(25_000).comes_to(&[22_000], 22_000);
    cart(24_999).comes_to(&[24_999], 24_999).says(&["p1.a below_minimum_spend 1"]);
}

/// 10 % off 10,000 leaves 9,000: 1,000 short on what is left, enough on list amounts.
#[test]
fn on_what_is_left_or_on_list_amounts() {
    let cart = |basis| {
        let second = across(500).needs(Minimum::Spend(10_000), Scope::All, basis);
        krw().line(1, 10_000).with(promotion([order_percent(10), second])).price()
    };
    cart(Basis::Left)
        .comes_to(&[9_000], 9_000)
        .says(&["p1.a 1000 [0:1000]", "p1.b below_minimum_spend 1000"]);
    cart(Basis::List).comes_to(&[8_500], 8_500).says(&["p1.a 1000 [0:1000]", "p1.b 500 [0:500]"]);
}

/// A candidate without effect before it takes nothing: the threshold of 10,000 is met at its turn,
/// though 10 % would come later.
#[test]
fn tested_at_its_turn() {
    let cart = krw().line(1, 10_000).with(promotion([across(500).from(10_000), order_percent(10)]));
    cart.price().comes_to(&[8_550], 8_550).says(&["p1.a 500 [0:500]", "p1.b 950 [0:950]"]);
}

/// 2 + 1 units: three are enough for three, one short of four.
#[test]
fn a_minimum_of_units() {
    let cart = |count| {
        let candidate = across(100).needs(Minimum::Quantity(count), Scope::All, Basis::Left);
        krw().line(2, 1_000).line(1, 500).with(promotion([candidate])).price()
    };
    cart(3).comes_to(&[1_920, 480], 2_400);
    cart(4).comes_to(&[2_000, 500], 2_500).says(&["p1.a below_minimum_quantity 1"]);
}

/// Line 1 alone has 400 of 500; the candidate itself would act on all.
#[test]
fn over_a_scope_of_lines() {
    let candidate = across(100).needs(Minimum::Spend(500), lines(&[1]), Basis::Left);
    let cart = krw().line(1, 1_000).line(1, 400).with(promotion([candidate]));
    cart.price().comes_to(&[1_000, 400], 1_400).says(&["p1.a below_minimum_spend 100"]);
}

/// Two of three units of 300 make 600: enough for 600, 1 short of 601.
#[test]
fn over_some_units() {
    let cart = |minimum| {
        let candidate = across(90).needs(Minimum::Spend(minimum), some_of(0, 2), Basis::Left);
        krw().line(3, 300).with(promotion([candidate])).price()
    };
    cart(600).comes_to(&[810], 810);
    cart(601).comes_to(&[900], 900).says(&["p1.a below_minimum_spend 1"]);
}

/// Goods of 900 and shipping of 200: shipping doesn't count, so 100 are missing.
#[test]
fn shipping_is_not_spent_on_goods() {
    let candidate = across(50).class(Class::Total).from(1_000);
    let cart = krw().line(1, 900).shipping(200).with(promotion([candidate]));
    cart.price().comes_to(&[900, 200], 1_100).says(&["p1.a below_minimum_spend 100"]);
}

/// Pricing makes 1,000 to 800, and that is the list amount: 200 short.
#[test]
fn list_amounts_are_those_after_pricing() {
    let candidate = across(50).needs(Minimum::Spend(1_000), Scope::All, Basis::List);
    let cart = krw().line(1, 1_000).with(pricing([unit_price(800)])).with(promotion([candidate]));
    cart.price().comes_to(&[800], 800).says(&["p1.a 200 [0:200]", "p2.a below_minimum_spend 200"]);
}

/// 1,100 including 10 % tax meets 1,100; 1,000 before tax on top doesn't.
#[test]
fn in_the_prices_tax_basis() {
    let candidate = || across(110).from(1_100);
    let inclusive = krw().line(1, 1_100).tax(100_000).with(promotion([candidate()]));
    inclusive.price().comes_to_with_tax(&[990], &[90], 990);
    let exclusive = krw().line(1, 1_000).tax(100_000).exclusive().with(promotion([candidate()]));
    exclusive.price().comes_to_with_tax(&[1_000], &[100], 1_100).says(&["p1.a below_minimum_spend 100"]);
}
