//! Whose a cart is, and for whom it is there.

use axum::http::Method;
use serde_json::{Value, json};

use crate::{
    router,
    testing::{Answer, Installed, SignedIn, TestApp, TestRequest},
};

const NOWHERE: &str = "00000000-0000-4000-8000-000000000000";

/// An app with mugs and a coupon.
async fn shop() -> TestApp {
    let app = TestApp::new().await;
    let product = app.product("mug").await;
    app.variant(&product, "MUG", "S", 10).await;
    let installed = app.publish(&[Installed::new("coupon-standard", "{}")]).await;
    let coupon = json!({
        "code": "TEN", "installation": installed[0].id.to_string(),
        "config": {"gives": {"percent_ppm": 100_000}},
    });
    app.admin_post("/api/v1/admin/coupons", coupon).await.expect_status(201);
    app
}

/// A cart with a line and a coupon, which is bound to a customer with their token, and its line.
async fn bound(app: &TestApp, who: &SignedIn) -> (String, String) {
    let cart = app.cart(&[("MUG", 1)]).await;
    let path = format!("/api/v1/carts/{cart}");
    app.request(Method::POST, &format!("{path}/coupons"))
        .json(&json!({"code": "TEN"}))
        .send()
        .await
        .expect_status(200);
    let body = json!({"customer_id": who.id});
    let put = app.request(Method::PUT, &format!("{path}/customer")).token(&who.access).json(&body);
    let bound = put.send().await.expect_status(200).body;
    assert_eq!((&bound["customer_id"], &bound["email"]), (&json!(who.id), &Value::Null));
    (cart, bound["lines"][0]["id"].as_str().unwrap().to_owned())
}

/// Everything that can be asked of a cart, in an order in which it works.
fn everything(line: &str) -> Vec<(Method, String, Value)> {
    let address = json!({"name": "Jo", "lines": ["1 High St"], "city": "Seoul", "country": "KR"});
    let payment = json!({"provider": "test", "token": "tok_approve"});
    let order = json!({"expected_total": {"amount": 1, "currency": "USD"}, "payment": payment});
    vec![
        (Method::GET, String::new(), Value::Null),
        (Method::GET, "/quote".to_owned(), Value::Null),
        (Method::POST, "/lines".to_owned(), json!({"sku": "MUG", "quantity": 1})),
        (Method::PATCH, format!("/lines/{line}"), json!({"quantity": 3})),
        (Method::DELETE, "/coupons/TEN".to_owned(), Value::Null),
        (Method::POST, "/coupons".to_owned(), json!({"code": "TEN"})),
        (Method::PUT, "/shipping-address".to_owned(), address),
        (Method::GET, "/shipping-methods".to_owned(), Value::Null),
        (Method::PUT, "/shipping-method".to_owned(), json!({"method": "standard"})),
        (Method::POST, "/checkout".to_owned(), order),
        (Method::DELETE, format!("/lines/{line}"), Value::Null),
        (Method::PUT, "/customer".to_owned(), json!({"email": "jo@example.com"})),
    ]
}

