//! `/api/v1/admin/products/{product}/variants`: a product's variants.

use axum::{
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use martlet_domain::{
    Id,
    catalog::{Attribute, MAX_WEIGHT_GRAMS, Product, Sku, Variant},
    stock::StockLevel,
};
use martlet_store::{Db, StoreError, Unique};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{
    prices::{PriceBody, check_prices},
    product,
    stock::{MAX_ON_HAND, StockBody},
};
use crate::{
    api::{page::Page, product::NamedValue, text::Violations},
    clock::Clock,
    error::Error,
    extract::{Json, Path, Staff},
    ids::Ids,
};

/// Most variants of a product.
const MAX_VARIANTS: usize = 500;

/// A variant as merchants see it.
#[derive(Debug, Serialize, ToSchema)]
pub struct VariantBody {
    /// Its id.
    #[schema(value_type = Uuid)]
    pub id: Id<Variant>,
    /// The product it belongs to.
    #[schema(value_type = Uuid)]
    pub product: Id<Product>,
    /// Counts changes, from 1; stock isn't counted. `If-Match` takes it in quotes.
    pub version: i64,
    /// What the merchant said of it.
    #[serde(flatten)]
    pub content: VariantContent,
    /// Its prices, one a currency.
    pub prices: Vec<PriceBody>,
    /// What there is of it.
    pub stock: StockBody,
}

/// What a merchant says of a variant.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct VariantContent {
    /// Its stock-keeping unit. Unique in the store; trimmed, NFKC, upper case.
    #[schema(value_type = String, min_length = 1, max_length = 64)]
    pub sku: Sku,
    /// What tells it from its siblings, such as `M / navy`; made of its options unless said.
    #[serde(default)]
    #[schema(max_length = 200)]
    pub title: String,
    /// The choice: one value for each of the product's options.
    #[serde(default)]
    pub options: Vec<NamedValue>,
    /// Where it stands among its siblings.
    #[serde(default)]
    pub position: i64,
    /// What one unit weighs, in grams; null where nobody has said.
    #[serde(default)]
    #[schema(maximum = 1_000_000_000)]
    pub weight_grams: Option<u32>,
}

/// A new variant.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewVariant {
    /// Its stock-keeping unit. Unique in the store; trimmed, NFKC, upper case.
    #[schema(value_type = String, min_length = 1, max_length = 64)]
    pub sku: Sku,
    /// What tells it from its siblings, such as `M / navy`; made of its options unless said.
    #[serde(default)]
    #[schema(max_length = 200)]
    pub title: String,
    /// The choice: one value for each of the product's options.
    #[serde(default)]
    pub options: Vec<NamedValue>,
    /// Where it stands among its siblings.
    #[serde(default)]
    pub position: i64,
    /// What one unit weighs, in grams; null where nobody has said.
    #[serde(default)]
    #[schema(maximum = 1_000_000_000)]
    pub weight_grams: Option<u32>,
    /// Its prices, one a currency.
    #[serde(default)]
    pub prices: Vec<PriceBody>,
    /// Units there are.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 1_000_000_000)]
    pub on_hand: i64,
}

impl From<Variant> for VariantBody {
    fn from(variant: Variant) -> Self {
        let prices = variant.prices.into_iter();
        Self {
            id: variant.id,
            product: variant.product,
            version: variant.version,
            content: VariantContent {
                sku: variant.sku,
                title: variant.title,
                options: variant.options.into_iter().map(Into::into).collect(),
                position: variant.position,
                weight_grams: variant.weight_grams,
            },
            prices: prices
                .map(|price| PriceBody { amount: price.amount, currency: price.currency, floor: price.floor })
                .collect(),
            stock: variant.stock.into(),
        }
    }
}

/// The variants of a product, in one page.
#[utoipa::path(get, path = "/api/v1/admin/products/{product}/variants", tag = "admin",
    operation_id = "admin_list_variants",
    params(("product" = Uuid, Path, description = "Id of the product")), security(("api_key" = [])),
    responses(
        (status = 200, description = "The variants, in their order", body = Page<VariantBody>),
        (status = 401, description = "`unauthenticated`", body = crate::problem::Problem),
        (status = 404, description = "`not_found`", body = crate::problem::Problem)))]
pub async fn list(
    staff: Staff,
    State(db): State<Db>,
    Path(id): Path<Id<Product>>,
) -> Result<Json<Page<VariantBody>>, Error> {
    let product = product::find(&db, &staff, id).await?;
    let variants = db.list_variants(staff.store.id, product.id).await?;
    Ok(Json(Page { items: variants.into_iter().map(Into::into).collect(), next_cursor: None }))
}

/// Makes a variant.
#[utoipa::path(post, path = "/api/v1/admin/products/{product}/variants", tag = "admin",
    operation_id = "admin_create_variant",
    params(("product" = Uuid, Path, description = "Id of the product")),
    request_body = NewVariant, security(("api_key" = [])),
    responses(
        (status = 201, description = "The variant", body = VariantBody,
            headers(("ETag" = String, description = "Its version"), ("Location" = String, description = "Its address"))),
        (status = 401, description = "`unauthenticated`", body = crate::problem::Problem),
        (status = 404, description = "`not_found`", body = crate::problem::Problem),
        (status = 409, description = "`sku_taken` or `options_taken`", body = crate::problem::Problem),
        (status = 422, description = "`invalid_body`", body = crate::problem::Problem)))]
