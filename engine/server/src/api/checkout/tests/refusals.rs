//! What isn't ordered: each time the answer says why, nothing is held, and the cart stays open.

use axum::http::Method;
use martlet_domain::{
    money::Ppm,
    plugin::FailurePolicy,
    settings::{ShippingMethod, StoreSettings, TaxRates},
};
use serde_json::{Value, json};

use super::{TWO_MUGS, mugs};
use crate::testing::{Answer, Installed, TestApp};

async fn send(app: &TestApp, cart: &str, headers: &[(&'static str, &str)], body: &Value) -> Answer {
    let request = app.request(Method::POST, &format!("/api/v1/carts/{cart}/checkout")).json(body);
    headers.iter().fold(request, |request, (name, value)| request.header(name, value)).send().await
}

fn body() -> Value {
    json!({
        "expected_total": {"amount": TWO_MUGS, "currency": "USD"},
        "payment": {"provider": "test", "token": "tok_approve"},
    })
}

/// Makes the store, whose settings are in this version, offer one shipping method, at 5.00 USD.
async fn ships(app: &TestApp, version: i64, method: &str) {
    let currency = "USD".parse().unwrap();
    let method = ShippingMethod {
        handle: method.parse().unwrap(),
        name: method.to_owned(),
        tax_category: "standard".to_owned(),
        countries: Vec::new(),
        amounts: [(currency, 500)].into(),
    };
    let settings = StoreSettings {
        default_currency: currency,
        prices_include_tax: false,
        tax: TaxRates { standard: Ppm(100_000), by_category: [].into() },
        shipping_methods: vec![method],
    };
    let put = app.state.db.put_settings(app.store.id, &settings, version).await.unwrap();
    assert_eq!(put, martlet_store::Update::Done { version: version + 1 });
}

/// Has a cart shipped to an address by a method.
async fn ship(app: &TestApp, cart: &str, method: &str) {
    let address = json!({"name": "Jo", "lines": ["1 High Street"], "city": "Bath", "country": "GB"});
    for (part, body) in [("address", address), ("method", json!({"method": method}))] {
        let path = format!("/api/v1/carts/{cart}/shipping-{part}");
        app.request(Method::PUT, &path).json(&body).send().await.expect_status(200);
    }
}

#[tokio::test]
async fn another_total_than_expected_is_answered_with_the_quote() {
    let (app, mug) = mugs().await;
    let cart = app.cart(&[("MUG", 2)]).await;
    let quote = app.get(&format!("/api/v1/carts/{cart}/quote")).await.body;
    for (amount, currency) in
        [(TWO_MUGS - 1, "USD"), (TWO_MUGS + 1, "USD"), (TWO_MUGS, "KRW"), (i64::MIN, "USD")]
    {
        let mut body = body();
        body["expected_total"] = json!({"amount": amount, "currency": currency});
        let changed = send(&app, &cart, &[("idempotency-key", "k")], &body).await;
        let changed = changed.expect_problem(409, "price_changed");
        assert_eq!(changed.body["expected_total"], body["expected_total"]);
        assert_eq!(changed.body["total"], json!({"amount": TWO_MUGS, "currency": "USD"}));
        assert_eq!(changed.body["quote"], quote);
    }
    assert_eq!(app.stock(&mug).await, (10, 0));
    // Nothing is kept of it, so the same key may be used with the new total.
    app.checkout(&cart, "k", TWO_MUGS, "tok_approve").send().await.expect_status(201);
}

#[tokio::test]
async fn a_cart_that_is_empty_or_unknown_or_an_order_is_not_ordered() {
    let (app, mug) = mugs().await;
    let empty = app.cart(&[]).await;
    app.checkout(&empty, "k", 0, "tok_approve").send().await.expect_problem(422, "cart_empty");
    let unknown = "00000000-0000-4000-8000-000000000000";
    app.checkout(unknown, "k", 0, "tok_approve").send().await.expect_problem(404, "not_found");
    app.checkout("x", "k", 0, "tok_approve").send().await.expect_problem(400, "malformed_id");
    let cart = app.cart(&[("MUG", 2)]).await;
    let order = app.order(&cart, "tok_approve").await;
    app.checkout(&cart, "k2", TWO_MUGS, "tok_approve").send().await.expect_problem(409, "cart_ordered");
    assert_eq!(app.stock(&mug).await, (10, 2));
    // Nor is it changed.
    let path = format!("/api/v1/carts/{cart}");
    let line = json!({"sku": "MUG", "quantity": 1});
    let added = app.request(Method::POST, &format!("{path}/lines")).json(&line).send().await;
    added.expect_problem(409, "cart_ordered");
    let email = json!({"email": "li@example.com"});
    let put = app.request(Method::PUT, &format!("{path}/customer")).json(&email).send().await;
    put.expect_problem(409, "cart_ordered");
    assert_eq!(app.get(&path).await.body["order_id"], order["id"]);
}

#[tokio::test]
async fn a_request_without_a_sound_key_is_refused() {
    let (app, mug) = mugs().await;
    let cart = app.cart(&[("MUG", 2)]).await;
    send(&app, &cart, &[], &body()).await.expect_problem(400, "idempotency_key_required");
    for key in ["", "a b", &"x".repeat(256)] {
        let refused = send(&app, &cart, &[("idempotency-key", key)], &body()).await;
        assert_eq!(refused.expect_problem(400, "malformed_header").body["header"], "Idempotency-Key");
    }
    let twice = [("idempotency-key", "a"), ("idempotency-key", "b")];
    send(&app, &cart, &twice, &body()).await.expect_problem(400, "malformed_header");
    assert_eq!(app.stock(&mug).await, (10, 0));
}

#[tokio::test]
async fn a_body_that_is_not_a_checkout_is_refused_at_its_place() {
    let (app, _) = mugs().await;
    let cart = app.cart(&[("MUG", 2)]).await;
    let cases = [
        ("expected_total", json!(4_398), "/expected_total"),
        ("expected_total", json!({"amount": 4_398}), "/expected_total/currency"),
        ("expected_total", json!({"amount": 43.98, "currency": "USD"}), "/expected_total/amount"),
        ("payment", json!({"token": "tok_approve"}), "/payment/provider"),
        ("payment", json!({"provider": "visa", "token": "t"}), "/payment/provider"),
        ("payment", json!({"provider": "test"}), "/payment/token"),
        ("payment", json!({"provider": "test", "token": ""}), "/payment/token"),
        ("payment", json!({"provider": "manual", "token": "x".repeat(201)}), "/payment/token"),
        ("payment", json!({"provider": "manual", "token": "a\u{0}b"}), "/payment/token"),
        ("payment", json!({"provider": "test", "token": "tok_nothing"}), "/payment/token"),
        ("payment", json!({"provider": "test", "token": "tok_approve", "amount": 1}), "/payment/amount"),
        ("total", json!(1), "/total"),
    ];
    for (member, value, pointer) in cases {
        let mut body = body();
        body[member] = value;
        let refused = send(&app, &cart, &[("idempotency-key", &format!("k{pointer}"))], &body).await;
        assert_eq!(refused.expect_problem(422, "invalid_body").violation().0, pointer, "{body}");
    }
}

#[tokio::test]
async fn what_has_to_be_known_of_a_cart_is_asked_for() {
    let (app, mug) = mugs().await;
    let cart =
        app.request(Method::POST, "/api/v1/carts").json(&json!({"lines": [{"sku": "MUG", "quantity": 2}]}));
    let cart = cart.send().await.expect_status(201).body["id"].as_str().unwrap().to_owned();
    let incomplete = app.checkout(&cart, "k", TWO_MUGS, "tok_approve").send().await;
    let incomplete = incomplete.expect_problem(422, "checkout_incomplete");
    assert_eq!(incomplete.body["missing"], json!(["customer"]));
    ships(&app, 1, "post").await;
    let incomplete = app.checkout(&cart, "k2", TWO_MUGS, "tok_approve").send().await;
    let missing = incomplete.expect_problem(422, "checkout_incomplete").body["missing"].clone();
    assert_eq!(missing, json!(["customer", "shipping_address", "shipping_method"]));
    assert_eq!(app.stock(&mug).await, (10, 0));
    // With all of it, shipping is part of the order: 5.00 and 0.50 of tax.
    let guest = json!({"email": "jo@example.com"});
    let path = format!("/api/v1/carts/{cart}/customer");
    app.request(Method::PUT, &path).json(&guest).send().await.expect_status(200);
    ship(&app, &cart, "post").await;
    let order = app.checkout(&cart, "k3", TWO_MUGS + 550, "tok_approve").send().await.expect_status(201).body;
    assert_eq!(order["shipping"]["method"], "post");
    assert_eq!(order["shipping"]["total"]["amount"], 500);
    assert_eq!(order["shipping_address"]["city"], "Bath");
}

#[tokio::test]
async fn a_shipping_method_that_is_no_longer_offered_has_to_be_chosen_again() {
    let (app, mug) = mugs().await;
    let cart = app.cart(&[("MUG", 2)]).await;
    ships(&app, 1, "post").await;
    ship(&app, &cart, "post").await;
    ships(&app, 2, "van").await;
    let incomplete = app.checkout(&cart, "k", TWO_MUGS, "tok_approve").send().await;
    let missing = incomplete.expect_problem(422, "checkout_incomplete").body["missing"].clone();
    assert_eq!(missing, json!(["shipping_method"]));
    assert_eq!(app.stock(&mug).await, (10, 0));
    ship(&app, &cart, "van").await;
    app.checkout(&cart, "k2", TWO_MUGS + 550, "tok_approve").send().await.expect_status(201);
}

#[tokio::test]
async fn only_the_version_that_was_seen_is_ordered() {
    let (app, mug) = mugs().await;
    let cart = app.cart(&[("MUG", 2)]).await;
    let seen = |version: &'static str| {
        app.checkout(&cart, version, TWO_MUGS, "tok_approve").header("if-match", version)
    };
    let stale = seen("\"1\"").send().await.expect_problem(412, "version_conflict");
    assert_eq!((&stale.body["resource"], &stale.body["current_version"]), (&json!("cart"), &json!(2)));
    seen("2").send().await.expect_problem(400, "malformed_header");
    assert_eq!(app.stock(&mug).await, (10, 0));
    seen("\"2\"").send().await.expect_status(201);
}

#[tokio::test]
async fn what_is_sold_out_is_not_ordered() {
    let (app, mug) = mugs().await;
    let (first, second) = (app.cart(&[("MUG", 6)]).await, app.cart(&[("MUG", 6)]).await);
    app.order(&first, "tok_approve").await;
    let total = app.total(&second).await;
    let short = app.checkout(&second, "k", total, "tok_approve").send().await;
    let short = short.expect_problem(409, "insufficient_stock");
    assert_eq!(
        (&short.body["sku"], &short.body["requested"], &short.body["available"]),
        (&json!("MUG"), &json!(6), &json!(4))
    );
    assert_eq!(app.stock(&mug).await, (10, 6));
}

#[tokio::test]
async fn a_plugin_that_must_not_fail_blocks_the_order_and_is_named() {
    let (app, mug) = mugs().await;
    let trap = Installed { policy: FailurePolicy::Block, ..Installed::new("hostile", r#"{"mode": "trap"}"#) };
    app.publish(&[trap]).await;
    let cart = app.cart(&[("MUG", 2)]).await;
    let blocked = app.checkout(&cart, "k", TWO_MUGS, "tok_approve").send().await;
    assert_eq!(blocked.expect_problem(409, "checkout_blocked").body["plugins"], json!(["hostile"]));
    assert_eq!(app.stock(&mug).await, (10, 0));
}

#[tokio::test]
async fn what_is_no_longer_sold_is_not_ordered() {
    let (app, mug) = mugs().await;
    let cart = app.cart(&[("MUG", 2)]).await;
    let products = app.admin_get("/api/v1/admin/products").await.expect_status(200).body;
    let path = format!("/api/v1/admin/products/{}", products["items"][0]["id"].as_str().unwrap());
    let version = app.admin_get(&path).await.expect_status(200).header("etag").to_owned();
    let delete = app.request(Method::DELETE, &path).key(&app.key).header("if-match", &version);
    delete.send().await.expect_status(204);
    let answer = app.checkout(&cart, "k", TWO_MUGS, "tok_approve").send().await;
    assert_eq!(answer.expect_problem(409, "line_unavailable").body["sku"], "MUG");
    assert_eq!(app.stock(&mug).await, (10, 0));
}
