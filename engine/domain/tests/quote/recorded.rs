//! Receipts are read back: the same question gives the same bytes, and what isn't a receipt is said
//! to be none.

use std::sync::Arc;

use martlet_domain::{
    Digest,
    catalog::Attribute,
    customer::CustomerFacts,
    plugin::{GroupMode, SealedRulebook},
    quote::{
        Class, Destination, Difference, Failure, Outcome, ProductFacts, Receipt, ReceiptError, Recorded,
        Stage, Standing,
    },
};

use crate::support::*;

/// A cart that has something in every field of its input, and every kind of answer.
fn full() -> Case {
    let attribute = |name: &str| Attribute { name: name.to_owned(), value: "\u{0}🧶\"".to_owned() };
    let mut case = krw().line(3, 3_333).line(1, 50).floor(49).category("food").tax(100_000).rate("food", 0);
    case = case.shipping(3_000).exclusive().bucket(9_999).stocked_gift("MUG", 800, i64::MAX);
    case.input.customer =
        Some(CustomerFacts { groups: vec!["trade".to_owned()], order_count: 7, lifetime_spend: i64::MIN });
    case.input.destination = Some(Destination { country: "KR".to_owned(), region: Some("11".to_owned()) });
    case.input.lines[0].options = vec![attribute("size")];
    case.input.lines[0].product = Arc::new(ProductFacts {
        id: id(77),
        handle: "mug".parse().unwrap(),
        categories: vec!["kitchen".parse().unwrap()],
        tags: vec![String::new(), "wool".to_owned()],
        attributes: vec![attribute("material")],
    });
    let standing = Standing { used: u64::MAX, used_by_customer: 1, budget_left: Some(-1) };
    case.input.standings = vec![(id(1), standing)];
    case.group("g", of(Class::Line), -1, GroupMode::Best)
        .with(promotion([line_percent(10).capped(5).tagged("x"), gift("MUG", 1)]).may_give("MUG").group("g"))
        .with(pricing([unit_price(3_000).over(some_of(0, 2))]))
        .with(special_code("ŻÓŁĆ", across(3_000).from(25_000), |(coupon, standing)| {
            coupon.starts_at = Some(NOW);
            (coupon.total_limit, coupon.per_customer_limit) = (Some(i64::MAX), Some(1));
            standing.used = 3;
        }))
        .with(promotion([across(1)]).fails(Failure::Trapped("unreachable\u{0}\n😀".to_owned())))
        .with(promotion([across(1)]).fails(Failure::OutOfFuel))
}

fn receipt(case: &Case) -> Receipt {
    case.price().quote.receipt
}

fn recorded(case: &Case) -> Recorded {
    Receipt::parse(receipt(case).bytes()).unwrap()
}

fn rules(case: &Case) -> Arc<SealedRulebook> {
    Arc::new(SealedRulebook::new(case.rulebook.clone()))
}

/// What went into a case, with the rules it was priced under.
fn question(case: &Case) -> martlet_domain::quote::Input {
    martlet_domain::quote::Input { rulebook: rules(case), ..case.input.clone() }
}

/// Reads a receipt of the case back, prices what it asks, and compares bytes.
#[track_caller]
pub(super) fn assert_replays(case: &Case) {
    let receipt = receipt(case);
    let recorded = Receipt::parse(receipt.bytes()).unwrap();
    assert_eq!(recorded.digest(), receipt.digest());
    let input = recorded.input(rules(case)).unwrap();
    assert_eq!(input, question(case));
    let replayed = Case { input, ..case.clone() }.price().quote;
    assert_eq!(replayed.receipt.bytes(), receipt.bytes());
    assert_eq!((replayed.totals, &replayed.verdicts[..]), (*recorded.totals(), recorded.verdicts()));
    assert_eq!(recorded.first_difference(&Receipt::parse(replayed.receipt.bytes()).unwrap()), None);
}

/// Bytes of a receipt in which one place, the last of its kind, was written over.
fn forged(case: &Case, from: &[u8], to: &[u8]) -> Vec<u8> {
    let mut bytes = receipt(case).bytes().to_vec();
    let place = bytes.windows(from.len()).rposition(|window| window == from).unwrap();
    bytes.splice(place..place + from.len(), to.iter().copied());
    bytes
}

#[test]
fn a_receipt_is_read_back_and_priced_to_the_same_bytes() {
    assert_replays(&full());
    assert_replays(&krw());
    assert_replays(&krw().line(1, 0));
}

#[test]
fn a_receipt_is_worked_out_under_its_own_rulebook_alone() {
    let case = full();
    let recorded = recorded(&case);
    let (mut renumbered, mut changed) = (case.rulebook.clone(), case.rulebook.clone());
    renumbered.number += 1;
    changed.installations[0].config = "{ }".to_owned();
    for other in [renumbered, changed] {
        let other = Arc::new(SealedRulebook::new(other));
        let mismatch = recorded.input(other.clone()).unwrap_err();
        assert_eq!(mismatch.recorded, recorded.rulebook());
        assert_eq!((mismatch.offered.number, mismatch.offered.digest), (other.number, other.digest()));
        let words = mismatch.to_string();
        assert!(words.contains(&rules(&case).digest().to_string()), "{words}");
    }
}

