//! What would be rejected of an answer, said without pricing the cart.

use martlet_domain::{
    plugin::World,
    quote::{Class, Proposal, Reason, Snapshot, Stage, unsound},
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
    let proposal = Proposal { candidates, declined: Vec::new() };
    let unsound = unsound(&proposal, &snapshot(), world, &[Class::Order]);
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
    let found = unsound(&proposal, &snapshot(), World::Pricing, &[]);
    assert!(matches!(&found[0].reason, Reason::Invalid(_)), "{found:?}");
}
