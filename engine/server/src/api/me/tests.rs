//! What is a customer's own.

use serde_json::{Value, json};

use crate::testing::{SignedIn, TestApp};

/// An app with ten mugs.
async fn shop() -> TestApp {
    let app = TestApp::new().await;
    let product = app.product("mug").await;
    app.variant(&product, "MUG", "S", 10).await;
    app
}

/// An order of a customer, and its number.
async fn order(app: &TestApp, who: &SignedIn) -> Value {
    let body = json!({"lines": [{"sku": "MUG", "quantity": 1}]});
    let cart = app.post_as(who, "/api/v1/carts", &body).await.expect_status(201).body;
    let cart = cart["id"].as_str().unwrap();
    let quote = app.get_as(who, &format!("/api/v1/carts/{cart}/quote")).await.expect_status(200).body;
    let total = quote["totals"]["total"]["amount"].as_i64().unwrap();
    let request = app.checkout(cart, "k", total, "tok_approve").token(&who.access);
    request.send().await.expect_status(201).body
}

#[tokio::test]
async fn a_customer_sees_who_they_are() {
    let app = shop().await;
    let jo = app.customer("jo@example.com").await;
    let me = app.get_as(&jo, "/api/v1/me").await.expect_status(200);
    let expected = json!({
        "id": jo.id, "email": "jo@example.com", "cart_id": null, "created_at": "2026-03-01T12:00:00Z",
    });
    assert_eq!(me.body, expected);
    let cart = app.post_as(&jo, "/api/v1/carts", &json!({})).await.expect_status(201).body;
    assert_eq!(app.get_as(&jo, "/api/v1/me").await.body["cart_id"], cart["id"]);
}

#[tokio::test]
async fn a_customer_sees_their_orders_and_nobody_elses() {
    let app = shop().await;
    let (jo, ann) = (app.customer("jo@example.com").await, app.customer("ann@example.com").await);
    let orders = [order(&app, &jo).await, order(&app, &ann).await, order(&app, &jo).await];
    // A guest's order is nobody's, whatever the guest's address.
    let guest = app.cart(&[("MUG", 1)]).await;
    app.order(&guest, "tok_approve").await;
    let page = app.get_as(&jo, "/api/v1/me/orders?limit=1").await.expect_status(200).body;
    assert_eq!(page["items"], json!([orders[2]]));
    let cursor = page["next_cursor"].as_str().unwrap();
    let rest = app.get_as(&jo, &format!("/api/v1/me/orders?limit=1&cursor={cursor}")).await.body;
    assert_eq!(rest, json!({"items": [orders[0]], "next_cursor": null}));
    let anns = app.get_as(&ann, "/api/v1/me/orders").await.expect_status(200).body;
    assert_eq!(anns["items"], json!([orders[1]]));
    for query in ["limit=0", "limit=101", "status=paid"] {
        let page = app.get_as(&jo, &format!("/api/v1/me/orders?{query}")).await;
        page.expect_problem(400, "malformed_query");
    }
    app.get_as(&jo, "/api/v1/me/orders?cursor=x").await.expect_problem(400, "malformed_cursor");
    app.get("/api/v1/me/orders").await.expect_problem(401, "unauthenticated");
    app.admin_get("/api/v1/me/orders").await.expect_problem(401, "unauthenticated");
}

#[tokio::test]
async fn a_cart_that_has_become_an_order_is_no_open_cart() {
    let app = shop().await;
    let jo = app.customer("jo@example.com").await;
    order(&app, &jo).await;
    assert_eq!(app.get_as(&jo, "/api/v1/me").await.body["cart_id"], Value::Null);
    assert_eq!(app.sign_in("jo@example.com", None).await.cart, Value::Null);
}
