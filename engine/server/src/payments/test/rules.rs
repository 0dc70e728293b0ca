//! What the provider `test` allows, as real ones do.

use martlet_store::{TestBalance, TestOperation, TestOutcome, TestPayment};

/// Noted at an authorisation whose capture fails the first time it is asked for.
pub(super) const FAILS_CAPTURE_ONCE: &str = "capture_fails_once";
/// Noted at an authorisation of which nothing is ever paid back.
pub(super) const REFUSES_REFUNDS: &str = "refund_refused";

/// The key of the entry that stands for a request which failed on its way.
pub(super) fn failed_once(key: &str) -> String {
    format!("{key}:failed")
}

/// The entry of a new request: done, refused with the reason, or failed, as the books allow.
pub(super) fn decide(books: &[TestPayment], asked: TestPayment, reference_is_known: bool) -> TestPayment {
    let refused = |reason: &str| TestOutcome::Refused(reason.to_owned());
    let Some((authorisation, note)) = authorisation(books).filter(|_| reference_is_known) else {
        return TestPayment { outcome: refused("not_authorised"), ..asked };
    };
    let failed = failed_once(&asked.request_key);
    if asked.operation == TestOperation::Capture
        && note == FAILS_CAPTURE_ONCE
        && !books.iter().any(|entry| entry.request_key == failed)
    {
        return TestPayment { request_key: failed, outcome: refused("unreachable"), ..asked };
    }
    let outcome = match refusal(books, authorisation, note, &asked) {
        Some(reason) => refused(reason),
        None => TestOutcome::Done(String::new()),
    };
    TestPayment { outcome, ..asked }
}

fn refusal(
    books: &[TestPayment],
    authorisation: &TestPayment,
    note: &str,
    asked: &TestPayment,
) -> Option<&'static str> {
    let balance = TestBalance::of(books);
    let captured = has(books, TestOperation::Capture);
    let voided = has(books, TestOperation::Void);
    if asked.currency != authorisation.currency {
        return Some("other_currency");
    } else if asked.amount < 0 {
        return Some("negative_amount");
    }
    match asked.operation {
        TestOperation::Authorise => Some("already_authorised"),
        TestOperation::Capture | TestOperation::Void if captured => Some("already_captured"),
        TestOperation::Capture | TestOperation::Void if voided => Some("already_voided"),
        TestOperation::Capture => (asked.amount > balance.authorised).then_some("above_authorised"),
        TestOperation::Void => (asked.amount != balance.authorised).then_some("not_what_was_authorised"),
        TestOperation::Refund if !captured => Some("not_captured"),
        TestOperation::Refund if note == REFUSES_REFUNDS => Some("refund_refused"),
        TestOperation::Refund => {
            (asked.amount > balance.captured - balance.refunded).then_some("above_captured")
        }
    }
}

/// The authorisation that was approved, with its note.
fn authorisation(books: &[TestPayment]) -> Option<(&TestPayment, &str)> {
    books.iter().find_map(|entry| match (&entry.outcome, entry.operation) {
        (TestOutcome::Done(note), TestOperation::Authorise) => Some((entry, note.as_str())),
        _ => None,
    })
}

fn has(books: &[TestPayment], operation: TestOperation) -> bool {
    books.iter().any(|entry| entry.operation == operation && matches!(entry.outcome, TestOutcome::Done(_)))
}
