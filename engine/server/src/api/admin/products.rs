//! `GET` and `POST /api/v1/admin/products`: the merchant's products.

use axum::{
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use martlet_domain::{
    Id,
    catalog::{Attribute, Category, Handle, Product, ProductOption},
    settings::Store,
};
use martlet_store::{Db, StoreError, Unique};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    api::{
        page::{Page, encode_cursor},
        product::{NamedValue, OptionBody},
        products::{self, ListParameters, currency_or_default},
        text::Violations,
        time::Time,
    },
    clock::Clock,
    error::Error,
    extract::{Json, Query, Staff},
    ids::Ids,
};

/// A product as merchants see it.
#[derive(Debug, Serialize, ToSchema)]
pub struct ProductBody {
    /// Its id.
    #[schema(value_type = Uuid)]
    pub id: Id<Product>,
    /// Counts changes, from 1. `If-Match` takes it in quotes.
    pub version: i64,
    /// What the merchant said of it.
    #[serde(flatten)]
    pub content: ProductContent,
    /// When it was made.
    pub created_at: Time,
    /// When it was last changed.
    pub updated_at: Time,
}

/// What a merchant says of a product.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProductContent {
    /// Names it in addresses: 1 to 100 of a-z, 0-9 and inner hyphens. Unique in the store.
    #[schema(value_type = String, max_length = 100)]
    pub handle: Handle,
    /// What it is called.
    #[schema(min_length = 1, max_length = 200)]
    pub title: String,
    /// Plain text.
    #[serde(default)]
    #[schema(max_length = 10_000)]
    pub description: String,
    /// Whether shoppers see it.
    #[serde(default)]
    pub published: bool,
    /// Free words, at most 50 of 50 characters.
    #[serde(default)]
    pub tags: Vec<String>,
    /// Named facts, at most 50.
    #[serde(default)]
    pub attributes: Vec<NamedValue>,
    /// What it comes in, at most 5.
    #[serde(default)]
    pub options: Vec<OptionBody>,
    /// Decides its tax rate.
    #[serde(default = "standard")]
    #[schema(min_length = 1, max_length = 64)]
    pub tax_category: String,
    /// Ids of the categories it stands in directly, at most 20.
    #[serde(default)]
    #[schema(value_type = Vec<Uuid>)]
    pub categories: Vec<Id<Category>>,
}

fn standard() -> String {
    "standard".to_owned()
}

impl From<Product> for ProductBody {
    fn from(product: Product) -> Self {
        let options = product.options.into_iter();
        Self {
            id: product.id,
            version: product.version,
            content: ProductContent {
                handle: product.handle,
                title: product.title,
                description: product.description,
                published: product.published,
                tags: product.tags,
                attributes: product.attributes.into_iter().map(Into::into).collect(),
                options: options
                    .map(|option| OptionBody { name: option.name, values: option.values })
                    .collect(),
                tax_category: product.tax_category,
                categories: product.categories,
            },
            created_at: Time(product.created_at),
            updated_at: Time(product.updated_at),
        }
    }
}

/// All products, published or not, page by page.
#[utoipa::path(get, path = "/api/v1/admin/products", tag = "admin", operation_id = "admin_list_products",
    params(ListParameters), security(("api_key" = ["catalog:read"])),
    responses(
        (status = 200, description = "A page of products", body = Page<ProductBody>),
        (status = 400, description = "`malformed_query` or `malformed_cursor`", body = crate::problem::Problem),
        (status = 401, description = "`unauthenticated`", body = crate::problem::Problem)))]
pub async fn list(
    staff: Staff,
    State(db): State<Db>,
    Query(parameters): Query<ListParameters>,
) -> Result<Json<Page<ProductBody>>, Error> {
    let currency = currency_or_default(&db, &staff.store, parameters.currency).await?;
    let page = products::page(&db, &staff.store, parameters.query(currency, false)?).await?;
    let next_cursor = page.next.as_ref().map(encode_cursor).transpose()?;
    let items = page.items.into_iter().map(|item| item.product.into()).collect();
    Ok(Json(Page { items, next_cursor }))
}

/// Makes a product, still without variants.
#[utoipa::path(post, path = "/api/v1/admin/products", tag = "admin", operation_id = "admin_create_product",
    request_body = ProductContent, security(("api_key" = ["catalog:write"])),
    responses(
        (status = 201, description = "The product", body = ProductBody,
            headers(("ETag" = String, description = "Its version"), ("Location" = String, description = "Its address"))),
        (status = 401, description = "`unauthenticated`", body = crate::problem::Problem),
        (status = 409, description = "`handle_taken`", body = crate::problem::Problem),
        (status = 422, description = "`invalid_body`", body = crate::problem::Problem)))]
