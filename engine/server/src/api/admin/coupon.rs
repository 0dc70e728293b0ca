//! `/api/v1/admin/coupons/{coupon}`: one coupon.

use std::sync::Arc;

use axum::{extract::State, response::Response};
use martlet_domain::{Id, coupon::Coupon};
use martlet_plugin_host::Host;
use martlet_store::{Db, Update};

use super::coupons::{CouponBody, CouponContent, answer, taken};
use crate::{
    error::Error,
    extract::{IfMatch, Json, Path, Staff},
    price_cart::turns::Turns,
};

/// A coupon.
#[utoipa::path(get, path = "/api/v1/admin/coupons/{coupon}", tag = "admin", operation_id = "admin_get_coupon",
    params(("coupon" = Uuid, Path, description = "Its id")), security(("api_key" = ["coupons:read"])),
    responses(
        (status = 200, description = "The coupon", body = CouponBody,
            headers(("ETag" = String, description = "Its version"))),
        (status = 401, description = "`unauthenticated`", body = crate::problem::Problem),
        (status = 404, description = "`not_found`", body = crate::problem::Problem)))]
pub async fn get(staff: Staff, State(db): State<Db>, Path(id): Path<Id<Coupon>>) -> Result<Response, Error> {
    answer(find(&db, &staff, id).await?)
}

/// Replaces what the merchant said of a coupon.
#[utoipa::path(put, path = "/api/v1/admin/coupons/{coupon}", tag = "admin", operation_id = "admin_update_coupon",
    params(
        ("coupon" = Uuid, Path, description = "Its id"),
        ("If-Match" = String, Header, description = "ETag of the version the change is based on")),
    request_body = CouponContent, security(("api_key" = ["coupons:write"])),
    responses(
        (status = 200, description = "The coupon", body = CouponBody,
            headers(("ETag" = String, description = "Its version"))),
        (status = 401, description = "`unauthenticated`", body = crate::problem::Problem),
        (status = 404, description = "`not_found`", body = crate::problem::Problem),
        (status = 409, description = "`code_taken`", body = crate::problem::Problem),
        (status = 412, description = "`version_conflict`", body = crate::problem::Problem),
        (status = 422, description = "`invalid_body`, `config_refused` or `plugin_failed`",
            body = crate::problem::Problem),
        (status = 428, description = "`precondition_required`", body = crate::problem::Problem)))]
pub async fn update(
    staff: Staff,
    State(db): State<Db>,
    State(host): State<Arc<Host>>,
    State(turns): State<Turns>,
    Path(id): Path<Id<Coupon>>,
    if_match: IfMatch,
    Json(content): Json<CouponContent>,
) -> Result<Response, Error> {
    let before = find(&db, &staff, id).await?;
    if_match.check("coupon", before.version)?;
    let coupon = content.checked(&db, (&host, &turns), &staff.store, id).await?;
    save(&db, &staff, coupon, before.version).await
}

/// Switches a coupon off: carts that have it are told so. Switching off twice is no error.
#[utoipa::path(post, path = "/api/v1/admin/coupons/{coupon}/disable", tag = "admin",
    operation_id = "admin_disable_coupon",
    params(("coupon" = Uuid, Path, description = "Its id")), security(("api_key" = ["coupons:write"])),
    responses(
        (status = 200, description = "The coupon", body = CouponBody,
            headers(("ETag" = String, description = "Its version"))),
        (status = 401, description = "`unauthenticated`", body = crate::problem::Problem),
        (status = 404, description = "`not_found`", body = crate::problem::Problem),
        (status = 412, description = "`version_conflict`: somebody changed it meanwhile",
            body = crate::problem::Problem)))]
pub async fn disable(
    staff: Staff,
    State(db): State<Db>,
    Path(id): Path<Id<Coupon>>,
) -> Result<Response, Error> {
    let mut coupon = find(&db, &staff, id).await?;
    if !coupon.enabled {
        return answer(coupon);
    }
    let expected = coupon.version;
    coupon.enabled = false;
    save(&db, &staff, coupon, expected).await
}

async fn find(db: &Db, staff: &Staff, id: Id<Coupon>) -> Result<Coupon, Error> {
    db.find_coupon(staff.store.id, id).await?.ok_or_else(Error::not_found::<Coupon>)
}

async fn save(db: &Db, staff: &Staff, mut coupon: Coupon, expected: i64) -> Result<Response, Error> {
    let update = db.update_coupon(staff.store.id, &coupon, expected).await;
    match update.map_err(|error| taken(error, &coupon))? {
        Update::Done { version } => {
            coupon.version = version;
            answer(coupon)
        }
        Update::Stale { current } => Err(Error::VersionConflict { entity: "coupon", current }),
        Update::Missing => Err(Error::not_found::<Coupon>()),
    }
}

#[cfg(test)]
mod tests {
    use axum::http::Method;
    use martlet_domain::plugin::World;
    use serde_json::{Value, json};

    use crate::testing::TestApp;

    /// A coupon with the code A, and its path.
    async fn coupon(app: &TestApp) -> (Value, String) {
        let installation = app.install(World::Coupon).await;
        let body = json!({"code": "a", "installation": installation.id, "config": {"percent": 1}});
        let coupon = app.admin_post("/api/v1/admin/coupons", body).await.expect_status(201).body;
        let path = format!("/api/v1/admin/coupons/{}", coupon["id"].as_str().unwrap());
        (coupon, path)
    }

    #[tokio::test]
    async fn a_coupon_is_replaced_at_its_version() {
        let app = TestApp::new().await;
        let (coupon, path) = coupon(&app).await;
        let body = json!({"code": "b", "installation": coupon["installation"], "config": {"percent": 22}});
        let answer = app.admin_put(&path, 1, body.clone()).await.expect_status(200);
        let changed = (&answer.body["code"], &answer.body["config"], &answer.body["version"]);
        assert_eq!(changed, (&json!("B"), &json!({"percent": 22}), &json!(2)));
        assert_eq!(app.admin_get(&path).await.body, answer.body);
        app.admin_put(&path, 1, body.clone()).await.expect_problem(412, "version_conflict");
        let mut refused = body.clone();
        refused["config"] = json!({});
        app.admin_put(&path, 2, refused).await.expect_problem(422, "config_refused");
        let without = app.request(Method::PUT, &path).key(&app.key).json(&body).send().await;
        without.expect_problem(428, "precondition_required");
        let nobody = "/api/v1/admin/coupons/00000000-0000-0000-0000-000000000000";
        app.admin_put(nobody, 1, body).await.expect_problem(404, "not_found");
        app.admin_get(nobody).await.expect_problem(404, "not_found");
    }

    #[tokio::test]
    async fn switching_off_twice_is_no_error() {
        let app = TestApp::new().await;
        let (_, path) = coupon(&app).await;
        let disable = async || {
            let request = app.request(Method::POST, &format!("{path}/disable")).key(&app.key);
            request.send().await.expect_status(200).body
        };
        let once = disable().await;
        assert_eq!((&once["enabled"], &once["version"]), (&json!(false), &json!(2)));
        assert_eq!(disable().await, once);
        let nobody = "/api/v1/admin/coupons/00000000-0000-0000-0000-000000000000/disable";
        app.request(Method::POST, nobody).key(&app.key).send().await.expect_problem(404, "not_found");
    }
}
