//! `/api/v1/admin/products/{product}`: one product.

use axum::{extract::State, http::StatusCode, response::Response};
use martlet_domain::{
    Id,
    catalog::{Attribute, Product, Variant},
};
use martlet_store::{Db, Update};

use super::products::{ProductBody, ProductContent, answer, taken};
use crate::{
    clock::Clock,
    error::{Error, Violation},
    extract::{IfMatch, Json, Path, Staff},
};

/// A product, published or not.
#[utoipa::path(get, path = "/api/v1/admin/products/{product}", tag = "admin", operation_id = "admin_get_product",
    params(("product" = Uuid, Path, description = "Its id")), security(("api_key" = ["catalog:read"])),
    responses(
        (status = 200, description = "The product", body = ProductBody,
            headers(("ETag" = String, description = "Its version"))),
        (status = 401, description = "`unauthenticated`", body = crate::problem::Problem),
        (status = 404, description = "`not_found`", body = crate::problem::Problem)))]
pub async fn get(staff: Staff, State(db): State<Db>, Path(id): Path<Id<Product>>) -> Result<Response, Error> {
    find(&db, &staff, id).await.map(answer)
}

/// Replaces what the merchant said of a product. Its variants must still fit its options.
#[utoipa::path(put, path = "/api/v1/admin/products/{product}", tag = "admin", operation_id = "admin_update_product",
    params(
        ("product" = Uuid, Path, description = "Its id"),
        ("If-Match" = String, Header, description = "ETag of the version the change is based on")),
    request_body = ProductContent, security(("api_key" = ["catalog:write"])),
    responses(
        (status = 200, description = "The product", body = ProductBody,
            headers(("ETag" = String, description = "Its version"))),
        (status = 401, description = "`unauthenticated`", body = crate::problem::Problem),
        (status = 404, description = "`not_found`", body = crate::problem::Problem),
        (status = 409, description = "`handle_taken`", body = crate::problem::Problem),
        (status = 412, description = "`version_conflict`", body = crate::problem::Problem),
        (status = 422, description = "`invalid_body`", body = crate::problem::Problem),
        (status = 428, description = "`precondition_required`", body = crate::problem::Problem)))]
pub async fn update(
    staff: Staff,
    State(db): State<Db>,
    State(clock): State<Clock>,
    Path(id): Path<Id<Product>>,
    if_match: IfMatch,
    Json(content): Json<ProductContent>,
) -> Result<Response, Error> {
    let product = find(&db, &staff, id).await?;
    if_match.check("product", product.version)?;
    let content = content.checked(&db, &staff.store).await?;
    let expected = product.version;
    let mut product = content.apply_to(product);
    product.updated_at = clock.now();
    let variants = db.list_variants(staff.store.id, id).await?;
    fits(&product, &variants)?;
    let update = db.update_product(staff.store.id, &product, expected).await;
    product.version = version(update.map_err(|error| taken(error, &product))?)?;
    Ok(answer(product))
}

/// Takes a product out of the storefront. It stays on the merchants' side, since carts and
/// orders may refer to it; publishing it again brings it back.
#[utoipa::path(delete, path = "/api/v1/admin/products/{product}", tag = "admin",
    operation_id = "admin_delete_product",
    params(
        ("product" = Uuid, Path, description = "Its id"),
        ("If-Match" = String, Header, description = "ETag of the version the change is based on")),
    security(("api_key" = ["catalog:write"])),
    responses(
        (status = 204, description = "Shoppers no longer see it"),
        (status = 401, description = "`unauthenticated`", body = crate::problem::Problem),
        (status = 404, description = "`not_found`", body = crate::problem::Problem),
        (status = 412, description = "`version_conflict`", body = crate::problem::Problem),
        (status = 428, description = "`precondition_required`", body = crate::problem::Problem)))]
pub async fn delete(
    staff: Staff,
    State(db): State<Db>,
    State(clock): State<Clock>,
    Path(id): Path<Id<Product>>,
    if_match: IfMatch,
) -> Result<StatusCode, Error> {
    let mut product = find(&db, &staff, id).await?;
    if_match.check("product", product.version)?;
    if product.published {
        let expected = product.version;
        product.published = false;
        product.updated_at = clock.now();
        version(db.update_product(staff.store.id, &product, expected).await?)?;
    }
    Ok(StatusCode::NO_CONTENT)
}

/// The product with an id, or the problem that there is none.
pub async fn find(db: &Db, staff: &Staff, id: Id<Product>) -> Result<Product, Error> {
    db.find_product(staff.store.id, id).await?.ok_or_else(Error::not_found::<Product>)
}

fn version(update: Update) -> Result<i64, Error> {
    match update {
        Update::Done { version } => Ok(version),
        Update::Stale { current } => Err(Error::VersionConflict { entity: "product", current }),
        Update::Missing => Err(Error::not_found::<Product>()),
    }
}

/// Refuses options that a variant's choice no longer fits.
fn fits(product: &Product, variants: &[Variant]) -> Result<(), Error> {
    let misfits: Vec<Violation> = variants
        .iter()
        .filter(|variant| !is_choice(product, &variant.options))
        .map(|variant| Violation::new("/options", format!("must offer what the variant {} is", variant.sku)))
        .collect();
    if misfits.is_empty() { Ok(()) } else { Err(Error::InvalidBody { violations: misfits }) }
}

