//! `GET /api/v1/products`: what shoppers browse.

use std::sync::Arc;

use axum::{extract::State, http::HeaderMap, response::Response};
use martlet_domain::{
    Id,
    catalog::{Handle, Product},
    money::Currency,
    settings::{Store, StoreSettings},
};
use martlet_store::{Db, PriceRange, ProductCursor, ProductItem, ProductPage, ProductQuery, ProductSort};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    money::{AmountParameter, MoneyBody},
    page::{Limit, Page, decode_cursor, encode_cursor},
};
use crate::{
    catalog::{Body, Catalog},
    error::Error,
    extract::{CurrentStore, Query},
    stores::Stores,
};

/// Longest search that is looked at, in characters.
const MAX_SEARCH: usize = 200;

/// Which products, in which order.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct ListParameters {
    /// Words that must all be found in title, handle or tags; at most 200 characters.
    pub q: Option<String>,
    /// Handle of a category; products of those below it count too.
    #[param(value_type = Option<String>)]
    pub category: Option<Handle>,
    /// The lowest price is at least this, in minor units.
    #[param(value_type = Option<i64>, minimum = 0)]
    pub price_min: Option<AmountParameter>,
    /// The lowest price is at most this, in minor units.
    #[param(value_type = Option<i64>, minimum = 0)]
    pub price_max: Option<AmountParameter>,
    /// What prices are in, as ISO 4217; the store's own currency unless said.
    #[param(value_type = Option<String>)]
    pub currency: Option<Currency>,
    /// The order; `newest` unless said. Lists by price leave out what has none.
    #[param(inline)]
    pub sort: Sort,
    /// `next_cursor` of the page before.
    pub cursor: Option<String>,
    /// Products on a page; 20 unless said.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 100)]
    pub limit: Limit,
}

/// The order of a list of products.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Sort {
    /// Those made last come first.
    #[default]
    Newest,
    /// By title.
    Title,
    /// Cheapest first.
    PriceAsc,
    /// Dearest first.
    PriceDesc,
}

/// A product in a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct ProductSummary {
    /// Its id.
    #[schema(value_type = Uuid)]
    pub id: Id<Product>,
    /// Names it in addresses.
    #[schema(value_type = String)]
    pub handle: Handle,
    /// What it is called.
    pub title: String,
    /// Free words.
    pub tags: Vec<String>,
    /// The lowest price of its variants; null when it isn't sold in this currency.
    pub price_from: Option<MoneyBody>,
    /// Whether any of its variants can be bought now.
    pub available: bool,
}

impl From<ProductItem> for ProductSummary {
    fn from(item: ProductItem) -> Self {
        Self {
            id: item.product.id,
            handle: item.product.handle,
            title: item.product.title,
            tags: item.product.tags,
            price_from: item.lowest_price.map(|price| MoneyBody::new(price.minor_units, price.currency)),
            available: item.available,
        }
    }
}

/// Products that shoppers can see, page by page.
#[utoipa::path(get, path = "/api/v1/products", tag = "storefront", operation_id = "list_products",
    params(ListParameters,
        ("If-None-Match" = Option<String>, Header, description = "ETag of the answer that is there already")),
    responses(
        (status = 200, description = "A page of products", body = Page<ProductSummary>,
            headers(("ETag" = String, description = "Changes with anything in the answer"))),
        (status = 304, description = "The answer that is there already is still right"),
        (status = 400, description = "`malformed_query` or `malformed_cursor`", body = crate::problem::Problem)))]
pub async fn list(
    State(catalog): State<Arc<Catalog>>,
    State(stores): State<Arc<Stores>>,
    CurrentStore(store): CurrentStore,
    Query(parameters): Query<ListParameters>,
    headers: HeaderMap,
) -> Result<Response, Error> {
    let currency = stores.currency_or_default(&store, parameters.currency).await?;
    Ok(catalog.list(store.id, parameters.query(currency, true)?).await?.answer(&headers))
}

/// A page of a list, from the database: what is sent.
pub(crate) async fn read(db: &Db, store: Id<Store>, query: &ProductQuery) -> Result<Body, Error> {
    let page = db.list_products(store, query).await?;
    let next_cursor = page.next.as_ref().map(encode_cursor).transpose()?;
    Body::of(&Page { items: page.items.into_iter().map(ProductSummary::from).collect(), next_cursor })
}

impl ListParameters {
    /// What the store is asked for.
    pub fn query(self, currency: Currency, published_only: bool) -> Result<ProductQuery, Error> {
        let refused = |problem: &str| Error::MalformedQuery { problem: problem.to_owned() };
        let q = self.q.map(|q| q.trim().to_owned()).filter(|q| !q.is_empty());
        if q.as_ref().is_some_and(|q| q.chars().count() > MAX_SEARCH || q.contains('\0')) {
            return Err(refused("q is at most 200 characters"));
        }
        let price = PriceRange { from: self.price_min.map(|min| min.0), to: self.price_max.map(|max| max.0) };
        if price.from.zip(price.to).is_some_and(|(from, to)| from > to) {
            return Err(refused("price_min is at most price_max"));
        }
        Ok(ProductQuery {
            published_only,
            q,
            category: self.category,
            currency,
            price,
            sort: match self.sort {
                Sort::Newest => ProductSort::Newest,
                Sort::Title => ProductSort::Title,
                Sort::PriceAsc => ProductSort::PriceAscending,
                Sort::PriceDesc => ProductSort::PriceDescending,
            },
            after: self.cursor.as_deref().map(decode_cursor::<ProductCursor>).transpose()?,
            limit: self.limit.get(),
        })
    }
}

