//! Groups: which of those that compete apply.

use martlet_domain::{
    plugin::{GroupClass, GroupMode},
    quote::{Class, Value},
};

use crate::support::*;

fn grouped(mode: GroupMode) -> Case {
    krw().line(1, 1_000).group("g", of(Class::Line), 0, mode)
}

/// 10 % of 1,000 is 100, 10 % of 900 is 90.
#[test]
fn a_stack_applies_all() {
    let cart = grouped(GroupMode::Stack)
        .with(promotion([line_percent(10)]).group("g"))
        .with(promotion([line_percent(10)]).group("g"));
    cart.price().comes_to(&[810], 810).says(&["p1.a 100 [0:100]", "p2.a 90 [0:90]"]);
}

/// p1's two make 100 + 150 = 250 together, p2's one 200: p1 saves most.
#[test]
fn best_adds_up_an_installations_candidates() {
    let cart = grouped(GroupMode::Best)
        .with(promotion([each(100), each(150)]).group("g"))
        .with(promotion([each(200)]).group("g"));
    cart.price().comes_to(&[750], 750).says(&["p1.a 100 [0:100]", "p1.b 150 [0:150]", "p2.a lost_to p1"]);
}

/// p2's 30 % twice is 300 + 210 = 510, together and compounding; p1's 520 saves more.
#[test]
fn best_tries_candidates_together() {
    let cart = grouped(GroupMode::Best)
        .with(promotion([each(520)]).group("g"))
        .with(promotion([line_percent(30), line_percent(30)]).group("g"));
    cart.price().comes_to(&[480], 480).says(&["p1.a 520 [0:520]", "p2.a lost_to p1", "p2.b lost_to p1"]);
}

/// 200 and 200: the earlier by the order of turns, here by priority.
#[test]
fn best_of_a_tie_is_the_earlier() {
    let cart = grouped(GroupMode::Best)
        .with(promotion([each(200)]).group("g"))
        .with(promotion([line_percent(20)]).group("g").priority(1));
    cart.price().comes_to(&[800], 800).says(&["p2.a 200 [0:200]", "p1.a lost_to p2"]);
}

/// What couldn't apply anyway keeps its own reason: 500 are missing to p1's 1,500.
#[test]
fn losers_keep_their_own_reasons() {
    let cart = grouped(GroupMode::Best)
        .with(promotion([each(900).from(1_500), each(50)]).group("g"))
        .with(promotion([each(200)]).group("g"));
    cart.price().comes_to(&[800], 800).says(&[
        "p1.a below_minimum_spend 500",
        "p1.b lost_to p2",
        "p2.a 200 [0:200]",
    ]);
}

/// The first group takes 300 and leaves 700, of which p2's 20 % is 140: p3's 150 saves more, though
/// on the list amount 20 % would be 200.
#[test]
fn best_is_tried_at_the_groups_turn() {
    let cart = grouped(GroupMode::Stack)
        .group("rivals", of(Class::Line), 1, GroupMode::Best)
        .with(promotion([each(300)]).group("g"))
        .with(promotion([line_percent(20)]).group("rivals"))
        .with(promotion([each(150)]).group("rivals"));
    cart.price().comes_to(&[550], 550).says(&["p1.a 300 [0:300]", "p2.a lost_to p3", "p3.a 150 [0:150]"]);
}

/// Codes compete as themselves, even of one installation: SUMMER10's 100 beats FLAT50's 50.
#[test]
fn codes_lose_to_codes() {
    let cart = grouped(GroupMode::Best)
        .with(code("FLAT50", [each(50)]).group("g"))
        .with(code("SUMMER10", [line_percent(10)]).group("g"));
    let priced = cart.price().comes_to(&[900], 900);
    let priced = priced.says(&["FLAT50.a lost_to SUMMER10", "SUMMER10.a 100 [0:100]"]);
    assert_eq!(priced.quote.verdicts[0].explain(&[], priced.quote.currency), "lost to SUMMER10");
}

/// p1 lacks 500; p2 saves 50 and is first, though p3 would save more.
#[test]
fn first_skips_what_saves_nothing() {
    let cart = grouped(GroupMode::First)
        .with(promotion([each(900).from(1_500)]).group("g"))
        .with(promotion([each(50)]).group("g"))
        .with(promotion([each(200)]).group("g"));
    cart.price().comes_to(&[950], 950).says(&[
        "p1.a below_minimum_spend 500",
        "p2.a 50 [0:50]",
        "p3.a lost_to p2",
    ]);
}

