//! The routes that there are.

use std::{collections::BTreeSet, time::Duration};

use axum::http::Method;
use serde_json::{Value, json};

use super::{
    post,
    shop::{CATEGORIES, Shop},
};
use crate::{
    idempotency::{KEPT, layer::OF_A_CART},
    openapi::KEEPING_NOTHING,
    router,
};

fn mugs(quantity: i64) -> Value {
    json!({"sku": "mug-s", "quantity": quantity})
}

#[tokio::test]
async fn the_same_request_is_done_once_and_answered_alike() {
    let shop = Shop::open().await;
    let cart = shop.cart().await;
    let first = shop.add(&cart, "k-1", &mugs(2)).await;
    assert!(first.status.is_success() && first.headers.contains_key("etag"), "{first:?}");
    for key in ["k-1", "\"k-1\""] {
        let again = shop.add(&cart, key, &mugs(2)).await;
        assert_ne!(again.headers["x-request-id"], first.headers["x-request-id"]);
        assert_eq!(again.without_id(), first.clone().without_id());
    }
    assert_eq!(shop.quantities(&cart).await, [2]);
    shop.add(&cart, "k-2", &mugs(2)).await;
    assert_eq!(shop.quantities(&cart).await, [4]);
}

#[tokio::test]
async fn merchants_make_one_thing_with_one_key() {
    let shop = Shop::open().await;
    let first = shop.category("k", "hats").await.expect(201);
    let again = shop.category("k", "hats").await;
    assert_eq!(again.without_id(), first.clone().without_id());
    assert_eq!(first.json()["handle"], "hats");
    // Without a key the second would be refused.
    shop.category("other", "hats").await.expect_problem(409, "handle_taken");
}

#[tokio::test]
async fn another_request_with_the_key_is_refused() {
    let shop = Shop::open().await;
    let cart = shop.cart().await;
    shop.add(&cart, "k", &mugs(1)).await;
    shop.add(&cart, "k", &mugs(2)).await.expect_problem(422, "idempotency_key_reused");
    let with_version = [("idempotency-key", "k"), ("if-match", "\"1\"")];
    let answer = post(&shop.router, &format!("{cart}/lines"), &with_version, &mugs(1).to_string()).await;
    answer.expect_problem(422, "idempotency_key_reused");
    let queried = format!("{cart}/lines?x=1");
    let answer = post(&shop.router, &queried, &[("idempotency-key", "k")], &mugs(1).to_string()).await;
    answer.expect_problem(422, "idempotency_key_reused");
    assert_eq!(shop.quantities(&cart).await, [1]);
    // The same body for another product isn't the same request.
    let other = shop.app.product("cup").await;
    let variants =
        |product: &Value| format!("/api/v1/admin/products/{}/variants", product["id"].as_str().unwrap());
    let body = json!({"sku": "l", "options": [{"name": "size", "value": "M"}]});
    shop.make(&variants(&shop.product), "v", &body).await.expect(201);
    shop.make(&variants(&other), "v", &body).await.expect_problem(422, "idempotency_key_reused");
}

#[tokio::test]
async fn of_parallel_requests_one_is_done() {
    let shop = Shop::open().await;
    let cart = shop.cart().await;
    let tasks: Vec<_> = (0..8)
        .map(|_| {
            let (router, path) = (shop.router.clone(), format!("{cart}/lines"));
            tokio::spawn(async move {
                post(&router, &path, &[("idempotency-key", "k")], &mugs(1).to_string()).await
            })
        })
        .collect();
    let mut bodies = BTreeSet::new();
    for task in tasks {
        let answer = task.await.unwrap();
        if answer.status.is_success() {
            bodies.insert(answer.body.to_vec());
        } else {
            let busy = answer.expect_problem(409, "in_flight");
            assert_eq!(busy.headers["retry-after"], "1");
        }
    }
    assert_eq!(bodies.len(), 1);
    assert_eq!(shop.quantities(&cart).await, [1]);
}

