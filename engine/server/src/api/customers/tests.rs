//! Who becomes a customer, and what is told of it.

use axum::http::Method;
use martlet_domain::customer::{Customer, CustomerFacts};
use serde_json::{Value, json};

use crate::testing::{Answer, PASSWORD, TestApp};

const PATH: &str = "/api/v1/customers";

async fn register(app: &TestApp, body: &Value) -> Answer {
    app.request(Method::POST, PATH).header("x-request-id", "r-1").json(body).send().await
}

#[tokio::test]
async fn a_new_address_and_a_taken_one_are_answered_alike() {
    let app = TestApp::new().await;
    let first = json!({"email": "jo@example.com", "password": PASSWORD});
    let second = json!({"email": " Jo@Example.com ", "password": "another password"});
    let new = register(&app, &first).await.expect_status(202);
    assert_eq!(new.body, json!({"status": "accepted"}));
    let taken = register(&app, &second).await.expect_status(202);
    assert_eq!(taken.kept(), new.kept());
    // The address is still whose it was.
    app.try_to_sign_in("jo@example.com", None).await.expect_status(201);
    let theirs = app.request(Method::POST, "/api/v1/sessions").json(&second).send().await;
    theirs.expect_problem(401, "invalid_credentials");
}

#[tokio::test]
async fn an_address_that_the_shop_knows_gets_no_password() {
    let app = TestApp::new().await;
    let customer = Customer {
        id: app.state.world.ids.next(app.clock.now()),
        email: "trade@example.com".to_owned(),
        facts: CustomerFacts { groups: vec!["trade".to_owned()], ..CustomerFacts::default() },
        created_at: app.clock.now(),
    };
    app.state.db.insert_customer(app.store.id, &customer).await.unwrap();
    app.register("trade@example.com").await.expect_status(202);
    app.try_to_sign_in("trade@example.com", None).await.expect_problem(401, "invalid_credentials");
    let found = app.state.db.find_credentials(app.store.id, "trade@example.com").await.unwrap();
    assert_eq!(found, Some((customer, None)));
}

#[tokio::test]
async fn stores_have_customers_of_their_own() {
    let app = TestApp::new().await;
    app.add_store("other", &[]).await;
    let jo = app.customer("jo@example.com").await;
    let body = json!({"email": "jo@example.com", "password": PASSWORD});
    let sign_in =
        || app.request(Method::POST, "/api/v1/sessions").header("martlet-store", "other").json(&body);
    sign_in().send().await.expect_problem(401, "invalid_credentials");
    let register = app.request(Method::POST, PATH).header("martlet-store", "other").json(&body);
    register.send().await.expect_status(202);
    let other = sign_in().send().await.expect_status(201);
    assert_ne!(other.body["customer_id"], jo.id);
}

#[tokio::test]
async fn what_is_no_address_or_no_password_is_said_all_at_once() {
    let app = TestApp::new().await;
    let cases = [
        ("jo@example.com", "1234567", vec![("/password", "must be 8 to 200 characters")]),
        ("jo@example.com", &"x".repeat(201), vec![("/password", "must be 8 to 200 characters")]),
        ("jo@example.com", "JO@example.com", vec![("/password", "must not be the e-mail address")]),
        ("jo", PASSWORD, vec![("/email", "must be an e-mail address")]),
        ("", "", vec![("/email", "must be an e-mail address"), ("/password", "must be 8 to 200 characters")]),
    ];
    for (email, password, expected) in cases {
        let answer = register(&app, &json!({"email": email, "password": password})).await;
        let answer = answer.expect_problem(422, "invalid_body");
        let errors = answer.body["errors"].as_array().unwrap();
        let found: Vec<(&str, &str)> = errors
            .iter()
            .map(|error| (error["pointer"].as_str().unwrap(), error["detail"].as_str().unwrap()))
            .collect();
        assert_eq!(found, expected, "{email}");
    }
    for (body, pointer) in [
        (json!({"email": "jo@example.com"}), "/password"),
        (json!({"email": "jo@example.com", "password": 12_345_678}), "/password"),
        (json!({"email": "jo@example.com", "password": PASSWORD, "groups": ["trade"]}), "/groups"),
    ] {
        let answer = register(&app, &body).await.expect_problem(422, "invalid_body");
        assert_eq!(answer.violation().0, pointer);
        assert!(!answer.body.to_string().contains("12345678"));
    }
}

#[tokio::test]
async fn when_too_many_passwords_wait_registering_does_too() {
    let app = TestApp::new().await;
    let held = app.state.auth.passwords.take_all_room().await;
    let busy = app.register("jo@example.com").await.expect_problem(503, "busy");
    assert_eq!(busy.header("retry-after"), "1");
    drop(held);
    app.register("jo@example.com").await.expect_status(202);
}
