//! The same cart under two rulebooks: what is told to have changed, and what is taken from the past.

use std::sync::Arc;

use martlet_domain::{
    Id,
    money::Money,
    plugin::{GroupMode, Installation, SealedRulebook},
    quote::{
        ChangeKind, Class, Decision, GiftInput, Given, Input, ReadNow, Receipt, Recorded, Verdict, changes,
        given,
    },
};

use crate::support::*;

fn verdicts(case: &Case) -> Vec<Verdict> {
    case.price().quote.verdicts
}

/// Each change as `kind plugin: what was -> what is`, amounts and reasons alone.
fn told(before: &[Verdict], after: &[Verdict]) -> Vec<String> {
    let side = |verdict: Option<&Verdict>| match verdict.map(|verdict| &verdict.decision) {
        None => "-".to_owned(),
        Some(Decision::Applied(applied)) => applied.given().to_string(),
        Some(Decision::Rejected(reason)) => reason.code().to_owned(),
        Some(other) => format!("{other:?}"),
    };
    let told = changes(before, after).into_iter().map(|change| {
        let name = change.effect.source.name();
        format!("{} {name}: {} -> {}", change.kind.as_str(), side(change.before), side(change.after))
    });
    told.collect()
}

#[test]
fn the_same_verdicts_differ_in_nothing() {
    let case = krw().line(2, 1_000).with(promotion([each(10)])).with(promotion([across(100).from(9_999)]));
    assert_eq!(told(&verdicts(&case), &verdicts(&case)), [""; 0]);
}

/// 2 x 1,000. What was 10 a unit is 15 a unit; what took 100 off needs 5,000 now; a third is new.
#[test]
fn what_is_changed_lost_and_gained_is_told_with_its_reason() {
    let cart = || krw().line(2, 1_000);
    let before = cart().with(promotion([each(10)])).with(promotion([across(100)]));
    let after = cart()
        .with(promotion([each(15)]))
        .with(promotion([across(100).from(5_000)]))
        .with(promotion([across(7)]));
    let (before, after) = (verdicts(&before), verdicts(&after));
    assert_eq!(
        told(&before, &after),
        ["changed p1: 20 -> 30", "lost p2: 100 -> below_minimum_spend", "gained p3: - -> 7"]
    );
    assert_eq!(
        told(&after, &before),
        ["changed p1: 30 -> 20", "lost p3: 7 -> -", "gained p2: below_minimum_spend -> 100"]
    );
    assert_eq!(changes(&after, &before)[2].kind, ChangeKind::Gained);
}

#[test]
fn who_loses_to_another_or_is_closed_or_fails_says_so() {
    let cart = || krw().line(1, 1_000);
    let alone = cart().with(promotion([across(50)]));
    let group = |case: Case| case.group("g", of(Class::Order), 0, GroupMode::Best);
    let contested =
        group(cart()).with(promotion([across(50)]).group("g")).with(promotion([across(60)]).group("g"));
    assert_eq!(
        told(&verdicts(&alone), &verdicts(&contested)),
        ["lost p1: 50 -> lost_to", "gained p2: - -> 60"]
    );
    let closed = cart().with(promotion([across(50)]).window(None, Some(0)));
    assert_eq!(told(&verdicts(&alone), &verdicts(&closed)), ["lost p1: 50 -> ended"]);
    let failing = cart().with(promotion([across(50)]).fails(martlet_domain::quote::Failure::OutOfFuel));
    assert_eq!(told(&verdicts(&alone), &verdicts(&failing)), ["lost p1: 50 -> out_of_fuel"]);
    assert_eq!(told(&verdicts(&alone), &verdicts(&cart())), ["lost p1: 50 -> -"]);
}

