//! Checkouts: what is ordered, what isn't, and what is left behind.

mod refusals;
mod repeats;
mod worlds;

use std::time::Duration;

use axum::http::Method;
use serde_json::{Value, json};

use crate::testing::TestApp;

/// An app with ten mugs at 19.99 USD, which are taxed at 10 % on top, and the variant.
async fn mugs() -> (TestApp, Value) {
    let app = TestApp::new().await;
    let product = app.product("mug").await;
    let variant = app.variant(&product, "MUG", "S", 10).await;
    (app, variant)
}

/// 2 x 19.99 and 10 % of it: 3.998, so 4.00.
const TWO_MUGS: i64 = 3_998 + 400;

async fn cart_body(app: &TestApp, cart: &str) -> Value {
    app.get(&format!("/api/v1/carts/{cart}")).await.expect_status(200).body
}

#[tokio::test]
async fn a_cart_becomes_an_order_that_is_paid() {
    let (app, mug) = mugs().await;
    let cart = app.cart(&[("MUG", 2)]).await;
    let quote = app.get(&format!("/api/v1/carts/{cart}/quote")).await.body;
    let placed = app.checkout(&cart, "k", TWO_MUGS, "tok_approve").send().await.expect_status(201);
    let id = placed.body["id"].as_str().unwrap();
    assert_eq!(placed.header("location"), format!("/api/v1/orders/{id}"));
    assert_eq!((placed.header("etag"), placed.header("cache-control")), ("\"2\"", "no-store"));
    assert_eq!(placed.header("content-type"), "application/json");
    let usd = |amount: i64| json!({"amount": amount, "currency": "USD"});
    let number = placed.body["number"].as_str().unwrap();
    let expected = json!({
        "id": id, "number": number, "version": 2, "status": "paid",
        "customer_id": null, "email": "jo@example.com", "shipping_address": null,
        "currency": "USD", "rulebook": 0, "receipt": quote["receipt"],
        "lines": [{
            "position": 0, "variant_id": mug["id"], "sku": "MUG", "title": "The mug, S", "quantity": 2, "gift": false,
            "units": [{"count": 2, "price": usd(1_999), "left": usd(1_999)}],
            "subtotal": usd(3_998), "discount": usd(0), "total": usd(3_998),
            "tax": {"rate_ppm": 100_000, "amount": usd(400)},
            "fulfilled": 0, "released": 0, "returned": 0,
        }],
        "shipping": null, "discounts": [], "totals": quote["totals"], "coupons": [],
        "payment": {
            "provider": "test", "status": "authorised", "decline_reason": null,
            "refunded": usd(0), "refundable": usd(TWO_MUGS),
        },
        "fulfillment_status": "none", "fulfillments": [], "refunds": [], "cancelled": null,
        "placed_at": "2026-03-01T12:00:00Z", "updated_at": "2026-03-01T12:00:00Z", "pending_until": null,
    });
    assert_eq!(placed.body, expected);
    assert!(number.parse::<martlet_domain::order::OrderNumber>().is_ok());
    assert_eq!(app.stock(&mug).await, (10, 2));
    assert_eq!(cart_body(&app, &cart).await["order_id"], id);
    // The money is taken afterwards.
    assert_eq!(app.sweep().await.events, 1);
    let order = app.order_now(&placed.body).await;
    assert_eq!((&order["payment"]["status"], &order["version"]), (&json!("captured"), &json!(3)));
    assert_eq!(app.sweep().await, crate::orders::Swept::default());
}

#[tokio::test]
async fn the_merchant_may_settle_a_payment_outside() {
    let (app, _) = mugs().await;
    let cart = app.cart(&[("MUG", 2)]).await;
    let path = format!("/api/v1/carts/{cart}/checkout");
    let body =
        json!({"expected_total": {"amount": TWO_MUGS, "currency": "USD"}, "payment": {"provider": "manual"}});
    let request = app.request(Method::POST, &path).header("idempotency-key", "k").json(&body);
    let order = request.send().await.expect_status(201).body;
    assert_eq!((&order["status"], &order["payment"]["provider"]), (&json!("paid"), &json!("manual")));
}

