//! Limits as clients meet them.

mod connection;
mod shared;
mod whom;

use std::time::Duration;

use axum::http::Method;
use serde_json::{Value, json};

use crate::{
    config::LimitsConfig,
    testing::{Answer, TestApp, TestRequest},
};

/// One request a second, three at once, of every kind.
fn three_at_once() -> LimitsConfig {
    LimitsConfig {
        enabled: true,
        browse_per_minute: 60,
        browse_burst: 3,
        carts_per_minute: 60,
        carts_burst: 3,
        login_per_minute: 60,
        login_burst: 3,
        coupon_per_minute: 60,
        coupon_burst: 3,
        checkout_per_minute: 60,
        checkout_burst: 3,
        admin_per_minute: 60,
        admin_burst: 3,
        upload_per_minute: 60,
        upload_burst: 3,
    }
}

/// What an answer says of its limit: how many at once, how many are left, seconds until all are back.
fn shown(answer: &Answer) -> [&str; 3] {
    ["ratelimit-limit", "ratelimit-remaining", "ratelimit-reset"].map(|name| answer.header(name))
}

fn products(app: &TestApp) -> TestRequest<'_> {
    app.request(Method::GET, "/api/v1/products")
}

fn post<'a>(app: &'a TestApp, path: &str, body: &Value) -> TestRequest<'a> {
    app.request(Method::POST, path).json(body)
}

#[tokio::test]
async fn every_answer_shows_what_is_left_and_too_many_requests_are_a_problem() {
    let app = TestApp::builder().limits(three_at_once()).build().await;
    let answer = products(&app).send().await.expect_status(200);
    assert_eq!(shown(&answer), ["3", "2", "1"]);
    let answer = app.request(Method::HEAD, "/api/v1/products").send().await.expect_status(200);
    assert_eq!(shown(&answer), ["3", "1", "2"]);
    // What fails counts too.
    let answer = app.get("/api/v1/products/none").await.expect_problem(404, "not_found");
    assert_eq!(shown(&answer), ["3", "0", "3"]);
    for _ in 0..3 {
        let answer = products(&app).send().await.expect_problem(429, "rate_limited");
        assert_eq!(shown(&answer), ["3", "0", "3"]);
        assert_eq!(answer.header("retry-after"), "1");
        assert_eq!((&answer.body["limit_group"], &answer.body["retry_after"]), (&json!("browse"), &json!(1)));
        assert_eq!(answer.body["detail"], "too many requests of this kind; try again in 1 s");
        assert_eq!(answer.header("cache-control"), "no-store");
    }
    // Whole seconds, rounded up.
    app.clock.advance(Duration::from_millis(999));
    assert_eq!(products(&app).send().await.expect_status(429).header("retry-after"), "1");
    app.clock.advance(Duration::from_millis(1));
    products(&app).send().await.expect_status(200);
    products(&app).send().await.expect_status(429);
    app.clock.advance(Duration::from_secs(60));
    assert_eq!(shown(&products(&app).send().await), ["3", "2", "1"]);
}

#[tokio::test]
async fn kinds_are_counted_apart() {
    let app = TestApp::builder().limits(three_at_once()).build().await;
    for _ in 0..3 {
        products(&app).send().await.expect_status(200);
    }
    products(&app).send().await.expect_status(429);
    app.get("/api/v1/categories").await.expect_status(429);
    let answer = post(&app, "/api/v1/carts", &json!({})).send().await.expect_status(201);
    assert_eq!(shown(&answer), ["3", "2", "1"]);
}

#[tokio::test]
async fn operations_and_what_is_not_there_are_not_counted() {
    let app = TestApp::builder().limits(three_at_once()).build().await;
    for (path, status) in [("/actuator/health", 200), ("/actuator/prometheus", 200), ("/nothing", 404)] {
        for _ in 0..5 {
            assert_eq!(shown(&app.get(path).await.expect_status(status)), ["", "", ""]);
        }
    }
}

#[tokio::test]
async fn nothing_is_limited_where_limits_are_off() {
    let off = LimitsConfig { enabled: false, ..three_at_once() };
    let app = TestApp::builder().limits(off).build().await;
    for _ in 0..10 {
        assert_eq!(shown(&products(&app).send().await.expect_status(200)), ["", "", ""]);
        app.try_to_sign_in("jo@example.com", None).await.expect_problem(401, "invalid_credentials");
    }
}

#[tokio::test]
async fn what_was_refused_is_done_when_it_is_asked_for_again() {
    let app = TestApp::builder().limits(three_at_once()).build().await;
    let body = json!({"handle": "hats", "name": "Hats"});
    let create = || {
        let request = post(&app, "/api/v1/admin/categories", &body).key(&app.key);
        request.header("idempotency-key", "one").send()
    };
    for _ in 0..4 {
        app.admin_get("/api/v1/admin/categories").await;
    }
    create().await.expect_problem(429, "rate_limited");
    app.clock.advance(Duration::from_secs(2));
    let made = create().await.expect_status(201);
    // The answer that is kept is sent with what is left by then.
    let again = create().await.expect_status(201);
    assert_eq!(again.body, made.body);
    assert_eq!([shown(&made)[1], shown(&again)[1]], ["1", "0"]);
}

#[tokio::test]
async fn refusals_are_counted_for_operators() {
    let app = TestApp::builder().limits(three_at_once()).build().await;
    for _ in 0..5 {
        products(&app).send().await;
    }
    let text = app.get("/actuator/prometheus").await.expect_status(200).body;
    let line = "http_requests_limited_total{by=\"address\",group=\"browse\"} 2\n";
    assert!(text.as_str().unwrap().contains(line), "{text}");
}

#[tokio::test]
async fn what_is_full_again_is_forgotten_in_time() {
    let app = TestApp::builder().limits(three_at_once()).build().await;
    products(&app).send().await.expect_status(200);
    let limits = app.state.frame.rules.limits.clone();
    let remembered = || limits.groups.as_ref().unwrap()[0].local.remembered();
    assert_eq!(remembered(), 1);
    app.clock.advance(Duration::from_secs(10));
    // From here on time passes only while everything waits for it.
    tokio::time::pause();
    let long = super::FORGOTTEN_EVERY * 2;
    assert!(tokio::time::timeout(long, limits.run()).await.is_err());
    assert_eq!(remembered(), 0);
}

#[test]
fn the_description_says_where_requests_are_limited() {
    let description = serde_json::to_value(crate::router::openapi()).unwrap();
    let answer = |path: &str, method: &str| description["paths"][path][method]["responses"]["429"].clone();
    for (path, method) in
        [("/api/v1/products", "get"), ("/api/v1/sessions", "post"), ("/api/v1/sessions", "delete")]
    {
        let answer = answer(path, method);
        let problem = &answer["content"]["application/problem+json"]["schema"]["$ref"];
        assert_eq!(problem, "#/components/schemas/Problem", "{method} {path}");
        for header in ["Retry-After", "RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset"] {
            assert_eq!(answer["headers"][header]["schema"]["type"], "integer", "{method} {path}");
        }
    }
    assert_eq!(answer("/actuator/health", "get"), Value::Null);
}
