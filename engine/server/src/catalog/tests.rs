use std::sync::Arc;

use axum::http::Method;
use martlet_domain::{Id, catalog::Product};
use prometheus::TextEncoder;
use serde_json::{Value, json};

use super::*;

use crate::{
    state::{AppState, World},
    testing::{NOW, TestApp, TestRedis},
};

async fn beside(server: &TestRedis) -> TestApp {
    TestApp::builder().redis(server.connect()).build().await
}

/// Another instance on the same database and Redis.
fn another(app: &TestApp, redis: Redis) -> Arc<Catalog> {
    let AppState { db, world: World { clock, ids }, .. } = &app.state;
    Arc::new(Catalog::new(db.clone(), redis, clock.clone(), ids.clone()).unwrap())
}

fn id(product: &Value) -> Id<Product> {
    product["id"].as_str().unwrap().parse().unwrap()
}

/// What was read of a kind from somewhere.
fn reads(catalog: &Catalog, what: &str, from: &str) -> u64 {
    catalog.reads.with_label_values(&[what, from]).get()
}

async fn retitle(app: &TestApp, product: &Value, title: &str) {
    let path = format!("/api/v1/admin/products/{}", product["id"].as_str().unwrap());
    let version = app.admin_get(&path).await.body["version"].as_i64().unwrap();
    let body = json!({"handle": product["handle"], "title": title, "published": true,
        "options": product["options"]});
    app.admin_put(&path, version, body).await.expect_status(200);
}

