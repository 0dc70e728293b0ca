//! What the OpenAPI description says beside the endpoints themselves, and what holds for all of
//! them.

use std::collections::BTreeMap;

use utoipa::{
    Modify, OpenApi,
    openapi::{
        Components, Content, Object, ObjectBuilder, Ref, RefOr, ResponseBuilder, Schema, Type,
        path::{Operation, Parameter, ParameterBuilder, ParameterIn, PathItem},
        schema::{AllOf, ArrayItems},
        security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
    },
};

use crate::{
    extract::{IDEMPOTENCY_KEY, MAX_KEY_LENGTH},
    problem::MEDIA_TYPE,
};

/// The schema of problems.
const PROBLEM: &str = "#/components/schemas/Problem";

/// Where a key would be no use: answers that hold secrets aren't kept.
pub(crate) const KEEPING_NOTHING: [&str; 4] =
    ["/api/v1/customers", "/api/v1/sessions", "/api/v1/sessions/refresh", "/api/v1/admin/api-keys"];

/// The description before any endpoint is in it.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Martlet",
        description = "A storefront engine whose pricing, coupons and promotions are sandboxed \
            WebAssembly. Money is whole minor units of an ISO 4217 currency, times are RFC 3339 in \
            UTC, ids are UUIDs. What goes wrong is answered as `application/problem+json` (RFC 9457)."
    ),
    components(schemas(crate::problem::Problem, crate::error::Violation)),
    modifiers(&Credentials),
    tags(
        (name = "storefront", description = "What shoppers see"),
        (name = "admin", description = "What merchants do, with an API key"),
        (name = "operations", description = "What operators look at")
    )
)]
pub struct Description;

/// The API key of the merchants' side, and the access token of a customer.
struct Credentials;

impl Modify for Credentials {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        let components = openapi.components.get_or_insert_with(Components::new);
        for (name, format, origin) in [
            (
                "api_key",
                "mk_ and 43 characters",
                "From `martlet key create NAME` or `POST /api/v1/admin/api-keys`",
            ),
            ("customer", "JWT", "The access token of `POST /api/v1/sessions`"),
        ] {
            let scheme = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format(format);
            let scheme = SecurityScheme::Http(scheme.description(Some(origin)).build());
            components.add_security_scheme(name, scheme);
        }
    }
}

/// Adds what holds for every endpoint, once all are in.
pub fn complete(openapi: &mut utoipa::openapi::OpenApi) {
    for (path, item) in &mut openapi.paths.paths {
        for operation in operations(item) {
            if path.starts_with("/api/") {
                operation.parameters.get_or_insert_default().push(RefOr::T(store_header()));
            }
            name_problems(operation);
        }
        if let Some(operation) = &mut item.post
            && !KEEPING_NOTHING.contains(&path.as_str())
        {
            offer_key(operation);
        }
    }
    if let Some(components) = &mut openapi.components {
        merge_all_of(&mut components.schemas);
    }
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    let PathItem { get, put, post, delete, patch, .. } = item;
    [get, put, post, delete, patch].into_iter().filter_map(Option::as_mut)
}

fn store_header() -> Parameter {
    ParameterBuilder::new()
        .name("Martlet-Store")
        .parameter_in(ParameterIn::Header)
        .required(utoipa::openapi::Required::False)
        .description(Some("Handle of the store, where the host name doesn't name one"))
        .schema(Some(Object::with_type(Type::String)))
        .build()
}

/// Every POST takes a key, also where its endpoint doesn't say that it needs one.
fn offer_key(operation: &mut Operation) {
    let parameters = operation.parameters.get_or_insert_default();
    let says_so = parameters.iter().any(|parameter| match parameter {
        RefOr::T(parameter) => parameter.name.eq_ignore_ascii_case(IDEMPOTENCY_KEY.as_str()),
        RefOr::Ref(_) => false,
    });
    if !says_so {
        parameters.push(RefOr::T(key_header()));
    }
}

fn key_header() -> Parameter {
    let text = ObjectBuilder::new()
        .schema_type(Type::String)
        .min_length(Some(1))
        .max_length(Some(MAX_KEY_LENGTH))
        .pattern(Some("^[!-~]+$"));
    ParameterBuilder::new()
        .name("Idempotency-Key")
        .parameter_in(ParameterIn::Header)
        .required(utoipa::openapi::Required::False)
        .description(Some(
            "A text of your own, such as a new UUID, for one thing you want done. For 24 hours the same \
             request with the same key gets the first answer again instead of being done twice; another \
             request with it is refused (`idempotency_key_reused`), and while the first is being worked on \
             the answer is `in_flight`. Answers of 5xx, 409 and 429 aren't kept. Keys are told apart by \
             the cart in the path and by who asks, signed in or with an API key; where nothing of it is \
            known the header is ignored.",
        ))
        .schema(Some(text))
        .build()
}

