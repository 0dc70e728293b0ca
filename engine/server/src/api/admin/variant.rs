//! `/api/v1/admin/variants/{variant}`: one variant.

use axum::{extract::State, response::Response};
use martlet_domain::{Id, catalog::Variant};
use martlet_store::{Db, Update};

use super::{
    product,
    variants::{VariantBody, VariantContent, answer, taken},
};
use crate::{
    api::text::Violations,
    error::Error,
    extract::{IfMatch, Json, Path, Staff},
};

/// A variant.
#[utoipa::path(get, path = "/api/v1/admin/variants/{variant}", tag = "admin", operation_id = "admin_get_variant",
    params(("variant" = Uuid, Path, description = "Its id")), security(("api_key" = ["catalog:read"])),
    responses(
        (status = 200, description = "The variant", body = VariantBody,
            headers(("ETag" = String, description = "Its version"))),
        (status = 401, description = "`unauthenticated`", body = crate::problem::Problem),
        (status = 404, description = "`not_found`", body = crate::problem::Problem)))]
pub async fn get(staff: Staff, State(db): State<Db>, Path(id): Path<Id<Variant>>) -> Result<Response, Error> {
    find(&db, &staff, id).await.map(answer)
}

/// Replaces what the merchant said of a variant. Prices and stock have endpoints of their own.
#[utoipa::path(put, path = "/api/v1/admin/variants/{variant}", tag = "admin", operation_id = "admin_update_variant",
    params(
        ("variant" = Uuid, Path, description = "Its id"),
        ("If-Match" = String, Header, description = "ETag of the version the change is based on")),
    request_body = VariantContent, security(("api_key" = ["catalog:write"])),
    responses(
        (status = 200, description = "The variant", body = VariantBody,
            headers(("ETag" = String, description = "Its version"))),
        (status = 401, description = "`unauthenticated`", body = crate::problem::Problem),
        (status = 404, description = "`not_found`", body = crate::problem::Problem),
        (status = 409, description = "`sku_taken` or `options_taken`", body = crate::problem::Problem),
        (status = 412, description = "`version_conflict`", body = crate::problem::Problem),
        (status = 422, description = "`invalid_body`", body = crate::problem::Problem),
        (status = 428, description = "`precondition_required`", body = crate::problem::Problem)))]
pub async fn update(
    staff: Staff,
    State(db): State<Db>,
    Path(id): Path<Id<Variant>>,
    if_match: IfMatch,
    Json(content): Json<VariantContent>,
) -> Result<Response, Error> {
    let before = find(&db, &staff, id).await?;
    if_match.check("variant", before.version)?;
    let product = product::find(&db, &staff, before.product).await?;
    let siblings = db.list_variants(staff.store.id, product.id).await?;
    let expected = before.version;
    let mut variant = content.checked(Violations::default(), &product, Some(before), &siblings)?;
    let update = db.update_variant(staff.store.id, &variant, expected).await;
    variant.version = version(update.map_err(|error| taken(error, &variant))?)?;
    Ok(answer(variant))
}

/// The variant with an id, or the problem that there is none.
pub async fn find(db: &Db, staff: &Staff, id: Id<Variant>) -> Result<Variant, Error> {
    db.find_variant(staff.store.id, id).await?.ok_or_else(Error::not_found::<Variant>)
}

/// The version after a change.
pub fn version(update: Update) -> Result<i64, Error> {
    match update {
        Update::Done { version } => Ok(version),
        Update::Stale { current } => Err(Error::VersionConflict { entity: "variant", current }),
        Update::Missing => Err(Error::not_found::<Variant>()),
    }
}

#[cfg(test)]
mod tests {
    use axum::http::Method;
    use serde_json::{Value, json};

    use crate::testing::TestApp;

    fn path(variant: &Value) -> String {
        format!("/api/v1/admin/variants/{}", variant["id"].as_str().unwrap())
    }

    #[tokio::test]
    async fn a_change_keeps_prices_and_stock() {
        let app = TestApp::new().await;
        let product = app.product("mug").await;
        let variant = app.variant(&product, "mug-s", "S", 4).await;
        let got = app.admin_get(&path(&variant)).await.expect_status(200);
        assert_eq!((&got.body, got.header("etag")), (&variant, "\"1\""));
        let body =
            json!({"sku": "mug-medium", "title": "Medium", "options": [{"name": "size", "value": "M"}]});
        let answer = app.admin_put(&path(&variant), 1, body).await.expect_status(200);
        assert_eq!(answer.header("etag"), "\"2\"");
        let mut expected = variant.clone();
        expected["sku"] = json!("MUG-MEDIUM");
        expected["title"] = json!("Medium");
        expected["options"][0]["value"] = json!("M");
        expected["version"] = json!(2);
        assert_eq!(answer.body, expected);
        assert_eq!(app.admin_get(&path(&variant)).await.body, expected);
    }

    #[tokio::test]
    async fn what_siblings_have_is_taken_and_stale_versions_are_refused() {
        let app = TestApp::new().await;
        let product = app.product("mug").await;
        let small = app.variant(&product, "mug-s", "S", 4).await;
        app.variant(&product, "mug-m", "M", 4).await;
        let size = |size: &str| json!([{"name": "size", "value": size}]);
        let body = json!({"sku": "mug-m", "options": size("S")});
        app.admin_put(&path(&small), 1, body).await.expect_problem(409, "sku_taken");
        let body = json!({"sku": "mug-s", "options": size("M")});
        app.admin_put(&path(&small), 1, body).await.expect_problem(409, "options_taken");
        let body = json!({"sku": "mug-s", "options": size("S")});
        let stale =
            app.admin_put(&path(&small), 9, body.clone()).await.expect_problem(412, "version_conflict");
        assert_eq!((&stale.body["current_version"], &stale.body["resource"]), (&json!(1), &json!("variant")));
        let without = app.request(Method::PUT, &path(&small)).key(&app.key).json(&body).send().await;
        without.expect_problem(428, "precondition_required");
        let nobody = "/api/v1/admin/variants/00000000-0000-0000-0000-000000000000";
        app.admin_get(nobody).await.expect_problem(404, "not_found");
        app.admin_put(nobody, 1, body).await.expect_problem(404, "not_found");
    }
}
