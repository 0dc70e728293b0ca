//! What the OpenAPI description says of scopes.

use utoipa::openapi::{
    Content, OpenApi, Ref, RefOr, Response, ResponseBuilder, Schema,
    extensions::Extensions,
    path::{Operation, PathItem},
};

use super::operations::scope_of;
use crate::problem::MEDIA_TYPE;

/// The schema of problems.
const PROBLEM: &str = "#/components/schemas/Problem";
/// Where a program finds the scope without knowing how requirements are written down.
const REQUIRED_SCOPE: &str = "x-required-scope";

/// Adds what each operation of the merchants' side needs, and the answer to who hasn't got it.
pub fn describe(openapi: &mut OpenApi) {
    for (path, item) in &mut openapi.paths.paths {
        let PathItem { get, put, post, delete, patch, .. } = item;
        for operation in [get, put, post, delete, patch].into_iter().flatten() {
            if let Some(scope) = scope_of(path, operation) {
                require(operation, &scope.to_string());
            }
        }
    }
}

fn require(operation: &mut Operation, scope: &str) {
    let needed = Extensions::from_iter([(REQUIRED_SCOPE, scope)]);
    operation.extensions.get_or_insert_default().merge(needed);
    operation.responses.responses.insert("403".to_owned(), RefOr::T(refused(scope)));
}

fn refused(scope: &str) -> Response {
    let problem = Content::new(Some(RefOr::<Schema>::Ref(Ref::new(PROBLEM))));
    ResponseBuilder::new()
        .description(format!("`forbidden`: the API key lacks the scope `{scope}`"))
        .content(MEDIA_TYPE, problem)
        .build()
}