#[tokio::test]
async fn a_refusal_is_kept_but_a_conflict_is_not() {
    let shop = Shop::open().await;
    let cart = shop.cart().await;
    let unknown = json!({"sku": "cup-s", "quantity": 1});
    let first = shop.add(&cart, "unknown", &unknown).await.expect_problem(422, "unknown_sku");
    let short = shop.add(&cart, "short", &mugs(9)).await.expect_problem(409, "insufficient_stock");
    assert_ne!(short.json()["instance"], first.json()["instance"]);

    let cup = shop.app.product("cup").await;
    shop.app.variant(&cup, "cup-s", "S", 5).await;
    let again = shop.add(&cart, "unknown", &unknown).await;
    assert_eq!(again.without_id(), first.without_id(), "the first request's instance included");

    let variant = shop.variant["id"].as_str().unwrap();
    let adjust = format!("/api/v1/admin/variants/{variant}/stock/adjustments");
    let adjusted = shop.make(&adjust, "more", &json!({"delta": 10, "reason": "found"})).await;
    adjusted.expect(200);
    let added = shop.add(&cart, "short", &mugs(9)).await;
    assert!(added.status.is_success(), "{added:?}");
    assert_eq!(shop.quantities(&cart).await, [9]);
}

#[tokio::test]
async fn nobody_meets_the_keys_of_another() {
    let shop = Shop::open().await;
    let (one, two) = (shop.cart().await, shop.cart().await);
    let first = shop.add(&one, "k", &mugs(1)).await;
    let second = shop.add(&two, "k", &mugs(1)).await;
    assert!(first.status.is_success() && second.status.is_success());
    assert_ne!(first.json()["id"], second.json()["id"]);

    shop.category("k", "hats").await.expect(201);
    let (_, foreign) = shop.app.add_store("other", &[]).await;
    let bearer = format!("Bearer {foreign}");
    let headers = [("idempotency-key", "k"), ("authorization", &bearer), ("martlet-store", "other")];
    let body = json!({"handle": "socks", "name": "x"}).to_string();
    post(&shop.router, CATEGORIES, &headers, &body).await.expect(201);
    // Nor does whoever has no key, or a wrong one, get an answer that was kept.
    let body = json!({"handle": "hats", "name": "x"}).to_string();
    let wrong = format!("Bearer mk_{}", "x".repeat(43));
    for headers in [&[("idempotency-key", "k")][..], &[("idempotency-key", "k"), ("authorization", &wrong)]] {
        post(&shop.router, CATEGORIES, headers, &body).await.expect_problem(401, "unauthenticated");
    }
}

#[tokio::test]
async fn customers_have_keys_of_their_own() {
    let shop = Shop::open().await;
    let (jo, ann) = (shop.app.customer("jo@example.com").await, shop.app.customer("ann@example.com").await);
    let make = async |token: &str| {
        let bearer = format!("Bearer {token}");
        let headers = [("idempotency-key", "k"), ("authorization", bearer.as_str())];
        post(&shop.router, "/api/v1/carts", &headers, "{}").await
    };
    let first = make(&jo.access).await.expect(201);
    assert_eq!(make(&jo.access).await.without_id(), first.clone().without_id());
    // A key is the customer's, not the token's.
    let again = shop.app.sign_in("jo@example.com", None).await;
    assert_eq!(make(&again.access).await.without_id(), first.clone().without_id());
    assert_ne!(make(&ann.access).await.expect(201).json()["id"], first.json()["id"]);
    assert_ne!(make(&shop.app.key).await.expect(201).json()["id"], first.json()["id"]);
    make("x").await.expect_problem(401, "unauthenticated");
}

#[tokio::test]
async fn what_was_answered_to_a_carts_customer_is_not_answered_to_others() {
    let shop = Shop::open().await;
    let (jo, ann) = (shop.app.customer("jo@example.com").await, shop.app.customer("ann@example.com").await);
    let cart = shop.app.post_as(&jo, "/api/v1/carts", &json!({})).await.expect_status(201);
    let path = format!("{}/lines", cart.header("location"));
    let add = async |token: Option<&str>| {
        let bearer = token.map(|token| format!("Bearer {token}"));
        let mut headers = vec![("idempotency-key", "k")];
        headers.extend(bearer.as_deref().map(|bearer| ("authorization", bearer)));
        post(&shop.router, &path, &headers, &mugs(1).to_string()).await
    };
    let first = add(Some(&jo.access)).await.expect(200);
    assert_eq!(add(Some(&jo.access)).await.without_id(), first.without_id());
    for other in [None, Some(ann.access.as_str())] {
        add(other).await.expect_problem(404, "not_found");
    }
    let merchant = add(Some(&shop.app.key)).await.expect(200);
    assert_eq!(merchant.json()["lines"][0]["quantity"], 2);
}

