//! `GET /api/v1/products/popular`: what shoppers put into carts.

use std::{sync::Arc, time::Duration};

use axum::{extract::State, http::HeaderMap, response::Response};
use martlet_domain::{Id, catalog::Product, money::Currency, settings::Store};
use martlet_store::Db;
use serde::Deserialize;

use super::{
    page::{Limit, Page},
    products::ProductSummary,
};
use crate::{
    catalog::{Body, Catalog},
    error::Error,
    extract::{CurrentStore, Query},
    stores::Stores,
};

/// How far back additions count: three days.
pub(crate) const WINDOW: Duration = Duration::from_secs(3 * 24 * 60 * 60);

/// How many, and in which currency.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct PopularParameters {
    /// What prices are in, as ISO 4217; the store's own currency unless said.
    #[param(value_type = Option<String>)]
    pub currency: Option<Currency>,
    /// Most products; 20 unless said.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 100)]
    pub limit: Limit,
}

/// The products that were added to carts most often in the last three days, as of a minute ago, in one
/// page.
#[utoipa::path(get, path = "/api/v1/products/popular", tag = "storefront", operation_id = "list_popular_products",
    params(PopularParameters),
    responses(
        (status = 200, description = "Products, the most wanted first", body = Page<ProductSummary>),
        (status = 400, description = "`malformed_query`", body = crate::problem::Problem)))]
pub async fn list(
    State(catalog): State<Arc<Catalog>>,
    State(stores): State<Arc<Stores>>,
    CurrentStore(store): CurrentStore,
    Query(parameters): Query<PopularParameters>,
    headers: HeaderMap,
) -> Result<Response, Error> {
    let currency = stores.currency_or_default(&store, parameters.currency).await?;
    Ok(catalog.popular(store.id, currency, parameters.limit.get()).await?.answer(&headers))
}

/// Some products in their order, from the database: what is sent.
pub(crate) async fn read(
    db: &Db,
    store: Id<Store>,
    currency: Currency,
    wanted: &[Id<Product>],
) -> Result<Body, Error> {
    let items = db.list_published_items(store, currency, wanted).await?;
    Body::of(&Page { items: items.into_iter().map(ProductSummary::from).collect(), next_cursor: None })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use martlet_domain::{
        Id,
        cart::{Cart, LineItem},
    };
    use serde_json::Value;

    use crate::testing::TestApp;

    /// Puts a variant into a new cart, now.
    async fn add(app: &TestApp, variant: &Value) {
        let now = app.clock.now();
        let id: Id<Cart> = app.state.world.ids.next(now);
        let line = LineItem {
            id: app.state.world.ids.next(now),
            variant: variant["id"].as_str().unwrap().parse().unwrap(),
            quantity: 1,
            added_at: now,
        };
        let cart = Cart {
            id,
            version: 1,
            currency: "USD".parse().unwrap(),
            customer: None,
            email: None,
            shipping_address: None,
            shipping_method: None,
            lines: vec![line],
            coupons: Vec::new(),
            order: None,
            created_at: now,
            updated_at: now,
        };
        app.state.db.insert_cart(app.store.id, &cart).await.unwrap();
    }

    #[tokio::test]
    async fn what_was_added_most_in_three_days_comes_first() {
        let app = TestApp::new().await;
        let mut variants = Vec::new();
        for handle in ["old", "mug", "cap"] {
            let product = app.product(handle).await;
            variants.push(app.variant(&product, handle, "S", 5).await);
        }
        for _ in 0..3 {
            add(&app, &variants[0]).await;
        }
        app.clock.advance(Duration::from_secs(3 * 24 * 3_600 + 1));
        add(&app, &variants[1]).await;
        add(&app, &variants[2]).await;
        add(&app, &variants[2]).await;
        let answer = app.get("/api/v1/products/popular").await.expect_status(200);
        let items = answer.body["items"].as_array().unwrap();
        let handles: Vec<&Value> = items.iter().map(|item| &item["handle"]).collect();
        assert_eq!(handles, ["cap", "mug"]);
        let one = app.get("/api/v1/products/popular?limit=1").await.expect_status(200);
        assert_eq!(one.body["items"].as_array().unwrap().len(), 1);
        app.get("/api/v1/products/popular?cursor=x").await.expect_problem(400, "malformed_query");
    }
}
