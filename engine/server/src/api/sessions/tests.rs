//! Signing in, refreshing and signing out.

mod carts;

use axum::http::Method;
use martlet_domain::customer::{Customer, CustomerFacts};
use serde_json::{Value, json};

use crate::testing::{Answer, PASSWORD, SignedIn, TestApp};

const PATH: &str = "/api/v1/sessions";
const ME: &str = "/api/v1/me";

async fn sign_in(app: &TestApp, email: &str, password: &str) -> Answer {
    let body = json!({"email": email, "password": password});
    app.request(Method::POST, PATH).header("x-request-id", "r-1").json(&body).send().await
}

/// A customer that the shop made, who has no password.
async fn known(app: &TestApp, email: &str) {
    let customer = Customer {
        id: app.state.world.ids.next(app.clock.now()),
        email: email.to_owned(),
        facts: CustomerFacts::default(),
        created_at: app.clock.now(),
    };
    app.state.db.insert_customer(app.store.id, &customer).await.unwrap();
}

#[tokio::test]
async fn who_signs_in_gets_two_tokens() {
    let app = TestApp::new().await;
    app.register("jo@example.com").await.expect_status(202);
    let answer = sign_in(&app, " JO@example.com", PASSWORD).await.expect_status(201);
    assert_eq!(answer.header("cache-control"), "no-store");
    let text = |member: &str| answer.body[member].as_str().unwrap();
    let expected = json!({
        "access_token": text("access_token"), "token_type": "Bearer", "expires_in": 600,
        "refresh_token": text("refresh_token"), "customer_id": text("customer_id"), "cart_id": null,
    });
    assert_eq!(answer.body, expected);
    assert!(text("refresh_token").starts_with("mr_") && text("refresh_token").len() == 46);
    assert_eq!(text("access_token").split('.').count(), 3);
    let jo = SignedIn::from(answer);
    assert_eq!(app.get_as(&jo, ME).await.expect_status(200).body["email"], "jo@example.com");
}

#[tokio::test]
async fn a_password_may_be_typed_on_any_keyboard() {
    let app = TestApp::new().await;
    let body = json!({"email": "jo@example.com", "password": "pa\u{308}sswo\u{308}rt"});
    app.request(Method::POST, "/api/v1/customers").json(&body).send().await.expect_status(202);
    sign_in(&app, "jo@example.com", "p\u{e4}ssw\u{f6}rt").await.expect_status(201);
    sign_in(&app, "jo@example.com", "P\u{e4}ssw\u{f6}rt").await.expect_problem(401, "invalid_credentials");
}

#[tokio::test]
async fn nobody_learns_why_signing_in_failed() {
    let app = TestApp::new().await;
    app.register("jo@example.com").await.expect_status(202);
    known(&app, "trade@example.com").await;
    let tries = [
        ("jo@example.com", "wrong password"),
        ("trade@example.com", PASSWORD),
        ("nobody@example.com", PASSWORD),
        ("not an address", ""),
        ("", &"x".repeat(1_000)),
    ];
    let mut answers = Vec::new();
    for (email, password) in tries {
        answers.push(sign_in(&app, email, password).await.expect_problem(401, "invalid_credentials"));
    }
    for answer in &answers {
        assert_eq!(answer.kept(), answers[0].kept());
    }
    // Each verifies a password, or it couldn't be told apart by the time it takes.
    let held = app.state.auth.passwords.take_all_room().await;
    for (email, password) in tries {
        sign_in(&app, email, password).await.expect_problem(503, "busy");
    }
    sign_in(&app, "jo@example.com", PASSWORD).await.expect_problem(503, "busy");
    drop(held);
    sign_in(&app, "jo@example.com", PASSWORD).await.expect_status(201);
}

#[tokio::test]
async fn a_refresh_token_is_exchanged_once() {
    let app = TestApp::new().await;
    let jo = app.customer("jo@example.com").await;
    let next = app.refresh(&jo.refresh).await.expect_status(200);
    assert_eq!(next.header("cache-control"), "no-store");
    assert_eq!((&next.body["customer_id"], &next.body["expires_in"]), (&json!(jo.id), &json!(600)));
    assert_eq!(next.body.get("cart_id"), None);
    let next = SignedIn::from(next);
    app.get_as(&jo, ME).await.expect_status(200);
    app.get_as(&next, ME).await.expect_status(200);
    app.refresh(&jo.refresh).await.expect_problem(401, "invalid_refresh_token");
    for ended in [&jo, &next] {
        app.get_as(ended, ME).await.expect_problem(401, "unauthenticated");
    }
    app.refresh(&next.refresh).await.expect_problem(401, "invalid_refresh_token");
    app.sign_in("jo@example.com", None).await;
}