#[tokio::test]
async fn without_a_scope_a_key_is_nothing() {
    let shop = Shop::open().await;
    let anybody = [("idempotency-key", "k")];
    let one = post(&shop.router, "/api/v1/carts", &anybody, "{}").await.expect(201);
    let two = post(&shop.router, "/api/v1/carts", &anybody, "{}").await.expect(201);
    assert_ne!(one.json()["id"], two.json()["id"]);
    let one = shop.make("/api/v1/carts", "k", &json!({})).await.expect(201);
    let two = shop.make("/api/v1/carts", "k", &json!({})).await.expect(201);
    assert_eq!(one.json()["id"], two.json()["id"], "a merchant's till is somebody");
    // What is no cart is said by whom it is asked.
    shop.add("/api/v1/carts/x", "k", &mugs(1)).await.expect_problem(400, "malformed_id");
}

#[tokio::test]
async fn a_key_is_free_again_after_a_day() {
    let shop = Shop::open().await;
    let cart = shop.cart().await;
    shop.add(&cart, "k", &mugs(1)).await;
    shop.app.clock.advance(KEPT - Duration::from_millis(1));
    shop.add(&cart, "k", &mugs(1)).await;
    assert_eq!(shop.quantities(&cart).await, [1]);
    shop.app.clock.advance(Duration::from_millis(1));
    shop.add(&cart, "k", &mugs(1)).await;
    assert_eq!(shop.quantities(&cart).await, [2]);
}

#[tokio::test]
async fn what_is_no_key_or_too_large_is_refused_and_takes_nothing() {
    let shop = Shop::open().await;
    let cart = shop.cart().await;
    for key in ["", "a b", "\"k", "\"\"", &"x".repeat(256)] {
        let answer = shop.add(&cart, key, &mugs(1)).await.expect_problem(400, "malformed_header");
        assert_eq!(answer.json()["header"], "Idempotency-Key");
    }
    let twice = [("idempotency-key", "k"), ("idempotency-key", "k")];
    let path = format!("{cart}/lines");
    let answer = post(&shop.router, &path, &twice, &mugs(1).to_string()).await;
    answer.expect_problem(400, "malformed_header");
    let large = post(&shop.router, &path, &[("idempotency-key", "k")], &" ".repeat(33 << 10)).await;
    assert_eq!(large.expect_problem(413, "body_too_large").json()["limit"], 32 << 10);
    assert_eq!(shop.quantities(&cart).await, [0; 0]);
    assert!(shop.add(&cart, "k", &mugs(1)).await.status.is_success());
}

#[tokio::test]
async fn methods_that_may_be_repeated_anyway_take_no_key() {
    let shop = Shop::open().await;
    let cart = shop.cart().await;
    let added = shop.add(&cart, "k", &mugs(1)).await.json();
    let line = format!("{cart}/lines/{}", added["lines"][0]["id"].as_str().unwrap());
    for (quantity, key) in [(2, "k"), (3, "k"), (4, "not a key")] {
        let request = shop.app.request(Method::PATCH, &line).header("idempotency-key", key);
        request.json(&json!({"quantity": quantity})).send().await.expect_status(200);
        assert_eq!(shop.quantities(&cart).await, [quantity]);
    }
}

#[test]
fn every_post_offers_the_key_once_and_carts_are_recognised() {
    let description = serde_json::to_value(router::openapi()).unwrap();
    let mut carts = 0;
    for (path, item) in description["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let parameters = operation["parameters"].as_array().map_or(&[][..], Vec::as_slice);
            let keys = parameters.iter().filter(|parameter| {
                parameter["name"].as_str().unwrap().eq_ignore_ascii_case("idempotency-key")
            });
            let takes_one = method == "post" && !KEEPING_NOTHING.contains(&path.as_str());
            assert_eq!(keys.count(), usize::from(takes_one), "{method} {path}");
        }
        if item["post"].is_object() && path.starts_with("/api/v1/carts/") {
            assert!(path.starts_with(OF_A_CART), "{path}");
            carts += 1;
        }
    }
    assert!(carts >= 2);
}
