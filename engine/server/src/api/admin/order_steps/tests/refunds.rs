//! Money that goes back, with and without goods.

use super::*;

/// A refund's body.
fn refund(amount: Option<i64>, lines: &[(u32, u32)]) -> Value {
    let lines = lines.iter().map(|(position, quantity)| json!({"position": position, "quantity": quantity}));
    let mut body = json!({"reason": "a chip", "lines": lines.collect::<Vec<_>>()});
    if let Some(amount) = amount {
        body["amount"] = json!({"amount": amount, "currency": "USD"});
    }
    body
}

#[tokio::test]
async fn money_goes_back_in_parts_and_then_the_rest() {
    let (app, order, variants) = ordered().await;
    take(&app, &order, "fulfillments", json!({"lines": [{"position": 0, "quantity": 2}]})).await;
    assert_eq!(stock(&app, &variants).await, [(8, 1), (10, 2)]);
    // Of two mugs one isn't shipped yet, and the other comes back.
    let partly = take(&app, &order, "refunds", refund(Some(2_000), &[(0, 2)])).await;
    assert_eq!(partly["status"], "partly_refunded");
    let usd = |amount: i64| json!({"amount": amount, "currency": "USD"});
    assert_eq!(
        (&partly["payment"]["refunded"], &partly["payment"]["refundable"]),
        (&usd(2_000), &usd(TOTAL - 2_000))
    );
    let entry = &partly["refunds"][0];
    assert_eq!(
        (&entry["amount"], &entry["status"], &entry["reason"]),
        (&usd(2_000), &json!("pending"), &json!("a chip"))
    );
    assert_eq!(entry["lines"], json!([{"position": 0, "quantity": 2}]));
    let line = &partly["lines"][0];
    assert_eq!((&line["fulfilled"], &line["released"], &line["returned"]), (&json!(2), &json!(1), &json!(1)));
    assert_eq!(stock(&app, &variants).await, [(9, 0), (10, 2)]);
    app.sweep().await;
    assert_eq!(app.order_now(&order).await["refunds"][0]["status"], "succeeded");

    // A hat comes back broken: it isn't sold again.
    take(&app, &order, "fulfillments", json!({"lines": [{"position": 1, "quantity": 1}]})).await;
    let mut broken = refund(Some(1), &[(1, 2)]);
    broken["restock"] = json!(false);
    take(&app, &order, "refunds", broken).await;
    assert_eq!(stock(&app, &variants).await, [(9, 0), (9, 0)]);

    let all = take(&app, &order, "refunds", refund(None, &[])).await;
    assert_eq!((&all["status"], &all["payment"]["refundable"]), (&json!("refunded"), &usd(0)));
    assert_eq!(all["refunds"][2]["amount"], usd(TOTAL - 2_001));
    refuse(&app, &order, "refunds", refund(None, &[]), 409, "order_step_not_allowed").await;
    app.sweep().await;
    assert_eq!(app.order_now(&order).await["payment"]["refunded"], usd(TOTAL));
    assert_eq!(stock(&app, &variants).await, [(9, 0), (9, 0)]);
}

#[tokio::test]
async fn once_the_last_of_the_money_is_back_everything_that_is_not_shipped_is_free_again() {
    let (app, order, variants) = ordered().await;
    let refunded = take(&app, &order, "refunds", refund(Some(TOTAL), &[(0, 1)])).await;
    assert_eq!((&refunded["status"], &refunded["lines"][0]["released"]), (&json!("refunded"), &json!(1)));
    assert_eq!(stock(&app, &variants).await, [(10, 2), (10, 2)]);
    refuse(&app, &order, "fulfillments", json!({}), 409, "order_step_not_allowed").await;
    app.sweep().await;
    let back = app.order_now(&order).await;
    assert_eq!((&back["status"], &back["lines"][0]["released"]), (&json!("refunded"), &json!(3)));
    assert_eq!(stock(&app, &variants).await, [(10, 0), (10, 0)]);
}

