//! Amounts: across, each, once, unit price, and floors in their way.

use martlet_domain::quote::{Class, Scope, ScopeLine};

use crate::support::*;

/// 100 over three units of 100: 33 each, remainders alike; the one missing goes to the first unit of
/// position 0, which keeps 66.
#[test]
fn across_breaks_a_tie_by_position_then_unit() {
    let cart = krw().line(2, 100).line(1, 100).with(promotion([across(100)]));
    cart.price()
        .comes_to(&[133, 67], 200)
        .says(&["p1.a 100 [0:67 1:33]"])
        .units(0, &[(1, 100, 66), (1, 100, 67)]);
}

/// 200 over three units of 100: 66 each, 198 in all; the 2 missing go to the two units of position 0.
#[test]
fn across_gives_remainders_to_units_before_the_next_line() {
    let cart = krw().line(2, 100).line(1, 100).with(promotion([across(200)]));
    cart.price().comes_to(&[66, 34], 100).says(&["p1.a 200 [0:134 1:66]"]).units(0, &[(2, 100, 33)]);
}

/// 100 over 1,000 + 500 + 333 = 1,833: 54 remainder 1,018, 27 remainder 509, 18 remainder 306; 99,
/// and the one missing goes to position 0.
#[test]
fn across_is_shared_in_proportion() {
    let cart = krw().line(1, 1_000).line(1, 500).line(1, 333).with(promotion([across(100)]));
    cart.price().comes_to(&[945, 473, 315], 1_733).says(&["p1.a 100 [0:55 1:27 2:18]"]);
}

/// 1,000 off 300 + 200: 500 is all there is; nothing is left for the next.
#[test]
fn across_takes_no_more_than_is_left() {
    let cart = krw().line(1, 300).line(1, 200).with(promotion([across(1_000), across(1)]));
    cart.price().comes_to(&[0, 0], 0).says(&["p1.a 500 [0:300 1:200] left", "p1.b no_effect"]);
}

/// 100 off what is left, 200 + 600 after 800 off the first line of 1,000: 25 and 75.
#[test]
fn across_is_shared_by_what_is_left_not_by_list_amounts() {
    let cart = krw().line(1, 1_000).line(1, 600).with(promotion([each(800).over(lines(&[0])), across(100)]));
    cart.price().comes_to(&[175, 525], 700).says(&["p1.a 800 [0:800]", "p1.b 100 [0:25 1:75]"]);
}

/// 500 capped at 90 over 1,000 + 2,000: 30 and 60.
#[test]
fn across_has_a_cap_too() {
    let cart = krw().line(1, 1_000).line(1, 2_000).with(promotion([across(500).capped(90)]));
    cart.price().comes_to(&[970, 1_940], 2_910).says(&["p1.a 90 [0:30 1:60] cap"]);
}

/// 200 off two lines of 1,000 is 100 each; line 0 bears 50 to its floor, line 1 the other 150.
#[test]
fn what_a_floor_keeps_of_an_amount_others_bear() {
    let cart = krw().line(1, 1_000).floor(950).line(1, 1_000).with(promotion([across(200)]));
    cart.price().comes_to(&[950, 850], 1_800).says(&["p1.a 200 [0:50 1:150]"]);
}

/// 300 off three lines of 1,000 is 100 each. Line 0 bears 10 to its floor; 290 on two is 145 each,
/// of which line 1 bears 120 to its floor; line 2 bears the 170 that remain.
#[test]
fn a_second_floor_can_come_into_the_way() {
    let cart = krw().line(1, 1_000).floor(990).line(1, 1_000).floor(880).line(1, 1_000);
    cart.with(promotion([across(300)]))
        .price()
        .comes_to(&[990, 880, 830], 2_700)
        .says(&["p1.a 300 [0:10 1:120 2:170]"]);
}

/// 500 off, but floors leave 100 + 50.
#[test]
fn floors_everywhere_stop_an_amount() {
    let cart = krw().line(1, 1_000).floor(900).line(1, 500).floor(450).with(promotion([across(500)]));
    cart.price().comes_to(&[900, 450], 1_350).says(&["p1.a 150 [0:100 1:50] left"]);
}

/// 200 off each: 3 x 200 on line 0; the unit of 150 on line 1 has no more than that.
#[test]
fn each_stops_at_nothing_left() {
    let cart = krw().line(3, 1_000).line(1, 150).with(promotion([each(200)]));
    cart.price().comes_to(&[2_400, 0], 2_400).says(&["p1.a 750 [0:600 1:150] left"]);
}

