//! `GET /api/v1/products/{product}`: one product, with all that a shopper chooses from.

use std::sync::Arc;

use axum::{extract::State, http::HeaderMap, response::Response};
use martlet_domain::{
    Id,
    catalog::{Attribute, Category, Handle, Product, Sku, Variant},
    settings::Store,
};
use martlet_store::Db;
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

use super::{money::MoneyBody, time::Time};
use crate::{
    catalog::{Body, Catalog},
    error::Error,
    extract::{CurrentStore, Path},
};

/// What names a product in a path: its id or its handle. What looks like an id is one.
#[derive(Debug, Clone)]
pub enum ProductName {
    /// Its id.
    Id(Id<Product>),
    /// Its handle.
    Handle(Handle),
}

impl<'de> Deserialize<'de> for ProductName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let id = text.parse().map(Self::Id).ok();
        id.or_else(|| text.parse().map(Self::Handle).ok()).ok_or_else(|| {
            serde::de::Error::custom("a product is named by its id, which is a UUID, or its handle")
        })
    }
}

/// A product with all that a shopper chooses from.
#[derive(Debug, Serialize, ToSchema)]
pub struct ProductDetail {
    /// Its id.
    #[schema(value_type = Uuid)]
    pub id: Id<Product>,
    /// Names it in addresses.
    #[schema(value_type = String)]
    pub handle: Handle,
    /// What it is called.
    pub title: String,
    /// Plain text.
    pub description: String,
    /// Free words.
    pub tags: Vec<String>,
    /// Named facts.
    pub attributes: Vec<NamedValue>,
    /// What it comes in.
    pub options: Vec<OptionBody>,
    /// The categories it stands in directly.
    pub categories: Vec<CategoryReference>,
    /// What can be bought.
    pub variants: Vec<VariantDetail>,
    /// Whether any variant can be bought now.
    pub available: bool,
    /// When it was last changed.
    pub updated_at: Time,
}

/// A name and its value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NamedValue {
    /// The name.
    pub name: String,
    /// The value.
    pub value: String,
}

impl From<Attribute> for NamedValue {
    fn from(attribute: Attribute) -> Self {
        Self { name: attribute.name, value: attribute.value }
    }
}

/// Something a product comes in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ProductOption)]
pub struct OptionBody {
    /// Its name, such as `size`.
    pub name: String,
    /// Its values, in the order they are shown.
    pub values: Vec<String>,
}

/// A category that a product stands in.
#[derive(Debug, Serialize, ToSchema)]
pub struct CategoryReference {
    /// Names it in addresses.
    #[schema(value_type = String)]
    pub handle: Handle,
    /// What it is called.
    pub name: String,
}

/// One choice of a product.
#[derive(Debug, Serialize, ToSchema)]
pub struct VariantDetail {
    /// Its id.
    #[schema(value_type = Uuid)]
    pub id: Id<Variant>,
    /// Its stock-keeping unit.
    #[schema(value_type = String)]
    pub sku: Sku,
    /// What tells it from its siblings.
    pub title: String,
    /// The choice.
    pub options: Vec<NamedValue>,
    /// Its prices, one a currency.
    pub prices: Vec<MoneyBody>,
    /// Whether it can be bought now.
    pub available: bool,
}

impl From<Variant> for VariantDetail {
    fn from(variant: Variant) -> Self {
        Self {
            id: variant.id,
            sku: variant.sku,
            title: variant.title,
            options: variant.options.into_iter().map(Into::into).collect(),
            prices: variant.prices.iter().map(|price| MoneyBody::new(price.amount, price.currency)).collect(),
            available: variant.stock.available() > 0,
        }
    }
}

/// A product that shoppers can see.
#[utoipa::path(get, path = "/api/v1/products/{product}", tag = "storefront", operation_id = "get_product",
    params(
        ("product" = String, Path, description = "Its id or its handle"),
        ("If-None-Match" = Option<String>, Header, description = "ETag of the answer that is there already")),
    responses(
        (status = 200, description = "The product", body = ProductDetail,
            headers(("ETag" = String, description = "Changes with anything in the answer"))),
        (status = 304, description = "The answer that is there already is still right"),
        (status = 400, description = "`malformed_id`", body = crate::problem::Problem),
        (status = 404, description = "`not_found`", body = crate::problem::Problem)))]
pub async fn get(
    State(catalog): State<Arc<Catalog>>,
    CurrentStore(store): CurrentStore,
    Path(name): Path<ProductName>,
    headers: HeaderMap,
) -> Result<Response, Error> {
    let page = match name {
        ProductName::Id(id) => catalog.product(store.id, id).await?,
        ProductName::Handle(handle) => catalog.product_by_handle(store.id, &handle).await?,
    };
    Ok(page.body.answer(&headers))
}

