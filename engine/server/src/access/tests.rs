//! The guard around the merchants' side.

mod guarded;
mod operations;

use axum::http::Method;
use martlet_domain::access::{Area, Role, Scope};
use martlet_store::{AuditEntry, AuditQuery};
use serde_json::json;

use crate::testing::TestApp;

const CATEGORIES: &str = "/api/v1/admin/categories";

/// What the log of the store `default` says, newest first, without the keys that were made.
async fn log(app: &TestApp) -> Vec<AuditEntry> {
    let page = app.state.db.list_audit(app.store.id, &AuditQuery::default(), 100).await.unwrap();
    page.entries.into_iter().filter(|entry| entry.action != "admin_create_api_key").collect()
}

/// An order's path on the shoppers' side, that of its cart, and its shop.
async fn ordered() -> (TestApp, String, String) {
    let app = TestApp::new().await;
    let product = app.product("mug").await;
    app.variant(&product, "MUG", "S", 10).await;
    let jo = app.customer("jo@example.com").await;
    let cart = app.post_as(&jo, "/api/v1/carts", &json!({})).await.expect_status(201);
    let path = cart.header("location").to_owned();
    app.post_as(&jo, &format!("{path}/lines"), &json!({"sku": "MUG", "quantity": 1}))
        .await
        .expect_status(200);
    let id = cart.body["id"].as_str().unwrap();
    let total = app.request(Method::GET, &format!("{path}/quote")).token(&jo.access).send().await;
    let total = total.expect_status(200).body["totals"]["total"]["amount"].as_i64().unwrap();
    let order = app.checkout(id, "k", total, "tok_approve").token(&jo.access).send().await.expect_status(201);
    (app, format!("/api/v1/orders/{}", order.body["id"].as_str().unwrap()), path)
}

#[tokio::test]
async fn on_the_shoppers_side_a_key_acts_for_others_only_where_it_has_to_do_with_orders() {
    let (app, order, cart) = ordered().await;
    let reader = app.key_with(Role::Staff, &[Scope::read(Area::Orders)]).await;
    let writer = app.key_with(Role::Staff, &[Scope::write(Area::Orders)]).await;
    let developer = app.key_with(Role::Developer, &[]).await;
    for path in [&order, &cart] {
        let get = async |key: &str| app.request(Method::GET, path).key(key).send().await;
        for key in [&reader, &app.key] {
            get(key).await.expect_status(200);
        }
        for key in [&writer, &developer] {
            get(key).await.expect_problem(404, "not_found");
        }
    }
    let path = format!("{cart}/lines");
    let body = json!({"sku": "MUG", "quantity": 1});
    let add = async |key: &str| app.request(Method::POST, &path).key(key).json(&body).send().await;
    for key in [&reader, &developer] {
        add(key).await.expect_problem(404, "not_found");
    }
    // It is an order, which only those hear for whom it is there.
    add(&writer).await.expect_problem(409, "cart_ordered");
}
