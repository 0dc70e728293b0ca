//! The pricing stage: unit prices before any discount.

use martlet_domain::quote::Value;

use crate::support::*;

/// 2 x 1,000 at 900: 200 less, and 1,800 is the subtotal. No discount: it is the price.
#[test]
fn a_price_goes_down() {
    let cart = krw().line(2, 1_000).with(pricing([unit_price(900)]));
    let priced = cart.price().comes_to(&[1_800], 1_800).goods(1_800, 0).units(0, &[(2, 900, 900)]);
    let priced = priced.says(&["p1.a 200 [0:200]"]);
    assert_eq!(priced.quote.lines[0].base_amount, 1_000);
}

/// 1,000 at 1,200: 200 more.
#[test]
fn a_price_goes_up() {
    let cart = krw().line(1, 1_000).with(pricing([unit_price(1_200)]));
    cart.price().comes_to(&[1_200], 1_200).goods(1_200, 0).says(&["p1.a -200 [0:-200]"]);
}

/// Three of five units at 800: 2,400 + 2,000.
#[test]
fn a_price_for_part_of_a_line() {
    let cart = krw().line(5, 1_000).with(pricing([unit_price(800).over(some_of(0, 3))]));
    cart.price()
        .comes_to(&[4_400], 4_400)
        .says(&["p1.a 600 [0:600]"])
        .units(0, &[(3, 800, 800), (2, 1_000, 1_000)]);
}

/// 700 is below the floor of 900, which stands.
#[test]
fn a_price_stops_at_the_floor() {
    let cart = krw().line(1, 1_000).floor(900).with(pricing([unit_price(700)]));
    cart.price().comes_to(&[900], 900).says(&["p1.a 100 [0:100] left"]);
}

/// The price it has already.
#[test]
fn the_same_price_has_no_effect() {
    let cart = krw().line(1, 1_000).with(pricing([unit_price(1_000)]));
    cart.price().comes_to(&[1_000], 1_000).says(&["p1.a no_effect"]);
}

/// 1,000 at 800; 10 % off that is 80 of a subtotal of 800.
#[test]
fn discounts_are_taken_on_the_price_made() {
    let cart = krw().line(1, 1_000).with(pricing([unit_price(800)])).with(promotion([line_percent(10)]));
    cart.price().comes_to(&[720], 720).goods(800, 80).says(&["p1.a 200 [0:200]", "p2.a 80 [0:80]"]);
}

/// Without a group the later price stands: 1,000 to 900, then 900 to 950.
#[test]
fn the_later_of_two_prices_stands() {
    let cart = krw().line(1, 1_000).with(pricing([unit_price(900)])).with(pricing([unit_price(950)]));
    cart.price().comes_to(&[950], 950).goods(950, 0).says(&["p1.a 100 [0:100]", "p2.a -50 [0:-50]"]);
}

/// A price may lift a free line: 0 to 500, twice.
#[test]
fn a_free_line_can_get_a_price() {
    let cart = krw().line(2, 0).with(pricing([unit_price(500)]));
    cart.price().comes_to(&[1_000], 1_000).says(&["p1.a -1000 [0:-1000]"]);
}

/// A pricing plugin can't discount, and a price has a highest amount.
#[test]
fn only_prices_make_prices() {
    let percent = line_percent(10);
    let too_much = unit_price(martlet_domain::money::MAX_PRICE + 1);
    let negative = candidate(martlet_domain::quote::Class::Line, Value::UnitPrice(-1));
    let cart = krw().line(1, 1_000).with(pricing([percent, too_much, negative]));
    cart.price().comes_to(&[1_000], 1_000).says(&[
        "p1.a invalid_candidate",
        "p1.b invalid_candidate",
        "p1.c invalid_candidate",
    ]);
}