/// Whether a choice names one value for each of the product's options, and nothing else.
pub fn is_choice(product: &Product, choice: &[Attribute]) -> bool {
    let chosen = |name: &str, values: &[String]| {
        choice.iter().any(|chosen| chosen.name == name && values.contains(&chosen.value))
    };
    choice.len() == product.options.len()
        && product.options.iter().all(|option| chosen(&option.name, &option.values))
}

#[cfg(test)]
mod tests {
    use axum::http::Method;
    use serde_json::json;

    use crate::testing::TestApp;

    fn path(product: &serde_json::Value) -> String {
        format!("/api/v1/admin/products/{}", product["id"].as_str().unwrap())
    }

    #[tokio::test]
    async fn a_change_makes_the_next_version() {
        let app = TestApp::new().await;
        let path = path(&app.product("mug").await);
        app.clock.advance(std::time::Duration::from_secs(60));
        let answer =
            app.admin_put(&path, 1, json!({"handle": "cup", "title": "Cup"})).await.expect_status(200);
        assert_eq!((answer.header("etag"), &answer.body["version"]), ("\"2\"", &json!(2)));
        assert_eq!(answer.body["created_at"], "2026-03-01T12:00:00Z");
        assert_eq!(answer.body["updated_at"], "2026-03-01T12:01:00Z");
        let got = app.admin_get(&path).await.expect_status(200);
        assert_eq!((got.body, got.headers.get("etag")), (answer.body.clone(), answer.headers.get("etag")));
        app.get("/api/v1/products/mug").await.expect_problem(404, "not_found");
    }

    #[tokio::test]
    async fn a_change_needs_the_current_version() {
        let app = TestApp::new().await;
        let path = path(&app.product("mug").await);
        let body = json!({"handle": "mug", "title": "Mug"});
        let without = app.request(Method::PUT, &path).key(&app.key).json(&body).send().await;
        without.expect_problem(428, "precondition_required");
        let garbled =
            app.request(Method::PUT, &path).key(&app.key).header("if-match", "1").json(&body).send().await;
        assert_eq!(garbled.expect_problem(400, "malformed_header").body["header"], "If-Match");
        app.admin_put(&path, 1, body.clone()).await.expect_status(200);
        let stale = app.admin_put(&path, 1, body.clone()).await.expect_problem(412, "version_conflict");
        assert_eq!((&stale.body["current_version"], &stale.body["resource"]), (&json!(2), &json!("product")));
        let any =
            app.request(Method::PUT, &path).key(&app.key).header("if-match", "*").json(&body).send().await;
        assert_eq!(any.expect_status(200).body["version"], 3);
    }

    #[tokio::test]
    async fn options_must_still_fit_the_variants() {
        let app = TestApp::new().await;
        let product = app.product("mug").await;
        app.variant(&product, "mug-m", "M", 1).await;
        let body = json!({"handle": "mug", "title": "Mug", "options": [{"name": "size", "values": ["S"]}]});
        let answer = app.admin_put(&path(&product), 1, body).await.expect_problem(422, "invalid_body");
        assert_eq!(answer.violation(), ("/options", "must offer what the variant MUG-M is"));
    }

    #[tokio::test]
    async fn a_taken_handle_or_an_unknown_product_is_a_problem() {
        let app = TestApp::new().await;
        let product = app.product("mug").await;
        app.product("cup").await;
        let body = json!({"handle": "cup", "title": "Mug"});
        app.admin_put(&path(&product), 1, body.clone()).await.expect_problem(409, "handle_taken");
        let nobody = "/api/v1/admin/products/00000000-0000-0000-0000-000000000000";
        app.admin_put(nobody, 1, body).await.expect_problem(404, "not_found");
        app.admin_get(nobody).await.expect_problem(404, "not_found");
        app.admin_get("/api/v1/admin/products/mug").await.expect_problem(400, "malformed_id");
    }

    #[tokio::test]
    async fn deleting_takes_it_out_of_the_storefront() {
        let app = TestApp::new().await;
        let path = path(&app.product("mug").await);
        let delete = async |version: &str| {
            app.request(Method::DELETE, &path).key(&app.key).header("if-match", version).send().await
        };
        delete("\"7\"").await.expect_problem(412, "version_conflict");
        app.get("/api/v1/products/mug").await.expect_status(200);
        delete("\"1\"").await.expect_status(204);
        app.get("/api/v1/products/mug").await.expect_problem(404, "not_found");
        assert_eq!(app.admin_get(&path).await.body["published"], false);
        delete("\"2\"").await.expect_status(204);
    }

    #[tokio::test]
    async fn another_stores_product_is_not_there() {
        let app = TestApp::new().await;
        let path = path(&app.product("mug").await);
        let (_, key) = app.add_store("other", &[]).await;
        let foreign = app.request(Method::GET, &path).key(&key).header("martlet-store", "other").send().await;
        foreign.expect_problem(404, "not_found");
    }
}
