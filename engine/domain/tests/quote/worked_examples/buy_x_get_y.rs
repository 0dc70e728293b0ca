//! Buy some, get some: which units qualify, which are given.

use martlet_domain::quote::{Class, Scope};

use crate::support::*;

/// Buy a coat, get a scarf: two coats free two scarves, the cheapest two, both of 1,500.
#[test]
fn from_one_scope_into_another() {
    let offer = buy_get(1, lines(&[0]), 1, lines(&[1, 2]));
    let cart = krw().line(2, 10_000).line(3, 1_500).line(1, 2_000).with(promotion([offer]));
    cart.price()
        .comes_to(&[20_000, 1_500, 2_000], 23_500)
        .says(&["p1.a 3000 [1:3000]"])
        .units(1, &[(2, 1_500, 0), (1, 1_500, 1_500)]);
}

/// Buy anything, get a hat: the hat is dearer than the sock, but it is the one to be given, so the
/// sock qualifies.
#[test]
fn a_unit_that_can_be_given_is_kept_back() {
    let offer = || buy_get(1, Scope::All, 1, lines(&[0]));
    let cart = krw().line(1, 2_000).line(1, 500).with(promotion([offer()]));
    cart.price().comes_to(&[0, 500], 500).says(&["p1.a 2000 [0:2000]"]);
    let alone = krw().line(1, 2_000).with(promotion([offer()]));
    alone.price().comes_to(&[2_000], 2_000).says(&["p1.a not_filled"]);
}

/// Two hats and a sock: a hat qualifies, being the dearest, the other is given; the sock alone has
/// nothing to free.
#[test]
fn overlapping_scopes_leave_a_rest() {
    let offer = buy_get(1, Scope::All, 1, lines(&[0]));
    let cart = krw().line(2, 2_000).line(1, 500).with(promotion([offer]));
    cart.price().comes_to(&[2_000, 500], 2_500).says(&["p1.a 2000 [0:2000]"]);
}

/// Buy two, get two: of three units 900 and 500 qualify, and 400 is the part that can be given.
#[test]
fn the_last_application_gives_what_it_can() {
    let cart = krw().line(1, 900).line(1, 500).line(1, 400).with(promotion([buy_get_any(2, 2)]));
    cart.price().comes_to(&[900, 500, 0], 1_400).says(&["p1.a 400 [2:400]"]);
}

/// Buy two, get two of seven units of 100: four and three make 2 + 1 given.
#[test]
fn whole_applications_then_a_part() {
    let cart = krw().line(7, 100).with(promotion([buy_get_any(2, 2)]));
    cart.price().comes_to(&[400], 400).says(&["p1.a 300 [0:300]"]);
}

/// Four of 333: two are given at half price. 50 % of 666 is 333, rounded once; 167 and 166.
#[test]
fn half_price_of_odd_units() {
    let cart = krw().line(4, 333).with(promotion([buy_get_any(1, 1).half()]));
    cart.price().comes_to(&[999], 999).says(&["p1.a 333 [0:333]"]);
}

/// 335 and 335 qualify; 331 and 333 are given at half price. By line: 165.5 and 166.5, so 166 and
/// 167. As one candidate of the order: 332 of 664, shares of 166.5 and 165.5; the tie for the one
/// missing goes to position 1, so 167 and 165.
#[test]
fn half_price_is_rounded_by_line_or_once() {
    let cart = || krw().line(2, 335).line(1, 333).line(1, 331);
    let offer = || buy_get_any(1, 1).half();
    cart()
        .with(promotion([offer()]))
        .price()
        .comes_to(&[670, 166, 165], 1_001)
        .says(&["p1.a 333 [1:167 2:166]"]);
    cart()
        .with(promotion([offer().class(Class::Order)]))
        .price()
        .comes_to(&[670, 166, 166], 1_002)
        .says(&["p1.a 332 [1:167 2:165]"]);
}

