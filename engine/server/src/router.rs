//! All routes, in one list. What isn't here doesn't exist, and what is here is in the OpenAPI
//! description too, since both are made of the same list.

mod groups;

use axum::{Router, extract::DefaultBodyLimit, middleware, routing::get};
use tower_http::catch_panic::CatchPanicLayer;
use utoipa::OpenApi as _;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    access, actuator,
    api::{self, admin},
    changes, frame, idempotency, limits, openapi as description,
    state::AppState,
};

pub(crate) use groups::group_of;

/// The whole HTTP face.
pub fn router(state: AppState) -> Router {
    let once = middleware::from_fn_with_state(state.clone(), idempotency::once);
    let heard = middleware::from_fn_with_state(state.clone(), changes::heard);
    let described = storefront().merge(merchants().route_layer(heard.clone())).merge(operations());
    let routes = described
        .route_layer(once)
        .merge(checkout())
        .merge(order_steps().route_layer(heard))
        .merge(keeping_nothing());
    let (router, mut openapi) = routes.split_for_parts();
    describe(&mut openapi);
    let router = router.route("/openapi.json", get(async move || axum::Json(openapi)));
    // Outside of what keeps answers: what isn't allowed is none that was given before.
    let router = router.route_layer(middleware::from_fn_with_state(state.clone(), access::guard));
    // Outside of all others: what is refused costs nothing.
    surround(router.route_layer(middleware::from_fn_with_state(state.clone(), limits::hold)), state)
}

/// What every route is surrounded by. A layer stands outside of those above it.
pub(crate) fn surround(router: Router<AppState>, state: AppState) -> Router {
    let body_limit = state.frame.rules.body_limit.0;
    router
        .fallback(frame::no_route)
        .method_not_allowed_fallback(frame::no_method)
        .layer(DefaultBodyLimit::max(body_limit))
        .layer(CatchPanicLayer::custom(frame::panicked))
        .layer(middleware::from_fn_with_state(state.clone(), frame::request))
        .with_state(state)
}

/// The OpenAPI description of the whole HTTP face.
pub fn openapi() -> utoipa::openapi::OpenApi {
    let described = storefront().merge(merchants()).merge(operations());
    let mut openapi =
        described.merge(checkout()).merge(order_steps()).merge(keeping_nothing()).into_openapi();
    describe(&mut openapi);
    openapi
}

fn describe(openapi: &mut utoipa::openapi::OpenApi) {
    description::complete(openapi);
    access::describe(openapi);
    limits::describe(openapi);
}

fn storefront() -> OpenApiRouter<AppState> {
    OpenApiRouter::with_openapi(description::Description::openapi())
        .routes(routes!(api::products::list))
        .routes(routes!(api::popular::list))
        .routes(routes!(api::product::get))
        .routes(routes!(api::categories::tree))
        .routes(routes!(api::carts::create))
        .routes(routes!(api::carts::get))
        .routes(routes!(api::cart_lines::add))
        .routes(routes!(api::cart_lines::set, api::cart_lines::remove))
        .routes(routes!(api::cart_coupons::add))
        .routes(routes!(api::cart_coupons::remove))
        .routes(routes!(api::cart_customer::put))
        .routes(routes!(api::cart_shipping::put_address))
        .routes(routes!(api::cart_shipping::list_methods))
        .routes(routes!(api::cart_shipping::put_method))
        .routes(routes!(api::quotes::get))
        .routes(routes!(api::order::get))
        .routes(routes!(api::coupon_claims::claim))
        .routes(routes!(api::me::get))
        .routes(routes!(api::me::orders))
        .routes(routes!(api::me::coupons))
        .routes(routes!(api::me_addresses::list, api::me_addresses::create))
        .routes(routes!(api::me_addresses::replace, api::me_addresses::delete))
}

