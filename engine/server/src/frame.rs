//! What surrounds every handler: a request id, a span, a time-out, metrics, problems.

use std::{any::Any, sync::Arc, time::Duration};

use axum::{
    extract::{FromRequestParts, MatchedPath, Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header, request::Parts},
    middleware::Next,
    response::{IntoResponse, Response},
};
use tokio::time::Instant;
use tracing::Instrument as _;

use crate::{
    access,
    error::Error,
    ids::Ids,
    problem::{self, Failed},
    state::AppState,
};

/// Names a request, in both directions.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Who may embed an answer without asking for it by CORS.
const RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");
/// An answer that isn't a page loads nothing and stands in no frame, should a browser show it as one.
const CONTENT_SECURITY_POLICY: HeaderValue =
    HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'");
/// The route of requests that match none.
const UNMATCHED: &str = "unmatched";

/// The id of the request that is being answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestId(pub String);

impl<S: Send + Sync> FromRequestParts<S> for RequestId {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Error> {
        let id = parts.extensions.get::<Self>().cloned();
        id.ok_or_else(|| Error::Internal("a handler stands outside of the frame".to_owned()))
    }
}

/// The outermost layer. Everything inside of it logs within the request's span.
pub async fn request(State(state): State<AppState>, mut request: Request, next: Next) -> Response {
    let id = request_id(request.headers(), &state.world.ids);
    request.extensions_mut().insert(RequestId(id.clone()));
    // The template of the path, since the path itself may hold ids that give access.
    let route = request.extensions().get::<MatchedPath>().map_or(UNMATCHED, MatchedPath::as_str).to_owned();
    let method = method_name(request.method());
    let span = tracing::info_span!("request", request_id = %id, method, route);
    let in_flight = state.frame.operations.metrics.request_begins();
    let began = Instant::now();
    let mut response = async {
        let catalogue = is_catalogue_read(request.method(), &route);
        let timeout = state.frame.rules.timeout_of(request.method(), &route);
        let late =
            if access::is_change(request.method(), &route) { Error::ChangeTimedOut } else { Error::TimedOut };
        let mut response = answer(timeout, late, request, next).await;
        finish(&mut response, &id, catalogue);
        let millis = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        tracing::info!(status = response.status().as_u16(), millis, "answered");
        response
    }
    .instrument(span)
    .await;
    drop(in_flight);
    state.frame.operations.metrics.request_ends(method, &route, response.status(), began.elapsed());
    if let Ok(id) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    response
}

/// Turns a panic of a handler into an answer.
pub fn panicked(panic: Box<dyn Any + Send + 'static>) -> Response {
    let words = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("without words");
    Error::Internal(format!("a handler panicked: {words}")).into_response()
}

/// What the handler of a request answers. As a task, so that a panic of its is an answer too.
pub async fn handled(request: Request, next: Next) -> Response {
    let ended = tokio::spawn(next.run(request).in_current_span()).await;
    ended.unwrap_or_else(|error| match error.try_into_panic() {
        Ok(panic) => panicked(panic),
        Err(error) => Error::Internal(format!("a handler ended early: {error}")).into_response(),
    })
}

/// The answer for paths that no route has.
pub async fn no_route() -> Error {
    Error::RouteNotFound
}

/// The answer for methods that a route doesn't have.
pub async fn no_method() -> Error {
    Error::MethodNotAllowed
}

async fn answer(timeout: Duration, late: Error, request: Request, next: Next) -> Response {
    match tokio::time::timeout(timeout, next.run(request)).await {
        Ok(response) => response,
        Err(_) => late.into_response(),
    }
}

fn finish(response: &mut Response, id: &str, catalogue: bool) {
    if let Some(Failed(error)) = response.extensions_mut().remove::<Failed>() {
        if response.status().is_server_error() {
            log(&error);
        }
        problem::fill(response, &error, id);
    }
    let kept = catalogue && (response.status().is_success() || response.status() == StatusCode::NOT_MODIFIED);
    let headers = response.headers_mut();
    // Whoever keeps the catalogue asks each time whether it has changed, and keeps each store's apart.
    let cached = if kept { "no-cache" } else { "no-store" };
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static(cached));
    if kept {
        headers.append(header::VARY, HeaderValue::from_static("martlet-store"));
    }
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.entry(header::X_FRAME_OPTIONS).or_insert(HeaderValue::from_static("DENY"));
    headers.entry(header::REFERRER_POLICY).or_insert(HeaderValue::from_static("no-referrer"));
    headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(CONTENT_SECURITY_POLICY);
    headers.entry(RESOURCE_POLICY).or_insert(HeaderValue::from_static("same-origin"));
}

