//! What requests are made of.

use super::*;

#[test]
fn keys_follow_from_the_order_and_fit_the_books() {
    let order = Id::from_str("00000000-0000-0000-0000-0000000000ff").unwrap();
    let of_refund = RequestKey::refund(order, Id::new(Uuid::from_u128(1)));
    let keys = [RequestKey::authorise(order), RequestKey::capture(order), RequestKey::void(order), of_refund];
    let texts = [":authorise", ":capture", ":void", ":refund:00000000-0000-0000-0000-000000000001"];
    for (key, text) in keys.iter().zip(texts) {
        assert_eq!(key.to_string(), format!("{order}{text}"));
        assert!(key.as_str().len() <= 80, "{key}");
    }
}

#[test]
fn a_request_follows_from_the_order() {
    let store = Id::new(Uuid::from_u128(5));
    let mut order = order(Id::new(Uuid::from_u128(9)));
    order.progress.payment.reference = Some("theirs".to_owned());
    let capture = PaymentRequest::capture(store, &order);
    assert_eq!((capture.store, capture.payment, capture.amount), (store, order.id, TOTAL));
    assert_eq!((capture.key, capture.currency), (RequestKey::capture(order.id), order.terms.currency));
    assert_eq!(capture.reference.as_deref(), Some("theirs"));
    assert_eq!(PaymentRequest::authorise(store, &order).reference, None);
    let void = PaymentRequest::void(store, &order, "found".to_owned());
    assert_eq!((void.amount, void.reference.as_deref()), (TOTAL, Some("found")));
    let paid_back = PaymentRequest::refund(store, &order, &refund(3, 7));
    assert_eq!((paid_back.amount, paid_back.reference.as_deref()), (7, Some("theirs")));
    assert_eq!(paid_back.key, RequestKey::refund(order.id, refund(3, 7).id));
}

#[tokio::test]
async fn a_key_of_another_request_is_an_error_and_moves_nothing() {
    let till = Till::authorised("tok_approve").await;
    let (store, payments) = (till.app.store.id, till.payments());
    let first = PaymentRequest::authorise(store, &till.order);
    let others = [
        PaymentRequest { amount: TOTAL + 1, ..first.clone() },
        PaymentRequest { currency: "USD".parse().unwrap(), ..first.clone() },
        PaymentRequest { payment: Id::new(Uuid::from_u128(77)), ..first.clone() },
    ];
    for other in &others {
        let error = payments.authorise(Test, other, "tok_approve").await.unwrap_err();
        assert!(matches!(error, PaymentError::KeyReused { .. }) && !error.is_outcome_unknown(), "{error}");
    }
    let reference = till.order.progress.payment.reference.clone();
    for other in others.into_iter().chain([first]) {
        let error = payments.capture(Test, &PaymentRequest { reference: reference.clone(), ..other }).await;
        assert!(matches!(error, Err(PaymentError::KeyReused { .. })), "{error:?}");
    }
    assert_eq!((till.balance().await, till.entries().await), ([TOTAL, 0, 0, 0], 1));
    assert_eq!(till.capture(TOTAL).await.unwrap(), Settlement::Done);
    assert!(matches!(till.capture(TOTAL - 1).await, Err(PaymentError::KeyReused { .. })));
    assert_eq!(till.balance().await, [TOTAL, TOTAL, 0, 0]);
}

#[tokio::test]
async fn manual_agrees_to_everything_and_keeps_no_books() {
    let till = Till::new().await;
    let (store, payments) = (till.app.store.id, till.payments());
    let request = PaymentRequest::authorise(store, &till.order);
    let reference = approved(payments.authorise(Manual, &request, "").await);
    assert_eq!(reference, format!("manual-{}", till.order.id));
    assert_eq!(approved(payments.authorise(Manual, &request, "").await), reference);
    let capture = PaymentRequest::capture(store, &till.order);
    assert_eq!(payments.capture(Manual, &capture).await.unwrap(), Settlement::Done);
    let void = PaymentRequest::void(store, &till.order, reference);
    assert_eq!(payments.void(Manual, &void).await.unwrap(), Settlement::Done);
    let refund = PaymentRequest::refund(store, &till.order, &refund(1, 5));
    assert_eq!(payments.refund(Manual, &refund).await.unwrap(), Settlement::Done);
    assert_eq!(till.entries().await, 0);
}
