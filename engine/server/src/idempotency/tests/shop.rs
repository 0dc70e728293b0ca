//! A shop to send requests to.

use axum::Router;
use serde_json::{Value, json};

use super::{Raw, post};
use crate::{router, testing::TestApp};

/// Where merchants make categories.
pub(super) const CATEGORIES: &str = "/api/v1/admin/categories";

/// A shop with a mug of which there are five, and its routes.
pub(super) struct Shop {
    pub(super) app: TestApp,
    pub(super) router: Router,
    pub(super) product: Value,
    pub(super) variant: Value,
}

impl Shop {
    pub(super) async fn open() -> Self {
        let app = TestApp::new().await;
        let product = app.product("mug").await;
        let variant = app.variant(&product, "mug-s", "S", 5).await;
        let router = router::router(app.state.clone());
        Self { app, router, product, variant }
    }

    /// The path of a new cart.
    pub(super) async fn cart(&self) -> String {
        let answer = post(&self.router, "/api/v1/carts", &[], "{}").await.expect(201);
        answer.headers["location"].to_str().unwrap().to_owned()
    }

    /// Puts something on a cart.
    pub(super) async fn add(&self, cart: &str, key: &str, body: &Value) -> Raw {
        post(&self.router, &format!("{cart}/lines"), &[("idempotency-key", key)], &body.to_string()).await
    }

    /// How many there are on each line of a cart.
    pub(super) async fn quantities(&self, cart: &str) -> Vec<Value> {
        let cart = self.app.get(cart).await.expect_status(200).body;
        cart["lines"].as_array().unwrap().iter().map(|line| line["quantity"].clone()).collect()
    }

    /// Makes something on the merchants' side.
    pub(super) async fn make(&self, path: &str, key: &str, body: &Value) -> Raw {
        let bearer = format!("Bearer {}", self.app.key);
        let headers = [("idempotency-key", key), ("authorization", bearer.as_str())];
        post(&self.router, path, &headers, &body.to_string()).await
    }

    /// Makes a category.
    pub(super) async fn category(&self, key: &str, handle: &str) -> Raw {
        self.make(CATEGORIES, key, &json!({"handle": handle, "name": "x"})).await
    }
}