#[tokio::test]
async fn what_costs_nothing_is_ordered_without_asking_anybody() {
    let (app, mug) = mugs().await;
    app.publish(&[crate::testing::Installed::new("percentage-off", r#"{"percent_ppm": 1000000}"#)]).await;
    let cart = app.cart(&[("MUG", 2)]).await;
    let order = app.checkout(&cart, "k", 0, "tok_decline").send().await.expect_status(201).body;
    assert_eq!(order["status"], "paid");
    assert_eq!(order["discounts"][0]["name"], "percentage-off");
    assert_eq!(order["discounts"][0]["amount"]["amount"], 3_998);
    assert_eq!(app.stock(&mug).await, (10, 2));
}

#[tokio::test]
async fn a_declined_payment_leaves_the_cart_open_and_the_stock_free() {
    let (app, mug) = mugs().await;
    let cart = app.cart(&[("MUG", 2)]).await;
    let declined = app.checkout(&cart, "k", TWO_MUGS, "tok_decline_insufficient_funds").send().await;
    let declined = declined.expect_problem(402, "payment_declined");
    assert_eq!(declined.body["decline_reason"], "insufficient_funds");
    assert_eq!(app.stock(&mug).await, (10, 0));
    assert_eq!(cart_body(&app, &cart).await["order_id"], Value::Null);
    let number = declined.body["order_number"].as_str().unwrap();
    let order = app.admin_get(&format!("/api/v1/admin/orders/{number}")).await.expect_status(200).body;
    assert_eq!((&order["status"], &order["cancelled"]["kind"]), (&json!("cancelled"), &json!("declined")));
    assert_eq!(order["payment"]["decline_reason"], "insufficient_funds");
    assert_eq!(order["payment"]["refundable"]["amount"], 0);
    // Another try is another order.
    let second = app.checkout(&cart, "k2", TWO_MUGS, "tok_approve").send().await.expect_status(201);
    assert_ne!(second.body["number"], number);
    assert_eq!(app.stock(&mug).await, (10, 2));
}

#[tokio::test]
async fn a_payment_whose_answer_is_lost_is_settled_later_and_the_shopper_told() {
    let (app, mug) = mugs().await;
    let cart = app.cart(&[("MUG", 2)]).await;
    let unknown = app.checkout(&cart, "k", TWO_MUGS, "tok_timeout").send().await;
    let unknown = unknown.expect_problem(503, "payment_unknown");
    assert_eq!(unknown.header("retry-after"), "1");
    assert_eq!(app.stock(&mug).await, (10, 2));
    let again = app.checkout(&cart, "k", TWO_MUGS, "tok_timeout").send().await;
    again.expect_problem(409, "in_flight");
    assert_eq!(app.sweep().await.settled, 0);
    app.clock.advance(Duration::from_secs(16));
    assert_eq!(app.sweep().await.settled, 1);
    let placed = app.checkout(&cart, "k", TWO_MUGS, "tok_timeout").send().await.expect_status(201);
    assert_eq!((&placed.body["status"], placed.header("etag")), (&json!("paid"), "\"2\""));
}

#[tokio::test]
async fn an_order_that_is_not_paid_in_time_lets_go_of_everything() {
    let (app, mug) = mugs().await;
    let cart = app.cart(&[("MUG", 2)]).await;
    let unknown = app.checkout(&cart, "k", TWO_MUGS, "tok_unreachable").send().await;
    unknown.expect_problem(503, "payment_unknown");
    app.clock.advance(Duration::from_secs(899));
    assert_eq!(app.sweep().await.expired, 0);
    let pending = app.admin_get("/api/v1/admin/orders?status=pending_payment").await.body;
    assert_eq!(pending["items"][0]["pending_until"], "2026-03-01T12:15:00Z");
    app.clock.advance(Duration::from_secs(1));
    assert_eq!(app.sweep().await.expired, 1);
    let order = app.order_now(&pending["items"][0]).await;
    assert_eq!((&order["status"], &order["cancelled"]["kind"]), (&json!("cancelled"), &json!("expired")));
    assert_eq!((app.stock(&mug).await, &order["pending_until"]), ((10, 0), &Value::Null));
    // The key is free again, and so is the cart.
    app.checkout(&cart, "k", TWO_MUGS, "tok_approve").send().await.expect_status(201);
}