pub async fn create(
    staff: Staff,
    State(db): State<Db>,
    State(clock): State<Clock>,
    State(ids): State<Ids>,
    Path(id): Path<Id<Product>>,
    Json(new): Json<NewVariant>,
) -> Result<Response, Error> {
    let product = product::find(&db, &staff, id).await?;
    let siblings = db.list_variants(staff.store.id, id).await?;
    let NewVariant { sku, title, options, position, weight_grams, prices, on_hand } = new;
    let content = VariantContent { sku, title, options, position, weight_grams };
    let mut wrong = Violations::default();
    let full = siblings.len() >= MAX_VARIANTS;
    wrong.expect(!full, "", format!("would be one variant more than the {MAX_VARIANTS} a product may have"));
    wrong.expect((0..=MAX_ON_HAND).contains(&on_hand), "/on_hand", format!("must be 0 to {MAX_ON_HAND}"));
    let prices = check_prices(&mut wrong, &prices);
    let mut variant = content.checked(wrong, &product, None, &siblings)?;
    variant.id = ids.next(clock.now());
    variant.prices = prices;
    variant.stock = StockLevel { on_hand, reserved: 0 };
    db.insert_variant(staff.store.id, &variant).await.map_err(|error| taken(error, &variant))?;
    let location = format!("/api/v1/admin/variants/{}", variant.id);
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], answer(variant)).into_response())
}

/// A variant with its version as ETag.
pub fn answer(variant: Variant) -> Response {
    ([(header::ETAG, format!("\"{}\"", variant.version))], Json(VariantBody::from(variant))).into_response()
}

/// What a refusal of the store means for a variant.
pub fn taken(error: StoreError, variant: &Variant) -> Error {
    match error {
        StoreError::Conflict(Unique::Sku) => Error::SkuTaken { sku: variant.sku.clone() },
        error => error.into(),
    }
}

impl VariantContent {
    /// The variant that comes of it: all of `before` that isn't said here, where there is one.
    pub fn checked(
        self,
        mut wrong: Violations,
        product: &Product,
        before: Option<Variant>,
        siblings: &[Variant],
    ) -> Result<Variant, Error> {
        let title = wrong.line("/title", &self.title, 0, 200);
        let mut options: Vec<Attribute> = self.options.iter().map(trimmed).collect();
        options.sort();
        let choices =
            product.options.iter().map(|option| option.name.as_str()).collect::<Vec<_>>().join(", ");
        let expected = match choices.as_str() {
            "" => "must be empty, since the product has no options".to_owned(),
            choices => format!("must name one of the product's own values for each of: {choices}"),
        };
        wrong.expect(product::is_choice(product, &options), "/options", expected);
        wrong.expect(
            (-1_000_000..=1_000_000).contains(&self.position),
            "/position",
            "must be -1000000 to 1000000",
        );
        wrong.expect(
            self.weight_grams.is_none_or(|grams| grams <= MAX_WEIGHT_GRAMS),
            "/weight_grams",
            format!("must be at most {MAX_WEIGHT_GRAMS}"),
        );
        wrong.finish()?;
        let id = before.as_ref().map(|variant| variant.id);
        if siblings.iter().any(|sibling| Some(sibling.id) != id && sibling.options == options) {
            return Err(Error::OptionsTaken);
        }
        let title = if title.is_empty() { made_of(product, &options) } else { title };
        let mut variant = before.unwrap_or_else(|| blank(product, &self.sku));
        variant.sku = self.sku;
        variant.title = title;
        variant.options = options;
        variant.position = self.position;
        variant.weight_grams = self.weight_grams;
        Ok(variant)
    }
}

fn trimmed(option: &NamedValue) -> Attribute {
    Attribute { name: option.name.trim().to_owned(), value: option.value.trim().to_owned() }
}

/// The values in the order of the product's options: `M / navy`.
fn made_of(product: &Product, choice: &[Attribute]) -> String {
    let value =
        |name: &str| choice.iter().find(|chosen| chosen.name == name).map(|chosen| chosen.value.as_str());
    let values: Vec<&str> = product.options.iter().filter_map(|option| value(&option.name)).collect();
    if values.is_empty() { product.title.clone() } else { values.join(" / ").chars().take(200).collect() }
}

