//! The operations of the merchants' side, as their description has them.

use std::{collections::HashMap, sync::LazyLock};

use axum::http::Method;
use martlet_domain::access::Scope;
use utoipa::openapi::path::Operation as Described;

use crate::router;

/// What the paths of the merchants' side begin with.
pub(super) const ADMIN: &str = "/api/v1/admin/";
/// What the description calls an API key.
const API_KEY: &str = "api_key";

/// An operation of the merchants' side.
#[derive(Debug)]
pub(super) struct Operation {
    /// Its id in the description.
    pub(super) id: String,
    /// What a key needs for it.
    pub(super) scope: Scope,
}

/// By method, of one path.
type ByMethod = Vec<(Method, Operation)>;

static BY_PATH: LazyLock<HashMap<String, ByMethod>> = LazyLock::new(|| {
    let mut by_path: HashMap<String, ByMethod> = HashMap::new();
    for (path, item) in router::openapi().paths.paths {
        let methods = [
            (Method::GET, item.get),
            (Method::PUT, item.put),
            (Method::POST, item.post),
            (Method::DELETE, item.delete),
            (Method::PATCH, item.patch),
        ];
        for (method, described) in methods {
            let known = described.as_ref().and_then(|described| Operation::of(&path, described));
            if let Some(operation) = known {
                by_path.entry(path.clone()).or_default().push((method, operation));
            }
        }
    }
    by_path
});

impl Operation {
    /// The operation with a method, at the template of a path; nothing where none names what it needs.
    pub(super) fn find(method: &Method, path: &str) -> Option<&'static Self> {
        let method = if method == Method::HEAD { &Method::GET } else { method };
        let (_, operation) = BY_PATH.get(path)?.iter().find(|(known, _)| known == method)?;
        Some(operation)
    }

    fn of(path: &str, described: &Described) -> Option<Self> {
        let scope = scope_of(path, described)?;
        Some(Self { id: described.operation_id.clone()?, scope })
    }
}

/// The one scope that the description of an operation of the merchants' side names.
pub(super) fn scope_of(path: &str, described: &Described) -> Option<Scope> {
    let [requirement] = described.security.as_deref().filter(|_| path.starts_with(ADMIN))? else {
        return None;
    };
    // The library shows what is in a requirement only to whoever writes it down.
    let requirement = serde_json::to_value(requirement).ok()?;
    let [scope] = requirement.get(API_KEY)?.as_array()?.as_slice() else { return None };
    scope.as_str()?.parse().ok()
}