#[tokio::test]
async fn more_than_was_paid_or_nothing_does_not_go_back() {
    let (app, order, variants) = ordered().await;
    let more =
        refuse(&app, &order, "refunds", refund(Some(TOTAL + 1), &[]), 422, "refund_exceeds_payment").await;
    assert_eq!((&more["requested"], &more["refundable"]), (&json!(TOTAL + 1), &json!(TOTAL)));
    refuse(&app, &order, "refunds", refund(Some(0), &[]), 422, "nothing_to_refund").await;
    refuse(&app, &order, "refunds", refund(Some(-1), &[]), 422, "nothing_to_refund").await;
    refuse(&app, &order, "refunds", refund(Some(i64::MIN), &[(0, 1)]), 422, "nothing_to_refund").await;
    refuse(&app, &order, "refunds", refund(Some(1), &[(0, 4)]), 422, "too_many_units").await;
    refuse(&app, &order, "refunds", refund(Some(1), &[(7, 1)]), 422, "unknown_order_line").await;
    refuse(&app, &order, "refunds", refund(Some(1), &[(0, 0)]), 422, "no_units").await;
    let mut euros = refund(Some(1), &[]);
    euros["amount"]["currency"] = json!("EUR");
    let answer = app.step(&order, "refunds", &euros).send().await.expect_problem(422, "invalid_body");
    assert_eq!(answer.violation(), ("/amount/currency", "must be USD, the order's"));
    for (member, value) in
        [("reason", json!("")), ("restock", json!(1)), ("amount", json!(5)), ("note", json!(""))]
    {
        let mut body = refund(Some(1), &[]);
        body[member] = value;
        refuse(&app, &order, "refunds", body, 422, "invalid_body").await;
    }
    assert_eq!(app.order_now(&order).await["refunds"], json!([]));
    assert_eq!(stock(&app, &variants).await, [(10, 3), (10, 2)]);
}

#[tokio::test]
async fn a_refund_needs_a_key_and_is_made_once() {
    let (app, order, _) = ordered().await;
    let path = format!("/api/v1/admin/orders/{}/refunds", order["id"].as_str().unwrap());
    let body = refund(Some(500), &[]);
    app.admin_post(&path, body.clone()).await.expect_problem(400, "idempotency_key_required");
    let again = || {
        let request = app.request(Method::POST, &path).key(&app.key).header("idempotency-key", "k");
        request.json(&body)
    };
    let first = again().send().await.expect_status(200).kept();
    app.sweep().await;
    assert_eq!(again().send().await.kept(), first);
    assert_eq!(app.order_now(&order).await["payment"]["refunded"]["amount"], 500);
    // The same key for another order is another request.
    let cart = app.cart(&[("HAT", 1)]).await;
    let other = app.order(&cart, "tok_approve").await;
    let path = format!("/api/v1/admin/orders/{}/refunds", other["id"].as_str().unwrap());
    let request = app.request(Method::POST, &path).key(&app.key).header("idempotency-key", "k");
    request.json(&body).send().await.expect_problem(422, "idempotency_key_reused");
}

#[tokio::test]
async fn a_refund_that_the_provider_refuses_can_be_tried_again() {
    let (app, _, variants) = ordered().await;
    let cart = app.cart(&[("MUG", 1)]).await;
    let order = app.order(&cart, "tok_refund_refused").await;
    app.sweep().await;
    let refunded = take(&app, &order, "refunds", refund(None, &[])).await;
    assert_eq!(refunded["status"], "refunded");
    app.sweep().await;
    let refused = app.order_now(&order).await;
    assert_eq!(
        (&refused["status"], &refused["refunds"][0]["status"]),
        (&json!("partly_refunded"), &json!("refused"))
    );
    assert_eq!(refused["payment"]["refunded"]["amount"], 0);
    take(&app, &order, "refunds", refund(Some(100), &[])).await;
    // The money is still here, so the mug is still to be shipped.
    assert_eq!(stock(&app, &variants).await, [(10, 4), (10, 2)]);
    take(&app, &order, "fulfillments", json!({})).await;
    assert_eq!(stock(&app, &variants).await, [(9, 3), (10, 2)]);
}
