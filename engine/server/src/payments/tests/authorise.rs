//! Setting money aside.

use super::*;

#[tokio::test]
async fn a_token_is_checked_before_anything_is_begun() {
    let till = Till::new().await;
    let payments = till.payments();
    for token in ["tok_approve", "tok_delay_60000", "tok_unreachable"] {
        assert_eq!(payments.check_token(Test, token), Ok(()), "{token}");
    }
    let error = payments.check_token(Test, "tok_delay_60001").unwrap_err();
    assert_eq!(error, TokenError::UnknownToken { provider: Test });
    assert!(error.to_string().contains("knows no such token: it knows tok_approve, "), "{error}");
    assert_eq!(payments.check_token(Manual, ""), Ok(()));
    assert_eq!(payments.check_token(Manual, "anything"), Ok(()));
}

#[tokio::test]
async fn a_provider_that_is_no_longer_offered_looks_after_what_it_has() {
    let till = Till::authorised("tok_approve").await;
    let config = PaymentsConfig { test: false, ..PaymentsConfig::default() };
    let payments = Payments::new(till.app.state.db.clone(), till.app.state.world.clock.clone(), &config);
    let error = payments.check_token(Test, "tok_approve").unwrap_err();
    assert_eq!(error, TokenError::NotOffered { provider: Test });
    assert_eq!(error.to_string(), "the payment provider `test` is not offered here");
    assert_eq!(payments.check_token(Manual, ""), Ok(()));
    let request = PaymentRequest::capture(till.app.store.id, &till.order);
    assert_eq!(payments.capture(Test, &request).await.unwrap(), Settlement::Done);
}

#[tokio::test]
async fn an_approval_sets_the_money_aside_once() {
    let till = Till::new().await;
    let reference = approved(till.authorise("tok_approve").await);
    assert_eq!(approved(till.authorise("tok_approve").await), reference);
    assert_eq!(till.balance().await, [TOTAL, 0, 0, 0]);
    assert_eq!(till.entries().await, 1);
}

#[tokio::test]
async fn what_was_decided_stays_whatever_token_comes_later() {
    let till = Till::new().await;
    let first = till.authorise("tok_decline_insufficient_funds").await.unwrap();
    assert_eq!(first, declined(DeclineReason::InsufficientFunds));
    assert_eq!(till.authorise("tok_approve").await.unwrap(), first);
    assert_eq!(till.balance().await, [0; 4]);
}

#[tokio::test]
async fn a_decline_sets_nothing_aside_and_says_why() {
    for (token, reason) in [
        ("tok_decline", DeclineReason::CardDeclined),
        ("tok_decline_insufficient_funds", DeclineReason::InsufficientFunds),
        ("tok_decline_expired", DeclineReason::Expired),
        ("no token at all", DeclineReason::CardDeclined),
    ] {
        let till = Till::new().await;
        assert_eq!(till.authorise(token).await.unwrap(), declined(reason), "{token}");
        assert_eq!((till.balance().await, till.entries().await), ([0; 4], 1));
        assert_refused(till.capture(TOTAL).await, "not_authorised");
    }
}

#[tokio::test]
async fn a_delayed_answer_comes_late_and_only_the_first_time() {
    let till = Till::new().await;
    let request = PaymentRequest::authorise(till.app.store.id, &till.order);
    let impatient = till.payments_within(Duration::from_secs(1));
    let first = impatient.authorise(Test, &request, "tok_delay_60000").await.unwrap_err();
    assert!(matches!(first, PaymentError::TimedOut) && first.is_outcome_unknown(), "{first}");
    // The provider went on without us.
    assert_eq!(till.balance().await, [TOTAL, 0, 0, 0]);
    approved(impatient.authorise(Test, &request, "tok_delay_60000").await);

    let patient = Till::new().await;
    let begun = tokio::time::Instant::now();
    approved(patient.authorise("tok_delay_150").await);
    assert!(begun.elapsed() >= Duration::from_millis(150));
}

#[tokio::test]
async fn a_lost_answer_is_given_when_another_process_asks_again() {
    for (token, set_aside) in [("tok_timeout", TOTAL), ("tok_timeout_decline", 0)] {
        let till = Till::new().await;
        let request = PaymentRequest::authorise(till.app.store.id, &till.order);
        let first = till.payments_within(Duration::from_secs(1)).authorise(Test, &request, token).await;
        assert!(matches!(first, Err(PaymentError::TimedOut)), "{first:?}");
        let again = till.payments().authorise(Test, &request, token).await.unwrap();
        assert_eq!(matches!(again, Authorisation::Approved { .. }), set_aside > 0, "{again:?}");
        assert_eq!((till.balance().await, till.entries().await), ([set_aside, 0, 0, 0], 1));
    }
}

#[tokio::test]
async fn an_unreachable_provider_never_decides() {
    let till = Till::new().await;
    for _ in 0..3 {
        let error = till.authorise("tok_unreachable").await.unwrap_err();
        assert!(matches!(error, PaymentError::Unreachable) && error.is_outcome_unknown(), "{error}");
    }
    assert_eq!(till.entries().await, 0);
}

#[tokio::test]
async fn tokens_are_never_logged() {
    let till = Till::new().await;
    let secret = "tok_4111_1111_1111_1111";
    let _ = till.payments().check_token(Test, secret);
    till.authorise(secret).await.unwrap();
    let request = PaymentRequest::authorise(till.app.store.id, &till.order);
    approved(till.payments().authorise(Manual, &request, secret).await);
    assert_eq!(till.payments().capture(Manual, &request).await.unwrap(), Settlement::Done);
    let log = logged();
    assert!(log.contains("the merchant settles this payment"), "something was logged");
    assert!(!log.contains(secret));
}
