//! Carts that were filled before signing in.

use std::time::Duration;

use axum::http::Method;
use serde_json::{Value, json};

use crate::testing::{SignedIn, TestApp};

/// An app with mugs and cups, and a customer who has registered.
async fn shop() -> TestApp {
    let app = TestApp::new().await;
    for (handle, sku) in [("mug", "MUG"), ("cup", "CUP")] {
        let product = app.product(handle).await;
        app.variant(&product, sku, "S", 10).await;
    }
    app.register("jo@example.com").await.expect_status(202);
    app
}

/// What is on a cart, for a customer.
async fn lines(app: &TestApp, who: &SignedIn, cart: &Value) -> Vec<(String, u64)> {
    let path = format!("/api/v1/carts/{}", cart.as_str().unwrap());
    let cart = app.get_as(who, &path).await.expect_status(200).body;
    let lines = cart["lines"].as_array().unwrap().iter();
    lines.map(|line| (line["sku"].as_str().unwrap().to_owned(), line["quantity"].as_u64().unwrap())).collect()
}

fn mugs(quantity: u64) -> (String, u64) {
    ("MUG".to_owned(), quantity)
}

fn cups(quantity: u64) -> (String, u64) {
    ("CUP".to_owned(), quantity)
}

#[tokio::test]
async fn a_guests_cart_becomes_the_customers() {
    let app = shop().await;
    let cart = app.cart(&[("MUG", 2)]).await;
    let jo = app.sign_in("jo@example.com", Some(&cart)).await;
    assert_eq!(jo.cart, cart);
    assert_eq!(app.get_as(&jo, "/api/v1/me").await.body["cart_id"], cart);
    let path = format!("/api/v1/carts/{cart}");
    let body = app.get_as(&jo, &path).await.expect_status(200).body;
    assert_eq!((&body["customer_id"], &body["email"]), (&json!(jo.id), &Value::Null));
    app.get(&path).await.expect_problem(404, "not_found");
    // Signing in on another device finds it, and naming it again changes nothing.
    assert_eq!(app.sign_in("jo@example.com", None).await.cart, cart);
    let version = body["version"].clone();
    assert_eq!(app.sign_in("jo@example.com", Some(&cart)).await.cart, cart);
    assert_eq!(app.get_as(&jo, &path).await.body["version"], version);
}

#[tokio::test]
async fn two_carts_become_one_on_the_newer() {
    let app = shop().await;
    let first = app.cart(&[("MUG", 2)]).await;
    let jo = app.sign_in("jo@example.com", Some(&first)).await;
    app.clock.advance(Duration::from_secs(1));
    let second = app.cart(&[("MUG", 3), ("CUP", 1)]).await;
    let jo_again = app.sign_in("jo@example.com", Some(&second)).await;
    assert_eq!(jo_again.cart, second);
    assert_eq!(lines(&app, &jo, &json!(second)).await, [mugs(5), cups(1)]);
    assert_eq!(lines(&app, &jo, &json!(first)).await, []);
    // And the other way round: the guest's was made before the customer's.
    let third = app.cart(&[("CUP", 4)]).await;
    app.clock.advance(Duration::from_secs(1));
    let body = json!({"lines": [{"sku": "MUG", "quantity": 1}]});
    let fourth = app.post_as(&jo, "/api/v1/carts", &body).await.expect_status(201).body["id"].clone();
    let jo_again = app.sign_in("jo@example.com", Some(&third)).await;
    assert_eq!(jo_again.cart, fourth);
    assert_eq!(lines(&app, &jo, &fourth).await, [mugs(1), cups(4)]);
    assert_eq!(lines(&app, &jo, &json!(third)).await, []);
    assert_eq!(app.sign_in("jo@example.com", Some(&third)).await.cart, fourth);
    assert_eq!(lines(&app, &jo, &fourth).await, [mugs(1), cups(4)]);
}

#[tokio::test]
async fn signing_in_twice_at_once_adds_nothing_twice() {
    let app = shop().await;
    let first = app.cart(&[("MUG", 2)]).await;
    let jo = app.sign_in("jo@example.com", Some(&first)).await;
    // Of the same age as the one before or younger, so that either may be the newer.
    for turn in 0..10 {
        let guest = app.cart(&[("MUG", 1), ("CUP", 1)]).await;
        let sign_in = || app.try_to_sign_in("jo@example.com", Some(&guest));
        let (one, two, three) = tokio::join!(sign_in(), sign_in(), sign_in());
        let carts = [one, two, three].map(|answer| answer.expect_status(201).body["cart_id"].clone());
        assert_eq!((&carts[0], &carts[1]), (&carts[1], &carts[2]));
        let mut lines = lines(&app, &jo, &carts[0]).await;
        lines.sort();
        assert_eq!(lines, [cups(1 + turn), mugs(3 + turn)], "{turn}");
        if turn % 3 == 0 {
            app.clock.advance(Duration::from_secs(1));
        }
    }
}

