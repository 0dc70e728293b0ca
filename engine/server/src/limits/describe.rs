//! What the OpenAPI description says of limits.

use axum::http::Method;
use utoipa::openapi::{
    Content, Header, HeaderBuilder, Object, OpenApi, Ref, RefOr, Response, ResponseBuilder, Schema, Type,
    path::Operation,
};

use crate::{problem::MEDIA_TYPE, router::group_of};

/// The schema of problems.
const PROBLEM: &str = "#/components/schemas/Problem";

/// Adds the answer to who asks too often, wherever requests are counted.
pub fn describe(openapi: &mut OpenApi) {
    for (path, item) in &mut openapi.paths.paths {
        let operations = [
            (Method::GET, &mut item.get),
            (Method::PUT, &mut item.put),
            (Method::POST, &mut item.post),
            (Method::DELETE, &mut item.delete),
            (Method::PATCH, &mut item.patch),
        ];
        for (method, operation) in operations {
            if let Some(Operation { responses, .. }) = operation
                && group_of(&method, path).is_some()
            {
                responses.responses.insert("429".to_owned(), RefOr::T(refused()));
            }
        }
    }
}

fn refused() -> Response {
    let problem = Content::new(Some(RefOr::<Schema>::Ref(Ref::new(PROBLEM))));
    ResponseBuilder::new()
        .description("`rate_limited`: too many requests of this kind")
        .content(MEDIA_TYPE, problem)
        .header("Retry-After", number("Seconds after which another request is allowed"))
        .header("RateLimit-Limit", number("Requests that can be made at once; on every answer"))
        .header("RateLimit-Remaining", number("How many of them are left; on every answer"))
        .header("RateLimit-Reset", number("Seconds until all of them are back; on every answer"))
        .build()
}

fn number(description: &str) -> Header {
    let schema = Object::with_type(Type::Integer);
    HeaderBuilder::new().schema(Some(schema)).description(Some(description)).build()
}