pub async fn create(
    staff: Staff,
    State(db): State<Db>,
    State(clock): State<Clock>,
    State(ids): State<Ids>,
    Json(content): Json<ProductContent>,
) -> Result<Response, Error> {
    let content = content.checked(&db, &staff.store).await?;
    let now = clock.now();
    let product = content.apply_to(Product {
        id: ids.next(now),
        handle: content.handle.clone(),
        title: String::new(),
        description: String::new(),
        published: false,
        tags: Vec::new(),
        attributes: Vec::new(),
        options: Vec::new(),
        tax_category: String::new(),
        categories: Vec::new(),
        version: 1,
        created_at: now,
        updated_at: now,
    });
    db.insert_product(staff.store.id, &product).await.map_err(|error| taken(error, &product))?;
    let location = format!("/api/v1/admin/products/{}", product.id);
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], answer(product)).into_response())
}

/// A product with its version as ETag.
pub fn answer(product: Product) -> Response {
    ([(header::ETAG, format!("\"{}\"", product.version))], Json(ProductBody::from(product))).into_response()
}

/// What a refusal of the store means for a product.
pub fn taken(error: StoreError, product: &Product) -> Error {
    match error {
        StoreError::Conflict(Unique::ProductHandle) => {
            Error::HandleTaken { entity: "product", handle: product.handle.clone() }
        }
        error => error.into(),
    }
}

impl ProductContent {
    /// The content in its canonical form, or every place where it is wrong.
    pub async fn checked(self, db: &Db, store: &Store) -> Result<Self, Error> {
        let mut wrong = Violations::default();
        let title = wrong.line("/title", &self.title, 1, 200);
        let description = wrong.text("/description", &self.description, 10_000);
        let tax_category = wrong.line("/tax_category", &self.tax_category, 1, 64);
        let tags = tags(&mut wrong, &self.tags);
        let attributes = attributes(&mut wrong, &self.attributes);
        let options = options(&mut wrong, &self.options);
        wrong.expect(self.categories.len() <= 20, "/categories", "must be at most 20");
        if !self.categories.is_empty() {
            let known = db.list_categories(store.id).await?;
            for (index, id) in self.categories.iter().enumerate() {
                let is_known = known.iter().any(|category| category.id == *id);
                wrong.expect(is_known, format!("/categories/{index}"), "must be a category of this store");
            }
        }
        wrong.finish()?;
        let mut categories = self.categories;
        categories.sort();
        categories.dedup();
        Ok(Self { title, description, tax_category, tags, attributes, options, categories, ..self })
    }

    /// A product with this content and everything else of another.
    pub fn apply_to(&self, rest: Product) -> Product {
        let content = self.clone();
        let attributes = content.attributes.into_iter();
        let options = content.options.into_iter();
        Product {
            handle: content.handle,
            title: content.title,
            description: content.description,
            published: content.published,
            tags: content.tags,
            attributes: attributes.map(|named| Attribute { name: named.name, value: named.value }).collect(),
            options: options
                .map(|option| ProductOption { name: option.name, values: option.values })
                .collect(),
            tax_category: content.tax_category,
            categories: content.categories,
            ..rest
        }
    }
}

fn tags(wrong: &mut Violations, tags: &[String]) -> Vec<String> {
    wrong.expect(tags.len() <= 50, "/tags", "must be at most 50");
    let tags = tags.iter().enumerate().take(50);
    let mut tags: Vec<String> =
        tags.map(|(index, tag)| wrong.line(&format!("/tags/{index}"), tag, 1, 50)).collect();
    tags.sort();
    tags.dedup();
    tags
}

fn attributes(wrong: &mut Violations, attributes: &[NamedValue]) -> Vec<NamedValue> {
    wrong.expect(attributes.len() <= 50, "/attributes", "must be at most 50");
    let mut checked: Vec<NamedValue> = Vec::new();
    for (index, attribute) in attributes.iter().enumerate().take(50) {
        let name = wrong.line(&format!("/attributes/{index}/name"), &attribute.name, 1, 64);
        let value = wrong.line(&format!("/attributes/{index}/value"), &attribute.value, 1, 200);
        let repeated = checked.iter().any(|other| other.name == name);
        wrong.expect(!repeated, format!("/attributes/{index}/name"), "must not be there twice");
        checked.push(NamedValue { name, value });
    }
    checked.sort_by(|one, other| one.name.cmp(&other.name));
    checked
}