/// The merchants' side. What is changed here instances hear of, see [`changes::heard`]. What each route
/// needs its description says, and [`access::guard`] sees to it.
fn merchants() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(admin::products::list, admin::products::create))
        .routes(routes!(admin::product::get, admin::product::update, admin::product::delete))
        .routes(routes!(admin::variants::list, admin::variants::create))
        .routes(routes!(admin::variant::get, admin::variant::update))
        .routes(routes!(admin::prices::put))
        .routes(routes!(admin::stock::get, admin::stock::put))
        .routes(routes!(admin::stock::adjust))
        .routes(routes!(admin::categories::list, admin::categories::create))
        .routes(routes!(admin::coupons::list, admin::coupons::create))
        .routes(routes!(admin::coupon::get, admin::coupon::update))
        .routes(routes!(admin::coupon::disable))
        .routes(routes!(admin::claim_stock::get, admin::claim_stock::put))
        .routes(routes!(admin::orders::list))
        .routes(routes!(admin::orders::get))
        .routes(routes!(admin::plugins::list, admin::plugins::upload))
        .routes(routes!(admin::plugins::get))
        .routes(routes!(admin::plugin_versions::get))
        .routes(routes!(admin::plugin_versions::component))
        .routes(routes!(admin::installations::list, admin::installations::create))
        .routes(routes!(admin::installation::get, admin::installation::update, admin::installation::delete))
        .routes(routes!(admin::installation::release))
        .routes(routes!(admin::installation_figures::get))
        .routes(routes!(admin::installation_logs::list))
        .routes(routes!(admin::groups::list, admin::groups::replace))
        .routes(routes!(admin::rulebooks::list))
        .routes(routes!(admin::rulebooks::active))
        .routes(routes!(admin::rulebooks::roll_back))
        .routes(routes!(admin::rulebooks::get))
        .routes(routes!(admin::rulebooks::activate))
        .routes(routes!(admin::rulebook_diff::get))
        .routes(routes!(admin::explanations::cart))
        .routes(routes!(admin::explanations::order))
        .routes(routes!(admin::audit::list))
        .routes(routes!(admin::simulations::list, admin::simulations::create))
        .routes(routes!(admin::simulation::get))
        .routes(routes!(admin::simulation::cancel))
        .routes(routes!(admin::simulation::orders))
}

fn operations() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(actuator::health::health))
        .routes(routes!(actuator::health::liveness))
        .routes(routes!(actuator::health::readiness))
        .routes(routes!(actuator::info::info))
        .routes(routes!(actuator::metrics::list))
        .routes(routes!(actuator::metrics::get))
        .routes(routes!(actuator::metrics::prometheus))
}

/// What stands here, and [`order_steps`], claims its `Idempotency-Key` and keeps its answer in the
/// transactions that do the work, so the layer that does so around all other POSTs isn't around these.
fn checkout() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(api::checkout::create))
}

/// The merchant's steps of an order, which may bring goods back.
fn order_steps() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(admin::order_steps::fulfil))
        .routes(routes!(admin::order_steps::cancel))
        .routes(routes!(admin::order_steps::refund))
        .routes(routes!(admin::order_steps::complete))
}

/// What stands here takes passwords or answers with tokens and keys, which mustn't be stored: no
/// `Idempotency-Key` keeps such an answer.
fn keeping_nothing() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(api::customers::register))
        .routes(routes!(api::sessions::create, api::sessions::delete))
        .routes(routes!(api::sessions::refresh))
        .routes(routes!(admin::api_keys::list, admin::api_keys::create))
        .routes(routes!(admin::api_keys::revoke))
}

#[cfg(test)]
mod tests {
    use axum::http::Method;
    use serde_json::Value;

    use super::openapi;
    use crate::testing::TestApp;

    /// Each operation of the description: method and path, placeholders filled in.
    fn operations() -> Vec<(Method, String, Value)> {
        let description = serde_json::to_value(openapi()).unwrap();
        let mut operations = Vec::new();
        for (path, item) in description["paths"].as_object().unwrap() {
            for (method, operation) in item.as_object().unwrap() {
                let method = method.to_uppercase().parse().unwrap();
                operations.push((method, path.clone(), operation.clone()));
            }
        }
        operations
    }

    fn filled(path: &str, with: &str) -> String {
        let parts = path.split('/').map(|part| if part.starts_with('{') { with } else { part });
        parts.collect::<Vec<_>>().join("/")
    }

    #[tokio::test]
    async fn the_description_is_served_and_its_references_lead_somewhere() {
        let app = TestApp::new().await;
        let served = app.get("/openapi.json").await.expect_status(200).body;
        assert_eq!(served, serde_json::to_value(openapi()).unwrap());
        assert_eq!(served["openapi"], "3.1.0");
        let text = served.to_string();
        for reference in text.split("\"$ref\":\"#/components/schemas/").skip(1) {
            let name = reference.split('"').next().unwrap();
            assert!(served["components"]["schemas"][name].is_object(), "{name}");
        }
    }

