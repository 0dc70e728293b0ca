//! Many askers at once.

use super::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twenty_askers_at_once_move_the_money_once() {
    let mut till = Till::new().await;
    let request = PaymentRequest::authorise(till.app.store.id, &till.order);
    let answers = at_once(20, || {
        let (payments, request) = (till.payments(), request.clone());
        async move { approved(payments.authorise(Test, &request, "tok_approve").await) }
    });
    let references = answers.await;
    assert!(references.iter().all(|reference| *reference == references[0]));
    till.order.progress.payment.reference = Some(references[0].clone());

    let capture = PaymentRequest::capture(till.app.store.id, &till.order);
    let answers = at_once(20, || {
        let (payments, capture) = (till.payments(), capture.clone());
        async move { payments.capture(Test, &capture).await.unwrap() }
    });
    assert_eq!(answers.await, vec![Settlement::Done; 20]);

    let mut number = 0;
    let answers = at_once(20, || {
        // Ten refunds, each asked for twice, of which there is money for three.
        number += 1;
        let refund = refund(number % 10, 3_000);
        let request = PaymentRequest::refund(till.app.store.id, &till.order, &refund);
        let payments = till.payments();
        async move { payments.refund(Test, &request).await.unwrap() }
    });
    let done = answers.await.into_iter().filter(|answer| *answer == Settlement::Done).count();
    assert_eq!(done, 6);
    assert_eq!(till.balance().await, [TOTAL, TOTAL, 0, 9_000]);
    assert_eq!(till.entries().await, 12);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_a_void_and_a_capture_at_once_one_wins() {
    for _ in 0..10 {
        let till = Till::authorised("tok_approve").await;
        let (captured, voided) = tokio::join!(till.capture(TOTAL), till.void());
        let done = [captured.unwrap(), voided.unwrap()];
        assert_eq!(done.iter().filter(|answer| **answer == Settlement::Done).count(), 1);
        let [authorised, captured, voided, _] = till.balance().await;
        assert_eq!(captured + voided, authorised);
    }
}

/// The answers to a question that is asked by many tasks.
async fn at_once<T: Send + 'static, F: Future<Output = T> + Send + 'static>(
    times: usize,
    mut ask: impl FnMut() -> F,
) -> Vec<T> {
    let tasks: Vec<_> = (0..times).map(|_| tokio::spawn(ask())).collect();
    let mut answers = Vec::new();
    for task in tasks {
        answers.push(task.await.unwrap());
    }
    answers
}