/// Problems have a media type of their own, and any endpoint may answer one.
fn name_problems(operation: &mut Operation) {
    for response in operation.responses.responses.values_mut() {
        if let RefOr::T(response) = response
            && response.content.values().any(is_problem)
        {
            response.content = std::mem::take(&mut response.content)
                .into_values()
                .map(|content| (MEDIA_TYPE.to_owned(), content))
                .collect();
        }
    }
    let content = Content::new(Some(RefOr::<Schema>::Ref(Ref::new(PROBLEM))));
    let any = ResponseBuilder::new().description("Any other problem").content(MEDIA_TYPE, content).build();
    operation.responses.responses.insert("default".to_owned(), RefOr::T(any));
}

fn is_problem(content: &RefOr<Content>) -> bool {
    matches!(content, RefOr::T(Content { schema: Some(RefOr::Ref(reference)), .. }) if reference.ref_location == PROBLEM)
}

/// Makes one object of each that is put together of others: requests are closed to unknown
/// members, and a closed part of a larger whole would fit nothing.
fn merge_all_of(schemas: &mut BTreeMap<String, RefOr<Schema>>) {
    let known = schemas.clone();
    schemas.values_mut().for_each(|schema| merge_within(schema, &known));
}

/// Does so at any depth: the items of a page are described where the page is.
fn merge_within(schema: &mut RefOr<Schema>, known: &BTreeMap<String, RefOr<Schema>>) {
    match schema {
        RefOr::T(Schema::AllOf(all)) => {
            if let Some(whole) = merge(all, known) {
                *schema = RefOr::T(Schema::Object(whole));
            }
        }
        RefOr::T(Schema::Object(object)) => {
            object.properties.values_mut().for_each(|property| merge_within(property, known));
        }
        RefOr::T(Schema::Array(array)) => {
            if let ArrayItems::RefOrSchema(items) = &mut array.items {
                merge_within(items, known);
            }
        }
        _ => {}
    }
}

fn merge(all: &AllOf, known: &BTreeMap<String, RefOr<Schema>>) -> Option<Object> {
    let mut whole = Object::with_type(Type::Object);
    whole.description.clone_from(&all.description);
    for item in &all.items {
        let part = match item {
            RefOr::T(Schema::Object(part)) => part,
            RefOr::Ref(reference) => match known.get(reference.ref_location.rsplit('/').next()?)? {
                RefOr::T(Schema::Object(part)) => part,
                _ => return None,
            },
            RefOr::T(_) => return None,
        };
        whole.required.extend(part.required.iter().cloned());
        whole.properties.extend(part.properties.clone());
    }
    Some(whole)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    #[test]
    fn problems_have_their_media_type_and_every_endpoint_may_answer_one() {
        let description = serde_json::to_value(crate::router::openapi()).unwrap();
        for (path, item) in description["paths"].as_object().unwrap() {
            for (method, operation) in item.as_object().unwrap() {
                let responses = operation["responses"].as_object().unwrap();
                assert!(responses.contains_key("default"), "{method} {path}");
                for (status, response) in responses {
                    let problem = response.to_string().contains("schemas/Problem");
                    let named = response["content"]["application/problem+json"].is_object();
                    assert_eq!(problem, named, "{method} {path} {status}");
                    let failed = status.starts_with('4') || status.starts_with('5') || status == "default";
                    assert!(failed || !problem, "{method} {path} {status}");
                }
            }
        }
    }

    #[test]
    fn answers_are_single_objects_and_requests_are_closed() {
        let description = serde_json::to_value(crate::router::openapi()).unwrap();
        let schemas = &description["components"]["schemas"];
        assert!(!schemas.to_string().contains("allOf"), "{schemas:#}");
        assert_eq!(schemas["ProductContent"]["additionalProperties"], false);
        let product = &schemas["ProductBody"];
        assert_eq!(product["additionalProperties"], Value::Null);
        assert!(product["properties"]["handle"].is_object() && product["properties"]["version"].is_object());
        assert!(product["required"].as_array().unwrap().contains(&json!("title")));
    }
}
