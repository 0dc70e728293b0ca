//! What the description says of each operation, and whether it is held to it.

use std::collections::BTreeMap;

use axum::http::Method;
use martlet_domain::access::{Access, Area, Role, Scope};
use serde_json::Value;

use crate::{access::operations::ADMIN, router, testing::TestApp};

/// Each operation of the merchants' side: method, path and what is said of it.
fn operations() -> Vec<(Method, String, Value)> {
    let description = serde_json::to_value(router::openapi()).unwrap();
    let mut operations = Vec::new();
    for (path, item) in description["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap().iter().filter(|_| path.starts_with(ADMIN)) {
            operations.push((method.to_uppercase().parse().unwrap(), path.clone(), operation.clone()));
        }
    }
    assert!(operations.len() > 30);
    operations
}

/// The scope that an operation names.
fn required(operation: &Value) -> Option<Scope> {
    operation["x-required-scope"].as_str()?.parse().ok()
}

#[test]
fn every_operation_names_one_scope() {
    for (method, path, operation) in operations() {
        let Some(scope) = required(&operation) else {
            panic!(
                "{method} {path} is refused to everybody: name a scope in its description, such as \
                 security((\"api_key\" = [\"catalog:read\"])); {} isn't one",
                operation["security"]
            );
        };
        assert_eq!(operation["security"], serde_json::json!([{"api_key": [scope]}]), "{method} {path}");
        let access = if method == Method::GET { Access::Read } else { Access::Write };
        assert_eq!(scope.access, access, "{method} {path}");
        let refused = operation["responses"]["403"]["description"].as_str().unwrap();
        assert!(refused.contains(&format!("`{scope}`")), "{method} {path}: {refused}");
    }
}

#[tokio::test]
async fn every_operation_is_held_to_its_scope() {
    let app = TestApp::new().await;
    let (mut with, mut without) = (BTreeMap::new(), BTreeMap::new());
    for scope in Scope::all() {
        with.insert(scope, app.key_with(Role::Owner, &[scope]).await);
        let others: Vec<Scope> = Scope::all().filter(|other| *other != scope).collect();
        without.insert(scope, app.key_with(Role::Owner, &others).await);
    }
    for (method, path, operation) in operations() {
        let scope = required(&operation).unwrap();
        let parts = path.split('/');
        let nil = "00000000-0000-0000-0000-000000000000";
        let path: Vec<_> = parts.map(|part| if part.starts_with('{') { nil } else { part }).collect();
        let path = path.join("/");
        let ask = async |key: &str| {
            let request = app.request(method.clone(), &path).key(key).header("if-match", "\"1\"");
            request.raw("application/json", "{}").send().await
        };
        let refused = ask(&without[&scope]).await.expect_problem(403, "forbidden");
        assert_eq!(refused.body["required_scope"], scope.to_string(), "{method} {path}");
        let allowed = ask(&with[&scope]).await;
        assert_ne!(allowed.status, 403, "{method} {path}: {allowed:?}");
        assert!(!allowed.status.is_server_error(), "{method} {path}: {allowed:?}");
    }
}

#[tokio::test]
async fn whoever_only_asks_whether_something_is_there_needs_the_same() {
    let app = TestApp::new().await;
    let head = async |key: &str| app.request(Method::HEAD, "/api/v1/admin/orders").key(key).send().await;
    head(&app.key).await.expect_status(200);
    head(&app.key_with(Role::Developer, &[]).await).await.expect_status(403);
}

#[test]
fn the_documentation_has_the_same_table() {
    let page = include_str!("../../../../../docs/access.md");
    let cell = |role: Role, area: Area| {
        let has = |access, word| role.has(Scope { area, access }).then_some(word);
        let words = [has(Access::Read, "read"), has(Access::Write, "write")];
        words.into_iter().flatten().collect::<Vec<_>>().join(", ")
    };
    let mut table = "| Area | owner | staff | developer |\n|---|---|---|---|\n".to_owned();
    for area in Area::ALL {
        let cells = Role::ALL.map(|role| cell(role, area)).join(" | ");
        table.push_str(&format!("| `{}` | {cells} |\n", area.as_str()));
    }
    assert!(page.contains(&table), "docs/access.md needs this table:\n\n{table}");
}