/// The first group applies 100 and stops the line stage: p2 of its own group has lost, the later
/// group is stopped. The order stage has its turn: 10 % of 900 is 90.
#[test]
fn stop_ends_its_stage() {
    let cart = grouped(GroupMode::Stop)
        .group("later", of(Class::Line), 1, GroupMode::Stack)
        .with(promotion([each(100)]).group("g"))
        .with(promotion([each(200)]).group("g"))
        .with(promotion([each(300)]).group("later"))
        .with(promotion([order_percent(10)]));
    cart.price().comes_to(&[810], 810).says(&[
        "p1.a 100 [0:100]",
        "p2.a lost_to p1",
        "p3.a stopped p1",
        "p4.a 90 [0:90]",
    ]);
}

/// Nothing of the first group applies, so nothing is stopped.
#[test]
fn stop_without_effect_stops_nothing() {
    let cart = grouped(GroupMode::Stop)
        .group("later", of(Class::Line), 1, GroupMode::Stack)
        .with(promotion([each(100).from(1_500)]).group("g"))
        .with(promotion([each(300)]).group("later"));
    cart.price().comes_to(&[700], 700).says(&["p1.a below_minimum_spend 500", "p2.a 300 [0:300]"]);
}

/// A group of rank 1 comes after one of rank 0, whatever the priorities; a stop in it stops only what
/// comes later still.
#[test]
fn stop_does_not_reach_back() {
    let cart = grouped(GroupMode::Stack)
        .group("stopper", of(Class::Line), 1, GroupMode::Stop)
        .with(promotion([each(100)]).group("stopper").priority(9))
        .with(promotion([line_percent(50)]).group("g"));
    cart.price().comes_to(&[400], 400).says(&["p2.a 500 [0:500]", "p1.a 100 [0:100]"]);
}

/// The group is for the class order, so p1's gift stands outside of it: p1 loses its 100 to p2's 200,
/// and its mug is given all the same.
#[test]
fn a_group_has_one_class_of_its_stage() {
    let cart = krw()
        .line(1, 1_000)
        .stocked_gift("MUG", 800, 1)
        .group("g", of(Class::Order), 0, GroupMode::Best)
        .with(promotion([across(100), gift("MUG", 1)]).may_give("MUG").group("g"))
        .with(promotion([across(200)]).group("g"));
    cart.price().comes_to(&[800], 800).says(&[
        "p1.a lost_to p2",
        "p2.a 200 [0:200]",
        "p1.b gives 1 MUG worth 800",
    ]);
}

/// Prices of 900 and 850 in a `best` group: 150 saves more than 100.
#[test]
fn the_best_price_is_the_lowest() {
    let cart = krw()
        .line(1, 1_000)
        .group("prices", GroupClass::Pricing, 0, GroupMode::Best)
        .with(pricing([unit_price(900)]).group("prices"))
        .with(pricing([unit_price(850)]).group("prices"));
    cart.price().comes_to(&[850], 850).goods(850, 0).says(&["p1.a lost_to p2", "p2.a 150 [0:150]"]);
}

/// A price of 1,200 saves nothing, so nobody wins and the base price stands.
#[test]
fn a_contest_that_nobody_wins_changes_nothing() {
    for mode in [GroupMode::Best, GroupMode::First, GroupMode::Stop] {
        let cart = krw()
            .line(1, 1_000)
            .group("prices", GroupClass::Pricing, 0, mode)
            .with(pricing([unit_price(1_200)]).group("prices"));
        cart.price().comes_to(&[1_000], 1_000).goods(1_000, 0).says(&["p1.a saves_nothing"]);
    }
}

/// An exclusivity tag that a loser would have brought is not in force: p3 shares it with p1 alone.
#[test]
fn losers_exclude_nothing() {
    let cart = grouped(GroupMode::Best)
        .with(promotion([each(100).tagged("sale")]).group("g"))
        .with(promotion([each(200)]).group("g"))
        .with(promotion([across(50).tagged("sale")]));
    cart.price().comes_to(&[750], 750).says(&["p1.a lost_to p2", "p2.a 200 [0:200]", "p3.a 50 [0:50]"]);
}

/// 0 off each has no effect, and so loses to nobody.
#[test]
fn a_candidate_without_effect_says_so() {
    let nothing = candidate(Class::Line, Value::Each(0));
    let cart =
        grouped(GroupMode::Best).with(promotion([nothing]).group("g")).with(promotion([each(1)]).group("g"));
    cart.price().comes_to(&[999], 999).says(&["p1.a no_effect", "p2.a 1 [0:1]"]);
}
