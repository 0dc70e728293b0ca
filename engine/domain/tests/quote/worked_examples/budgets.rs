//! Budgets: what an installation may give in all. A candidate gets all it comes to, or nothing.

use std::sync::Arc;

use martlet_domain::{
    plugin::{GroupMode, SealedRulebook},
    quote::{Class, Pricing},
};

use crate::support::*;

/// 10 % of 10,000 is 1,000: a budget of 1,000 is enough, one of 999 isn't, and gives no part of it.
#[test]
fn a_budget_is_inclusive_and_all_or_nothing() {
    let cart = |left| krw().line(1, 10_000).with(promotion([order_percent(10)])).left(1, left).price();
    cart(1_000).comes_to(&[9_000], 9_000).says(&["p1.a 1000 [0:1000]"]);
    cart(999).comes_to(&[10_000], 10_000).says(&["p1.a budget_spent 999"]);
    cart(0).comes_to(&[10_000], 10_000).says(&["p1.a budget_spent 0"]);
    // Other orders may have given more than there is by now; nobody is told of less than nothing.
    cart(-5).comes_to(&[10_000], 10_000).says(&["p1.a budget_spent 0"]);
}

/// 500 are left: 300 fit, the next 300 are more than the 200 that remain, and 200 fit exactly. p2 has
/// no budget, so its 900 are nobody's.
#[test]
fn candidates_of_one_installation_share_its_budget() {
    let cart = krw()
        .line(1, 10_000)
        .with(promotion([across(300), across(300), across(200), across(1)]))
        .with(promotion([across(900)]))
        .left(1, 500);
    let priced = cart.price().comes_to(&[8_600], 8_600).says(&[
        "p1.a 300 [0:300]",
        "p1.b budget_spent 200",
        "p1.c 200 [0:200]",
        "p1.d budget_spent 0",
        "p2.a 900 [0:900]",
    ]);
    assert_eq!(priced.quote.granted(), [(id(1), 500)]);
}

/// What a candidate comes to counts, not what it asks for: 50 % of 1,000 is capped at 100, and of
/// 5,000 off no more than the 900 left are taken.
#[test]
fn what_a_candidate_comes_to_counts() {
    let cart =
        krw().line(1, 1_000).with(promotion([order_percent(50).capped(100), across(5_000)])).left(1, 1_000);
    cart.price().comes_to(&[0], 0).says(&["p1.a 100 [0:100] cap", "p1.b 900 [0:900] left"]);
}

/// Nothing has been granted of 1,000 yet, so there is no standing: all of it is left.
#[test]
fn a_budget_without_a_standing_is_whole() {
    let cart = |budget| krw().line(1, 5_000).with(promotion([across(1_000)]).budget(budget, "KRW")).price();
    cart(1_000).comes_to(&[4_000], 4_000);
    cart(999).comes_to(&[5_000], 5_000).says(&["p1.a budget_spent 999"]);
}

/// A million dollars are no won.
#[test]
fn a_budget_in_another_currency_gives_nothing() {
    let cart = krw().line(1, 5_000).with(promotion([across(1)]).budget(100_000_000, "USD"));
    let priced = cart.price().comes_to(&[5_000], 5_000).says(&["p1.a budget_spent 0"]);
    assert_eq!(priced.quote.granted(), []);
}

/// Two mugs of 800 are worth 1,600. With 1,599 left they stay there, and p2 can give all three.
#[test]
fn a_gift_counts_with_what_it_is_worth() {
    let cart = |left| {
        krw()
            .line(1, 5_000)
            .stocked_gift("MUG", 800, 3)
            .with(promotion([gift("MUG", 2)]).may_give("MUG"))
            .with(promotion([gift("MUG", 3)]).may_give("MUG"))
            .left(1, left)
            .price()
            .comes_to(&[5_000], 5_000)
    };
    let enough = cart(1_600).says(&["p1.a gives 2 MUG worth 1600", "p2.a gift_out_of_stock 1"]);
    assert_eq!(enough.quote.granted(), [(id(1), 1_600)]);
    cart(1_599).says(&["p1.a budget_spent 1599", "p2.a gives 3 MUG worth 2400"]);
}

/// p1 would save 300 and has 200 left, so in its trial it saves nothing: p2 wins with 250.
#[test]
fn a_short_budget_loses_a_contest() {
    for mode in [GroupMode::Best, GroupMode::First, GroupMode::Stop] {
        let cart = krw()
            .line(1, 1_000)
            .group("g", of(Class::Line), 0, mode)
            .with(promotion([each(300)]).group("g"))
            .with(promotion([each(250)]).group("g"))
            .left(1, 200);
        cart.price().comes_to(&[750], 750).says(&["p1.a budget_spent 200", "p2.a 250 [0:250]"]);
    }
}

/// Of p1's 300 and 100 only 100 fit into 200, which is less than p2's 150.
#[test]
fn a_contest_counts_what_the_budget_allows() {
    let cart = krw()
        .line(1, 1_000)
        .group("g", of(Class::Line), 0, GroupMode::Best)
        .with(promotion([each(300), each(100)]).group("g"))
        .with(promotion([each(150)]).group("g"))
        .left(1, 200);
    let said = ["p1.a budget_spent 200", "p1.b lost_to p2", "p2.a 150 [0:150]"];
    cart.price().comes_to(&[850], 850).says(&said);
}

