//! Checkouts that are sent again, one after the other or at once.

use std::{collections::BTreeSet, task::Poll};

use axum::http::Method;
use serde_json::json;

use super::{TWO_MUGS, mugs};

#[tokio::test]
async fn the_same_request_with_the_same_key_has_the_same_answer() {
    let (app, mug) = mugs().await;
    let (paid, declined) = (app.cart(&[("MUG", 2)]).await, app.cart(&[("MUG", 2)]).await);
    for (cart, token) in [(&paid, "tok_approve"), (&declined, "tok_decline")] {
        let first = app.checkout(cart, "k", TWO_MUGS, token).send().await.kept();
        app.sweep().await;
        for key in ["k", "\"k\""] {
            assert_eq!(app.checkout(cart, key, TWO_MUGS, token).send().await.kept(), first);
        }
    }
    assert_eq!(app.stock(&mug).await, (10, 2));
}

#[tokio::test]
async fn a_refusal_is_kept_for_its_key_unless_it_is_a_conflict() {
    let (app, _) = mugs().await;
    let cart = app.cart(&[]).await;
    let first = app.checkout(&cart, "k", TWO_MUGS, "tok_approve").send().await;
    let first = first.expect_problem(422, "cart_empty").kept();
    let line = json!({"sku": "MUG", "quantity": 2});
    app.request(Method::POST, &format!("/api/v1/carts/{cart}/lines"))
        .json(&line)
        .send()
        .await
        .expect_status(200);
    assert_eq!(app.checkout(&cart, "k", TWO_MUGS, "tok_approve").send().await.kept(), first);
    app.checkout(&cart, "k2", TWO_MUGS, "tok_approve").send().await.expect_status(201);
}

#[tokio::test]
async fn a_key_belongs_to_one_request_of_one_cart() {
    let (app, mug) = mugs().await;
    let cart = app.cart(&[("MUG", 2)]).await;
    app.checkout(&cart, "k", TWO_MUGS, "tok_approve").send().await.expect_status(201);
    let reused = "idempotency_key_reused";
    app.checkout(&cart, "k", TWO_MUGS, "tok_decline").send().await.expect_problem(422, reused);
    app.checkout(&cart, "k", TWO_MUGS - 1, "tok_approve").send().await.expect_problem(422, reused);
    let seen = app.checkout(&cart, "k", TWO_MUGS, "tok_approve").header("if-match", "\"2\"");
    seen.send().await.expect_problem(422, reused);
    let other = app.cart(&[("MUG", 2)]).await;
    app.checkout(&other, "k", TWO_MUGS, "tok_approve").send().await.expect_status(201);
    assert_eq!(app.stock(&mug).await, (10, 4));
}

#[tokio::test]
async fn of_many_requests_at_once_one_makes_an_order() {
    let (app, mug) = mugs().await;
    let cart = app.cart(&[("MUG", 2)]).await;
    let same = (0..8).map(|_| app.checkout(&cart, "k", TWO_MUGS, "tok_approve").send());
    let others = (0..8).map(|at| app.checkout(&cart, &format!("k{at}"), TWO_MUGS, "tok_approve").send());
    let mut placed = BTreeSet::new();
    for answer in at_once(same.chain(others)).await {
        match answer.status.as_u16() {
            201 => drop(placed.insert(answer.body["id"].to_string())),
            _ => {
                let code = answer.expect_status(409).body["code"].clone();
                assert!(code == "cart_ordered" || code == "in_flight", "{code}");
            }
        }
    }
    assert_eq!((placed.len(), app.stock(&mug).await), (1, (10, 2)));
}

#[tokio::test]
async fn of_many_carts_at_once_as_many_are_ordered_as_there_is_stock() {
    let (app, mug) = mugs().await;
    let mut carts = Vec::new();
    for _ in 0..8 {
        carts.push(app.cart(&[("MUG", 2)]).await);
    }
    let requests = carts.iter().map(|cart| app.checkout(cart, "k", TWO_MUGS, "tok_approve").send());
    let answers = at_once(requests).await;
    let placed = answers.iter().filter(|answer| answer.status == 201).count();
    let short = answers.iter().filter(|answer| answer.body["code"] == "insufficient_stock").count();
    assert_eq!((placed, short, app.stock(&mug).await), (5, 3, (10, 10)));
}

#[tokio::test]
async fn an_order_that_is_called_off_while_it_is_paid_gives_the_money_back() {
    let (app, mug) = mugs().await;
    let cart = app.cart(&[("MUG", 2)]).await;
    let paying = app.checkout(&cart, "k", TWO_MUGS, "tok_delay_500").send();
    let calling_off = async {
        for _ in 0..2_000 {
            let pending = app.admin_get("/api/v1/admin/orders?status=pending_payment").await.body;
            if let Some(order) = pending["items"].get(0) {
                let body = json!({"reason": "out of mugs"});
                return app.step(order, "cancel", &body).send().await.expect_status(200).body;
            }
        }
        panic!("the order was never seen while it was paid");
    };
    let (paid, cancelled) = tokio::join!(paying, calling_off);
    paid.expect_problem(409, "order_called_off");
    assert_eq!((&cancelled["payment"]["status"], &cancelled["refunds"]), (&json!("pending"), &json!([])));
    app.sweep().await;
    let order = app.order_now(&cancelled).await;
    assert_eq!((&order["status"], &order["payment"]["status"]), (&json!("cancelled"), &json!("voided")));
    assert_eq!(app.stock(&mug).await, (10, 0));
    app.checkout(&cart, "k", TWO_MUGS, "tok_approve").send().await.expect_status(201);
}

#[tokio::test]
async fn a_request_that_meets_its_own_twin_is_not_told_that_somebody_else_was_faster() {
    let (app, mug) = mugs().await;
    for turn in 0..20 {
        let cart = app.cart(&[("MUG", 2)]).await;
        let key = format!("twin-{turn}");
        let order = at_once((0..4).map(|_| app.checkout(&cart, &key, TWO_MUGS, "tok_approve").send())).await;
        for answer in order {
            let code = answer.body["code"].as_str().unwrap_or("placed").to_owned();
            assert!(["placed", "in_flight"].contains(&code.as_str()), "{answer:#?}");
        }
        let order = app.checkout(&cart, &key, TWO_MUGS, "tok_approve").send().await.expect_status(201).body;
        let path = format!("/api/v1/admin/orders/{}/cancel", order["id"].as_str().unwrap());
        let cancel = || {
            let request = app.request(Method::POST, &path).key(&app.key).header("idempotency-key", &key);
            request.json(&json!({"reason": "changed"})).send()
        };
        for answer in at_once((0..4).map(|_| cancel())).await {
            assert_eq!(answer.expect_status(200).body["status"], "cancelled");
        }
        assert_eq!(app.stock(&mug).await, (10, 0));
    }
}

/// What comes of requests of clients that don't wait for each other, in the requests' order.
async fn at_once<F: Future>(requests: impl Iterator<Item = F>) -> Vec<F::Output> {
    let mut waiting: Vec<_> = requests.map(|request| (Box::pin(request), None)).collect();
    std::future::poll_fn(|context| {
        let mut ready = true;
        for (request, answer) in &mut waiting {
            if answer.is_none() {
                match request.as_mut().poll(context) {
                    Poll::Ready(done) => *answer = Some(done),
                    Poll::Pending => ready = false,
                }
            }
        }
        if ready { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    waiting.into_iter().filter_map(|(_, answer)| answer).collect()
}
