//! What the guard writes down, and what it doesn't let through.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use axum::{
    Router,
    http::Method,
    middleware,
    response::{IntoResponse as _, Response},
    routing::post,
};
use martlet_domain::access::{Area, Role, Scope};
use martlet_store::{Actor, Db};
use serde_json::json;
use tokio::sync::Notify;

use super::{CATEGORIES, log};
use crate::{
    access::guard,
    error::Error,
    router::surround,
    state::AppState,
    testing::{Answer, TestApp},
};

/// What a handler answers in the end.
type Answering = Pin<Box<dyn Future<Output = Response> + Send>>;

/// A request to make a category.
async fn make(app: &TestApp, key: &str, handle: &str) -> Answer {
    let request = app.request(Method::POST, CATEGORIES).key(key);
    request.json(&json!({"handle": handle, "name": "x"})).send().await
}

/// An app whose one route, in the place of the one that makes categories, is a handler of ours.
async fn with_handler(handler: impl Fn() -> Answering + Clone + Send + Sync + 'static) -> TestApp {
    let router = |state: AppState| {
        let guard = middleware::from_fn_with_state(state.clone(), guard);
        surround(Router::new().route(CATEGORIES, post(handler)).route_layer(guard), state)
    };
    TestApp::builder().router(router).build().await
}

#[tokio::test]
async fn changes_are_written_down_whatever_comes_of_them_and_looking_is_not() {
    let app = TestApp::new().await;
    make(&app, &app.key, "hats").await.expect_status(201);
    make(&app, &app.key, "hats").await.expect_problem(409, "handle_taken");
    app.admin_get(CATEGORIES).await.expect_status(200);
    let path = "/api/v1/admin/products/00000000-0000-0000-0000-000000000000";
    let request = app.request(Method::DELETE, path).key(&app.key).header("if-match", "\"1\"");
    request.send().await.expect_problem(404, "not_found");
    let entries = log(&app).await;
    let seen: Vec<_> = entries.iter().map(|entry| (entry.action.as_str(), entry.outcome.unwrap())).collect();
    let make = "admin_create_category";
    assert_eq!(seen, [("admin_delete_product", 404), (make, 409), (make, 201)]);
    assert_eq!((entries[0].target.as_str(), &entries[0].detail), (path, &None));
}

#[tokio::test]
async fn what_a_known_key_may_not_is_written_down_and_what_strangers_try_is_not() {
    let app = TestApp::new().await;
    let reader = app.key_with(Role::Staff, &[Scope::read(Area::Catalog)]).await;
    let refused = make(&app, &reader, "hats").await.expect_problem(403, "forbidden");
    assert_eq!(refused.body["required_scope"], "catalog:write");
    make(&app, &format!("mk_{}", "x".repeat(43)), "hats").await.expect_problem(401, "unauthenticated");
    app.request(Method::GET, "/api/v1/admin/orders").key(&reader).send().await.expect_status(403);
    let [entry] = &log(&app).await[..] else { panic!("one entry") };
    assert_eq!((entry.outcome, &entry.detail), (Some(403), &Some(json!({"handle": "hats", "name": "x"}))));
    assert!(matches!(&entry.actor, Actor::Key { name, role: Role::Staff, .. } if name == "staff"));
    let categories = app.admin_get(CATEGORIES).await.expect_status(200).body;
    assert_eq!(categories["items"], json!([]));
}

#[tokio::test]
async fn no_change_is_made_that_is_not_written_down() {
    let app = TestApp::new().await;
    let Db::Sqlite { write, .. } = &app.state.db else { panic!("tests run on SQLite") };
    write.close().await;
    let answer = make(&app, &app.key, "hats").await.expect_problem(503, "audit_unavailable");
    assert_eq!(answer.header("retry-after"), "1");
    assert!(answer.body["detail"].as_str().unwrap().contains("so it wasn't made"));
    app.admin_get(CATEGORIES).await.expect_status(200);

    let calls = Arc::new(AtomicU32::new(0));
    let counted = calls.clone();
    let app = with_handler(move || {
        counted.fetch_add(1, Ordering::SeqCst);
        Box::pin(async { "done".into_response() })
    })
    .await;
    make(&app, &app.key, "hats").await.expect_status(200);
    let Db::Sqlite { write, .. } = &app.state.db else { panic!("tests run on SQLite") };
    write.close().await;
    make(&app, &app.key, "hats").await.expect_status(503);
    assert_eq!(calls.load(Ordering::SeqCst), 1, "the handler wasn't reached");
}

