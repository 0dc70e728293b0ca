//! Candidates that aren't sound: refused one by one, with a reason, and nothing else changes.

use martlet_domain::{
    money::Ppm,
    plugin::World,
    quote::{Basis, Candidate, Class, Minimum, Proposal, Scope, ScopeLine, Value},
};

use crate::support::*;

/// A cart of 3 x 1,000 and 500 of shipping, where the sound 10 off each still applies after what isn't.
#[track_caller]
fn refused(unsound: Candidate) -> String {
    let cart = krw().line(3, 1_000).shipping(500).with(promotion([unsound, each(10)]));
    let priced = cart.price().comes_to(&[2_970, 500], 3_470);
    let said = priced.said();
    assert_eq!(said.len(), 2, "{said:?}");
    assert!(said.contains(&"p1.b 30 [0:30]".to_owned()), "{said:?}");
    let verdict = priced.quote.verdicts.iter().find(|verdict| verdict.key.as_deref() != Some("b")).unwrap();
    verdict.clone().explain(&[], priced.quote.currency)
}

#[test]
fn unknown_positions() {
    let explained = refused(each(1).over(lines(&[1])));
    assert_eq!(explained, "not a sound candidate: there is no line at position 1");
    refused(each(1).over(lines(&[u32::MAX])));
    refused(bundle(1, &[(lines(&[0]), 1), (lines(&[7]), 1)]));
    refused(buy_get(1, lines(&[0]), 1, lines(&[7])));
    refused(each(1).needs(Minimum::Spend(1), lines(&[7]), Basis::Left));
}

#[test]
fn a_position_twice() {
    assert!(refused(each(1).over(lines(&[0, 0]))).ends_with("position 0 stands twice in a scope"));
}

#[test]
fn more_units_than_the_line_has() {
    assert!(refused(each(1).over(some_of(0, 4))).ends_with("4 units of position 0, which has 3"));
    refused(each(1).over(some_of(0, 0)));
    refused(buy_get(1, some_of(0, 4), 1, Scope::All));
}

#[test]
fn a_scope_without_lines() {
    refused(each(1).over(Scope::Lines(Vec::new())));
}

#[test]
fn a_scope_of_lines_off_shipping() {
    let scope = Scope::Lines(vec![ScopeLine { position: 0, quantity: None }]);
    refused(across(1).class(Class::Shipping).over(scope.clone()));
    refused(across(1).class(Class::Total).over(scope));
}

#[test]
fn negative_amounts() {
    for amount in [-1, i64::MIN] {
        assert!(refused(each(amount)).ends_with("is negative"));
        refused(across(amount));
        refused(once(amount));
        refused(unit_price(amount));
        refused(bundle(amount, &[(Scope::All, 1)]));
        refused(across(1).capped(amount));
        refused(across(1).from(amount));
    }
}

#[test]
fn more_than_all_of_it() {
    assert!(refused(candidate(Class::Line, Value::Percent(Ppm(1_000_001)))).contains("more than all"));
    refused(candidate(Class::Order, Value::Percent(Ppm(u32::MAX))));
}

#[test]
fn counts_of_nothing() {
    refused(buy_get_any(0, 1));
    refused(buy_get_any(1, 0));
    refused(buy_get_any(1, 1).most(0));
    refused(bundle(1, &[(Scope::All, 0)]));
    refused(bundle(1, &[]));
    refused(bundle(1, &[(Scope::All, 1)]).most(0));
    refused(across(1).needs(Minimum::Quantity(0), Scope::All, Basis::Left));
    refused(gift("MUG", 0));
}

#[test]
fn values_of_another_class() {
    refused(gift("MUG", 1).class(Class::Order));
    refused(across(1).class(Class::Gift));
    refused(buy_get_any(1, 1).class(Class::Shipping));
    refused(bundle(1, &[(Scope::All, 1)]).class(Class::Total));
}

#[test]
fn keys_that_are_none() {
    for key in ["A", "with space", "ü", &"k".repeat(65)] {
        refused(each(1).keyed(key));
    }
}

/// The second of a key is refused, the first applies: 10 off each of three.
#[test]
fn a_key_twice() {
    let cart = krw().line(3, 1_000).with(promotion([each(10).keyed("k"), each(10).keyed("k")]));
    cart.price().comes_to(&[2_970], 2_970).says(&["p1.k 30 [0:30]", "p1.k invalid_candidate"]);
}

/// Announced was the class order alone.
#[test]
fn a_class_that_was_not_announced() {
    let answer = Proposal { candidates: vec![each(10).keyed("k")], declined: Vec::new() };
    let plugin =
        plugin(World::Promotion, Vec::new()).classes(&[Class::Order]).answers(Answers::Always(answer));
    krw().line(3, 1_000).with(plugin).price().comes_to(&[3_000], 3_000).says(&["p1.k class_not_allowed"]);
}

/// Announced were line and order; the same answer comes in both stages, and each candidate counts in
/// its own: 10 off each of three is 30, then 10 % of 2,970.
#[test]
fn a_candidate_of_another_stage() {
    let candidates = vec![each(10).keyed("k"), order_percent(10).keyed("o")];
    let answer = Proposal { candidates, declined: Vec::new() };
    let plugin = plugin(World::Promotion, Vec::new())
        .classes(&[Class::Line, Class::Order])
        .answers(Answers::Always(answer));
    krw().line(3, 1_000).with(plugin).price().comes_to(&[2_673], 2_673).says(&[
        "p1.k 30 [0:30]",
        "p1.o wrong_stage",
        "p1.o 297 [0:297]",
        "p1.k wrong_stage",
    ]);
}

/// The largest numbers that are sound: all that is left, and no more.
#[test]
fn the_largest_amounts() {
    let all = [each(i64::MAX), across(i64::MAX).capped(i64::MAX), once(i64::MAX)];
    for candidate in all {
        let cart = krw().line(1, martlet_domain::money::MAX_PRICE).with(promotion([candidate]));
        cart.price().comes_to(&[0], 0).says(&["p1.a 100000000000 [0:100000000000] left"]);
    }
    for candidate in [unit_price(i64::MAX), across(1).from(i64::MAX), buy_get_any(u32::MAX, u32::MAX)] {
        let cart = krw().line(2, 1_000).with(promotion([candidate]));
        cart.price().comes_to(&[2_000], 2_000);
    }
}
