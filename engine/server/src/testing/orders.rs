//! Carts that are ready to be ordered, and what becomes of them.

use axum::http::Method;
use serde_json::{Value, json};

use super::{Answer, TestApp, TestRequest};

impl TestApp {
    /// A guest's cart with units of variants, and its id.
    pub async fn cart(&self, lines: &[(&str, i64)]) -> String {
        let lines = lines.iter().map(|(sku, quantity)| json!({"sku": sku, "quantity": quantity}));
        let body = json!({"lines": lines.collect::<Vec<_>>()});
        let made = self.request(Method::POST, "/api/v1/carts").json(&body).send().await.expect_status(201);
        let id = made.body["id"].as_str().expect("an id").to_owned();
        let guest = json!({"email": "jo@example.com"});
        let path = format!("/api/v1/carts/{id}/customer");
        self.request(Method::PUT, &path).json(&guest).send().await.expect_status(200);
        id
    }

    /// What a cart costs, in minor units.
    pub async fn total(&self, cart: &str) -> i64 {
        let quote = self.get(&format!("/api/v1/carts/{cart}/quote")).await.expect_status(200);
        quote.body["totals"]["total"]["amount"].as_i64().expect("a total")
    }

    /// A request to order a cart at a total, paid with a token of the provider `test`.
    pub fn checkout(&self, cart: &str, key: &str, total: i64, token: &str) -> TestRequest<'_> {
        let body = json!({
            "expected_total": {"amount": total, "currency": "USD"},
            "payment": {"provider": "test", "token": token},
        });
        let request = self.request(Method::POST, &format!("/api/v1/carts/{cart}/checkout"));
        request.header("idempotency-key", key).json(&body)
    }

    /// The order that a cart has become, paid with a token of the provider `test`.
    pub async fn order(&self, cart: &str, token: &str) -> Value {
        let total = self.total(cart).await;
        self.checkout(cart, "order", total, token).send().await.expect_status(201).body
    }

    /// An order as it is now, as merchants see it.
    pub async fn order_now(&self, order: &Value) -> Value {
        let path = format!("/api/v1/admin/orders/{}", order["id"].as_str().expect("an id"));
        self.admin_get(&path).await.expect_status(200).body
    }

    /// A merchant's request for a step of an order, with a key of its own.
    pub fn step(&self, order: &Value, step: &str, body: &Value) -> TestRequest<'_> {
        let path = format!("/api/v1/admin/orders/{}/{step}", order["id"].as_str().expect("an id"));
        let request = self.request(Method::POST, &path).key(&self.key);
        request.header("idempotency-key", &self.state.world.ids.request().to_string()).json(body)
    }

    /// Units of a variant on hand, and units of those that are promised.
    pub async fn stock(&self, variant: &Value) -> (i64, i64) {
        let path = format!("/api/v1/admin/variants/{}/stock", variant["id"].as_str().expect("an id"));
        let stock = self.admin_get(&path).await.expect_status(200).body;
        let units = |member: &str| stock[member].as_i64().expect("units");
        (units("on_hand"), units("reserved"))
    }

    /// Does what is left to do: deliver events, settle what was left behind.
    pub async fn sweep(&self) -> crate::orders::Swept {
        self.state.selling.orders.sweep().await.expect("a sweep")
    }
}

impl Answer {
    /// What has to be the same when the same is asked again with the same key.
    pub fn kept(&self) -> (u16, Vec<(String, String)>, Vec<u8>) {
        let headers = self.headers.iter().filter(|(name, _)| *name != "x-request-id");
        let headers = headers
            .map(|(name, value)| (name.to_string(), value.to_str().expect("text").to_owned()))
            .collect();
        (self.status.as_u16(), headers, self.bytes.clone())
    }
}