fn title(page: &ProductPage) -> String {
    let body: Value = serde_json::from_slice(page.body.bytes()).unwrap();
    body["title"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn many_who_miss_the_same_page_wait_for_one_read() {
    let app = TestApp::new().await;
    let product = app.product("mug").await;
    let before = reads(&app.state.copies.catalog, "product", "database");
    let asked = (0..500).map(|number| {
        let (catalog, store) = (app.state.copies.catalog.clone(), app.store.id);
        let (id, handle) = (id(&product), "mug".parse().unwrap());
        tokio::spawn(async move {
            match number % 2 {
                0 => catalog.product(store, id).await,
                _ => catalog.product_by_handle(store, &handle).await,
            }
        })
    });
    for answered in asked.collect::<Vec<_>>() {
        assert_eq!(title(&answered.await.unwrap().unwrap()), "The mug");
    }
    assert_eq!(reads(&app.state.copies.catalog, "product", "database"), before + 1);
    assert_eq!(reads(&app.state.copies.catalog, "handle", "database"), 1);
}

#[tokio::test]
async fn whoever_changes_a_product_sees_it_changed_in_pages_and_lists() {
    let app = TestApp::new().await;
    let product = app.product("mug").await;
    for expected in ["The mug", "Another", "A third"] {
        if expected != "The mug" {
            retitle(&app, &product, expected).await;
        }
        let page = app.get("/api/v1/products/mug").await.expect_status(200);
        assert_eq!(page.body["title"], expected);
        let list = app.get("/api/v1/products").await.expect_status(200);
        assert_eq!(list.body["items"][0]["title"], expected);
    }
}

#[tokio::test]
async fn a_handle_follows_its_product_and_is_free_for_another() {
    let app = TestApp::new().await;
    let product = app.product("mug").await;
    app.get("/api/v1/products/mug").await.expect_status(200);
    let path = format!("/api/v1/admin/products/{}", product["id"].as_str().unwrap());
    let renamed = json!({"handle": "cup", "title": "Cup", "published": true, "options": product["options"]});
    app.admin_put(&path, 1, renamed).await.expect_status(200);
    app.get("/api/v1/products/mug").await.expect_problem(404, "not_found");
    assert_eq!(app.get("/api/v1/products/cup").await.expect_status(200).body["title"], "Cup");
    let other = app.product("mug").await;
    assert_eq!(app.get("/api/v1/products/mug").await.expect_status(200).body["id"], other["id"]);
    app.request(Method::DELETE, &path).key(&app.key).header("if-match", "*").send().await;
    app.get("/api/v1/products/cup").await.expect_problem(404, "not_found");
}

#[tokio::test]
async fn another_instance_finds_in_redis_what_the_first_has_read() {
    let Some(server) = TestRedis::start().await else { return };
    let app = beside(&server).await;
    let product = app.product("mug").await;
    // Tombstones of its making stand for a while.
    server.command(&["FLUSHALL"]).await;
    let first = app.state.copies.catalog.product(app.store.id, id(&product)).await.unwrap();
    let other = another(&app, server.connect());
    let page = other.product(app.store.id, id(&product)).await.unwrap();
    assert_eq!(page.body.bytes(), first.body.bytes());
    assert_eq!((reads(&other, "product", "redis"), reads(&other, "product", "database")), (1, 0));
}

#[tokio::test]
async fn what_redis_kept_from_before_a_change_is_read_by_nobody() {
    let Some(server) = TestRedis::start().await else { return };
    let app = beside(&server).await;
    let product = app.product("mug").await;
    server.command(&["FLUSHALL"]).await;
    let (store, id) = (app.store.id, id(&product));
    let other = another(&app, server.connect());
    for page in [&app.state.copies.catalog, &other] {
        assert_eq!(title(&page.product(store, id).await.unwrap()), "The mug");
    }
    retitle(&app, &product, "Another").await;
    // The other instance hasn't heard yet; once it has, it doesn't find the old page in Redis.
    assert_eq!(title(&other.product(store, id).await.unwrap()), "The mug");
    other.forget_products([(store, id)].into()).await;
    assert_eq!(title(&other.product(store, id).await.unwrap()), "Another");
    assert_eq!(title(&another(&app, server.connect()).product(store, id).await.unwrap()), "Another");
}

#[tokio::test]
async fn a_redis_that_couldnt_be_told_of_a_change_is_not_believed_until_it_was() {
    let Some(server) = TestRedis::start().await else { return };
    let app = beside(&server).await;
    let product = app.product("mug").await;
    server.command(&["FLUSHALL"]).await;
    let (store, id) = (app.store.id, id(&product));
    assert_eq!(title(&app.state.copies.catalog.product(store, id).await.unwrap()), "The mug");
    server.freeze();
    retitle(&app, &product, "Another").await;
    server.thaw();
    // It still has the old page, and nobody looks at it.
    assert!(app.state.copies.catalog.is_untold((store, id)));
    assert_eq!(title(&app.state.copies.catalog.product(store, id).await.unwrap()), "Another");
    while app.state.copies.catalog.is_untold((store, id)) {
        app.state.copies.catalog.bury_again().await;
        tokio::task::yield_now().await;
    }
    let page = another(&app, server.connect()).product(store, id).await.unwrap();
    assert_eq!(title(&page), "Another");
}

#[tokio::test]
async fn a_page_is_read_again_before_its_time_is_over() {
    let app = TestApp::new().await;
    let product = app.product("mug").await;
    let (store, id) = (app.store.id, id(&product));
    let first = app.state.copies.catalog.product(store, id).await.unwrap();
    let due = first.refresh_at.as_millis() - NOW.as_millis();
    assert!((43_200..=52_800).contains(&due), "{due}");
    let before = reads(&app.state.copies.catalog, "product", "database");
    app.clock.advance(Duration::from_millis(u64::try_from(due).unwrap()));
    // Who finds it due gets the one that is there, and one of them has it read.
    for _ in 0..3 {
        assert_eq!(
            app.state.copies.catalog.product(store, id).await.unwrap().body.bytes(),
            first.body.bytes()
        );
    }
    loop {
        let page = app.state.copies.catalog.product(store, id).await.unwrap();
        if page.refresh_at > first.refresh_at {
            break;
        }
        tokio::task::yield_now().await;
    }
    assert_eq!(reads(&app.state.copies.catalog, "product", "database"), before + 1);
}

#[tokio::test]
async fn what_is_popular_is_counted_by_one_instance_for_all() {
    let Some(server) = TestRedis::start().await else { return };
    let app = beside(&server).await;
    app.product("mug").await;
    let other = another(&app, server.connect());
    let usd = "USD".parse().unwrap();
    let lists = [&app.state.copies.catalog, &other].map(|catalog| catalog.popular(app.store.id, usd, 20));
    for list in lists {
        let body: Value = serde_json::from_slice(list.await.unwrap().bytes()).unwrap();
        assert_eq!(body["items"], json!([]));
    }
    let counted =
        reads(&app.state.copies.catalog, "ranking", "database") + reads(&other, "ranking", "database");
    assert_eq!(counted, 1);
}

#[tokio::test]
async fn its_reads_are_shown() {
    let app = TestApp::new().await;
    app.product("mug").await;
    app.get("/api/v1/products/mug").await.expect_status(200);
    let text =
        TextEncoder::new().encode_to_string(&app.state.frame.operations.metrics.registry().gather()).unwrap();
    assert!(text.contains("catalog_reads_total{from=\"database\",what=\"product\"} 1"), "{text}");
}
