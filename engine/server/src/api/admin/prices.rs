//! `PUT /api/v1/admin/variants/{variant}/prices`: what a variant costs.

use axum::{extract::State, response::Response};
use martlet_domain::{
    Id,
    catalog::{Price, Variant},
    money::{Currency, MAX_PRICE},
};
use martlet_store::Db;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    variant,
    variants::{VariantBody, answer},
};
use crate::{
    api::text::Violations,
    error::Error,
    extract::{IfMatch, Json, Path, Staff},
};

/// What one unit costs in one currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Price)]
pub struct PriceBody {
    /// Whole minor units.
    #[schema(minimum = 0, maximum = 100_000_000_000_i64, example = 1999)]
    pub amount: i64,
    /// ISO 4217.
    #[schema(value_type = String, example = "USD")]
    pub currency: Currency,
    /// No discount takes a unit below this; 0 unless said, and at most `amount`.
    #[serde(default)]
    #[schema(minimum = 0)]
    pub floor: i64,
}

/// All prices of a variant.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PricesRequest {
    /// One a currency, at most 50. It isn't sold in currencies that aren't here.
    pub prices: Vec<PriceBody>,
}

/// Replaces the prices of a variant.
#[utoipa::path(put, path = "/api/v1/admin/variants/{variant}/prices", tag = "admin",
    operation_id = "admin_put_prices",
    params(
        ("variant" = Uuid, Path, description = "Id of the variant"),
        ("If-Match" = String, Header, description = "ETag of the version the change is based on")),
    request_body = PricesRequest, security(("api_key" = ["catalog:write"])),
    responses(
        (status = 200, description = "The variant", body = VariantBody,
            headers(("ETag" = String, description = "Its version"))),
        (status = 401, description = "`unauthenticated`", body = crate::problem::Problem),
        (status = 404, description = "`not_found`", body = crate::problem::Problem),
        (status = 412, description = "`version_conflict`", body = crate::problem::Problem),
        (status = 422, description = "`invalid_body`", body = crate::problem::Problem),
        (status = 428, description = "`precondition_required`", body = crate::problem::Problem)))]
pub async fn put(
    staff: Staff,
    State(db): State<Db>,
    Path(id): Path<Id<Variant>>,
    if_match: IfMatch,
    Json(request): Json<PricesRequest>,
) -> Result<Response, Error> {
    let before = variant::find(&db, &staff, id).await?;
    if_match.check("variant", before.version)?;
    let mut wrong = Violations::default();
    let prices = check_prices(&mut wrong, &request.prices);
    wrong.finish()?;
    variant::version(db.set_prices(staff.store.id, id, &prices, before.version).await?)?;
    // Read again, since the database decides on the order of prices.
    variant::find(&db, &staff, id).await.map(answer)
}

/// Prices in bounds, one a currency.
pub fn check_prices(wrong: &mut Violations, prices: &[PriceBody]) -> Vec<Price> {
    wrong.expect(prices.len() <= 50, "/prices", "must be at most 50");
    let mut checked: Vec<Price> = Vec::new();
    for (index, price) in prices.iter().enumerate().take(50) {
        let at = |member: &str| format!("/prices/{index}/{member}");
        let PriceBody { amount, currency, floor } = *price;
        wrong.expect((0..=MAX_PRICE).contains(&amount), at("amount"), format!("must be 0 to {MAX_PRICE}"));
        wrong.expect((0..=amount.max(0)).contains(&floor), at("floor"), "must be 0 to the amount");
        let repeated = checked.iter().any(|other| other.currency == currency);
        wrong.expect(!repeated, at("currency"), "must not be there twice");
        checked.push(Price { currency, amount, floor });
    }
    checked
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::TestApp;

    #[tokio::test]
    async fn prices_are_replaced_as_a_whole() {
        let app = TestApp::new().await;
        let product = app.product("mug").await;
        let variant = app.variant(&product, "mug-s", "S", 4).await;
        let path = format!("/api/v1/admin/variants/{}/prices", variant["id"].as_str().unwrap());
        let prices = json!([{"amount": 900, "currency": "EUR", "floor": 100}]);
        let answer = app.admin_put(&path, 1, json!({"prices": prices})).await.expect_status(200);
        assert_eq!((&answer.body["prices"], answer.header("etag")), (&prices, "\"2\""));
        let shown = app.get("/api/v1/products?currency=EUR").await.body;
        assert_eq!(shown["items"][0]["price_from"], json!({"amount": 900, "currency": "EUR"}));
        app.admin_put(&path, 1, json!({"prices": []})).await.expect_problem(412, "version_conflict");
        let wrong = json!({"prices": [{"amount": -5, "currency": "EUR"}]});
        let answer = app.admin_put(&path, 2, wrong).await.expect_problem(422, "invalid_body");
        assert_eq!(answer.violation().0, "/prices/0/amount");
        let unknown = json!({"prices": [{"amount": 5, "currency": "ABC"}]});
        let answer = app.admin_put(&path, 2, unknown).await.expect_problem(422, "invalid_body");
        let expected = "is an ISO 4217 code in upper case, such as USD";
        assert_eq!(answer.violation(), ("/prices/0/currency", expected));
        app.admin_put(&path, 2, json!({"prices": []})).await.expect_status(200);
        let nobody = "/api/v1/admin/variants/00000000-0000-0000-0000-000000000000/prices";
        app.admin_put(nobody, 1, json!({"prices": []})).await.expect_problem(404, "not_found");
    }
}
