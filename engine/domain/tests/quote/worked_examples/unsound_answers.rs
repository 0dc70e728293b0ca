//! What would be rejected of an answer, said without pricing the cart.

use martlet_domain::{
    money::Ppm,
    plugin::World,
    quote::{
        Class, Message, Objection, Outcome, Proposal, Rates, Reason, ShippingRate, Snapshot, Stage, TaxRate,
        TaxScope, Taxes, unsound,
    },
};

use crate::support::*;

/// A cart of one line of two units.
fn snapshot() -> Snapshot {
    let plugin = promotion([order_percent(10).keyed("a")]);
    let case = cart("USD").line(2, 1_000).with(plugin);
    let mut input = case.input.clone();
    input.rulebook = std::sync::Arc::new(martlet_domain::plugin::SealedRulebook::new(case.rulebook));
    let mut pricing = martlet_domain::quote::Pricing::start(input).unwrap();
    let asked = pricing.next_stage().unwrap();
    assert_eq!(asked.snapshot.stage, Stage::Order);
    asked.snapshot
}

fn refused(candidates: Vec<martlet_domain::quote::Candidate>, world: World) -> Vec<(String, &'static str)> {
    let answer = Outcome::Proposed(Proposal { candidates, declined: Vec::new() });
    let unsound = unsound(&answer, &snapshot(), world, &[Class::Order]);
    unsound.into_iter().map(|found| (found.key, found.reason.code())).collect()
}

#[test]
fn an_answer_is_judged_candidate_by_candidate() {
    let candidates = vec![
        order_percent(10).keyed("fine"),
        across(-1).keyed("negative"),
        order_percent(10).over(lines(&[1])).keyed("no-such-line"),
        order_percent(10).over(some_of(0, 3)).keyed("too-many"),
        order_percent(10).keyed("fine"),
        line_percent(10).keyed("not-announced"),
    ];
    let expected = [
        ("negative", "invalid_candidate"),
        ("no-such-line", "invalid_candidate"),
        ("too-many", "invalid_candidate"),
        ("fine", "invalid_candidate"),
        ("not-announced", "class_not_allowed"),
    ];
    let found = refused(candidates, World::Promotion);
    assert_eq!(found, expected.map(|(key, code)| (key.to_owned(), code)));
}

#[test]
fn pricing_proposes_unit_prices_alone() {
    let candidates = vec![unit_price(500).keyed("fine"), line_percent(10).keyed("percent")];
    assert_eq!(refused(candidates, World::Pricing), [("percent".to_owned(), "invalid_candidate")]);
    let proposal = Proposal { candidates: vec![unit_price(-1)], declined: Vec::new() };
    let found = unsound(&Outcome::Proposed(proposal), &snapshot(), World::Pricing, &[]);
    assert!(matches!(&found[0].reason, Reason::Invalid(_)), "{found:?}");
}

#[test]
fn the_other_worlds_are_judged_one_by_one_too() {
    let words = || Message { key: "it".to_owned(), arguments: Vec::new() };
    let rate = |key: &str, amount| ShippingRate {
        key: key.to_owned(),
        method: "post".parse().unwrap(),
        amount,
        tax_category: None,
        delivery: None,
        name: words(),
    };
    let tax = |key: &str, scope| TaxRate { key: key.to_owned(), scope, rate: Ppm(600_000), name: words() };
    let objection = |key: &str, position| Objection { key: key.to_owned(), position, message: words() };
    let rates =
        Rates { rates: vec![rate("fine", 1), rate("negative", -1), rate("fine", 2)], declined: vec![] };
    let rates_of = vec![
        tax("fine", TaxScope::Lines(vec![0])),
        tax("too-much", TaxScope::All),
        tax("no-such-line", TaxScope::Lines(vec![1])),
    ];
    let taxes = Taxes { included: true, rates: rates_of, declined: vec![] };
    let objections = vec![objection("fine", Some(0)), objection("no-such-line", Some(1))];
    for (answer, world, expected) in [
        (Outcome::Rated(rates), World::ShippingRates, vec!["negative", "fine"]),
        (Outcome::Taxed(taxes), World::Tax, vec!["too-much", "no-such-line"]),
        (Outcome::Validated(objections), World::CheckoutValidation, vec!["no-such-line"]),
    ] {
        let found = unsound(&answer, &snapshot(), world, &[]);
        let keys: Vec<&str> = found.iter().map(|found| found.key.as_str()).collect();
        assert_eq!(keys, expected);
    }
}