fn blank(product: &Product, sku: &Sku) -> Variant {
    Variant {
        id: Id::new(Uuid::nil()),
        product: product.id,
        sku: sku.clone(),
        title: String::new(),
        options: Vec::new(),
        prices: Vec::new(),
        stock: StockLevel { on_hand: 0, reserved: 0 },
        weight_grams: None,
        position: 0,
        version: 1,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::testing::TestApp;

    fn path(product: &Value) -> String {
        format!("/api/v1/admin/products/{}/variants", product["id"].as_str().unwrap())
    }

    #[tokio::test]
    async fn a_variant_is_made_with_prices_and_stock() {
        let app = TestApp::new().await;
        let product = app.product("mug").await;
        let body = json!({
            "sku": " mug-s ", "options": [{"name": "size", "value": "S"}], "on_hand": 7, "position": 3, "weight_grams": 310,
            "prices": [{"amount": 1999, "currency": "USD", "floor": 500}, {"amount": 26000, "currency": "KRW"}],
        });
        let answer = app.admin_post(&path(&product), body).await.expect_status(201);
        let id = answer.body["id"].as_str().unwrap();
        assert_eq!(answer.header("location"), format!("/api/v1/admin/variants/{id}"));
        assert_eq!(answer.header("etag"), "\"1\"");
        assert_eq!(
            answer.body,
            json!({
                "id": id, "product": product["id"], "version": 1, "sku": "MUG-S", "title": "S",
                "options": [{"name": "size", "value": "S"}], "position": 3, "weight_grams": 310,
                "prices": [
                    {"amount": 1999, "currency": "USD", "floor": 500},
                    {"amount": 26000, "currency": "KRW", "floor": 0},
                ],
                "stock": {"on_hand": 7, "reserved": 0, "available": 7},
            })
        );
        let list = app.admin_get(&path(&product)).await.expect_status(200);
        assert_eq!(list.body["items"][0]["id"], id);
    }

    #[tokio::test]
    async fn skus_and_choices_are_unique() {
        let app = TestApp::new().await;
        let product = app.product("mug").await;
        app.variant(&product, "mug-s", "S", 1).await;
        let size = |size: &str| json!([{"name": "size", "value": size}]);
        let answer = app.admin_post(&path(&product), json!({"sku": "Mug-S", "options": size("M")})).await;
        assert_eq!(answer.expect_problem(409, "sku_taken").body["sku"], "MUG-S");
        let answer = app.admin_post(&path(&product), json!({"sku": "mug-2", "options": size("S")})).await;
        answer.expect_problem(409, "options_taken");
    }

    #[tokio::test]
    async fn options_must_be_the_products_own() {
        let app = TestApp::new().await;
        let product = app.product("mug").await;
        let size = |value: &str| json!({"name": "size", "value": value});
        let colour = json!({"name": "colour", "value": "red"});
        for options in [
            json!([]),
            json!([size("XL")]),
            json!([colour]),
            json!([size("S"), colour]),
            json!([size("S"), size("M")]),
        ] {
            let answer = app.admin_post(&path(&product), json!({"sku": "x", "options": options})).await;
            let answer = answer.expect_problem(422, "invalid_body");
            assert_eq!(
                answer.violation(),
                ("/options", "must name one of the product's own values for each of: size")
            );
        }
    }

    #[tokio::test]
    async fn prices_and_stock_have_bounds() {
        let app = TestApp::new().await;
        let product = app.product("mug").await;
        let price = |amount: i64, floor: i64| json!([{"amount": amount, "currency": "USD", "floor": floor}]);
        let twice = json!([{"amount": 1, "currency": "USD"}, {"amount": 2, "currency": "USD"}]);
        let cases = [
            ("prices", price(-1, 0), "/prices/0/amount"),
            ("prices", price(100_000_000_001, 0), "/prices/0/amount"),
            ("prices", price(5, 6), "/prices/0/floor"),
            ("prices", price(5, -1), "/prices/0/floor"),
            ("prices", twice, "/prices/1/currency"),
            ("prices", json!([{"amount": 1, "currency": "XYZ"}]), "/prices/0/currency"),
            ("prices", json!([{"amount": 19.99, "currency": "USD"}]), "/prices/0/amount"),
            ("on_hand", json!(-1), "/on_hand"),
            ("on_hand", json!(1_000_000_001), "/on_hand"),
            ("position", json!(i64::MIN + 1), "/position"),
            ("weight_grams", json!(1_000_000_001_u32), "/weight_grams"),
            ("sku", json!(""), "/sku"),
            ("title", json!("x".repeat(201)), "/title"),
        ];
        for (member, value, pointer) in cases {
            let mut body = json!({"sku": "x", "options": [{"name": "size", "value": "S"}]});
            body[member] = value;
            let answer = app.admin_post(&path(&product), body).await.expect_problem(422, "invalid_body");
            assert_eq!(answer.violation().0, pointer);
        }
        let most = json!({"sku": "x", "options": [{"name": "size", "value": "S"}],
            "prices": price(100_000_000_000, 100_000_000_000)});
        app.admin_post(&path(&product), most).await.expect_status(201);
    }

    #[tokio::test]
    async fn an_unknown_product_has_no_variants() {
        let app = TestApp::new().await;
        let nobody = json!({"id": "00000000-0000-0000-0000-000000000000"});
        app.admin_post(&path(&nobody), json!({"sku": "x"})).await.expect_problem(404, "not_found");
        app.admin_get(&path(&nobody)).await.expect_problem(404, "not_found");
    }
}