/// Buy two of line 2, get two of lines 0 and 1 at 10 % off: 8 and 8 first, then 8 and 9. Line 1 gives
/// three of 8, and 10 % of 24 is 2.4, so 2; line 0 gives one of 9, and 10 % of it is 0.9, so 1.
#[test]
fn applications_do_not_round_a_line_twice() {
    let mut offer = buy_get(2, lines(&[2]), 2, lines(&[0, 1]));
    if let martlet_domain::quote::Value::BuyXGetY(offer) = &mut offer.value {
        offer.percent = martlet_domain::money::Ppm(100_000);
    }
    let cart = krw().line(1, 9).line(3, 8).line(4, 100).with(promotion([offer]));
    cart.price().comes_to(&[8, 22, 400], 430).says(&["p1.a 3 [0:1 1:2]"]);
}

/// Four of 1,000, at most one application: one is free.
#[test]
fn at_most_so_many_applications() {
    let cart = krw().line(4, 1_000).with(promotion([buy_get_any(1, 1).most(1)]));
    cart.price().comes_to(&[3_000], 3_000).says(&["p1.a 1000 [0:1000]"]);
}

/// Three of 1,000: one bought, one given, one over, which a second offer can't use alone.
#[test]
fn units_are_not_used_again() {
    let cart = krw().line(3, 1_000).with(promotion([buy_get_any(1, 1), buy_get_any(1, 1)]));
    cart.price().comes_to(&[2_000], 2_000).says(&["p1.a 1000 [0:1000]", "p1.b not_filled"]);
}

/// Four of 1,000: the first offer may use two of them, the second uses the other two.
#[test]
fn the_rest_serves_the_next_offer() {
    let cart = krw().line(4, 1_000).with(promotion([buy_get_any(1, 1).most(1), buy_get_any(1, 1)]));
    cart.price().comes_to(&[2_000], 2_000).says(&["p1.a 1000 [0:1000]", "p1.b 1000 [0:1000]"]);
}

/// A bundle in a later stage doesn't get them either, though a percentage does: 10 % of the 1,000
/// left is 100.
#[test]
fn used_units_stay_used_in_later_stages() {
    let two_for_100 = bundle(100, &[(Scope::All, 2)]).class(Class::Order);
    let cart = krw().line(2, 1_000).with(promotion([buy_get_any(1, 1), two_for_100, order_percent(10)]));
    cart.price().comes_to(&[900], 900).says(&["p1.a 1000 [0:1000]", "p1.b not_filled", "p1.c 100 [0:100]"]);
}

/// Two of six units of line 0 can qualify: one application of buy two, get one of line 1.
#[test]
fn a_scope_of_some_units_limits_applications() {
    let offer = buy_get(2, some_of(0, 2), 1, lines(&[1]));
    let cart = krw().line(6, 1_000).line(3, 400).with(promotion([offer]));
    cart.price().comes_to(&[6_000, 800], 6_800).says(&["p1.a 400 [1:400]"]);
}

/// Two equal units on two lines: the one to be given is chosen first, by position, so line 0 is free.
#[test]
fn ties_of_given_units_go_by_position() {
    let cart = krw().line(1, 500).line(1, 500).with(promotion([buy_get_any(1, 1)]));
    cart.price().comes_to(&[0, 500], 500).says(&["p1.a 500 [0:500]"]);
}

/// After 200 off, line 0 has 800 left, line 1 has 900: 900 qualifies, 800 is given.
#[test]
fn what_is_left_decides_not_the_list() {
    let cart = krw().line(1, 1_000).line(1, 900);
    cart.with(promotion([each(200).over(lines(&[0])), buy_get_any(1, 1)]))
        .price()
        .comes_to(&[0, 900], 900)
        .says(&["p1.a 200 [0:200]", "p1.b 800 [0:800]"]);
}

/// A free unit of 1,000 still costs its floor of 300.
#[test]
fn free_is_not_below_the_floor() {
    let cart = krw().line(2, 1_000).floor(300).with(promotion([buy_get_any(1, 1)]));
    cart.price().comes_to(&[1_300], 1_300).says(&["p1.a 700 [0:700] left"]);
}

/// Two given units of 1,000, capped at 1,500: 750 each.
#[test]
fn a_cap_holds_for_all_applications_together() {
    let cart = krw().line(4, 1_000).with(promotion([buy_get_any(1, 1).capped(1_500)]));
    cart.price().comes_to(&[2_500], 2_500).says(&["p1.a 1500 [0:1500] cap"]);
}
