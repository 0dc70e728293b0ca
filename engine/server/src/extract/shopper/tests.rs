//! Whom an access token makes known, and which tokens do not.

use std::time::Duration;

use axum::http::Method;
use serde_json::json;

use crate::testing::{Answer, TestApp};

const ME: &str = "/api/v1/me";

async fn with(app: &TestApp, path: &str, authorization: &str) -> Answer {
    app.request(Method::GET, path).header("authorization", authorization).send().await
}

#[tokio::test]
async fn an_access_token_says_who_asks() {
    let app = TestApp::new().await;
    let jo = app.customer("jo@example.com").await;
    let me = app.get_as(&jo, ME).await.expect_status(200);
    assert_eq!(me.body["id"], jo.id);
    assert_eq!(me.header("cache-control"), "no-store");
    with(&app, ME, &format!("bearer  {}", jo.access)).await.expect_status(200);
}

#[tokio::test]
async fn whoever_has_none_is_asked_for_one() {
    let app = TestApp::new().await;
    let none = app.get(ME).await.expect_problem(401, "unauthenticated");
    assert_eq!(none.header("www-authenticate"), "Bearer realm=\"martlet\"");
    assert!(none.body["detail"].as_str().unwrap().contains("access token"));
    // An API key is a merchant's, and nobody's access token.
    for other in [format!("Bearer {}", app.key), "Basic am86eA==".to_owned(), "\u{e9}".to_owned()] {
        with(&app, ME, &other).await.expect_problem(401, "unauthenticated");
    }
}

#[tokio::test]
async fn a_token_that_is_not_good_is_refused_where_none_is_needed_too() {
    let app = TestApp::new().await;
    let jo = app.customer("jo@example.com").await;
    let cart = app.cart(&[]).await;
    let path = format!("/api/v1/carts/{cart}");
    with(&app, &path, &format!("Bearer {}", jo.access)).await.expect_status(200);
    let (signed, signature) = jo.access.rsplit_once('.').unwrap();
    let tampered = format!("{signed}.{}", signature.chars().rev().collect::<String>());
    let none = "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0";
    let unsigned = format!("{none}.{}.", signed.split_once('.').unwrap().1);
    for wrong in ["", "x", &tampered, &unsigned, signed, &jo.refresh, &format!("{}x", jo.access)] {
        for path in [ME, &path, "/api/v1/orders/00000000-0000-7000-8000-000000000000"] {
            let refused = with(&app, path, &format!("Bearer {wrong}")).await;
            refused.expect_problem(401, "unauthenticated");
        }
    }
    with(&app, &path, "Bearer").await.expect_problem(401, "unauthenticated");
    // What a proxy in front asks for is nobody's token.
    with(&app, &path, "Basic am86eA==").await.expect_status(200);
    let both = app.request(Method::GET, &path).token(&jo.access).token(&jo.access).send().await;
    both.expect_problem(401, "unauthenticated");
}

#[tokio::test]
async fn a_token_is_good_for_ten_minutes() {
    let app = TestApp::new().await;
    let jo = app.customer("jo@example.com").await;
    app.clock.advance(Duration::from_millis(599_999));
    app.get_as(&jo, ME).await.expect_status(200);
    app.clock.advance(Duration::from_millis(1));
    app.get_as(&jo, ME).await.expect_problem(401, "unauthenticated");
    let again = app.refresh(&jo.refresh).await.expect_status(200);
    let token = again.body["access_token"].as_str().unwrap();
    app.request(Method::GET, ME).token(token).send().await.expect_status(200);
}

#[tokio::test]
async fn a_token_of_another_store_is_none() {
    let app = TestApp::new().await;
    app.add_store("other", &["other.example"]).await;
    let jo = app.customer("jo@example.com").await;
    for (header, value) in [("martlet-store", "other"), ("host", "other.example")] {
        for path in [ME, "/api/v1/carts/00000000-0000-4000-8000-000000000000"] {
            let request = app.request(Method::GET, path).token(&jo.access).header(header, value);
            request.send().await.expect_problem(401, "unauthenticated");
        }
    }
}

#[tokio::test]
async fn keys_are_changed_without_signing_anybody_out() {
    let keys = [format!("one:{}", "A".repeat(44)), format!("two:{}", "B".repeat(44))];
    let app = TestApp::builder().signing_keys(&[&keys[0]]).build().await;
    let jo = app.customer("jo@example.com").await;
    let identify = async |keys: &[&str]| {
        let auth = crate::auth::Auth::new(
            app.state.db.clone(),
            crate::redis::Redis::off(),
            app.state.world.clock.clone(),
            app.state.world.ids.clone(),
            keys.iter().map(|key| key.parse().unwrap()).collect(),
            crate::config::AuthConfig::default().rules(),
            crate::auth::PasswordCost { memory_kib: 8, passes: 1 },
        );
        auth.unwrap()
            .identify(app.store.id, &jo.access)
            .await
            .unwrap()
            .map(|claims| claims.customer.to_string())
    };
    assert_eq!(identify(&[&keys[1], &keys[0]]).await, Some(jo.id.clone()));
    assert_eq!(identify(&[&keys[0], &keys[1]]).await, Some(jo.id.clone()));
    assert_eq!(identify(&[&keys[1]]).await, None);
    // Without keys each process makes one up.
    assert_eq!(identify(&[]).await, None);
}

#[tokio::test]
async fn nothing_that_gives_access_is_logged() {
    let app = TestApp::new().await;
    let password = "xyzzy plugh plover";
    let body = json!({"email": "jo@example.com", "password": password});
    app.request(Method::POST, "/api/v1/customers").json(&body).send().await.expect_status(202);
    let signed_in = app.request(Method::POST, "/api/v1/sessions").json(&body).send().await;
    let signed_in = crate::testing::SignedIn::from(signed_in.expect_status(201));
    app.get_as(&signed_in, ME).await.expect_status(200);
    let next = app.refresh(&signed_in.refresh).await.expect_status(200);
    app.refresh(&signed_in.refresh).await.expect_problem(401, "invalid_refresh_token");
    let log = crate::testing::logged();
    assert!(log.contains("came a second time") && log.contains(&signed_in.id));
    for secret in
        [password, &signed_in.access, &signed_in.refresh, next.body["refresh_token"].as_str().unwrap()]
    {
        assert!(!log.contains(secret), "{secret}");
    }
    assert!(!log.contains("jo@example.com"));
}