/// The page of a product that shoppers can see, from the database: its handle and what is sent.
pub(crate) async fn read(db: &Db, store: Id<Store>, id: Id<Product>) -> Result<(Handle, Body), Error> {
    let product = db.find_product(store, id).await?.filter(|product| product.published);
    let product = product.ok_or_else(Error::not_found::<Product>)?;
    let variants = db.list_variants(store, product.id).await?;
    let categories = match product.categories.is_empty() {
        true => Vec::new(),
        false => db.list_categories(store).await?,
    };
    Ok((product.handle.clone(), Body::of(&detail(product, variants, categories))?))
}

fn detail(product: Product, variants: Vec<Variant>, categories: Vec<Category>) -> ProductDetail {
    let variants: Vec<VariantDetail> = variants.into_iter().map(Into::into).collect();
    let mut stands_in = categories;
    stands_in.retain(|category| product.categories.contains(&category.id));
    ProductDetail {
        id: product.id,
        handle: product.handle,
        title: product.title,
        description: product.description,
        tags: product.tags,
        attributes: product.attributes.into_iter().map(Into::into).collect(),
        options: product
            .options
            .into_iter()
            .map(|option| OptionBody { name: option.name, values: option.values })
            .collect(),
        categories: stands_in
            .into_iter()
            .map(|category| CategoryReference { handle: category.handle, name: category.name })
            .collect(),
        available: variants.iter().any(|variant| variant.available),
        variants,
        updated_at: Time(product.updated_at),
    }
}

#[cfg(test)]
mod tests {
    use axum::http::Method;
    use serde_json::{Value, json};

    use crate::testing::TestApp;

    #[tokio::test]
    async fn a_product_is_found_by_id_and_by_handle() {
        let app = TestApp::new().await;
        let product = app.product("scarf").await;
        let variant = app.variant(&product, "scarf-s", "S", 2).await;
        app.variant(&product, "scarf-m", "M", 0).await;
        let by_handle = app.get("/api/v1/products/scarf").await.expect_status(200);
        let by_id = app.get(&format!("/api/v1/products/{}", product["id"].as_str().unwrap())).await;
        assert_eq!(by_handle.body, by_id.body);
        assert_eq!(by_handle.body["available"], true);
        assert_eq!(by_handle.body["options"], json!([{"name": "size", "values": ["S", "M"]}]));
        assert_eq!(
            by_handle.body["variants"][0],
            json!({
                "id": variant["id"], "sku": "SCARF-S", "title": "S",
                "options": [{"name": "size", "value": "S"}],
                "prices": [{"amount": 1999, "currency": "USD"}], "available": true,
            })
        );
        assert_eq!(by_handle.body["variants"][1]["available"], false);
        assert_eq!(by_handle.body["updated_at"], "2026-03-01T12:00:00Z");
    }

    #[tokio::test]
    async fn its_categories_come_with_it() {
        let app = TestApp::new().await;
        let category =
            app.admin_post("/api/v1/admin/categories", json!({"handle": "warm", "name": "Warm"})).await;
        let category = category.expect_status(201).body;
        let body =
            json!({"handle": "hat", "title": "Hat", "published": true, "categories": [category["id"]]});
        app.admin_post("/api/v1/admin/products", body).await.expect_status(201);
        let answer = app.get("/api/v1/products/hat").await.expect_status(200);
        assert_eq!(answer.body["categories"], json!([{"handle": "warm", "name": "Warm"}]));
    }

    #[tokio::test]
    async fn an_answer_that_is_still_right_is_not_sent_again() {
        let app = TestApp::new().await;
        let product = app.product("mug").await;
        let variant = app.variant(&product, "mug-s", "S", 1).await;
        let etag = app.get("/api/v1/products/mug").await.header("etag").to_owned();
        let again = async |tag: &str| {
            app.request(Method::GET, "/api/v1/products/mug").header("if-none-match", tag).send().await
        };
        let same = again(&etag).await.expect_status(304);
        assert_eq!((same.header("etag"), &same.body), (etag.as_str(), &Value::String(String::new())));
        again(&format!("\"other\", W/{etag}")).await.expect_status(304);
        again("\"other\"").await.expect_status(200);
        let path = format!("/api/v1/admin/variants/{}/stock", variant["id"].as_str().unwrap());
        let sold_out =
            app.request(Method::PUT, &path).key(&app.key).json(&json!({"on_hand": 0})).send().await;
        sold_out.expect_status(200);
        again(&etag).await.expect_status(200);
    }

    #[tokio::test]
    async fn what_is_not_there_or_not_published_is_not_found() {
        let app = TestApp::new().await;
        let body = json!({"handle": "secret", "title": "Secret"});
        let secret = app.admin_post("/api/v1/admin/products", body).await.expect_status(201).body;
        let by_id = secret["id"].as_str().unwrap();
        for name in ["nothing", "secret", by_id, "00000000-0000-0000-0000-000000000000"] {
            let answer = app.get(&format!("/api/v1/products/{name}")).await.expect_problem(404, "not_found");
            assert_eq!(answer.body["resource"], "product");
        }
        for name in ["A%20B", "%FF", "-x", &"x".repeat(101)] {
            app.get(&format!("/api/v1/products/{name}")).await.expect_problem(400, "malformed_id");
        }
    }
}