#[tokio::test]
async fn coupons_go_along_and_those_that_do_not_fit_are_left() {
    let app = shop().await;
    let installed = app.publish(&[crate::testing::Installed::new("coupon-standard", "{}")]).await;
    for code in ["ONE", "TWO"] {
        let coupon = json!({
            "code": code, "installation": installed[0].id.to_string(),
            "config": {"gives": {"percent_ppm": 100_000}},
        });
        app.admin_post("/api/v1/admin/coupons", coupon).await.expect_status(201);
    }
    let with = async |code: &str| {
        let cart = app.cart(&[("MUG", 1)]).await;
        let path = format!("/api/v1/carts/{cart}/coupons");
        app.request(Method::POST, &path).json(&json!({"code": code})).send().await.expect_status(200);
        cart
    };
    let (first, second) = (with("ONE").await, with("TWO").await);
    app.sign_in("jo@example.com", Some(&first)).await;
    app.clock.advance(Duration::from_secs(1));
    let jo = app.sign_in("jo@example.com", Some(&second)).await;
    let cart = app.get_as(&jo, &format!("/api/v1/carts/{}", jo.cart.as_str().unwrap())).await.body;
    let mut coupons: Vec<&str> =
        cart["coupons"].as_array().unwrap().iter().map(|code| code.as_str().unwrap()).collect();
    coupons.sort_unstable();
    assert_eq!(coupons, ["ONE", "TWO"]);
}

#[tokio::test]
async fn carts_in_other_currencies_stay_apart() {
    let app = shop().await;
    let first = app.cart(&[("MUG", 2)]).await;
    let jo = app.sign_in("jo@example.com", Some(&first)).await;
    app.clock.advance(Duration::from_secs(1));
    let made = app.request(Method::POST, "/api/v1/carts").json(&json!({"currency": "EUR"})).send().await;
    let second = made.expect_status(201).body["id"].clone();
    let jo_again = app.sign_in("jo@example.com", second.as_str()).await;
    assert_eq!(jo_again.cart, second);
    assert_eq!(lines(&app, &jo, &second).await, []);
    assert_eq!(lines(&app, &jo, &json!(first)).await, [mugs(2)]);
}

#[tokio::test]
async fn a_cart_that_is_not_theirs_to_take_is_left_alone() {
    let app = shop().await;
    let ann = app.customer("ann@example.com").await;
    let anns = app.post_as(&ann, "/api/v1/carts", &json!({})).await.expect_status(201).body;
    let anns = anns["id"].as_str().unwrap();
    let ordered = app.cart(&[("MUG", 1)]).await;
    app.order(&ordered, "tok_approve").await;
    let nowhere = "00000000-0000-4000-8000-000000000000";
    for cart in [anns, &ordered, nowhere] {
        let jo = app.sign_in("jo@example.com", Some(cart)).await;
        assert_eq!(jo.cart, Value::Null, "{cart}");
    }
    let own = app.cart(&[("MUG", 2)]).await;
    let jo = app.sign_in("jo@example.com", Some(&own)).await;
    for cart in [anns, &ordered, nowhere] {
        assert_eq!(app.sign_in("jo@example.com", Some(cart)).await.cart, own, "{cart}");
    }
    assert_eq!(lines(&app, &jo, &json!(own)).await, [mugs(2)]);
    assert_eq!(app.get_as(&ann, "/api/v1/me").await.body["cart_id"], anns);
    let body = app.get(&format!("/api/v1/carts/{ordered}")).await.expect_status(200).body;
    assert_eq!(body["customer_id"], Value::Null);
    let malformed = app.try_to_sign_in("jo@example.com", Some("x")).await.expect_problem(422, "invalid_body");
    assert_eq!(malformed.violation(), ("/cart", "is a UUID"));
}

#[tokio::test]
async fn a_wrong_password_takes_no_cart() {
    let app = shop().await;
    let cart = app.cart(&[("MUG", 2)]).await;
    let body = json!({"email": "jo@example.com", "password": "wrong password", "cart": cart});
    let refused = app.request(Method::POST, "/api/v1/sessions").json(&body).send().await;
    refused.expect_problem(401, "invalid_credentials");
    app.get(&format!("/api/v1/carts/{cart}")).await.expect_status(200);
}