fn options(wrong: &mut Violations, options: &[OptionBody]) -> Vec<OptionBody> {
    wrong.expect(options.len() <= 5, "/options", "must be at most 5");
    let mut checked: Vec<OptionBody> = Vec::new();
    for (index, option) in options.iter().enumerate().take(5) {
        let name = wrong.line(&format!("/options/{index}/name"), &option.name, 1, 64);
        let repeated = checked.iter().any(|other| other.name == name);
        wrong.expect(!repeated, format!("/options/{index}/name"), "must not be there twice");
        let count = (1..=100).contains(&option.values.len());
        wrong.expect(count, format!("/options/{index}/values"), "must be 1 to 100");
        let mut values: Vec<String> = Vec::new();
        for (at, value) in option.values.iter().enumerate().take(100) {
            let pointer = format!("/options/{index}/values/{at}");
            let value = wrong.line(&pointer, value, 1, 100);
            wrong.expect(!values.contains(&value), pointer, "must not be there twice");
            values.push(value);
        }
        checked.push(OptionBody { name, values });
    }
    checked
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::testing::TestApp;

    const PATH: &str = "/api/v1/admin/products";

    #[tokio::test]
    async fn a_product_is_made_in_canonical_form() {
        let app = TestApp::new().await;
        let body = json!({
            "handle": "wool-hat", "title": "  Wool hat ", "tags": ["warm", " new", "warm"],
            "attributes": [{"name": "material", "value": "wool"}, {"name": "colour", "value": "navy"}],
            "options": [{"name": "size", "values": ["S", "M"]}],
        });
        let answer = app.admin_post(PATH, body).await.expect_status(201);
        let id = answer.body["id"].as_str().unwrap();
        assert_eq!(answer.header("location"), format!("{PATH}/{id}"));
        assert_eq!(answer.header("etag"), "\"1\"");
        let expected = json!({
            "id": id, "version": 1, "handle": "wool-hat", "title": "Wool hat", "description": "",
            "published": false, "tags": ["new", "warm"],
            "attributes": [{"name": "colour", "value": "navy"}, {"name": "material", "value": "wool"}],
            "options": [{"name": "size", "values": ["S", "M"]}],
            "tax_category": "standard", "categories": [],
            "created_at": "2026-03-01T12:00:00Z", "updated_at": "2026-03-01T12:00:00Z",
        });
        assert_eq!(answer.body, expected);
        let got = app.admin_get(&format!("{PATH}/{id}")).await.expect_status(200);
        assert_eq!((&got.body, got.header("etag")), (&expected, "\"1\""));
        let list = app.admin_get(PATH).await.expect_status(200);
        assert_eq!(list.body, json!({"items": [expected], "next_cursor": null}));
    }

    #[tokio::test]
    async fn a_taken_handle_is_a_conflict() {
        let app = TestApp::new().await;
        app.product("mug").await;
        let answer = app.admin_post(PATH, json!({"handle": "mug", "title": "Another"})).await;
        let answer = answer.expect_problem(409, "handle_taken");
        assert_eq!((&answer.body["resource"], &answer.body["handle"]), (&json!("product"), &json!("mug")));
    }

    #[tokio::test]
    async fn every_text_and_list_is_bounded() {
        let app = TestApp::new().await;
        let option = json!({"name": "size", "values": ["S"]});
        let cases = [
            (json!({"title": " "}), "/title"),
            (json!({"title": "x".repeat(201)}), "/title"),
            (json!({"handle": "Not A Handle"}), "/handle"),
            (json!({"description": "x".repeat(10_001)}), "/description"),
            (json!({"tax_category": ""}), "/tax_category"),
            (json!({"tags": ["a\nb"]}), "/tags/0"),
            (json!({"tags": vec!["x"; 51]}), "/tags"),
            (json!({"attributes": [{"name": "", "value": "x"}]}), "/attributes/0/name"),
            (json!({"attributes": [{"name": "a", "value": "x", "colour": 1}]}), "/attributes/0/colour"),
            (
                json!({"attributes": [{"name": "a", "value": "x"}, {"name": "a", "value": "y"}]}),
                "/attributes/1/name",
            ),
            (json!({"options": [option, option]}), "/options/1/name"),
            (json!({"options": [{"name": "size", "values": []}]}), "/options/0/values"),
            (json!({"options": [{"name": "size", "values": ["S", " S"]}]}), "/options/0/values/1"),
            (json!({"categories": ["00000000-0000-0000-0000-000000000000"]}), "/categories/0"),
            (json!({"categories": ["x"]}), "/categories/0"),
            (json!({"price": 5}), "/price"),
        ];
        for (change, pointer) in cases {
            let mut body = json!({"handle": "hat", "title": "Hat"});
            body.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
            let answer = app.admin_post(PATH, body).await.expect_problem(422, "invalid_body");
            assert_eq!(answer.violation().0, pointer);
        }
        let many = json!({"handle": "hat", "title": "", "tags": [""]});
        let answer = app.admin_post(PATH, many).await.expect_problem(422, "invalid_body");
        let places: Vec<&Value> =
            answer.body["errors"].as_array().unwrap().iter().map(|error| &error["pointer"]).collect();
        assert_eq!(places, ["/title", "/tags/0"]);
        assert_eq!(app.admin_get(PATH).await.body["items"], json!([]));
    }
}