/// A page of products. A cursor of another order is as malformed as one that never was.
pub async fn page(db: &Db, store: &Store, query: ProductQuery) -> Result<ProductPage, Error> {
    Ok(db.list_products(store.id, &query).await?)
}

/// The settings of a store, which every store has that can sell.
pub async fn settings(db: &Db, store: &Store) -> Result<StoreSettings, Error> {
    let found = db.find_settings(store.id).await?;
    found
        .map(|found| found.value)
        .ok_or_else(|| Error::Internal(format!("the store {} has no settings", store.handle)))
}

/// The currency that was asked for, else the store's own.
pub async fn currency_or_default(db: &Db, store: &Store, asked: Option<Currency>) -> Result<Currency, Error> {
    match asked {
        Some(currency) => Ok(currency),
        None => Ok(settings(db, store).await?.default_currency),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::testing::TestApp;

    fn handles(body: &Value) -> Vec<&str> {
        body["items"].as_array().unwrap().iter().map(|item| item["handle"].as_str().unwrap()).collect()
    }

    async fn shop() -> TestApp {
        let app = TestApp::new().await;
        for (handle, amount) in [("cap", 900), ("mug", 1500), ("scarf", 4200)] {
            let product = app.product(handle).await;
            let path = format!("/api/v1/admin/products/{}/variants", product["id"].as_str().unwrap());
            let body = json!({"sku": handle, "options": [{"name": "size", "value": "S"}], "on_hand": 3,
                "prices": [{"amount": amount, "currency": "USD"}, {"amount": amount * 10, "currency": "KRW"}]});
            app.admin_post(&path, body).await.expect_status(201);
        }
        app
    }

    #[tokio::test]
    async fn a_product_is_listed_with_its_lowest_price_and_availability() {
        let app = shop().await;
        let answer = app.get("/api/v1/products?q=MUG").await.expect_status(200);
        let id = answer.body["items"][0]["id"].clone();
        assert_eq!(
            answer.body,
            json!({"items": [{
                "id": id, "handle": "mug", "title": "The mug", "tags": ["wool"],
                "price_from": {"amount": 1500, "currency": "USD"}, "available": true,
            }], "next_cursor": null})
        );
    }

    #[tokio::test]
    async fn lists_are_sorted_bounded_and_paged() {
        let app = shop().await;
        let list =
            async |query: &str| app.get(&format!("/api/v1/products?{query}")).await.expect_status(200).body;
        assert_eq!(handles(&list("sort=price_desc").await), ["scarf", "mug", "cap"]);
        assert_eq!(handles(&list("sort=title").await), ["cap", "mug", "scarf"]);
        assert_eq!(handles(&list("price_min=1000&price_max=2000").await), ["mug"]);
        assert_eq!(handles(&list("currency=KRW&price_max=9000").await), ["cap"]);
        assert!(handles(&list("category=none").await).is_empty());
        assert_eq!(list("currency=EUR&q=cap").await["items"][0]["price_from"], Value::Null);
        let first = list("sort=price_asc&limit=2").await;
        assert_eq!(handles(&first), ["cap", "mug"]);
        let cursor = first["next_cursor"].as_str().unwrap();
        let second = list(&format!("sort=price_asc&limit=2&cursor={cursor}")).await;
        assert_eq!((handles(&second), &second["next_cursor"]), (vec!["scarf"], &Value::Null));
        let other_order = app.get(&format!("/api/v1/products?sort=title&cursor={cursor}")).await;
        other_order.expect_problem(400, "malformed_cursor");
    }

    #[tokio::test]
    async fn shoppers_do_not_see_what_is_not_published() {
        let app = TestApp::new().await;
        let body = json!({"handle": "secret", "title": "Secret"});
        app.admin_post("/api/v1/admin/products", body).await.expect_status(201);
        let answer = app.get("/api/v1/products").await.expect_status(200);
        assert_eq!(answer.body, json!({"items": [], "next_cursor": null}));
    }

    #[tokio::test]
    async fn a_query_that_can_not_be_read_is_a_problem() {
        let app = TestApp::new().await;
        let long = format!("q={}", "x".repeat(201));
        for query in [
            "limit=0",
            "limit=101",
            "limit=x",
            "sort=best",
            "currency=usd",
            "price_min=-1",
            "colour=red",
            "q=%00",
            "price_min=2&price_max=1",
            "category=A%20B",
            "price_max=99999999999999999999",
            &long,
        ] {
            let answer = app.get(&format!("/api/v1/products?{query}")).await;
            answer.expect_problem(400, "malformed_query");
        }
        for cursor in ["x", "e30", "%00"] {
            let answer = app.get(&format!("/api/v1/products?cursor={cursor}")).await;
            answer.expect_problem(400, "malformed_cursor");
        }
    }
}
