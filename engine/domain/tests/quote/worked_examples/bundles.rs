//! Bundles: units together for one price.

use martlet_domain::quote::Scope;

use crate::support::*;

fn any(count: u32, price: i64) -> martlet_domain::quote::Candidate {
    bundle(price, &[(Scope::All, count)])
}

/// Any three for 1,000 takes the dearest: 500 + 500 + 400 = 1,400, 400 off. 400 x 500/1,400 = 142
/// remainder 1,200 twice, 400 x 400/1,400 = 114 remainder 400: 398, and the 2 missing go to the 500s.
#[test]
fn any_three_takes_the_dearest() {
    let cart = krw().line(2, 500).line(2, 400).with(promotion([any(3, 1_000)]));
    cart.price()
        .comes_to(&[714, 686], 1_400)
        .says(&["p1.a 400 [0:286 1:114]"])
        .units(1, &[(1, 400, 286), (1, 400, 400)]);
}

/// A shirt of 3,000 and trousers of 5,000 for 7,000: 1,000 off, 375 and 625. The other shirt stays.
#[test]
fn a_bundle_of_two_parts() {
    let outfit = bundle(7_000, &[(lines(&[0]), 1), (lines(&[1]), 1)]);
    let cart = krw().line(2, 3_000).line(1, 5_000).with(promotion([outfit]));
    cart.price().comes_to(&[5_625, 4_375], 10_000).says(&["p1.a 1000 [0:375 1:625]"]);
}

/// Two of 450 make 900, for 1,000 or for 900: nobody is made to pay more, and nothing is saved.
#[test]
fn a_bundle_dearer_than_its_units_is_not_sold() {
    for price in [1_000, 900] {
        let cart = krw().line(2, 450).with(promotion([any(2, price)]));
        cart.price().comes_to(&[900], 900).says(&["p1.a saves_nothing"]);
    }
}

/// Two units don't make three.
#[test]
fn a_bundle_that_is_not_filled() {
    let cart = krw().line(2, 450).with(promotion([any(3, 100)]));
    cart.price().comes_to(&[900], 900).says(&["p1.a not_filled"]);
}

/// Seven of 500: two bundles of three for 1,000 save 500 each, 1,000 over six units: 166 each is 996,
/// the 4 missing go to the first four. One unit remains.
#[test]
fn several_bundles_and_a_rest() {
    let cart = krw().line(7, 500).with(promotion([any(3, 1_000)]));
    cart.price()
        .comes_to(&[2_500], 2_500)
        .says(&["p1.a 1000 [0:1000]"])
        .units(0, &[(4, 500, 333), (2, 500, 334), (1, 500, 500)]);
}

/// Seven of 500, at most one bundle: 500 over three units: 167, 167, 166.
#[test]
fn at_most_so_many_bundles() {
    let cart = krw().line(7, 500).with(promotion([any(3, 1_000).most(1)]));
    cart.price().comes_to(&[3_000], 3_000).says(&["p1.a 500 [0:500]"]);
}

/// The dearest three make 1,800, 800 off; the next three only 900, which is less than 1,000.
#[test]
fn bundles_end_where_they_save_nothing() {
    let cart = krw().line(3, 600).line(3, 300).with(promotion([any(3, 1_000)]));
    cart.price().comes_to(&[1_000, 900], 1_900).says(&["p1.a 800 [0:800]"]);
}

/// 2,000 for 1,500 would be 500 off; the floors of 900 allow 200.
#[test]
fn a_bundle_stops_at_floors() {
    let cart = krw().line(2, 1_000).floor(900).with(promotion([any(2, 1_500)]));
    cart.price().comes_to(&[1_800], 1_800).says(&["p1.a 200 [0:200] left"]);
}

/// One floor only: of 2,000 for 1,500 line 0 bears 50, line 1 the other 450.
#[test]
fn a_floor_moves_a_bundles_discount() {
    let two = bundle(1_500, &[(Scope::All, 2)]);
    let cart = krw().line(1, 1_000).floor(950).line(1, 1_000).with(promotion([two]));
    cart.price().comes_to(&[950, 550], 1_500).says(&["p1.a 500 [0:50 1:450]"]);
}

/// Two bundles save 600 each, capped at 500 in all: 125 a unit.
#[test]
fn a_cap_holds_for_all_bundles_together() {
    let cart = krw().line(4, 800).with(promotion([any(2, 1_000).capped(500)]));
    cart.price().comes_to(&[2_700], 2_700).says(&["p1.a 500 [0:500] cap"]).units(0, &[(4, 800, 675)]);
}

/// Two of three units go into the bundle for 600, 400 off; the third finds no partner in another.
#[test]
fn units_of_a_bundle_are_not_used_again() {
    let cart = krw().line(3, 500).with(promotion([any(2, 600), any(2, 100), buy_get_any(1, 1)]));
    cart.price().comes_to(&[1_100], 1_100).says(&["p1.a 400 [0:400]", "p1.b not_filled", "p1.c not_filled"]);
}

/// Seven parts of 2^29 units and one of 2^29 + 1 ask for 2^32 + 1: with the one unit there is, 2^32
/// are missing, which is 0 to whoever counts in 32 bits.
#[test]
fn a_bundle_of_more_units_than_a_number_holds_is_not_filled() {
    let mut parts = vec![(Scope::All, 1 << 29); 8];
    parts[7].1 += 1;
    let huge = bundle(0, &parts);
    krw().line(1, 500).with(promotion([huge])).price().comes_to(&[500], 500).says(&["p1.a not_filled"]);
}
