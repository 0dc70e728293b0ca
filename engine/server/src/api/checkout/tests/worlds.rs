//! Checkouts of carts that are shipped, taxed and let pass by plugins.

use axum::http::Method;
use serde_json::{Value, json};

use super::mugs;
use crate::{
    replay::{Finding, Replay},
    testing::{Installed, TestApp},
};

const SHIPPING: &str = r#"{"methods": [
    {"method": {"handle": "tracked", "name": "Tracked parcel", "delivery": {"earliest": 2, "latest": 4}},
     "to": ["GB"], "amounts": [{"amount": 900, "currency": "USD"}],
     "free_from": [{"amount": 10000, "currency": "USD"}]}]}"#;
const TAX: &str = r#"{"countries": [{"country": "GB", "included": true,
    "components": [{"name": "VAT", "percent_ppm": 200000}]}]}"#;
const LIMITS: &str = r#"{"most_units": [{"most": 3}]}"#;

/// A shop whose shipping, tax and limits are plugins.
async fn shop() -> TestApp {
    let (app, _) = mugs().await;
    app.publish(&[
        Installed::new("shipping-flat", SHIPPING),
        Installed::new("tax-table", TAX),
        Installed::new("order-limits", LIMITS),
    ])
    .await;
    app
}

async fn put(app: &TestApp, cart: &str, what: &str, body: Value) -> crate::testing::Answer {
    app.request(Method::PUT, &format!("/api/v1/carts/{cart}/{what}")).json(&body).send().await
}

fn address(country: &str) -> Value {
    json!({"name": "Jo", "lines": ["1 High Street"], "city": "York", "country": country})
}

/// 2 x 19.99 and 9.00, with 20 % VAT in them: 39.98 has 6.663, so 6.66; 9.00 has 1.50.
#[tokio::test]
async fn a_cart_is_shipped_and_taxed_as_plugins_say() {
    let app = shop().await;
    let cart = app.cart(&[("MUG", 2)]).await;
    let methods = format!("/api/v1/carts/{cart}/shipping-methods");
    assert_eq!(app.get(&methods).await.expect_status(200).body, json!({"items": []}));
    put(&app, &cart, "shipping-method", json!({"method": "tracked"}))
        .await
        .expect_problem(422, "shipping_method_not_offered");
    put(&app, &cart, "shipping-address", address("GB")).await.expect_status(200);
    let offered = json!({
        "handle": "tracked", "name": "Tracked parcel", "price": {"amount": 900, "currency": "USD"},
        "delivery_days": {"earliest": 2, "latest": 4},
    });
    assert_eq!(app.get(&methods).await.expect_status(200).body, json!({"items": [offered]}));
    put(&app, &cart, "shipping-method", json!({"method": "tracked"})).await.expect_status(200);

    let quote = app.get(&format!("/api/v1/carts/{cart}/quote")).await.expect_status(200).body;
    let totals = &quote["totals"];
    let amounts =
        ["goods_subtotal", "shipping_subtotal", "tax", "total"].map(|sum| totals[sum]["amount"].clone());
    assert_eq!(amounts, [3_998, 900, 666 + 150, 4_898].map(Value::from));
    assert_eq!(totals["tax_included"], true);
    assert_eq!(quote["objections"], json!([]));
    let said = quote["candidates"].as_array().unwrap().iter();
    let said: Vec<&str> = said.map(|candidate| candidate["explanation"].as_str().unwrap()).collect();
    assert_eq!(
        said,
        [
            "offered at 9.00",
            "Tracked parcel is free from 100.00, 60.02 short",
            "20 % in the prices",
            "nothing against ordering the cart"
        ]
    );

    let order = app.checkout(&cart, "k", 4_898, "tok_approve").send().await.expect_status(201).body;
    assert_eq!((&order["shipping"]["method"], &order["totals"]), (&json!("tracked"), totals));
    let id = order["id"].as_str().unwrap().parse().unwrap();
    let host = app.state.selling.pricer.host().clone();
    let replay = Replay::new(app.state.db.clone(), host, app.store.id);
    assert_eq!(replay.order(id).await.unwrap().unwrap().finding, Finding::Same);
}

/// Where it doesn't go the method is unchosen, and without one the cart can't be ordered.
#[tokio::test]
async fn a_method_that_does_not_go_there_is_unchosen() {
    let app = shop().await;
    let cart = app.cart(&[("MUG", 2)]).await;
    put(&app, &cart, "shipping-address", address("GB")).await.expect_status(200);
    put(&app, &cart, "shipping-method", json!({"method": "tracked"})).await.expect_status(200);
    let moved = put(&app, &cart, "shipping-address", address("FR")).await.expect_status(200);
    assert_eq!(moved.body["shipping_method"], Value::Null);
    let refused = app.checkout(&cart, "k", 3_998, "tok_approve").send().await;
    let refused = refused.expect_problem(422, "checkout_incomplete");
    assert_eq!(refused.body["missing"], json!(["shipping_method"]));
}

/// Six mugs come to 119.94, from 100.00 on they are shipped for nothing, and three is the most.
#[tokio::test]
async fn what_a_plugin_objects_to_is_not_ordered() {
    let app = shop().await;
    let cart = app.cart(&[("MUG", 6)]).await;
    put(&app, &cart, "shipping-address", address("GB")).await.expect_status(200);
    put(&app, &cart, "shipping-method", json!({"method": "tracked"})).await.expect_status(200);
    let quote = app.get(&format!("/api/v1/carts/{cart}/quote")).await.expect_status(200).body;
    assert_eq!(quote["totals"]["total"]["amount"], 11_994);
    let objections = quote["objections"].as_array().unwrap();
    assert_eq!((objections.len(), &objections[0]["line_id"]), (1, &quote["lines"][0]["line_id"]));
    let refused = app.checkout(&cart, "k", 11_994, "tok_approve").send().await;
    let refused = refused.expect_problem(422, "checkout_refused");
    assert_eq!(refused.body["objections"], quote["objections"]);
}
