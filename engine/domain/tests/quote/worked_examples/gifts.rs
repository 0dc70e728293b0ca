//! Gifts: a variant given for nothing.

use martlet_domain::{plugin::GroupMode, quote::Class};

use crate::support::*;

/// One mug of 800 goes with a cart of 5,000, which still costs 5,000.
#[test]
fn a_gift_that_may_be_given() {
    let cart =
        krw().line(1, 5_000).stocked_gift("MUG", 800, 3).with(promotion([gift("MUG", 1)]).may_give("MUG"));
    let priced = cart.price().comes_to(&[5_000], 5_000).says(&["p1.a gives 1 MUG worth 800"]);
    assert_eq!(priced.quote.gifts.len(), 1);
}

/// p1 may not give mugs at all; p2 may, but the store knows no such variant.
#[test]
fn a_gift_that_may_not_be_given() {
    let cart = krw()
        .line(1, 5_000)
        .stocked_gift("MUG", 800, 3)
        .with(promotion([gift("MUG", 1)]).may_give("PEN"))
        .with(promotion([gift("PEN", 1)]).may_give("PEN"));
    cart.price().comes_to(&[5_000], 5_000).says(&["p1.a gift_not_granted", "p2.a gift_not_granted"]);
}

/// Three mugs: the first takes two, worth 1,600; the second asks for two and one is left; the third
/// gets that one.
#[test]
fn gifts_share_the_stock() {
    let cart = krw()
        .line(1, 5_000)
        .stocked_gift("MUG", 800, 3)
        .with(promotion([gift("MUG", 2), gift("MUG", 2), gift("MUG", 1)]).may_give("MUG"));
    cart.price().says(&[
        "p1.a gives 2 MUG worth 1600",
        "p1.b gift_out_of_stock 1",
        "p1.c gives 1 MUG worth 800",
    ]);
}

/// A mug from 5,000. 10 % off leaves 4,500 of 5,000: at its turn after that 500 are missing, at its
/// turn before that none are. Priority decides, gift or not.
#[test]
fn a_gift_takes_its_turn_by_priority() {
    let cart = |priority| {
        krw()
            .line(1, 5_000)
            .stocked_gift("MUG", 800, 3)
            .with(promotion([order_percent(10)]).priority(5))
            .with(promotion([gift("MUG", 1).from(5_000)]).may_give("MUG").priority(priority))
            .price()
            .comes_to(&[4_500], 4_500)
    };
    cart(0).says(&["p1.a 500 [0:500]", "p2.a below_minimum_spend 500"]);
    cart(9).says(&["p2.a gives 1 MUG worth 800", "p1.a 500 [0:500]"]);
}

/// The best gift is the one worth most: a pen of 900 beats a mug of 800.
#[test]
fn the_best_gift_is_worth_most() {
    let cart = krw()
        .line(1, 5_000)
        .stocked_gift("MUG", 800, 3)
        .stocked_gift("PEN", 900, 3)
        .group("gifts", of(Class::Gift), 0, GroupMode::Best)
        .with(promotion([gift("MUG", 1)]).may_give("MUG").group("gifts"))
        .with(promotion([gift("PEN", 1)]).may_give("PEN").group("gifts"));
    cart.price().says(&["p1.a lost_to p2", "p2.a gives 1 PEN worth 900"]);
}

/// A sample that costs nothing saves nothing, so the first of the group that saves anything is the
/// mug; without the mug nobody wins, and the sample isn't given.
#[test]
fn a_worthless_gift_wins_no_contest() {
    let cart = |mug: i64| {
        krw()
            .line(1, 5_000)
            .stocked_gift("SAMPLE", 0, 3)
            .stocked_gift("MUG", 800, mug)
            .group("gifts", of(Class::Gift), 0, GroupMode::First)
            .with(promotion([gift("SAMPLE", 1)]).may_give("SAMPLE").group("gifts"))
            .with(promotion([gift("MUG", 1)]).may_give("MUG").group("gifts"))
            .price()
    };
    cart(1).says(&["p1.a lost_to p2", "p2.a gives 1 MUG worth 800"]);
    let priced = cart(0).says(&["p1.a saves_nothing", "p2.a gift_out_of_stock 0"]);
    assert!(priced.quote.gifts.is_empty());
}

/// 2^32 - 1 mugs at the highest price would be worth more than an amount holds.
#[test]
fn a_gift_beyond_any_cart_is_unsound() {
    let cart = krw()
        .line(1, 5_000)
        .stocked_gift("MUG", martlet_domain::money::MAX_PRICE, i64::MAX)
        .with(promotion([gift("MUG", u32::MAX)]).may_give("MUG"));
    cart.price().comes_to(&[5_000], 5_000).says(&["p1.a invalid_candidate"]);
}