/// Whether everybody gets the same answer for a while. It may be kept, as its handler says; any other
/// answer is kept by nobody unless its handler says so.
fn is_catalogue_read(method: &Method, route: &str) -> bool {
    let catalogue = route == "/api/v1/categories"
        || route
            .strip_prefix("/api/v1/products")
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    catalogue && matches!(*method, Method::GET | Method::HEAD)
}

fn log(error: &Arc<Error>) {
    let mut causes = String::new();
    let mut source = std::error::Error::source(error.as_ref());
    while let Some(cause) = source {
        causes.push_str(&format!(": {cause}"));
        source = cause.source();
    }
    tracing::error!("the request failed: {error}{causes}");
}

/// The client's own id when it is a sane one: short, and safe in any log.
fn request_id(headers: &HeaderMap, ids: &Ids) -> String {
    let sane = |id: &&str| {
        (1..=64).contains(&id.len())
            && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
    };
    let sent = headers.get(REQUEST_ID).and_then(|id| id.to_str().ok()).filter(sane);
    sent.map_or_else(|| ids.request().to_string(), str::to_owned)
}

/// Methods that clients make up are counted together.
fn method_name(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        "OPTIONS" => "OPTIONS",
        _ => "other",
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use axum::{
        Router,
        body::Body,
        http::Method,
        routing::{get, put},
    };
    use http_body_util::BodyExt as _;
    use serde_json::json;

    use crate::{error::Error, router::surround, testing::TestApp};

    #[tokio::test]
    async fn a_sane_request_id_comes_back_and_others_are_replaced() {
        let app = TestApp::new().await;
        let with = async |id: &str| {
            let request = app.request(Method::GET, "/actuator/health").header("x-request-id", id);
            request.send().await.header("x-request-id").to_owned()
        };
        assert_eq!(with("abc-123_x.Y").await, "abc-123_x.Y");
        for id in ["", "a b", "a\"b", "<script>", "\u{e9}", &"x".repeat(65)] {
            let made = with(id).await;
            assert!(made != id && made.len() == 36, "{id}: {made}");
        }
    }

    #[tokio::test]
    async fn paths_and_methods_that_are_not_there_are_problems() {
        let app = TestApp::new().await;
        for path in ["/", "/nothing", "/api/v1", "/api/v1/products/", "/api/v2/products", "/actuator"] {
            app.get(path).await.expect_problem(404, "route_not_found");
        }
        let answer = app.request(Method::DELETE, "/api/v1/products").send().await;
        let answer = answer.expect_problem(405, "method_not_allowed");
        assert_eq!(answer.header("allow"), "GET,HEAD");
        app.request(Method::HEAD, "/api/v1/products").send().await.expect_status(200);
    }

    #[tokio::test]
    async fn bodies_are_bounded_declared_and_json() {
        let app = TestApp::builder().body_limit(1_000).build().await;
        let post = |content_type: &'static str, body: String| {
            let request = app.request(Method::POST, "/api/v1/admin/categories").key(&app.key);
            request.raw(content_type, body).send()
        };
        let large = json!({"handle": "x", "name": "x".repeat(1_000)}).to_string();
        let answer = post("application/json", large).await.expect_problem(413, "body_too_large");
        assert_eq!(answer.body["limit"], 1_000);
        let fine = json!({"handle": "x", "name": "x"}).to_string();
        for content_type in ["text/plain", "", "application/x-www-form-urlencoded", "application/jsonx"] {
            post(content_type, fine.clone()).await.expect_problem(415, "unsupported_media_type");
        }
        post("application/json", "{".to_owned()).await.expect_problem(400, "malformed_body");
        post("application/json", String::new()).await.expect_problem(400, "malformed_body");
        let answer = post("application/json", "{\"name\": 5}".to_owned()).await;
        assert_eq!(answer.expect_problem(422, "invalid_body").violation(), ("/name", "must be a string"));
        post("Application/JSON; charset=utf-8", fine).await.expect_status(201);
    }

    #[tokio::test]
    async fn a_body_without_length_is_bounded_too() {
        let app = TestApp::builder().body_limit(1_000).build().await;
        // Mapping the frames hides how many there are.
        let body = Body::new(Body::from(vec![b' '; 2_000]).map_frame(|frame| frame));
        let request = app.request(Method::POST, "/api/v1/admin/categories").key(&app.key);
        request.raw("application/json", body).send().await.expect_problem(413, "body_too_large");
    }

    #[tokio::test]
    async fn what_goes_wrong_inside_is_not_shown() {
        let broken = |state| {
            let panics = async || -> &'static str { panic!("the secret word is xyzzy") };
            let fails = async || Error::Internal("the secret word is xyzzy".to_owned());
            surround(Router::new().route("/panics", get(panics)).route("/fails", get(fails)), state)
        };
        let app = TestApp::builder().router(broken).build().await;
        for path in ["/panics", "/fails"] {
            let answer = app.get(path).await.expect_problem(500, "internal");
            assert!(!answer.body.to_string().contains("xyzzy"), "{answer:#?}");
        }
    }

    #[tokio::test]
    async fn a_request_that_takes_too_long_is_answered() {
        let slow =
            |state| surround(Router::new().route("/slow", get(std::future::pending::<&'static str>)), state);
        let app = TestApp::builder().timeout(Duration::from_secs(10)).router(slow).build().await;
        // From here on time passes only while everything waits for it.
        tokio::time::pause();
        let answer = app.get("/slow").await.expect_problem(503, "timed_out");
        assert_eq!(answer.header("retry-after"), "1");
    }

    #[tokio::test]
    async fn who_changes_something_is_told_that_a_change_that_takes_too_long_may_still_be_made() {
        let slow = |state| {
            let route = "/api/v1/admin/groups";
            surround(Router::new().route(route, put(std::future::pending::<&'static str>)), state)
        };
        let app = TestApp::builder().timeout(Duration::from_secs(10)).router(slow).build().await;
        tokio::time::pause();
        let request = app.request(Method::PUT, "/api/v1/admin/groups").key(&app.key);
        let answer = request.send().await.expect_problem(503, "timed_out");
        let detail = answer.body["detail"].as_str().unwrap();
        assert!(detail.contains("may still be made"), "{detail}");
    }

    #[tokio::test]
    async fn lines_of_log_carry_the_request_id_and_the_route_but_never_the_path() {
        let app = TestApp::new().await;
        let path = "/api/v1/products/00000000-0000-4000-8000-0000feedbeef";
        app.request(Method::GET, path).header("x-request-id", "mine-1").send().await.expect_status(404);
        let text = crate::testing::logged();
        let line: serde_json::Value =
            text.lines().map(|line| serde_json::from_str(line).unwrap()).find(is_answer).unwrap();
        assert_eq!(line["span"]["route"], "/api/v1/products/{product}");
        assert_eq!((&line["fields"]["status"], &line["span"]["method"]), (&json!(404), &json!("GET")));
        assert!(!text.contains("feedbeef"), "{text}");
    }

    fn is_answer(line: &serde_json::Value) -> bool {
        line["fields"]["message"] == "answered" && line["span"]["request_id"] == "mine-1"
    }

    #[tokio::test]
    async fn answers_carry_safe_headers_and_no_server_name() {
        let app = TestApp::new().await;
        for path in ["/actuator/health", "/nothing"] {
            let answer = app.get(path).await;
            assert_eq!(answer.header("x-content-type-options"), "nosniff");
            assert_eq!(answer.header("x-frame-options"), "DENY");
            assert_eq!(answer.header("referrer-policy"), "no-referrer");
            let policy = answer.header("content-security-policy");
            assert_eq!(policy, "default-src 'none'; frame-ancestors 'none'");
            assert_eq!(answer.header("cross-origin-resource-policy"), "same-origin");
            assert_eq!(answer.header("cache-control"), "no-store");
            assert_eq!(answer.header("server"), "");
            // Only whoever speaks TLS may promise that it stays so.
            assert_eq!(answer.header("strict-transport-security"), "");
        }
    }

    #[tokio::test]
    async fn nothing_but_the_catalogue_is_kept_by_others() {
        let app = TestApp::new().await;
        app.product("mug").await;
        for path in ["/api/v1/products", "/api/v1/products/mug", "/api/v1/categories"] {
            assert_ne!(app.get(path).await.expect_status(200).header("cache-control"), "no-store", "{path}");
        }
        for path in ["/api/v1/products/none", "/api/v1/products?limit=-1"] {
            assert_eq!(app.get(path).await.header("cache-control"), "no-store", "{path}");
        }
        let cart = app.request(Method::POST, "/api/v1/carts").json(&json!({})).send().await;
        assert_eq!(cart.header("cache-control"), "no-store");
        let products = app.admin_get("/api/v1/admin/products").await.expect_status(200);
        assert_eq!(products.header("cache-control"), "no-store");
    }

    #[tokio::test]
    async fn what_a_handler_says_stays() {
        const OWN: [(&str, &str); 3] = [
            ("cache-control", "max-age=60"),
            ("content-security-policy", "default-src 'self'"),
            ("cross-origin-resource-policy", "cross-origin"),
        ];
        let page = |state| surround(Router::new().route("/page", get(async || (OWN, "a page"))), state);
        let app = TestApp::builder().router(page).build().await;
        let answer = app.get("/page").await.expect_status(200);
        for (name, value) in OWN {
            assert_eq!(answer.header(name), value);
        }
    }
}