#[tokio::test]
async fn nobody_learns_why_a_refresh_token_is_not_good() {
    let app = TestApp::new().await;
    let (used, out) = (app.customer("jo@example.com").await, app.sign_in("jo@example.com", None).await);
    app.refresh(&used.refresh).await.expect_status(200);
    app.request(Method::DELETE, PATH).token(&out.access).send().await.expect_status(204);
    let made_up = format!("mr_{}", "x".repeat(43));
    let mut answers = Vec::new();
    for token in [&used.refresh, &out.refresh, &made_up, "", "x", &used.access] {
        let request = app.request(Method::POST, "/api/v1/sessions/refresh").header("x-request-id", "r-1");
        let answer = request.json(&json!({"refresh_token": token})).send().await;
        answers.push(answer.expect_problem(401, "invalid_refresh_token").kept());
    }
    assert!(answers.iter().all(|answer| *answer == answers[0]));
    let missing = app.request(Method::POST, "/api/v1/sessions/refresh").json(&json!({})).send().await;
    assert_eq!(missing.expect_problem(422, "invalid_body").violation().0, "/refresh_token");
}

#[tokio::test]
async fn who_signs_out_is_out_at_once() {
    let app = TestApp::new().await;
    let (phone, laptop) = (app.customer("jo@example.com").await, app.sign_in("jo@example.com", None).await);
    let out = app.request(Method::DELETE, PATH).token(&phone.access).send().await.expect_status(204);
    assert!(out.bytes.is_empty());
    app.get_as(&phone, ME).await.expect_problem(401, "unauthenticated");
    app.refresh(&phone.refresh).await.expect_problem(401, "invalid_refresh_token");
    let again = app.request(Method::DELETE, PATH).token(&phone.access).send().await;
    again.expect_problem(401, "unauthenticated");
    app.get_as(&laptop, ME).await.expect_status(200);
    app.request(Method::DELETE, PATH).send().await.expect_problem(401, "unauthenticated");
    app.request(Method::DELETE, PATH).key(&app.key).send().await.expect_problem(401, "unauthenticated");
}

#[tokio::test]
async fn who_signs_out_everywhere_is_out_everywhere() {
    let app = TestApp::new().await;
    let (phone, laptop) = (app.customer("jo@example.com").await, app.sign_in("jo@example.com", None).await);
    let ann = app.customer("ann@example.com").await;
    let path = format!("{PATH}?all=true");
    app.request(Method::DELETE, &path).token(&laptop.access).send().await.expect_status(204);
    for out in [&phone, &laptop] {
        app.get_as(out, ME).await.expect_problem(401, "unauthenticated");
        app.refresh(&out.refresh).await.expect_problem(401, "invalid_refresh_token");
    }
    app.get_as(&ann, ME).await.expect_status(200);
    let wrong = app.request(Method::DELETE, &format!("{PATH}?all=1")).token(&ann.access).send().await;
    wrong.expect_problem(400, "malformed_query");
    app.get_as(&ann, ME).await.expect_status(200);
}

#[tokio::test]
async fn passwords_and_tokens_are_not_kept_for_a_key() {
    let app = TestApp::new().await;
    app.register("jo@example.com").await.expect_status(202);
    let body = json!({"email": "jo@example.com", "password": PASSWORD});
    let send = async |path: &str, body: &Value| {
        let request = app.request(Method::POST, path).key(&app.key).header("idempotency-key", "k");
        request.json(body).send().await
    };
    let first = send(PATH, &body).await.expect_status(201).body;
    let second = send(PATH, &body).await.expect_status(201).body;
    assert_ne!(first["refresh_token"], second["refresh_token"]);
    // Nor is a key taken: with it another request would be refused.
    let wrong = json!({"email": "jo@example.com", "password": "wrong password"});
    send(PATH, &wrong).await.expect_problem(401, "invalid_credentials");
    let refresh = json!({"refresh_token": first["refresh_token"]});
    send("/api/v1/sessions/refresh", &refresh).await.expect_status(200);
    send("/api/v1/sessions/refresh", &refresh).await.expect_problem(401, "invalid_refresh_token");
    send("/api/v1/customers", &body).await.expect_status(202);
    send("/api/v1/customers", &wrong).await.expect_status(202);
}