    #[tokio::test]
    async fn every_route_that_is_written_down_is_in_the_description() {
        // Whatever a route is registered with, the path stands in its file as a string.
        let app = TestApp::new().await;
        for (method, path, operation) in operations() {
            let answer = app
                .request(method.clone(), &filled(&path, "00000000-0000-0000-0000-000000000000"))
                .send()
                .await;
            assert_ne!(answer.body["code"], "route_not_found", "{method} {path}");
            assert_ne!(answer.body["code"], "method_not_allowed", "{method} {path}");
            assert!(operation["operationId"].is_string(), "{method} {path}");
            assert!(
                operation["description"].is_string() || operation["summary"].is_string(),
                "{method} {path}"
            );
        }
        // The list above is the only place that adds routes, and `routes!` takes described handlers only.
        let list = include_str!("router.rs");
        let list = &list[..list.find("#[cfg(test)]").unwrap()];
        assert_eq!(
            list.matches(".route(").count(),
            1,
            "a route that isn't described: use `.routes(routes!(...))`"
        );
    }

    #[tokio::test]
    async fn operation_ids_are_unique_and_admin_needs_a_key() {
        let app = TestApp::new().await;
        let mut seen = std::collections::BTreeSet::new();
        for (method, path, operation) in operations() {
            assert!(seen.insert(operation["operationId"].as_str().unwrap().to_owned()), "{method} {path}");
            if path.starts_with("/api/v1/admin/") {
                assert!(operation["security"].is_array(), "{method} {path}");
                let answer =
                    app.request(method, &filled(&path, "00000000-0000-0000-0000-000000000000")).send().await;
                answer.expect_problem(401, "unauthenticated");
            }
        }
    }

    #[tokio::test]
    async fn nothing_hostile_makes_a_500_anywhere() {
        let app = TestApp::new().await;
        let product = app.product("mug").await;
        let variant = app.variant(&product, "mug-s", "S", 5).await;
        let long = "x".repeat(5_000);
        let nested = format!("{}{}", "[".repeat(2_000), "]".repeat(2_000));
        let parts = [
            "",
            "x",
            "%00",
            "%FF",
            "%2F",
            "..",
            "null",
            "-1",
            "9223372036854775808",
            "%F0%9F%A6%86",
            "00000000-0000-0000-0000-000000000000",
            "' OR 1=1 --",
            &long,
        ];
        let bodies = [
            "",
            "null",
            "[]",
            "{}",
            "0",
            "\"x\"",
            "{\"\\u0000\": 1}",
            "{\"handle\": \"\\ud800\"}",
            "\u{feff}{}",
            "{\"title\": 1e999}",
            "{\"on_hand\": 9223372036854775808}",
            "{\"on_hand\": -9223372036854775808}",
            "{\"delta\": -9223372036854775808, \"reason\": \"x\"}",
            "{\"on_hand\": 1e3}",
            &nested,
            "{\"prices\": [{\"amount\": 9223372036854775807, \"currency\": \"USD\"}]}",
            "{\"prices\": [{\"amount\": -1, \"currency\": \"XXX\"}]}",
            "{\"sku\": \"x\", \"position\": -9223372036854775808}",
            "{\"handle\": \"x\", \"title\": \"x\", \"categories\": [\"00000000-0000-0000-0000-000000000000\"]}",
            "{\"handle\": \"x\", \"name\": \"x\", \"parent\": \"00000000-0000-0000-0000-000000000000\"}",
            "{\"code\": \"x\", \"installation\": \"00000000-0000-0000-0000-000000000000\", \"config\": {}}",
        ];
        let queries =
            ["", "?", "?limit=-1", "?cursor=%00", "?x=%FF", "?q=%F0%9F%A6%86&q=", "?[]=1&&&=", "?limit"];
        for (method, path, _) in operations() {
            for part in parts {
                let path = filled(&path, &part.replace(' ', "%20").replace('\'', "%27"));
                for query in queries {
                    let request = app.request(method.clone(), &format!("{path}{query}")).key(&app.key);
                    let answer =
                        request.header("if-match", "\"1\"").raw("application/json", "{}").send().await;
                    assert!(!answer.status.is_server_error(), "{method} {path}{query}: {answer:#?}");
                }
            }
            let path = path.replace("{product}", product["id"].as_str().unwrap());
            let path = path.replace("{variant}", variant["id"].as_str().unwrap());
            let path = filled(&path, "00000000-0000-0000-0000-000000000000");
            for body in bodies {
                let request = app.request(method.clone(), &path).key(&app.key).header("if-match", "*");
                let answer = request.raw("application/json", body.to_owned()).send().await;
                assert!(!answer.status.is_server_error(), "{method} {path} {body}: {answer:#?}");
            }
        }
    }
}
