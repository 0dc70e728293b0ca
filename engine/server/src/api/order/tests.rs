//! Who reads an order, and what is shown.

use std::sync::Arc;

use axum::http::Method;
use martlet_domain::{
    money::Ppm,
    order::{LineProgress, Order, OrderLine},
    quote::Tax,
};
use serde_json::{Value, json};

use super::OrderBody;
use crate::testing::{Answer, TestApp};

async fn ordered() -> (TestApp, String, Value) {
    let app = TestApp::new().await;
    let product = app.product("mug").await;
    app.variant(&product, "MUG", "S", 10).await;
    let cart = app.cart(&[("MUG", 2)]).await;
    let order = app.order(&cart, "tok_approve").await;
    (app, cart, order)
}

async fn read(app: &TestApp, order: &Value, headers: &[(&'static str, &str)]) -> Answer {
    let request = app.request(Method::GET, &format!("/api/v1/orders/{}", order["id"].as_str().unwrap()));
    headers.iter().fold(request, |request, (name, value)| request.header(name, value)).send().await
}

#[tokio::test]
async fn an_order_is_read_by_who_holds_its_cart_and_by_staff() {
    let (app, cart, order) = ordered().await;
    let staff = format!("Bearer {}", app.key);
    let other = app.cart(&[("MUG", 1)]).await;
    for headers in [
        [("martlet-cart", cart.as_str())].as_slice(),
        &[("authorization", &staff)],
        &[("authorization", &staff), ("martlet-cart", &other)],
        &[("authorization", "Bearer mk_x"), ("martlet-cart", &cart)],
    ] {
        let answer = read(&app, &order, headers).await.expect_status(200);
        assert_eq!(answer.body, order);
        assert_eq!((answer.header("etag"), answer.header("cache-control")), ("\"2\"", "no-store"));
    }
}

#[tokio::test]
async fn to_everybody_else_it_is_not_there() {
    let (app, cart, order) = ordered().await;
    let other = app.cart(&[("MUG", 1)]).await;
    let (_, foreign) = app.add_store("other", &[]).await;
    let foreign = format!("Bearer {foreign}");
    let nobody = json!({"id": "00000000-0000-7000-8000-000000000000"});
    let missing = read(&app, &nobody, &[("martlet-cart", &cart)]).await.expect_problem(404, "not_found");
    for headers in [
        [].as_slice(),
        &[("martlet-cart", other.as_str())],
        &[("martlet-cart", order["id"].as_str().unwrap())],
        &[("authorization", "Bearer mk_x")],
        &[("authorization", &foreign)],
        &[("martlet-cart", &cart), ("martlet-store", "other")],
        &[("authorization", &foreign), ("martlet-store", "other")],
    ] {
        let mut hidden = read(&app, &order, headers).await.expect_problem(404, "not_found");
        hidden.body["instance"] = missing.body["instance"].clone();
        assert_eq!(hidden.body, missing.body, "{headers:?}");
    }
    for value in ["", "x", "7K3M-9QXP", &format!("{cart}, {cart}"), "\u{e9}"] {
        let malformed = read(&app, &order, &[("martlet-cart", value)]).await;
        assert_eq!(malformed.expect_problem(400, "malformed_header").body["header"], "Martlet-Cart");
    }
    let twice = [("martlet-cart", cart.as_str()), ("martlet-cart", &cart)];
    read(&app, &order, &twice).await.expect_problem(400, "malformed_header");
}

#[tokio::test]
async fn a_customers_order_is_the_customers_and_the_merchants_to_read() {
    let app = TestApp::new().await;
    let product = app.product("mug").await;
    app.variant(&product, "MUG", "S", 10).await;
    let (jo, ann) = (app.customer("jo@example.com").await, app.customer("ann@example.com").await);
    let body = json!({"lines": [{"sku": "MUG", "quantity": 1}]});
    let cart = app.post_as(&jo, "/api/v1/carts", &body).await.expect_status(201).body;
    let cart = cart["id"].as_str().unwrap();
    let quote = app.get_as(&jo, &format!("/api/v1/carts/{cart}/quote")).await.body;
    let total = quote["totals"]["total"]["amount"].as_i64().unwrap();
    let placed = app.checkout(cart, "k", total, "tok_approve").token(&jo.access).send().await;
    let order = placed.expect_status(201).body;
    let bearer = |token: &str| format!("Bearer {token}");
    let (jo, ann, staff) = (bearer(&jo.access), bearer(&ann.access), bearer(&app.key));
    for authorization in [&jo, &staff] {
        let answer = read(&app, &order, &[("authorization", authorization)]).await.expect_status(200);
        assert_eq!(answer.body, order);
    }
    // The cart is the customer's, so knowing its id is of no use.
    for headers in [
        [("martlet-cart", cart)].as_slice(),
        &[("authorization", &ann)],
        &[("authorization", &ann), ("martlet-cart", cart)],
    ] {
        read(&app, &order, headers).await.expect_problem(404, "not_found");
    }
    // A guest's order is nobody's account's.
    let guests = app.cart(&[("MUG", 1)]).await;
    let order = app.order(&guests, "tok_approve").await;
    read(&app, &order, &[("authorization", &jo)]).await.expect_problem(404, "not_found");
    let held = [("authorization", jo.as_str()), ("martlet-cart", &guests)];
    read(&app, &order, &held).await.expect_status(200);
}

#[tokio::test]
async fn neither_the_cart_nor_the_token_is_shown() {
    let (app, cart, order) = ordered().await;
    let id = order["id"].as_str().unwrap();
    app.step(&order, "cancel", &json!({"reason": "out of mugs"})).send().await.expect_status(200);
    for path in ["/api/v1/admin/orders".to_owned(), format!("/api/v1/admin/orders/{id}")] {
        let text = app.admin_get(&path).await.expect_status(200).body.to_string();
        assert!(!text.contains(&cart) && !text.contains("tok_approve") && text.contains(id), "{text}");
    }
}

#[tokio::test]
async fn a_gift_is_a_line_of_its_own_and_released_units_are_not_waited_for() {
    let (app, _, order) = ordered().await;
    let id = order["id"].as_str().unwrap().parse().unwrap();
    let mut order: Order = app.state.db.find_order(app.store.id, id).await.unwrap().unwrap();
    let terms = Arc::make_mut(&mut order.terms);
    let bought = terms.lines[0].clone();
    let untaxed = Tax { rate: Ppm(0), amount: 0 };
    terms.lines.push(OrderLine { line: None, total: 0, tax: untaxed, quantity: 1, ..bought });
    order.progress.lines.push(LineProgress::default());
    for (fulfilled, released, expected) in
        [(0, 0, "none"), (0, 2, "none"), (1, 0, "partly"), (1, 1, "all"), (2, 0, "all")]
    {
        order.progress.lines[0] = LineProgress { fulfilled, released, returned: 0 };
        order.progress.lines[1] = LineProgress { released: 1, ..LineProgress::default() };
        let body = serde_json::to_value(OrderBody::from(&order)).unwrap();
        assert_eq!(body["fulfillment_status"], expected, "{fulfilled} shipped, {released} not to be");
        assert_eq!((&body["lines"][0]["gift"], &body["lines"][1]["gift"]), (&json!(false), &json!(true)));
    }
}