async fn ask(
    app: &TestApp,
    (method, path, body): &(Method, String, Value),
    cart: &str,
    with: impl Fn(TestRequest<'_>) -> TestRequest<'_>,
) -> Answer {
    let request = app.request(method.clone(), &format!("/api/v1/carts/{cart}{path}"));
    let request = request.header("x-request-id", "r-1").header("idempotency-key", "k");
    with(if body.is_null() { request } else { request.json(body) }).send().await
}

#[test]
fn everything_is_everything() {
    let description = serde_json::to_value(router::openapi()).unwrap();
    let mut described = Vec::new();
    for (path, item) in description["paths"].as_object().unwrap() {
        let Some(rest) = path.strip_prefix("/api/v1/carts/{id}") else { continue };
        for (method, operation) in item.as_object().unwrap() {
            assert_eq!(
                operation["security"],
                json!([{}, {"customer": []}, {"api_key": []}]),
                "{method} {path}"
            );
            described.push(format!("{method} {}", rest.replace("{line}", "x").replace("{code}", "TEN")));
        }
    }
    let mut tried: Vec<String> = everything("x")
        .iter()
        .map(|(method, path, _)| format!("{} {path}", method.as_str().to_lowercase()))
        .collect();
    tried.sort();
    described.sort();
    assert_eq!(tried, described);
}

#[tokio::test]
async fn to_everybody_else_a_bound_cart_is_not_there() {
    let app = shop().await;
    let (jo, ann) = (app.customer("jo@example.com").await, app.customer("ann@example.com").await);
    let (_, foreign) = app.add_store("other", &[]).await;
    let (cart, line) = bound(&app, &jo).await;
    let before = app.get_as(&jo, &format!("/api/v1/carts/{cart}")).await.body;
    for asked in everything(&line) {
        let missing = ask(&app, &asked, NOWHERE, |request| request).await.expect_problem(404, "not_found");
        let (guest, other, key) = (
            ask(&app, &asked, &cart, |request| request).await,
            ask(&app, &asked, &cart, |request| request.token(&ann.access)).await,
            ask(&app, &asked, &cart, |request| request.key(&foreign)).await,
        );
        for hidden in [guest, other, key] {
            assert_eq!(hidden.kept(), missing.kept(), "{} {}", asked.0, asked.1);
        }
    }
    assert_eq!(app.get_as(&jo, &format!("/api/v1/carts/{cart}")).await.body, before);
}

#[tokio::test]
async fn a_bound_cart_is_its_customers_and_the_merchants_to_use() {
    let app = shop().await;
    let jo = app.customer("jo@example.com").await;
    for token in [&jo.access, &app.key] {
        let (cart, line) = bound(&app, &jo).await;
        for asked in everything(&line) {
            let answer = ask(&app, &asked, &cart, |request| request.token(token)).await;
            let expected = match asked.1.as_str() {
                "/shipping-method" => (422, "shipping_method_not_offered"),
                "/checkout" => (409, "price_changed"),
                _ => (200, ""),
            };
            let code = answer.body["code"].as_str().unwrap_or_default();
            assert_eq!((answer.status.as_u16(), code), expected, "{} {}", asked.0, asked.1);
        }
    }
}

#[tokio::test]
async fn a_cart_that_the_merchant_binds_is_the_merchants_and_the_customers_to_use() {
    let app = shop().await;
    let (jo, ann) = (app.customer("jo@example.com").await, app.customer("ann@example.com").await);
    let cart = app.cart(&[("MUG", 2)]).await;
    let path = format!("/api/v1/carts/{cart}");
    let body = json!({"customer_id": jo.id});
    let put = || app.request(Method::PUT, &format!("{path}/customer")).json(&body);
    put().send().await.expect_problem(401, "unauthenticated");
    put().token(&ann.access).send().await.expect_problem(404, "not_found");
    put().key(&app.key).send().await.expect_status(200);
    app.get(&path).await.expect_problem(404, "not_found");
    app.get_as(&jo, &path).await.expect_status(200);
    let quote = app.admin_get(&format!("{path}/quote")).await.expect_status(200);
    let total = quote.body["totals"]["total"]["amount"].as_i64().unwrap();
    app.checkout(&cart, "k", total, "tok_approve").send().await.expect_problem(404, "not_found");
    let placed = app.checkout(&cart, "k", total, "tok_approve").key(&app.key).send().await;
    assert_eq!(placed.expect_status(201).body["customer_id"], jo.id);
}

#[tokio::test]
async fn a_customers_new_cart_is_theirs_from_the_start() {
    let app = shop().await;
    let jo = app.customer("jo@example.com").await;
    let cart = app.post_as(&jo, "/api/v1/carts", &json!({})).await.expect_status(201).body;
    assert_eq!(cart["customer_id"], jo.id);
    let path = format!("/api/v1/carts/{}", cart["id"].as_str().unwrap());
    app.get(&path).await.expect_problem(404, "not_found");
    app.get_as(&jo, &path).await.expect_status(200);
    // A merchant's till makes carts for guests.
    let cart = app.admin_post("/api/v1/carts", json!({})).await.expect_status(201).body;
    assert_eq!(cart["customer_id"], Value::Null);
}

#[tokio::test]
async fn a_customer_may_give_a_cart_to_nobody_and_then_anybody_has_it() {
    let app = shop().await;
    let jo = app.customer("jo@example.com").await;
    let (cart, _) = bound(&app, &jo).await;
    let path = format!("/api/v1/carts/{cart}");
    let guest = json!({"email": "guest@example.com"});
    let put = app.request(Method::PUT, &format!("{path}/customer")).token(&jo.access).json(&guest);
    assert_eq!(put.send().await.expect_status(200).body["customer_id"], Value::Null);
    app.get(&path).await.expect_status(200);
    let neither = app.request(Method::PUT, &format!("{path}/customer")).json(&json!({})).send().await;
    neither.expect_problem(422, "invalid_body");
}

#[tokio::test]
async fn whose_session_has_ended_is_nobody() {
    let app = shop().await;
    let jo = app.customer("jo@example.com").await;
    let (cart, line) = bound(&app, &jo).await;
    app.request(Method::DELETE, "/api/v1/sessions").token(&jo.access).send().await.expect_status(204);
    for asked in everything(&line) {
        let refused = ask(&app, &asked, &cart, |request| request.token(&jo.access)).await;
        refused.expect_problem(401, "unauthenticated");
    }
}
