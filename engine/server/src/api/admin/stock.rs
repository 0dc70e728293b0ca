//! `/api/v1/admin/variants/{variant}/stock`: what there is of a variant.

use axum::extract::State;
use martlet_domain::{Id, catalog::Variant, stock::StockLevel};
use martlet_store::{Db, StockUpdate};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::variant;
use crate::{
    api::text::Violations,
    error::Error,
    extract::{Json, Path, Staff},
};

/// Most units a variant may have.
pub const MAX_ON_HAND: i64 = 1_000_000_000;

/// What there is of a variant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = Stock)]
pub struct StockBody {
    /// Units that are physically there.
    pub on_hand: i64,
    /// Units of those that are promised to orders.
    pub reserved: i64,
    /// Units that can still be sold.
    pub available: i64,
}

impl From<StockLevel> for StockBody {
    fn from(level: StockLevel) -> Self {
        Self { on_hand: level.on_hand, reserved: level.reserved, available: level.available() }
    }
}

/// How many units there are, as after counting them.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StockRequest {
    /// Units that are physically there, at least those that are promised to orders.
    #[schema(minimum = 0, maximum = 1_000_000_000)]
    pub on_hand: i64,
}

/// Units that come or go.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AdjustmentRequest {
    /// How many come; negative when they go. Not 0.
    #[schema(minimum = -1_000_000_000, maximum = 1_000_000_000)]
    pub delta: i64,
    /// Why, for the log.
    #[schema(min_length = 1, max_length = 200)]
    pub reason: String,
}

/// What there is of a variant.
#[utoipa::path(get, path = "/api/v1/admin/variants/{variant}/stock", tag = "admin", operation_id = "admin_get_stock",
    params(("variant" = Uuid, Path, description = "Id of the variant")), security(("api_key" = ["catalog:read"])),
    responses(
        (status = 200, description = "The stock", body = StockBody),
        (status = 401, description = "`unauthenticated`", body = crate::problem::Problem),
        (status = 404, description = "`not_found`", body = crate::problem::Problem)))]
pub async fn get(
    staff: Staff,
    State(db): State<Db>,
    Path(id): Path<Id<Variant>>,
) -> Result<Json<StockBody>, Error> {
    let level = db.find_stock(staff.store.id, id).await?.ok_or_else(Error::not_found::<Variant>)?;
    Ok(Json(level.into()))
}

/// Says how many units there are.
#[utoipa::path(put, path = "/api/v1/admin/variants/{variant}/stock", tag = "admin", operation_id = "admin_put_stock",
    params(("variant" = Uuid, Path, description = "Id of the variant")),
    request_body = StockRequest, security(("api_key" = ["catalog:write"])),
    responses(
        (status = 200, description = "The stock", body = StockBody),
        (status = 401, description = "`unauthenticated`", body = crate::problem::Problem),
        (status = 404, description = "`not_found`", body = crate::problem::Problem),
        (status = 409, description = "`insufficient_stock`: more units are promised to orders",
            body = crate::problem::Problem),
        (status = 422, description = "`invalid_body`", body = crate::problem::Problem)))]
pub async fn put(
    staff: Staff,
    State(db): State<Db>,
    Path(id): Path<Id<Variant>>,
    Json(request): Json<StockRequest>,
) -> Result<Json<StockBody>, Error> {
    let on_hand = request.on_hand;
    let mut wrong = Violations::default();
    wrong.expect((0..=MAX_ON_HAND).contains(&on_hand), "/on_hand", format!("must be 0 to {MAX_ON_HAND}"));
    wrong.finish()?;
    match db.set_on_hand(staff.store.id, id, on_hand).await? {
        StockUpdate::Done(level) => {
            tracing::info!(variant = %id, on_hand, api_key = %staff.key.id, "stock was counted");
            Ok(Json(level.into()))
        }
        StockUpdate::Refused(level) => {
            Err(refused(&db, &staff, id, level.on_hand.saturating_sub(on_hand), level).await)
        }
        StockUpdate::Missing => Err(Error::not_found::<Variant>()),
    }
}

/// Adds units, or takes some away.
#[utoipa::path(post, path = "/api/v1/admin/variants/{variant}/stock/adjustments", tag = "admin",
    operation_id = "admin_adjust_stock",
    params(("variant" = Uuid, Path, description = "Id of the variant")),
    request_body = AdjustmentRequest, security(("api_key" = ["catalog:write"])),
    responses(
        (status = 200, description = "The stock", body = StockBody),
        (status = 401, description = "`unauthenticated`", body = crate::problem::Problem),
        (status = 404, description = "`not_found`", body = crate::problem::Problem),
        (status = 409, description = "`insufficient_stock`: fewer units can be taken away",
            body = crate::problem::Problem),
        (status = 422, description = "`invalid_body`", body = crate::problem::Problem)))]
