//! `/api/v1/admin/coupons/{coupon}/claim-stock`: how many customers may claim a coupon.

use axum::extract::State;
use martlet_domain::{Id, coupon::Coupon};
use martlet_store::{ClaimStock, Db};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    api::text::Violations,
    error::Error,
    extract::{Json, Path, Staff},
};

/// Most customers who may claim a coupon.
const MAX_UNITS: i64 = 1_000_000_000;

/// How many customers may claim a coupon.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = ClaimStock)]
pub struct ClaimStockBody {
    /// In all.
    units: i64,
    /// Those who have.
    claimed: i64,
}

/// How many customers may claim a coupon in all.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ClaimStockRequest {
    /// At least as many as have claimed it.
    #[schema(minimum = 0, maximum = 1_000_000_000)]
    units: i64,
}

impl From<ClaimStock> for ClaimStockBody {
    fn from(stock: ClaimStock) -> Self {
        Self { units: stock.units, claimed: stock.claimed }
    }
}

/// How many customers may claim a coupon, and have.
#[utoipa::path(get, path = "/api/v1/admin/coupons/{coupon}/claim-stock", tag = "admin",
    operation_id = "admin_get_claim_stock",
    params(("coupon" = Uuid, Path, description = "Id of the coupon")), security(("api_key" = ["coupons:read"])),
    responses(
        (status = 200, description = "How many", body = ClaimStockBody),
        (status = 401, description = "`unauthenticated`", body = crate::problem::Problem),
        (status = 404, description = "`not_found`: no such coupon, or it isn't one to be claimed",
            body = crate::problem::Problem)))]
pub async fn get(
    staff: Staff,
    State(db): State<Db>,
    Path(id): Path<Id<Coupon>>,
) -> Result<Json<ClaimStockBody>, Error> {
    let stock = db.claim_stock(staff.store.id, id).await?.ok_or_else(Error::not_found::<Coupon>)?;
    Ok(Json(stock.into()))
}

/// Makes a coupon one to be claimed, by so many customers. Only those who have claimed it can use it.
#[utoipa::path(put, path = "/api/v1/admin/coupons/{coupon}/claim-stock", tag = "admin",
    operation_id = "admin_put_claim_stock",
    params(("coupon" = Uuid, Path, description = "Id of the coupon")),
    request_body = ClaimStockRequest, security(("api_key" = ["coupons:write"])),
    responses(
        (status = 200, description = "How many", body = ClaimStockBody),
        (status = 401, description = "`unauthenticated`", body = crate::problem::Problem),
        (status = 404, description = "`not_found`", body = crate::problem::Problem),
        (status = 422, description = "`invalid_body`: more have claimed it", body = crate::problem::Problem)))]
pub async fn put(
    staff: Staff,
    State(db): State<Db>,
    Path(id): Path<Id<Coupon>>,
    Json(request): Json<ClaimStockRequest>,
) -> Result<Json<ClaimStockBody>, Error> {
    let (store, units) = (staff.store.id, request.units);
    let mut wrong = Violations::default();
    wrong.expect((0..=MAX_UNITS).contains(&units), "/units", format!("must be 0 to {MAX_UNITS}"));
    wrong.finish()?;
    db.find_coupon(store, id).await?.ok_or_else(Error::not_found::<Coupon>)?;
    if !db.set_claim_stock(store, id, units).await? {
        return Err(Error::invalid("/units", "must be at least as many as have claimed the coupon"));
    }
    tracing::info!(coupon = %id, units, api_key = %staff.key.id, "a coupon can be claimed");
    let stock = db.claim_stock(store, id).await?.ok_or_else(Error::not_found::<Coupon>)?;
    Ok(Json(stock.into()))
}

#[cfg(test)]
mod tests {
    use axum::http::Method;
    use martlet_domain::plugin::World;
    use martlet_store::ClaimOutcome;
    use serde_json::json;

    use crate::testing::TestApp;

    #[tokio::test]
    async fn a_coupon_becomes_one_to_be_claimed_and_never_by_fewer_than_have() {
        let app = TestApp::new().await;
        let installation = app.install(World::Coupon).await.id;
        let body = json!({"code": "FIRST", "installation": installation, "config": {"x": 1}});
        let coupon = app.admin_post("/api/v1/admin/coupons", body).await.expect_status(201).body;
        let path = format!("/api/v1/admin/coupons/{}/claim-stock", coupon["id"].as_str().unwrap());
        let put = async |units: i64| {
            let request = app.request(Method::PUT, &path).key(&app.key);
            request.json(&json!({"units": units})).send().await
        };
        app.admin_get(&path).await.expect_problem(404, "not_found");
        put(-1).await.expect_problem(422, "invalid_body");
        app.admin_get(&path).await.expect_problem(404, "not_found");
        assert_eq!(put(2).await.expect_status(200).body, json!({"units": 2, "claimed": 0}));
        let id = coupon["id"].as_str().unwrap().parse().unwrap();
        for number in 0..2 {
            let customer = app.customer(&format!("jo{number}@example.com")).await.id.parse().unwrap();
            let claimed = app.state.db.claim_coupon(app.store.id, id, customer, app.clock.now()).await;
            assert_eq!(claimed.unwrap(), ClaimOutcome::Claimed);
        }
        put(1).await.expect_problem(422, "invalid_body");
        assert_eq!(app.admin_get(&path).await.expect_status(200).body, json!({"units": 2, "claimed": 2}));
        assert_eq!(put(3).await.expect_status(200).body, json!({"units": 3, "claimed": 2}));
    }
}
