//! Percentages: what they are taken on, how they are rounded, capped and spread.

use martlet_domain::{
    money::Ppm,
    plugin::GroupMode,
    quote::{Class, Value},
};

use crate::support::*;

/// Three lines of 5. 10 % of each is 0.5, away from zero 1: three times 1 off.
#[test]
fn line_class_rounds_once_a_line() {
    let cart = krw().line(1, 5).line(1, 5).line(1, 5).with(promotion([line_percent(10)]));
    cart.price().comes_to(&[4, 4, 4], 12).says(&["p1.a 3 [0:1 1:1 2:1]"]);
}

/// The same as one candidate of the order: 10 % of 15 is 1.5, so 2. Each line's share is 2 x 5/15
/// = 10/15: 0 and a remainder of 10, three times the same; the 2 go to positions 0 and 1.
#[test]
fn order_class_rounds_once_a_candidate() {
    let cart = krw().line(1, 5).line(1, 5).line(1, 5).with(promotion([order_percent(10)]));
    cart.price().comes_to(&[4, 4, 5], 13).says(&["p1.a 2 [0:1 1:1]"]);
}

/// 10 % of 14, 15 and 16 is 1.4, 1.5 and 1.6: 1 + 2 + 2.
#[test]
fn halves_go_away_from_zero_and_less_does_not() {
    let cart = krw().line(1, 14).line(1, 15).line(1, 16).with(promotion([line_percent(10)]));
    cart.price().comes_to(&[13, 13, 14], 40).says(&["p1.a 5 [0:1 1:2 2:2]"]);
}

/// 10 % of 14 + 30 = 44 is 4.4, so 4. 4 x 14/44 = 56/44: 1, remainder 12; 4 x 30/44 = 120/44: 2,
/// remainder 32. The one that is missing goes to position 1.
#[test]
fn remainders_go_to_the_largest_first() {
    let cart = krw().line(1, 14).line(1, 30).with(promotion([order_percent(10)]));
    cart.price().comes_to(&[13, 27], 40).says(&["p1.a 4 [0:1 1:3]"]);
}

/// 10 % of 3 x 3,333 = 9,999 is 999.9, so 1,000: 333 a unit makes 999, the first unit bears 1 more.
#[test]
fn units_of_a_line_share_by_their_order() {
    let cart = krw().line(3, 3_333).with(promotion([line_percent(10)]));
    cart.price()
        .comes_to(&[8_999], 8_999)
        .says(&["p1.a 1000 [0:1000]"])
        .units(0, &[(1, 3_333, 2_999), (2, 3_333, 3_000)]);
}

/// 12.5 % of 999 is 124.875, so 125. 1 ppm of 500,000 is 0.5, so 1; of 499,999 it is 0.499999, so
/// nothing.
#[test]
fn shares_are_parts_per_million() {
    let ppm = |share| promotion([candidate(Class::Line, Value::Percent(Ppm(share)))]);
    krw().line(1, 999).with(ppm(125_000)).price().comes_to(&[874], 874);
    krw().line(1, 500_000).with(ppm(1)).price().comes_to(&[499_999], 499_999);
    krw().line(1, 499_999).with(ppm(1)).price().comes_to(&[499_999], 499_999).says(&["p1.a no_effect"]);
}

/// 10 % of 999 is 99.9, so 100, leaving 899; 10 % of that is 89.9, so 90, leaving 809.
#[test]
fn promotions_compound() {
    let cart = krw().line(1, 999).with(promotion([line_percent(10)])).with(promotion([line_percent(10)]));
    cart.price().comes_to(&[809], 809).says(&["p1.a 100 [0:100]", "p2.a 90 [0:90]"]);
}

/// In the line stage 20 % of 10,000 is 2,000; in the order stage 10 % of the 8,000 left is 800.
#[test]
fn stages_compound() {
    let cart = krw().line(1, 10_000).with(promotion([order_percent(10), line_percent(20)]));
    cart.price().comes_to(&[7_200], 7_200).says(&["p1.b 2000 [0:2000]", "p1.a 800 [0:800]"]);
}

/// On the list amount of 10,000: 10 % is 1,000 and 20 % is 2,000, whatever was taken off before.
#[test]
fn a_group_may_take_percentages_on_list_amounts() {
    let cart = krw()
        .line(1, 10_000)
        .group("season", of(Class::Line), 0, GroupMode::Stack)
        .on_list_amounts()
        .with(promotion([line_percent(10)]).group("season"))
        .with(promotion([line_percent(20)]).group("season"));
    cart.price().comes_to(&[7_000], 7_000).says(&["p1.a 1000 [0:1000]", "p2.a 2000 [0:2000]"]);
}

/// On the list amount of 1,000: 60 % is 600, leaving 400; another 60 % would be 600, but 400 is all.
#[test]
fn list_percentages_stop_at_nothing_left() {
    let cart = krw()
        .line(1, 1_000)
        .group("season", of(Class::Line), 0, GroupMode::Stack)
        .on_list_amounts()
        .with(promotion([line_percent(60)]).group("season"))
        .with(promotion([line_percent(60)]).group("season"));
    cart.price().comes_to(&[0], 0).says(&["p1.a 600 [0:600]", "p2.a 400 [0:400] left"]);
}

