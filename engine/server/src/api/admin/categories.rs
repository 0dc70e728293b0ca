//! `/api/v1/admin/categories`: the store's categories.

use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use martlet_domain::{
    Id,
    catalog::{Category, Handle},
};
use martlet_store::{Db, StoreError, Unique};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    api::{page::Page, text::Violations},
    clock::Clock,
    error::Error,
    extract::{Json, Staff},
    ids::Ids,
};

/// A category as merchants see it.
#[derive(Debug, Serialize, ToSchema)]
pub struct CategoryBody {
    /// Its id.
    #[schema(value_type = Uuid)]
    pub id: Id<Category>,
    /// What the merchant said of it.
    #[serde(flatten)]
    pub content: CategoryContent,
}

/// What a merchant says of a category.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CategoryContent {
    /// Names it in addresses. Unique in the store.
    #[schema(value_type = String, max_length = 100)]
    pub handle: Handle,
    /// What shoppers call it.
    #[schema(min_length = 1, max_length = 200)]
    pub name: String,
    /// Id of the category it stands in.
    #[schema(value_type = Option<Uuid>)]
    pub parent: Option<Id<Category>>,
    /// Where it stands among its siblings.
    #[serde(default)]
    pub position: i64,
}

impl From<Category> for CategoryBody {
    fn from(category: Category) -> Self {
        let Category { id, handle, name, parent, position } = category;
        Self { id, content: CategoryContent { handle, name, parent, position } }
    }
}

/// All categories, in one page.
#[utoipa::path(get, path = "/api/v1/admin/categories", tag = "admin", operation_id = "admin_list_categories",
    security(("api_key" = ["catalog:read"])),
    responses(
        (status = 200, description = "The categories, by position", body = Page<CategoryBody>),
        (status = 401, description = "`unauthenticated`", body = crate::problem::Problem)))]
pub async fn list(staff: Staff, State(db): State<Db>) -> Result<Json<Page<CategoryBody>>, Error> {
    let categories = db.list_categories(staff.store.id).await?;
    Ok(Json(Page { items: categories.into_iter().map(Into::into).collect(), next_cursor: None }))
}

/// Makes a category.
#[utoipa::path(post, path = "/api/v1/admin/categories", tag = "admin", operation_id = "admin_create_category",
    request_body = CategoryContent, security(("api_key" = ["catalog:write"])),
    responses(
        (status = 201, description = "The category", body = CategoryBody),
        (status = 401, description = "`unauthenticated`", body = crate::problem::Problem),
        (status = 409, description = "`handle_taken`", body = crate::problem::Problem),
        (status = 422, description = "`invalid_body`", body = crate::problem::Problem)))]
pub async fn create(
    staff: Staff,
    State(db): State<Db>,
    State(clock): State<Clock>,
    State(ids): State<Ids>,
    Json(content): Json<CategoryContent>,
) -> Result<Response, Error> {
    let mut wrong = Violations::default();
    let name = wrong.line("/name", &content.name, 1, 200);
    wrong.expect(
        (-1_000_000..=1_000_000).contains(&content.position),
        "/position",
        "must be -1000000 to 1000000",
    );
    wrong.finish()?;
    let CategoryContent { handle, parent, position, .. } = content;
    let category = Category { id: ids.next(clock.now()), handle, name, parent, position };
    db.insert_category(staff.store.id, &category).await.map_err(|error| match error {
        StoreError::Conflict(Unique::CategoryHandle) => {
            Error::HandleTaken { entity: "category", handle: category.handle.clone() }
        }
        StoreError::UnknownReference => Error::invalid("/parent", "must be a category of this store"),
        error => error.into(),
    })?;
    Ok((StatusCode::CREATED, Json(CategoryBody::from(category))).into_response())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::TestApp;

    const PATH: &str = "/api/v1/admin/categories";

    #[tokio::test]
    async fn a_category_is_made_below_another() {
        let app = TestApp::new().await;
        let top =
            app.admin_post(PATH, json!({"handle": "home", "name": " Home "})).await.expect_status(201).body;
        assert_eq!(
            top,
            json!({"id": top["id"], "handle": "home", "name": "Home", "parent": null, "position": 0})
        );
        let body = json!({"handle": "mugs", "name": "Mugs", "parent": top["id"], "position": 4});
        let below = app.admin_post(PATH, body).await.expect_status(201).body;
        assert_eq!(below["parent"], top["id"]);
        let list = app.admin_get(PATH).await.expect_status(200).body;
        assert_eq!(list, json!({"items": [top, below], "next_cursor": null}));
    }

    #[tokio::test]
    async fn taken_handles_and_unknown_parents_are_problems() {
        let app = TestApp::new().await;
        app.admin_post(PATH, json!({"handle": "home", "name": "Home"})).await.expect_status(201);
        let taken = app.admin_post(PATH, json!({"handle": "home", "name": "Home"})).await;
        assert_eq!(taken.expect_problem(409, "handle_taken").body["resource"], "category");
        let parent = "00000000-0000-0000-0000-000000000000";
        let lost = app.admin_post(PATH, json!({"handle": "x", "name": "X", "parent": parent})).await;
        let lost = lost.expect_problem(422, "invalid_body");
        assert_eq!(lost.violation(), ("/parent", "must be a category of this store"));
        let long = app.admin_post(PATH, json!({"handle": "x", "name": "x".repeat(201)})).await;
        assert_eq!(long.expect_problem(422, "invalid_body").violation().0, "/name");
    }
}