#[test]
fn the_first_difference_is_named() {
    let cart = || krw().line(2, 1_000);
    let base = cart().with(promotion([across(100)])).with(promotion([each(10)]));
    let other_answer = cart().with(promotion([across(100)])).with(promotion([each(11)]));
    let (before, now) = (recorded(&base), recorded(&other_answer));
    // The second installation is the first that is asked about lines.
    let Some(Difference::Answer { stage, call, recorded: Some(_), replayed: Some(replayed) }) =
        before.first_difference(&now)
    else {
        panic!("{:?}", before.first_difference(&now))
    };
    assert_eq!((stage, call), (Stage::Line, 0));
    assert!(matches!(replayed, Outcome::Proposed(proposal) if !proposal.candidates.is_empty()));

    let failing = cart().with(promotion([across(100)]).fails(Failure::OutOfFuel)).with(promotion([each(10)]));
    let apart = before.first_difference(&recorded(&failing)).map(|apart| format!("{apart:?}")).unwrap();
    assert!(apart.contains("Order") && apart.contains("OutOfFuel"), "{apart}");
    let asked_otherwise = recorded(&base.line(1, 1));
    assert_eq!(before.first_difference(&asked_otherwise), Some(Difference::Question));

    // Verdicts and totals follow from answers, so only another engine could come to others.
    let case = cart().with(promotion([across(100)]));
    let (before, judged) = (recorded(&case), forged(&case, b"\x63key\x61a", b"\x63key\x61b"));
    let judged = Receipt::parse(&judged).unwrap();
    let Some(Difference::Verdict { place: 0, recorded: Some(_), replayed: Some(verdict) }) =
        before.first_difference(&judged)
    else {
        panic!("{:?}", before.first_difference(&judged))
    };
    assert_eq!(verdict.key.as_deref(), Some("b"));
    let added_up =
        Receipt::parse(&forged(&case, b"\x65total\x19\x07\x6c", b"\x65total\x19\x07\x6d")).unwrap();
    let Some(Difference::Totals { recorded, replayed }) = before.first_difference(&added_up) else {
        panic!("{:?}", before.first_difference(&added_up))
    };
    assert_eq!((recorded.total, replayed.total), (1_900, 1_901));
}

#[test]
fn what_no_engine_would_have_written_is_refused() {
    let case = full();
    let whole = receipt(&case).bytes().to_vec();
    let not_a_receipt = |bytes: &[u8]| matches!(Receipt::parse(bytes), Err(ReceiptError::NotAReceipt(_)));
    assert!(not_a_receipt(b"") && not_a_receipt(b"{}") && not_a_receipt(&[0xa0]) && not_a_receipt(&[0xf6]));
    assert!(not_a_receipt(&[&whole[..], &[0]].concat()), "a byte after the end");
    assert!(not_a_receipt(&whole[..whole.len() - 1]), "a byte less");
    assert!(not_a_receipt(&forged(&case, b"totals", b"totalz")), "an unknown field");
    assert!(not_a_receipt(&forged(&case, b"bucket", b"bucked")), "an unknown field of the input");
    // Read as the same SKU, but no engine writes it so.
    assert_eq!(Receipt::parse(&forged(&case, b"SKU-0", b"sKU-0")), Err(ReceiptError::NotAsWritten));
    // Known to nobody, in a type that skips what it doesn't know.
    let added = forged(&case, b"\xa3\x66groups", b"\xa4\x61a\x00\x66groups");
    assert_eq!(Receipt::parse(&added), Err(ReceiptError::NotAsWritten));
    // A later layout: the number after the key `receipt`.
    let mut later = whole.clone();
    let place = later.windows(7).rposition(|window| window == b"receipt").unwrap() + 7;
    assert_eq!(std::mem::replace(&mut later[place], 2), 1);
    assert_eq!(Receipt::parse(&later), Err(ReceiptError::Layout(2)));
}

#[test]
fn a_flipped_bit_never_passes_for_the_same_receipt() {
    let receipt = receipt(&full());
    let mut read_all_the_same = 0;
    for position in 0..receipt.bytes().len() {
        let mut bytes = receipt.bytes().to_vec();
        bytes[position] ^= 1 << (position % 8);
        if let Ok(recorded) = Receipt::parse(&bytes) {
            assert_eq!(recorded.digest(), Digest::of(&bytes));
            assert_ne!(recorded.digest(), receipt.digest());
            read_all_the_same += 1;
        }
    }
    // Amounts and words, for any of which there could be a receipt.
    assert!(read_all_the_same > 0);
}