pub async fn adjust(
    staff: Staff,
    State(db): State<Db>,
    Path(id): Path<Id<Variant>>,
    Json(request): Json<AdjustmentRequest>,
) -> Result<Json<StockBody>, Error> {
    let delta = request.delta;
    let mut wrong = Violations::default();
    let fits = delta != 0 && (-MAX_ON_HAND..=MAX_ON_HAND).contains(&delta);
    wrong.expect(fits, "/delta", format!("must be -{MAX_ON_HAND} to {MAX_ON_HAND} and not 0"));
    let reason = wrong.line("/reason", &request.reason, 1, 200);
    wrong.finish()?;
    match db.adjust_on_hand(staff.store.id, id, delta).await? {
        StockUpdate::Done(level) => {
            tracing::info!(variant = %id, delta, reason, api_key = %staff.key.id, "stock was adjusted");
            Ok(Json(level.into()))
        }
        StockUpdate::Refused(_) if delta > 0 => {
            Err(Error::invalid("/delta", "must not make more units than can be counted"))
        }
        StockUpdate::Refused(level) => Err(refused(&db, &staff, id, delta.saturating_neg(), level).await),
        StockUpdate::Missing => Err(Error::not_found::<Variant>()),
    }
}

async fn refused(db: &Db, staff: &Staff, id: Id<Variant>, requested: i64, level: StockLevel) -> Error {
    match variant::find(db, staff, id).await {
        Ok(variant) => Error::InsufficientStock { sku: variant.sku, requested, available: level.available() },
        Err(error) => error,
    }
}

#[cfg(test)]
mod tests {
    use axum::http::Method;
    use serde_json::{Value, json};

    use crate::testing::{Answer, TestApp};

    async fn stocked(app: &TestApp, on_hand: i64) -> String {
        let product = app.product("mug").await;
        let variant = app.variant(&product, "mug-s", "S", on_hand).await;
        format!("/api/v1/admin/variants/{}/stock", variant["id"].as_str().unwrap())
    }

    async fn put(app: &TestApp, path: &str, body: Value) -> Answer {
        app.request(Method::PUT, path).key(&app.key).json(&body).send().await
    }

    #[tokio::test]
    async fn stock_is_counted_and_adjusted() {
        let app = TestApp::new().await;
        let path = stocked(&app, 5).await;
        let level = |units: i64| json!({"on_hand": units, "reserved": 0, "available": units});
        assert_eq!(app.admin_get(&path).await.expect_status(200).body, level(5));
        assert_eq!(put(&app, &path, json!({"on_hand": 8})).await.expect_status(200).body, level(8));
        let adjustments = format!("{path}/adjustments");
        let body = json!({"delta": -3, "reason": "broken"});
        assert_eq!(app.admin_post(&adjustments, body).await.expect_status(200).body, level(5));
        let body = json!({"delta": -6, "reason": "broken"});
        let answer = app.admin_post(&adjustments, body).await.expect_problem(409, "insufficient_stock");
        let facts = (&answer.body["sku"], &answer.body["requested"], &answer.body["available"]);
        assert_eq!(facts, (&json!("MUG-S"), &json!(6), &json!(5)));
        assert_eq!(app.admin_get(&path).await.body, level(5));
    }

    #[tokio::test]
    async fn amounts_out_of_bounds_are_refused() {
        let app = TestApp::new().await;
        let path = stocked(&app, 5).await;
        for on_hand in [-1, 1_000_000_001, i64::MAX] {
            let answer =
                put(&app, &path, json!({"on_hand": on_hand})).await.expect_problem(422, "invalid_body");
            assert_eq!(answer.violation().0, "/on_hand");
        }
        let adjustments = format!("{path}/adjustments");
        for delta in [0, 1_000_000_001, i64::MIN] {
            let answer = app.admin_post(&adjustments, json!({"delta": delta, "reason": "x"})).await;
            assert_eq!(answer.expect_problem(422, "invalid_body").violation().0, "/delta");
        }
        let answer = app.admin_post(&adjustments, json!({"delta": 1, "reason": " "})).await;
        assert_eq!(answer.expect_problem(422, "invalid_body").violation().0, "/reason");
    }

    #[tokio::test]
    async fn an_unknown_variant_has_no_stock() {
        let app = TestApp::new().await;
        let path = "/api/v1/admin/variants/00000000-0000-0000-0000-000000000000/stock";
        app.admin_get(path).await.expect_problem(404, "not_found");
        put(&app, path, json!({"on_hand": 1})).await.expect_problem(404, "not_found");
        let body = json!({"delta": 1, "reason": "x"});
        app.admin_post(&format!("{path}/adjustments"), body).await.expect_problem(404, "not_found");
    }
}
