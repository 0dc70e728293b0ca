//! Taking money, giving it up and paying it back.

use super::*;

#[tokio::test]
async fn a_capture_takes_the_money_once() {
    let till = Till::captured("tok_approve").await;
    assert_eq!(till.capture(TOTAL).await.unwrap(), Settlement::Done);
    assert_eq!(till.balance().await, [TOTAL, TOTAL, 0, 0]);
    assert_refused(till.void().await, "already_captured");
    // Under a key of its own it is another capture.
    let mut other = PaymentRequest::capture(till.app.store.id, &till.order);
    other.key = RequestKey::refund(till.order.id, Id::new(Uuid::from_u128(8)));
    assert_refused(till.payments().capture(Test, &other).await, "already_captured");
    assert_eq!(till.balance().await, [TOTAL, TOTAL, 0, 0]);
}

#[tokio::test]
async fn a_capture_is_refused_for_good_beyond_what_was_set_aside() {
    for (amount, reason) in [(TOTAL + 1, "above_authorised"), (-1, "negative_amount")] {
        let till = Till::authorised("tok_approve").await;
        assert_refused(till.capture(amount).await, reason);
        assert_refused(till.capture(amount).await, reason);
        assert_eq!((till.balance().await, till.entries().await), ([TOTAL, 0, 0, 0], 2));
    }
    let till = Till::authorised("tok_approve").await;
    let mut request = PaymentRequest::capture(till.app.store.id, &till.order);
    request.currency = "USD".parse().unwrap();
    assert_refused(till.payments().capture(Test, &request).await, "other_currency");
    let less = Till::authorised("tok_approve").await;
    assert_eq!(less.capture(1).await.unwrap(), Settlement::Done);
    assert_refused(less.refund(1, 2).await, "above_captured");
}

#[tokio::test]
async fn only_its_own_reference_moves_the_money() {
    for reference in [None, Some(String::new()), Some(format!("test-{}", Uuid::from_u128(4)))] {
        let mut till = Till::authorised("tok_approve").await;
        till.order.progress.payment.reference = reference;
        assert_refused(till.capture(TOTAL).await, "not_authorised");
        assert_refused(till.void().await, "not_authorised");
        assert_eq!(till.balance().await, [TOTAL, 0, 0, 0]);
    }
}

#[tokio::test]
async fn another_store_moves_no_money() {
    let till = Till::authorised("tok_approve").await;
    let (other, _) = till.app.add_store("other", &[]).await;
    let request = PaymentRequest::capture(other.id, &till.order);
    assert_refused(till.payments().capture(Test, &request).await, "not_authorised");
    assert_eq!(till.balance().await, [TOTAL, 0, 0, 0]);
}

#[tokio::test]
async fn a_void_gives_up_what_was_set_aside_and_is_final() {
    let till = Till::authorised("tok_approve").await;
    for _ in 0..2 {
        assert_eq!(till.void().await.unwrap(), Settlement::Done);
    }
    assert_refused(till.capture(TOTAL).await, "already_voided");
    assert_refused(till.refund(1, 1).await, "not_captured");
    assert_eq!(till.balance().await, [TOTAL, 0, TOTAL, 0]);
    // The first answer to the authorisation is still the answer.
    approved(till.authorise("tok_approve").await);
    assert_eq!(till.balance().await, [TOTAL, 0, TOTAL, 0]);
}

#[tokio::test]
async fn refunds_together_never_exceed_what_was_captured() {
    let till = Till::captured("tok_approve").await;
    assert_eq!(till.refund(1, 6_000).await.unwrap(), Settlement::Done);
    assert_refused(till.refund(2, 4_001).await, "above_captured");
    assert_eq!(till.refund(1, 6_000).await.unwrap(), Settlement::Done);
    assert_eq!(till.refund(3, 4_000).await.unwrap(), Settlement::Done);
    assert_refused(till.refund(4, 1).await, "above_captured");
    assert_refused(till.refund(5, -1).await, "negative_amount");
    // What was refused once stays refused.
    assert_refused(till.refund(2, 4_001).await, "above_captured");
    assert_eq!(till.balance().await, [TOTAL, TOTAL, 0, TOTAL]);
}

#[tokio::test]
async fn a_capture_that_fails_once_succeeds_when_it_is_asked_for_again() {
    let till = Till::authorised("tok_capture_fails_once").await;
    let error = till.capture(TOTAL).await.unwrap_err();
    assert!(matches!(error, PaymentError::Unreachable) && error.is_outcome_unknown(), "{error}");
    assert_eq!(till.balance().await, [TOTAL, 0, 0, 0]);
    for _ in 0..2 {
        assert_eq!(till.capture(TOTAL).await.unwrap(), Settlement::Done);
    }
    assert_eq!(till.balance().await, [TOTAL, TOTAL, 0, 0]);
}

#[tokio::test]
async fn a_refused_refund_leaves_the_money_captured() {
    let till = Till::captured("tok_refund_refused").await;
    for _ in 0..2 {
        assert_refused(till.refund(1, 1).await, "refund_refused");
    }
    assert_eq!(till.balance().await, [TOTAL, TOTAL, 0, 0]);
}