/// 100 off each of three units is 300, capped at 100: 33 each, the one missing to the first unit.
#[test]
fn each_under_a_cap_is_shared_by_units() {
    let cart = krw().line(2, 1_000).line(1, 1_000).with(promotion([each(100).capped(100)]));
    cart.price()
        .comes_to(&[1_933, 967], 2_900)
        .says(&["p1.a 100 [0:67 1:33] cap"])
        .units(0, &[(1, 1_000, 966), (1, 1_000, 967)]);
}

/// The cheapest units cost 300, on lines 1 and 2: the first unit of line 1 gets 100 off.
#[test]
fn once_takes_the_cheapest_unit_the_first_of_a_tie() {
    let cart = krw().line(1, 500).line(2, 300).line(1, 300).with(promotion([once(100)]));
    cart.price()
        .comes_to(&[500, 500, 300], 1_300)
        .says(&["p1.a 100 [1:100]"])
        .units(1, &[(1, 300, 200), (1, 300, 300)]);
}

/// 1,000 off the cheapest unit, which has 300.
#[test]
fn once_takes_no_more_than_its_unit_has() {
    let cart = krw().line(1, 500).line(1, 300).with(promotion([once(1_000)]));
    cart.price().comes_to(&[500, 0], 500).says(&["p1.a 300 [1:300] left"]);
}

/// 400 is the cheapest on the list, but 350 is left of the 900 after 550 off: that one gets 100 off.
#[test]
fn once_looks_at_what_is_left() {
    let cart = krw().line(1, 900).line(1, 400).with(promotion([each(550).over(lines(&[0])), once(100)]));
    cart.price().comes_to(&[250, 400], 650).says(&["p1.a 550 [0:550]", "p1.b 100 [0:100]"]);
}

/// Down to 800: 2 x 200 off line 0; the unit of 700 stays, and that reduces nothing.
#[test]
fn a_unit_price_leaves_cheaper_units() {
    let cart = krw().line(2, 1_000).line(1, 700).with(promotion([unit_price(800)]));
    cart.price().comes_to(&[1_600, 700], 2_300).says(&["p1.a 400 [0:400]"]);
}

/// Down to 800, but the floor is 900: 100 off.
#[test]
fn a_unit_price_stops_at_the_floor() {
    let cart = krw().line(1, 1_000).floor(900).with(promotion([unit_price(800)]));
    cart.price().comes_to(&[900], 900).says(&["p1.a 100 [0:100] left"]);
}

/// Two of five units of 1,000 come down to 500: 1,000 off.
#[test]
fn a_scope_can_name_some_units() {
    let cart = krw().line(5, 1_000).with(promotion([unit_price(500).over(some_of(0, 2))]));
    cart.price()
        .comes_to(&[4_000], 4_000)
        .says(&["p1.a 1000 [0:1000]"])
        .units(0, &[(2, 1_000, 500), (3, 1_000, 1_000)]);
}

/// Once takes 100 off the first unit: 900, 1,000, 1,000 left. Two units are the dearest, the second
/// and the third: 500 off each leaves 900 + 500 + 500.
#[test]
fn some_units_are_the_dearest_left() {
    let cart = krw().line(3, 1_000).with(promotion([once(100), each(500).over(some_of(0, 2))]));
    cart.price()
        .comes_to(&[1_900], 1_900)
        .says(&["p1.a 100 [0:100]", "p1.b 1000 [0:1000]"])
        .units(0, &[(1, 1_000, 900), (2, 1_000, 500)]);
}

/// A scope that names line 2 before line 0 gives the same tie: 1 over two units of 100 goes to
/// position 0.
#[test]
fn the_order_within_a_scope_means_nothing() {
    let whole = |position| ScopeLine { position, quantity: None };
    let scope = Scope::Lines(vec![whole(2), whole(0)]);
    let cart = krw().line(1, 100).line(1, 100).line(1, 100).with(promotion([across(1).over(scope)]));
    cart.price().comes_to(&[99, 100, 100], 299).says(&["p1.a 1 [0:1]"]);
}

/// Units that cost nothing bear nothing: 10 % of 0 + 1,000 is 100, all on line 1.
#[test]
fn free_lines_bear_nothing() {
    let cart = krw().line(4, 0).line(1, 1_000).with(promotion([order_percent(10)]));
    cart.price().comes_to(&[0, 900], 900).says(&["p1.a 100 [1:100]"]);
}

/// Across is of any class of goods: as a line's it is the same 100 over 300.
#[test]
fn across_as_a_line_discount_is_not_rounded_by_line() {
    let cart = krw().line(2, 100).line(1, 100).with(promotion([across(100).class(Class::Line)]));
    cart.price().comes_to(&[133, 67], 200).says(&["p1.a 100 [0:67 1:33]"]);
}
