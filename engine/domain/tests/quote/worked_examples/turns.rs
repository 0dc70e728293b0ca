//! In which order candidates come, and which exclude each other.

use martlet_domain::{plugin::GroupMode, quote::Class};

use crate::support::*;

/// Priority 5 comes first: 10 % of 1,000 is 100, then 100. The other way it would be 100, then 90.
#[test]
fn higher_priority_first() {
    let cart =
        krw().line(1, 1_000).with(promotion([across(100)])).with(promotion([order_percent(10)]).priority(5));
    cart.price().comes_to(&[800], 800).says(&["p2.a 100 [0:100]", "p1.a 100 [0:100]"]);
}

/// Automatic before code, though the code's installation is the older: 10 % of 1,000, then 10 % of
/// 900.
#[test]
fn automatic_before_code() {
    let cart =
        krw().line(1, 1_000).with(code("SAVE", [order_percent(10)])).with(promotion([order_percent(10)]));
    cart.price().comes_to(&[810], 810).says(&["p2.a 100 [0:100]", "SAVE.a 90 [0:90]"]);
}

/// Priority comes before that: a code of priority 1 precedes.
#[test]
fn priority_before_automatic() {
    let cart = krw()
        .line(1, 1_000)
        .with(promotion([order_percent(10)]))
        .with(code("SAVE", [order_percent(10)]).priority(1));
    cart.price().comes_to(&[810], 810).says(&["SAVE.a 100 [0:100]", "p1.a 90 [0:90]"]);
}

/// p1 is the twentieth installation of the store, p2 the tenth.
#[test]
fn then_by_sequence() {
    let cart = krw()
        .line(1, 1_000)
        .with(promotion([order_percent(10)]).sequence(20))
        .with(promotion([order_percent(10)]).sequence(10));
    cart.price().comes_to(&[810], 810).says(&["p2.a 100 [0:100]", "p1.a 90 [0:90]"]);
}

/// Two codes of one installation in the order they were added to the cart, and each one's candidates
/// in their own: 100, 10 % of 900, 100 again, 10 % of 710.
#[test]
fn then_by_ordinal() {
    let plugin = code("ZEBRA", [across(100), order_percent(10)]).also("APPLE", |_| {});
    krw().line(1, 1_000).with(plugin).price().comes_to(&[639], 639).says(&[
        "ZEBRA.a 100 [0:100]",
        "ZEBRA.b 90 [0:90]",
        "APPLE.a 100 [0:100]",
        "APPLE.b 71 [0:71]",
    ]);
}

/// Groups by rank, the lower first, before what stands in no group.
#[test]
fn groups_by_rank_then_the_rest() {
    let cart = krw()
        .line(1, 1_000)
        .group("late", of(Class::Line), 2, GroupMode::Stack)
        .group("early", of(Class::Line), 1, GroupMode::Stack)
        .with(promotion([line_percent(10)]).priority(9))
        .with(promotion([line_percent(10)]).group("late").priority(5))
        .with(promotion([line_percent(10)]).group("early"));
    // 1,000 -> 900 -> 810 -> 729.
    cart.price().comes_to(&[729], 729).says(&["p3.a 100 [0:100]", "p2.a 90 [0:90]", "p1.a 81 [0:81]"]);
}

/// 100 applies and brings `sale`; the 200 that shares it comes later and is out.
#[test]
fn the_earlier_of_a_tag_excludes_the_later() {
    let cart = krw()
        .line(1, 1_000)
        .with(promotion([across(100).tagged("sale")]))
        .with(promotion([across(200).tagged("new").tagged("sale")]))
        .with(promotion([across(50).tagged("new")]));
    cart.price().comes_to(&[850], 850).says(&["p1.a 100 [0:100]", "p2.a excluded sale p1", "p3.a 50 [0:50]"]);
}

/// Tags reach over classes and stages: what applied to a line excludes the code on shipping.
#[test]
fn tags_reach_over_stages() {
    let free = order_percent(100).class(Class::Shipping).tagged("only-one");
    let cart = krw()
        .line(1, 1_000)
        .shipping(300)
        .with(promotion([each(10).tagged("only-one")]))
        .with(code("FREESHIP", [free]));
    cart.price().comes_to(&[990, 300], 1_290).says(&["p1.a 10 [0:10]", "FREESHIP.a excluded only-one p1"]);
}

/// What doesn't apply excludes nothing: the first is 500 short.
#[test]
fn a_rejected_candidate_excludes_nothing() {
    let cart = krw()
        .line(1, 1_000)
        .with(promotion([across(100).tagged("sale").from(1_500)]))
        .with(promotion([across(200).tagged("sale")]));
    cart.price().comes_to(&[800], 800).says(&["p1.a below_minimum_spend 500", "p2.a 200 [0:200]"]);
}