#[tokio::test]
async fn an_entry_is_there_before_the_change_and_gets_its_outcome_afterwards() {
    let (begun, go) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (begins, goes) = (begun.clone(), go.clone());
    let app = with_handler(move || {
        let (begins, goes) = (begins.clone(), goes.clone());
        Box::pin(async move {
            begins.notify_one();
            goes.notified().await;
            "done".into_response()
        })
    })
    .await;
    {
        let sent = make(&app, &app.key, "hats");
        // Whoever asked goes away while the handler works.
        tokio::select! {
            answer = sent => panic!("{answer:?}"),
            () = begun.notified() => {}
        }
    }
    let [entry] = &log(&app).await[..] else { panic!("one entry") };
    assert_eq!(entry.outcome, None, "it is under way");
    go.notify_one();
    let known = async {
        while log(&app).await[0].outcome.is_none() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), known).await.expect("an outcome");
    assert_eq!(log(&app).await[0].outcome, Some(200));
}

#[tokio::test]
async fn failures_and_panics_are_outcomes_too() {
    let calls = Arc::new(AtomicU32::new(0));
    let app = with_handler(move || {
        let call = calls.fetch_add(1, Ordering::SeqCst);
        Box::pin(async move {
            assert!(call > 0, "the secret word is xyzzy");
            Error::Busy.into_response()
        })
    })
    .await;
    make(&app, &app.key, "hats").await.expect_problem(500, "internal");
    make(&app, &app.key, "hats").await.expect_problem(503, "busy");
    let outcomes: Vec<_> = log(&app).await.iter().map(|entry| entry.outcome).collect();
    assert_eq!(outcomes, [Some(503), Some(500)]);
}

#[tokio::test]
async fn an_operation_that_names_no_scope_is_refused_to_everybody() {
    let router = |state: AppState| {
        let routes = Router::new().route("/api/v1/admin/forgotten", post(async || "done"));
        let guard = middleware::from_fn_with_state(state.clone(), guard);
        surround(routes.route_layer(guard), state)
    };
    let app = TestApp::builder().router(router).build().await;
    let request = app.request(Method::POST, "/api/v1/admin/forgotten").key(&app.key);
    request.send().await.expect_problem(500, "internal");
    assert_eq!(log(&app).await, []);
}

#[tokio::test]
async fn a_request_that_is_sent_again_is_answered_alike_and_written_down_again() {
    let app = TestApp::new().await;
    let key = app.key_with(Role::Owner, &[Scope::write(Area::Catalog)]).await;
    let send = async |key: &str| {
        let request = app.request(Method::POST, CATEGORIES).key(key).header("idempotency-key", "k");
        request.json(&json!({"handle": "hats", "name": "x"})).send().await
    };
    let (first, again) = (send(&key).await.expect_status(201), send(&key).await.expect_status(201));
    assert_eq!(first.bytes, again.bytes);
    // Another key is another one's, and what it may not is no answer that could be kept.
    let reader = app.key_with(Role::Staff, &[Scope::read(Area::Catalog)]).await;
    send(&reader).await.expect_problem(403, "forbidden");
    let outcomes: Vec<_> = log(&app).await.iter().map(|entry| entry.outcome).collect();
    assert_eq!(outcomes, [Some(403), Some(201), Some(201)]);
}

#[tokio::test]
async fn steps_of_orders_are_written_down_without_what_nobody_said() {
    let app = TestApp::new().await;
    let path = "/api/v1/admin/orders/00000000-0000-0000-0000-000000000000/cancel";
    app.admin_post(path, json!({"reason": "why not"})).await.expect_problem(404, "not_found");
    let [entry] = &log(&app).await[..] else { panic!("one entry") };
    assert_eq!((entry.action.as_str(), entry.target.as_str()), ("admin_cancel_order", path));
    assert_eq!((entry.outcome, &entry.detail), (Some(404), &Some(json!({"reason": "why not"}))));
}

#[tokio::test]
async fn secrets_are_in_no_entry() {
    let app = TestApp::new().await;
    let body = json!({"name": "till", "role": "staff"});
    let made = app.admin_post("/api/v1/admin/api-keys", body.clone()).await.expect_status(201).body;
    let audit = app.admin_get("/api/v1/admin/audit").await.expect_status(200);
    assert_eq!(audit.body["items"][0]["detail"], body);
    let text = String::from_utf8_lossy(&audit.bytes);
    let secret = made["secret"].as_str().unwrap();
    assert!(!text.contains(&secret[3..]) && !text.contains(&app.key[3..]));
}
