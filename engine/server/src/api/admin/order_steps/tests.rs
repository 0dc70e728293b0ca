//! Steps of orders, one after the other, and where the goods are after each.

mod refunds;
mod table;

use axum::http::Method;
use serde_json::{Value, json};

use crate::testing::{Installed, TestApp};

/// Three mugs and two hats at 19.99, and 10 % of each line: 6.00 and 4.00.
const TOTAL: i64 = 5 * 1_999 + 600 + 400;

/// An app with an order, and the variants of its two lines, ten each.
async fn ordered() -> (TestApp, Value, [Value; 2]) {
    let app = TestApp::new().await;
    let (mug, hat) = (app.product("mug").await, app.product("hat").await);
    let variants = [app.variant(&mug, "MUG", "S", 10).await, app.variant(&hat, "HAT", "S", 10).await];
    let cart = app.cart(&[("MUG", 3), ("HAT", 2)]).await;
    let order = app.order(&cart, "tok_approve").await;
    app.sweep().await;
    (app, order, variants)
}

/// Units on hand and promised, of mugs and of hats.
async fn stock(app: &TestApp, [mug, hat]: &[Value; 2]) -> [(i64, i64); 2] {
    [app.stock(mug).await, app.stock(hat).await]
}

/// The order after a step that is taken.
async fn take(app: &TestApp, order: &Value, step: &str, body: Value) -> Value {
    app.step(order, step, &body).send().await.expect_status(200).body
}

async fn refuse(app: &TestApp, order: &Value, step: &str, body: Value, status: u16, code: &str) -> Value {
    app.step(order, step, &body).send().await.expect_problem(status, code).body
}

#[tokio::test]
async fn units_are_shipped_in_parts_and_then_the_rest() {
    let (app, order, variants) = ordered().await;
    assert_eq!(stock(&app, &variants).await, [(10, 3), (10, 2)]);
    let some = json!({"lines": [{"position": 0, "quantity": 2}, {"position": 1, "quantity": 1}], "tracking": " RM1 "});
    let partly = take(&app, &order, "fulfillments", some).await;
    assert_eq!(
        (&partly["status"], &partly["fulfillment_status"]),
        (&json!("partly_fulfilled"), &json!("partly"))
    );
    let shipped = &partly["fulfillments"][0];
    assert_eq!(shipped["lines"], json!([{"position": 0, "quantity": 2}, {"position": 1, "quantity": 1}]));
    assert_eq!((&shipped["tracking"], &shipped["at"]), (&json!("RM1"), &json!("2026-03-01T12:00:00Z")));
    assert_eq!((&partly["lines"][0]["fulfilled"], &partly["lines"][1]["fulfilled"]), (&json!(2), &json!(1)));
    assert_eq!(stock(&app, &variants).await, [(8, 1), (9, 1)]);
    let all = take(&app, &order, "fulfillments", json!({})).await;
    assert_eq!((&all["status"], &all["fulfillment_status"]), (&json!("fulfilled"), &json!("all")));
    assert_eq!(all["fulfillments"][1]["tracking"], Value::Null);
    assert_eq!(stock(&app, &variants).await, [(7, 0), (8, 0)]);
    let done = take(&app, &order, "complete", json!({})).await;
    assert_eq!((&done["status"], &done["version"]), (&json!("completed"), &json!(6)));
    let body = refuse(&app, &order, "complete", json!({}), 409, "order_step_not_allowed").await;
    assert_eq!((&body["order_status"], &body["step"]), (&json!("completed"), &json!("complete")));
}

#[tokio::test]
async fn what_is_not_there_is_not_shipped() {
    let (app, order, variants) = ordered().await;
    let lines =
        |position: u32, quantity: u32| json!({"lines": [{"position": position, "quantity": quantity}]});
    let path = "fulfillments";
    let many = refuse(&app, &order, path, lines(1, 3), 422, "too_many_units").await;
    assert_eq!((&many["sku"], &many["requested"], &many["available"]), (&json!("HAT"), &json!(3), &json!(2)));
    let unknown = refuse(&app, &order, path, lines(2, 1), 422, "unknown_order_line").await;
    assert_eq!(unknown["position"], 2);
    refuse(&app, &order, path, lines(0, 0), 422, "no_units").await;
    refuse(&app, &order, path, json!({"lines": []}), 422, "no_units").await;
    let twice = json!({"lines": [{"position": 0, "quantity": 2}, {"position": 0, "quantity": 2}]});
    refuse(&app, &order, path, twice, 422, "too_many_units").await;
    refuse(&app, &order, path, json!({"tracking": ""}), 422, "invalid_body").await;
    refuse(&app, &order, path, json!({"lines": [{"position": -1, "quantity": 1}]}), 422, "invalid_body")
        .await;
    assert_eq!(stock(&app, &variants).await, [(10, 3), (10, 2)]);
    assert_eq!(app.order_now(&order).await["status"], "paid");
}

#[tokio::test]
async fn a_step_is_for_the_version_that_it_is_based_on_and_for_staff_of_the_store() {
    let (app, order, _) = ordered().await;
    let stale = app.step(&order, "complete", &json!({})).header("if-match", "\"2\"").send().await;
    assert_eq!(stale.expect_problem(412, "version_conflict").body["current_version"], 3);
    let path = format!("/api/v1/admin/orders/{}/fulfillments", order["id"].as_str().unwrap());
    app.request(Method::POST, &path).json(&json!({})).send().await.expect_problem(401, "unauthenticated");
    let (_, key) = app.add_store("other", &[]).await;
    let foreign =
        app.request(Method::POST, &path).key(&key).header("martlet-store", "other").json(&json!({}));
    foreign.send().await.expect_problem(404, "not_found");
    let nobody = json!({"id": "00000000-0000-7000-8000-000000000000"});
    refuse(&app, &nobody, "complete", json!({}), 404, "not_found").await;
    let current = app.step(&order, "fulfillments", &json!({})).header("if-match", "\"3\"").send().await;
    assert_eq!(current.expect_status(200).header("etag"), "\"4\"");
}

