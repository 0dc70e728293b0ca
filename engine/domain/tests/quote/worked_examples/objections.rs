//! Components that say whether a cart may be ordered.

use martlet_domain::{
    plugin::{FailurePolicy, World},
    quote::{Class, Failure, Message, Objection, Outcome, Pricing, Proposal, Stage},
};

use crate::support::*;

fn validates<const N: usize>(objections: [(&str, Option<u32>); N]) -> Plugin {
    let objection = |(key, position): (&str, Option<u32>)| Objection {
        key: key.to_owned(),
        position,
        message: Message { key: "no".to_owned(), arguments: Vec::new() },
    };
    let answer = Outcome::Validated(objections.map(objection).to_vec());
    plugin(World::CheckoutValidation, Vec::new()).policy(FailurePolicy::Block).answers(Answers::Is(answer))
}

#[test]
fn objections_stand_and_change_no_price() {
    let cart =
        krw().line(1, 1_000).with(validates([("age", Some(0)), ("minimum", None)])).with(validates([]));
    let priced = cart.price().comes_to(&[1_000], 1_000);
    let priced = priced.says(&["p1.age objects to 0", "p1.minimum objects", "p2 passes"]);
    assert_eq!(priced.quote.objections.len(), 2);
    assert!(priced.quote.blocked_by.is_empty());
}

/// Whoever may block an order and objects to what isn't there meant to block it.
#[test]
fn an_unsound_objection_blocks_as_a_failure_does() {
    let cart = |policy| krw().line(1, 1_000).with(validates([("age", Some(1))]).policy(policy)).price();
    let priced = cart(FailurePolicy::Block).says(&["p1.age invalid_candidate"]);
    assert_eq!((priced.quote.objections.len(), priced.quote.blocked_by.len()), (0, 1));
    assert!(cart(FailurePolicy::Skip).quote.blocked_by.is_empty());
}

#[test]
fn a_validation_that_fails_blocks() {
    let cart = krw().line(1, 1_000).with(validates([]).fails(Failure::Trapped("unreachable".to_owned())));
    assert_eq!(cart.price().says(&["p1 trapped"]).quote.blocked_by.len(), 1);
}

#[test]
fn an_answer_of_another_world_is_none() {
    let wrong = validates([]).answers(Answers::Is(Outcome::Proposed(Proposal::default())));
    krw().line(1, 1_000).with(wrong).price().says(&["p1 invalid_output"]);
}

/// 1,000 less 10 %, with 10 % tax on top and a gift, is 990.
#[test]
fn it_sees_what_the_cart_comes_to() {
    let case = krw()
        .line(1, 1_000)
        .tax(100_000)
        .exclusive()
        .stocked_gift("MUG", 500, 3)
        .with(promotion([order_percent(10), gift("MUG", 1)]).may_give("MUG"))
        .with(validates([]));
    let mut input = case.input.clone();
    input.rulebook = std::sync::Arc::new(martlet_domain::plugin::SealedRulebook::new(case.rulebook.clone()));
    let mut pricing = Pricing::start(input).unwrap();
    let mut seen = None;
    while let Some(asked) = pricing.next_stage() {
        if asked.snapshot.stage == Stage::CheckoutValidation {
            seen = asked.snapshot.checkout.clone();
        } else {
            assert_eq!(asked.snapshot.checkout, None);
        }
        let answer = |call: &martlet_domain::quote::Call| {
            let number = usize::try_from(call.installation.uuid().as_u128()).unwrap();
            case.plugins[number - 1].answer(asked.snapshot.stage)
        };
        let answers: Vec<_> = asked.calls.iter().map(answer).collect();
        pricing.resolve(&answers).unwrap();
    }
    let seen = seen.expect("it was asked");
    assert_eq!((seen.totals, seen.gifts.len()), (pricing.finish().totals, 1));
    assert_eq!((seen.totals.tax, seen.totals.total, Class::Gift), (90, 990, Class::Gift));
}