/// On list amounts across lines: 500 off line 0 leaves 500 + 1,000. 30 % of the list's 2,000 is
/// 600, shared by list amounts: 300 each.
#[test]
fn list_percentages_are_shared_by_list_amounts() {
    let cart = krw()
        .line(1, 1_000)
        .line(1, 1_000)
        .group("season", of(Class::Order), 0, GroupMode::Stack)
        .on_list_amounts()
        .with(promotion([each(500).over(lines(&[0]))]))
        .with(promotion([order_percent(30)]).group("season"));
    cart.price().comes_to(&[200, 700], 900).says(&["p1.a 500 [0:500]", "p2.a 600 [0:300 1:300]"]);
}

/// 10 % is 100 + 200 + 300 = 600, capped at 250: 250 x 100/600 = 41 remainder 400, 250 x 200/600 =
/// 83 remainder 200, 250 x 300/600 = 125 remainder 0. The one missing goes to position 0.
#[test]
fn a_cap_is_shared_by_the_lines() {
    let cart = krw().line(1, 1_000).line(1, 2_000).line(1, 3_000);
    cart.with(promotion([line_percent(10).capped(250)]))
        .price()
        .comes_to(&[958, 1_917, 2_875], 5_750)
        .says(&["p1.a 250 [0:42 1:83 2:125] cap"]);
}

/// 10 each, capped at 20 of 30: 20 x 10/30 = 6 remainder 20, three times; the 2 missing go to
/// positions 0 and 1.
#[test]
fn ties_under_a_cap_go_by_position() {
    let cart = krw().line(1, 100).line(1, 100).line(1, 100);
    cart.with(promotion([line_percent(10).capped(20)]))
        .price()
        .comes_to(&[93, 93, 94], 280)
        .says(&["p1.a 20 [0:7 1:7 2:6] cap"]);
}

/// 10 % of 6,000 is 600, capped at 599: shares 99 remainder 5,000 of 6,000, 199 remainder 4,000, 299
/// remainder 3,000; the 2 missing go to positions 0 and 1. A cap of 600 takes nothing away.
#[test]
fn a_cap_on_the_order_is_spread_as_the_discount_is() {
    let cart = || krw().line(1, 1_000).line(1, 2_000).line(1, 3_000);
    cart()
        .with(promotion([order_percent(10).capped(599)]))
        .price()
        .comes_to(&[900, 1_800, 2_701], 5_401)
        .says(&["p1.a 599 [0:100 1:200 2:299] cap"]);
    cart()
        .with(promotion([order_percent(10).capped(600)]))
        .price()
        .comes_to(&[900, 1_800, 2_700], 5_400)
        .says(&["p1.a 600 [0:100 1:200 2:300]"]);
}

/// 1 off the first unit leaves 4, 5, 5 = 14. 25 % of the line is 3.5, so 4: 4 x 4/14 = 1 remainder 2,
/// 4 x 5/14 = 1 remainder 6 twice; the one missing goes to the second unit: 3, 3, 4.
#[test]
fn a_line_of_unlike_units_is_rounded_once() {
    let cart = krw().line(3, 5).with(promotion([once(1), line_percent(25)]));
    cart.price()
        .comes_to(&[10], 10)
        .says(&["p1.a 1 [0:1]", "p1.b 4 [0:4]"])
        .units(0, &[(2, 5, 3), (1, 5, 4)]);
}

/// All of 999 + 2 x 1 = 1,001; nothing is left for the next.
#[test]
fn all_of_it_leaves_nothing() {
    let cart = krw().line(1, 999).line(2, 1).with(promotion([order_percent(100), across(1)]));
    cart.price().comes_to(&[0, 0], 0).says(&["p1.a 1001 [0:999 1:2]", "p1.b no_effect"]);
}

/// Line 1 alone, by a scope: 50 % of 2 x 301 = 602 is 301: 150.5 a unit, so 151 and 150.
#[test]
fn a_scope_keeps_other_lines_out() {
    let cart = krw().line(1, 1_000).line(2, 301).with(promotion([line_percent(50).over(lines(&[1]))]));
    cart.price()
        .comes_to(&[1_000, 301], 1_301)
        .says(&["p1.a 301 [1:301]"])
        .units(1, &[(1, 301, 150), (1, 301, 151)]);
}

/// 20 % would be 200 on each line; line 0 stops at its floor of 950, and what it can't bear is not
/// given on line 1.
#[test]
fn a_percentage_that_a_floor_cuts_is_lost() {
    for percent in [line_percent(20), order_percent(20)] {
        let cart = krw().line(1, 1_000).floor(950).line(1, 1_000).with(promotion([percent]));
        cart.price().comes_to(&[950, 800], 1_750).says(&["p1.a 250 [0:50 1:200] left"]);
    }
}