#[tokio::test]
async fn a_step_with_a_key_is_taken_once() {
    let (app, order, variants) = ordered().await;
    let ship = |key: &'static str, quantity: u32| {
        let path = format!("/api/v1/admin/orders/{}/fulfillments", order["id"].as_str().unwrap());
        let body = json!({"lines": [{"position": 0, "quantity": quantity}]});
        app.request(Method::POST, &path).key(&app.key).header("idempotency-key", key).json(&body)
    };
    let first = ship("k", 1).send().await.expect_status(200).kept();
    assert_eq!(ship("k", 1).send().await.kept(), first);
    ship("k", 2).send().await.expect_problem(422, "idempotency_key_reused");
    ship("k", 1).header("if-match", "\"3\"").send().await.expect_problem(422, "idempotency_key_reused");
    assert_eq!(stock(&app, &variants).await, [(9, 2), (10, 2)]);
    ship("k2", 1).send().await.expect_status(200);
    assert_eq!(stock(&app, &variants).await, [(8, 1), (10, 2)]);
    // Without a key it is taken each time.
    let path = format!("/api/v1/admin/orders/{}/fulfillments", order["id"].as_str().unwrap());
    for _ in 0..2 {
        let body = json!({"lines": [{"position": 1, "quantity": 1}]});
        app.admin_post(&path, body).await.expect_status(200);
    }
    assert_eq!(stock(&app, &variants).await, [(8, 1), (8, 0)]);
}

#[tokio::test]
async fn a_cancelled_order_gives_stock_and_coupon_back_once() {
    let app = TestApp::new().await;
    let product = app.product("mug").await;
    let mug = app.variant(&product, "MUG", "S", 10).await;
    let installed = app.publish(&[Installed::new("coupon-standard", "{}")]).await;
    let coupon = json!({
        "code": "ONCE", "installation": installed[0].id.to_string(), "total_limit": 1,
        "config": {"gives": {"percent_ppm": 100_000}},
    });
    app.admin_post("/api/v1/admin/coupons", coupon).await.expect_status(201);
    let add = async |cart: &str| {
        let path = format!("/api/v1/carts/{cart}/coupons");
        app.request(Method::POST, &path).json(&json!({"code": "once"})).send().await
    };
    let (cart, other) = (app.cart(&[("MUG", 3)]).await, app.cart(&[("MUG", 1)]).await);
    add(&cart).await.expect_status(200);
    let order = app.order(&cart, "tok_approve").await;
    // 3 x 19.99 less 10 %, and 10 % of that: 59.97 - 6.00 + 5.40.
    assert_eq!((&order["coupons"], &order["totals"]["total"]["amount"]), (&json!(["ONCE"]), &json!(5_937)));
    assert_eq!(
        (&order["discounts"][0]["name"], &order["discounts"][0]["amount"]["amount"]),
        (&json!("ONCE"), &json!(600))
    );
    add(&other).await.expect_problem(422, "coupon_used_up");
    assert_eq!(app.stock(&mug).await, (10, 3));
    app.sweep().await;

    let cancelled = take(&app, &order, "cancel", json!({"reason": "out of mugs"})).await;
    assert_eq!(cancelled["cancelled"], json!({"kind": "merchant", "reason": "out of mugs"}));
    assert_eq!(
        (&cancelled["status"], &cancelled["refunds"][0]["status"]),
        (&json!("cancelled"), &json!("pending"))
    );
    assert_eq!(cancelled["payment"]["refunded"]["amount"], 5_937);
    assert_eq!(app.stock(&mug).await, (10, 0));
    let again =
        refuse(&app, &order, "cancel", json!({"reason": "again"}), 409, "order_already_cancelled").await;
    assert!(again["detail"].as_str().unwrap().contains("can't be cancelled"), "{again}");
    app.sweep().await;
    assert_eq!(app.order_now(&order).await["refunds"][0]["status"], "succeeded");
    assert_eq!(app.stock(&mug).await, (10, 0));
    add(&other).await.expect_status(200);
    let second = app.order(&other, "tok_approve").await;
    assert_eq!((&second["coupons"], app.stock(&mug).await), (&json!(["ONCE"]), (10, 1)));
    // What was paid for once stays an order.
    assert_eq!(app.get(&format!("/api/v1/carts/{cart}")).await.body["order_id"], order["id"]);
}

#[tokio::test]
async fn what_is_shipped_is_not_cancelled_and_a_reason_is_needed() {
    let (app, order, variants) = ordered().await;
    for body in [json!({}), json!({"reason": " "}), json!({"reason": "x".repeat(201)}), json!({"reason": 1})]
    {
        refuse(&app, &order, "cancel", body, 422, "invalid_body").await;
    }
    take(&app, &order, "fulfillments", json!({"lines": [{"position": 0, "quantity": 1}]})).await;
    refuse(&app, &order, "cancel", json!({"reason": "late"}), 409, "order_step_not_allowed").await;
    assert_eq!(stock(&app, &variants).await, [(9, 2), (10, 2)]);
}