/// p1 loses its 200 to p2's 250, so its budget of 300 still has all that the order stage asks for.
#[test]
fn what_lost_draws_on_no_budget() {
    let cart = krw()
        .line(1, 1_000)
        .group("g", of(Class::Line), 0, GroupMode::Best)
        .with(promotion([each(200), across(300)]).group("g"))
        .with(promotion([each(250)]).group("g"))
        .left(1, 300)
        .left(2, 9_999);
    let priced =
        cart.price().comes_to(&[450], 450).says(&["p1.a lost_to p2", "p2.a 250 [0:250]", "p1.b 300 [0:300]"]);
    assert_eq!(priced.quote.granted(), [(id(1), 300), (id(2), 250)]);
}

/// Two codes of one installation with 500: the first takes 300, and the other's 300 are too much.
#[test]
fn codes_share_the_budget_of_their_installation() {
    let codes = code("ONE", [across(300)]).also("TWO", |_| {});
    let cart = krw().line(1, 1_000).with(codes).left(1, 500);
    cart.price().comes_to(&[700], 700).says(&["ONE.a 300 [0:300]", "TWO.a budget_spent 200"]);
}

/// 2 x 1,000 at 900 draw 200. A price of 950 after that adds 100, which draws nothing and gives
/// nothing back, so the 100 for a price of 900 are too much for what is left of 299.
#[test]
fn a_price_draws_what_it_takes_off() {
    let cart = |left| {
        let prices = pricing([unit_price(900), unit_price(950), unit_price(900)]);
        krw().line(2, 1_000).with(prices).left(1, left).price()
    };
    let priced = cart(299).comes_to(&[1_900], 1_900);
    let priced = priced.says(&["p1.a 200 [0:200]", "p1.b -100 [0:-100]", "p1.c budget_spent 99"]);
    assert_eq!(priced.quote.granted(), [(id(1), 200)]);
    let spent = cart(0).comes_to(&[2_000], 2_000);
    spent.says(&["p1.a budget_spent 0", "p1.b budget_spent 0", "p1.c budget_spent 0"]);
}

/// A price of 900 takes 100 off line 0 and adds 60 to line 1: 40 in all.
#[test]
fn a_price_that_goes_up_and_down_draws_the_difference() {
    let cart = |left| krw().line(1, 1_000).line(1, 840).with(pricing([unit_price(900)])).left(1, left);
    cart(40).price().comes_to(&[900, 900], 1_800).says(&["p1.a 40 [0:100 1:-60]"]);
    cart(39).price().comes_to(&[1_000, 840], 1_840).says(&["p1.a budget_spent 39"]);
}

/// A candidate that doesn't apply anyway keeps its own reason; one whose budget is short brings no
/// tag into force, and takes no unit away from others.
#[test]
fn the_budget_is_tested_last_and_changes_nothing() {
    let cart = krw()
        .line(3, 1_000)
        .with(promotion([across(500).from(9_000), buy_get_any(2, 1).tagged("sale")]))
        .with(promotion([buy_get_any(2, 1).tagged("sale")]))
        .left(1, 400);
    cart.price().comes_to(&[2_000], 2_000).says(&[
        "p1.b budget_spent 400",
        "p2.a 1000 [0:1000]",
        "p1.a below_minimum_spend 7000",
    ]);
}

/// 3.20 dollars are left of it.
#[test]
fn a_spent_budget_is_explained() {
    let priced = cart("USD").line(1, 10_000).with(promotion([across(321)])).left(1, 320).price();
    let said = priced.quote.verdicts[0].explain(&[], priced.quote.currency);
    assert_eq!(said, "its budget is spent, 3.20 left");
}

/// 300 of 500 go in the line stage. In the order stage the plugin is told of the 200 that remain,
/// as its coupon is; p2 is told of no budget.
#[test]
fn plugins_see_what_their_earlier_candidates_have_left() {
    let case = krw()
        .line(1, 1_000)
        .with(code("CODE", [each(300), across(200)]))
        .with(promotion([across(1)]))
        .left(1, 500);
    let rulebook = Arc::new(SealedRulebook::new(case.rulebook));
    let mut pricing = Pricing::start(martlet_domain::quote::Input { rulebook, ..case.input }).unwrap();
    let mut told = Vec::new();
    while let Some(asked) = pricing.next_stage() {
        told.extend(asked.calls.iter().map(|call| call.standing.budget_left));
        let plugin = |call: &martlet_domain::quote::Call| {
            case.plugins.iter().find(|plugin| plugin.installation.id == call.installation).unwrap()
        };
        let answers = asked.calls.iter().map(|call| plugin(call).answer(asked.snapshot.stage));
        pricing.resolve(&answers.collect::<Vec<_>>()).unwrap();
    }
    assert_eq!(told, [Some(500), Some(200), None]);
    assert_eq!(pricing.finish().granted(), [(id(1), 500)]);
}

/// The digest that this rulebook had before there were budgets: orders name rulebooks by theirs.
#[test]
fn a_rulebook_without_budgets_keeps_its_digest() {
    let digest =
        |plugin| SealedRulebook::new(krw().line(1, 1_000).with(plugin).rulebook).digest().to_string();
    let before = "38f67f95cdf4ebec00d3572c7420f5c5b6467854c3ef2b34a3a78deeaf329d59";
    assert_eq!(digest(promotion([order_percent(10)])), before);
    assert_ne!(digest(promotion([order_percent(10)]).budget(1, "KRW")), before);
}
