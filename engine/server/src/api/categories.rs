//! `GET /api/v1/categories`: the store's tree of categories.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use axum::{extract::State, http::HeaderMap, response::Response};
use martlet_domain::{
    Id,
    catalog::{Category, Handle},
    settings::Store,
};
use martlet_store::Db;
use serde::Serialize;
use utoipa::ToSchema;

use super::page::Page;
use crate::{
    catalog::{Body, Catalog},
    error::Error,
    extract::CurrentStore,
};

/// A category and those below it.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct CategoryNode {
    /// Its id.
    #[schema(value_type = Uuid)]
    pub id: Id<Category>,
    /// Names it in addresses.
    #[schema(value_type = String)]
    pub handle: Handle,
    /// What it is called.
    pub name: String,
    /// Those that stand in it, in their order.
    #[schema(no_recursion)]
    pub children: Vec<CategoryNode>,
}

/// All categories as a tree, in one page.
#[utoipa::path(get, path = "/api/v1/categories", tag = "storefront", operation_id = "list_categories",
    responses((status = 200, description = "The categories at the top, with those below", body = Page<CategoryNode>)))]
pub async fn tree(
    State(catalog): State<Arc<Catalog>>,
    CurrentStore(store): CurrentStore,
    headers: HeaderMap,
) -> Result<Response, Error> {
    Ok(catalog.categories(store.id).await?.answer(&headers))
}

/// The tree, from the database: what is sent.
pub(crate) async fn read(db: &Db, store: Id<Store>) -> Result<Body, Error> {
    Body::of(&Page { items: nest(db.list_categories(store).await?), next_cursor: None })
}

/// Nests a list that is sorted by position. Categories whose parent isn't there stand at the top.
fn nest(categories: Vec<Category>) -> Vec<CategoryNode> {
    let known: HashSet<Id<Category>> = categories.iter().map(|category| category.id).collect();
    let mut below: HashMap<Option<Id<Category>>, Vec<Category>> = HashMap::new();
    for category in categories {
        let parent = category.parent.filter(|parent| known.contains(parent));
        below.entry(parent).or_default().push(category);
    }
    take(&mut below, None)
}

/// Takes what it nests out of the map, so that even a circle of parents would end.
fn take(
    below: &mut HashMap<Option<Id<Category>>, Vec<Category>>,
    parent: Option<Id<Category>>,
) -> Vec<CategoryNode> {
    let children = below.remove(&parent).unwrap_or_default();
    children
        .into_iter()
        .map(|category| CategoryNode {
            id: category.id,
            handle: category.handle,
            name: category.name,
            children: take(below, Some(category.id)),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::TestApp;

    #[tokio::test]
    async fn categories_are_a_tree_in_their_order() {
        let app = TestApp::new().await;
        let add = async |body| app.admin_post("/api/v1/admin/categories", body).await.expect_status(201).body;
        let home = add(json!({"handle": "home", "name": "Home", "position": 2})).await;
        let wear = add(json!({"handle": "wear", "name": "Wear", "position": 1})).await;
        let mugs = add(json!({"handle": "mugs", "name": "Mugs", "parent": home["id"]})).await;
        let answer = app.get("/api/v1/categories").await.expect_status(200);
        assert_eq!(
            answer.body,
            json!({"items": [
                {"id": wear["id"], "handle": "wear", "name": "Wear", "children": []},
                {"id": home["id"], "handle": "home", "name": "Home", "children": [
                    {"id": mugs["id"], "handle": "mugs", "name": "Mugs", "children": []}
                ]},
            ], "next_cursor": null})
        );
    }
}