#[test]
fn what_installations_give_is_added_up() {
    let case = krw()
        .line(2, 1_000)
        .stocked_gift("MUG", 800, 5)
        .with(promotion([each(10), across(5)]))
        .with(promotion([gift("MUG", 1)]).may_give("MUG"))
        .with(promotion([across(1).from(9_999)]));
    let given: Vec<(usize, Given)> =
        given(&verdicts(&case)).into_iter().map(|(id, given)| (number(id), given)).collect();
    let of = |applied, amount| Given { applied, amount };
    assert_eq!(given, [(1, of(2, 25)), (2, of(1, 800))]);
}

fn number(id: Id<Installation>) -> usize {
    usize::try_from(id.uuid().as_u128()).unwrap()
}

fn recorded(case: &Case) -> Recorded {
    Receipt::parse(case.price().quote.receipt.bytes()).unwrap()
}

fn sealed(case: &Case) -> Arc<SealedRulebook> {
    Arc::new(SealedRulebook::new(case.rulebook.clone()))
}

fn under(case: &Case, draft: &Case, now: ReadNow) -> Input {
    recorded(case).input_under(sealed(draft), &sealed(case), now).unwrap()
}

#[test]
fn all_that_is_recorded_goes_in_under_other_rules() {
    let case =
        krw().line(3, 3_333).tax(100_000).shipping(3_000).customer().bucket(77).with(promotion([each(10)]));
    let draft = krw().with(promotion([each(20)]).priority(5));
    let input = under(&case, &draft, ReadNow::default());
    assert_eq!(input, Input { rulebook: sealed(&draft), ..case.input.clone() });
    let other = krw().with(promotion([each(30)]).priority(6));
    let mismatch = recorded(&case).input_under(sealed(&draft), &sealed(&other), ReadNow::default());
    assert_eq!(mismatch.unwrap_err().offered.digest, sealed(&other).digest());
}

#[test]
fn budgets_that_are_the_same_stand_as_they_stood_and_others_are_untouched() {
    let spent = |minor_units| {
        let bounded = |amount| promotion([across(100)]).budget(amount, "KRW");
        krw().line(1, 1_000).with(bounded(500)).with(bounded(minor_units)).left(1, 20).left(2, 30)
    };
    let (case, draft) = (spent(500), spent(600));
    let input = under(&case, &draft, ReadNow::default());
    assert_eq!(input.standings, case.input.standings[..1]);
    // One whose budget is gone may give what it likes.
    let free = krw().with(promotion([across(100)])).with(promotion([across(100)]));
    assert_eq!(under(&case, &free, ReadNow::default()).standings, []);
    assert_eq!(case.rulebook.installations[0].budget.map(|it: Money| it.minor_units), Some(500));
}

#[test]
fn gifts_are_those_that_the_draft_names_recorded_ones_as_they_were() {
    let case = krw()
        .line(1, 1_000)
        .stocked_gift("MUG", 800, 5)
        .stocked_gift("HAT", 900, 1)
        .with(promotion([gift("MUG", 1)]).may_give("MUG").may_give("HAT"));
    let draft = krw().with(promotion([gift("PEN", 1)]).may_give("MUG").may_give("PEN").may_give("CUP"));
    let skus = recorded(&case).unrecorded_gifts(&draft.rulebook);
    assert_eq!(skus.iter().map(ToString::to_string).collect::<Vec<_>>(), ["CUP", "PEN"]);
    let now = |sku: &str, unit_amount| GiftInput {
        sku: sku.parse().unwrap(),
        variant: id(9),
        unit_amount,
        available: 3,
    };
    // What is recorded is not taken from today.
    let read = ReadNow { gifts: vec![now("PEN", 50), now("MUG", 1)], ..ReadNow::default() };
    let input = under(&case, &draft, read);
    let gifts: Vec<(String, i64)> =
        input.gifts.iter().map(|gift| (gift.sku.to_string(), gift.unit_amount)).collect();
    assert_eq!(gifts, [("MUG".to_owned(), 800), ("PEN".to_owned(), 50)]);
}
