//! In which group of requests each route is limited.

use std::{collections::HashMap, sync::LazyLock};

use axum::http::Method;

use crate::limits::Group;

/// Every route by its group, or by none where requests aren't counted.
const GROUPS: &[(Option<Group>, &[&str])] = &[
    (
        Some(Group::Browse),
        &[
            "GET /openapi.json",
            "GET /api/v1/products",
            "GET /api/v1/products/popular",
            "GET /api/v1/products/{product}",
            "GET /api/v1/categories",
            "GET /api/v1/orders/{id}",
            "GET /api/v1/me",
            "GET /api/v1/me/orders",
            "GET /api/v1/me/coupons",
            "GET /api/v1/me/addresses",
        ],
    ),
    (
        Some(Group::Carts),
        &[
            "POST /api/v1/carts",
            "GET /api/v1/carts/{id}",
            "POST /api/v1/carts/{id}/lines",
            "PATCH /api/v1/carts/{id}/lines/{line}",
            "DELETE /api/v1/carts/{id}/lines/{line}",
            "DELETE /api/v1/carts/{id}/coupons/{code}",
            "PUT /api/v1/carts/{id}/customer",
            "PUT /api/v1/carts/{id}/shipping-address",
            "GET /api/v1/carts/{id}/shipping-methods",
            "PUT /api/v1/carts/{id}/shipping-method",
            "GET /api/v1/carts/{id}/quote",
            "POST /api/v1/me/addresses",
            "PUT /api/v1/me/addresses/{id}",
            "DELETE /api/v1/me/addresses/{id}",
            // Refresh tokens can't be guessed, and everybody of an office who is signed in has one.
            "POST /api/v1/sessions/refresh",
            "DELETE /api/v1/sessions",
        ],
    ),
    (Some(Group::Login), &["POST /api/v1/customers", "POST /api/v1/sessions"]),
    (Some(Group::Coupon), &["POST /api/v1/carts/{id}/coupons", "POST /api/v1/coupons/{id}/claim"]),
    (Some(Group::Checkout), &["POST /api/v1/carts/{id}/checkout"]),
    (
        Some(Group::Admin),
        &[
            "GET /api/v1/admin/products",
            "POST /api/v1/admin/products",
            "GET /api/v1/admin/products/{product}",
            "PUT /api/v1/admin/products/{product}",
            "DELETE /api/v1/admin/products/{product}",
            "GET /api/v1/admin/products/{product}/variants",
            "POST /api/v1/admin/products/{product}/variants",
            "GET /api/v1/admin/variants/{variant}",
            "PUT /api/v1/admin/variants/{variant}",
            "PUT /api/v1/admin/variants/{variant}/prices",
            "GET /api/v1/admin/variants/{variant}/stock",
            "PUT /api/v1/admin/variants/{variant}/stock",
            "POST /api/v1/admin/variants/{variant}/stock/adjustments",
            "GET /api/v1/admin/categories",
            "POST /api/v1/admin/categories",
            "GET /api/v1/admin/coupons",
            "POST /api/v1/admin/coupons",
            "GET /api/v1/admin/coupons/{coupon}",
            "PUT /api/v1/admin/coupons/{coupon}",
            "POST /api/v1/admin/coupons/{coupon}/disable",
            "GET /api/v1/admin/coupons/{coupon}/claim-stock",
            "PUT /api/v1/admin/coupons/{coupon}/claim-stock",
            "GET /api/v1/admin/orders",
            "GET /api/v1/admin/orders/{id}",
            "POST /api/v1/admin/orders/{id}/fulfillments",
            "POST /api/v1/admin/orders/{id}/cancel",
            "POST /api/v1/admin/orders/{id}/refunds",
            "POST /api/v1/admin/orders/{id}/complete",
            "GET /api/v1/admin/plugins",
            "GET /api/v1/admin/plugins/{name}",
            "GET /api/v1/admin/plugins/{name}/versions/{digest}",
            "GET /api/v1/admin/installations",
            "POST /api/v1/admin/installations",
            "GET /api/v1/admin/installations/{installation}",
            "PATCH /api/v1/admin/installations/{installation}",
            "DELETE /api/v1/admin/installations/{installation}",
            "POST /api/v1/admin/installations/{installation}/release",
            "GET /api/v1/admin/groups",
            "PUT /api/v1/admin/groups",
            "GET /api/v1/admin/rulebooks",
            "GET /api/v1/admin/installations/{installation}/figures",
            "GET /api/v1/admin/installations/{installation}/logs",
            "GET /api/v1/admin/rulebooks/active",
            "GET /api/v1/admin/carts/{id}/explanation",
            "GET /api/v1/admin/orders/{id}/explanation",
            "GET /api/v1/admin/api-keys",
            "POST /api/v1/admin/api-keys",
            "DELETE /api/v1/admin/api-keys/{id}",
            "GET /api/v1/admin/audit",
            "POST /api/v1/admin/rulebooks/rollback",
            "GET /api/v1/admin/rulebooks/{number}",
            "POST /api/v1/admin/rulebooks/{number}/activate",
            "GET /api/v1/admin/rulebooks/{number}/diff/{other}",
            "GET /api/v1/admin/simulations",
            "POST /api/v1/admin/simulations",
            "GET /api/v1/admin/simulations/{id}",
            "POST /api/v1/admin/simulations/{id}/cancel",
            "GET /api/v1/admin/simulations/{id}/orders",
        ],
    ),
    // What takes or gives the bytes of a component, which are in memory meanwhile.
    (
        Some(Group::Upload),
        &["GET /api/v1/admin/plugins/{name}/versions/{digest}/component", "POST /api/v1/admin/plugins"],
    ),
    // Load balancers and monitoring ask all the time, and an operator asks when everything is busy. What
    // stands in front doesn't let strangers through to these.
    (
        None,
        &[
            "GET /actuator/health",
            "GET /actuator/health/liveness",
            "GET /actuator/health/readiness",
            "GET /actuator/info",
            "GET /actuator/metrics",
            "GET /actuator/metrics/{name}",
            "GET /actuator/prometheus",
        ],
    ),
];

/// The groups of a path by method.
type ByMethod = Vec<(&'static str, Option<Group>)>;

static BY_PATH: LazyLock<HashMap<&'static str, ByMethod>> = LazyLock::new(|| {
    let mut by_path: HashMap<_, ByMethod> = HashMap::new();
    for (group, routes) in GROUPS {
        for (method, path) in routes.iter().filter_map(|route| route.split_once(' ')) {
            by_path.entry(path).or_default().push((method, *group));
        }
    }
    by_path
});

/// The group that requests of a route are counted in, by the template of its path. Nothing for those
/// that aren't counted: there, or a method that is refused.
pub(crate) fn group_of(method: &Method, path: &str) -> Option<Group> {
    let method = if method == Method::HEAD { "GET" } else { method.as_str() };
    let (_, group) = BY_PATH.get(path)?.iter().find(|(name, _)| *name == method)?;
    *group
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_route_has_one_group_and_what_has_one_is_a_route() {
        let described = serde_json::to_value(crate::router::openapi()).unwrap();
        let mut routes = BTreeSet::from(["GET /openapi.json".to_owned()]);
        for (path, item) in described["paths"].as_object().unwrap() {
            routes.extend(
                item.as_object().unwrap().keys().map(|method| format!("{} {path}", method.to_uppercase())),
            );
        }
        let listed: Vec<&str> = GROUPS.iter().flat_map(|(_, routes)| *routes).copied().collect();
        let grouped: BTreeSet<String> = listed.iter().map(|route| (*route).to_owned()).collect();
        let missing: Vec<_> = routes.difference(&grouped).collect();
        assert!(missing.is_empty(), "give these a group: {missing:?}");
        let gone: Vec<_> = grouped.difference(&routes).collect();
        assert!(gone.is_empty(), "there are no such routes: {gone:?}");
        assert_eq!(listed.len(), grouped.len(), "a route is listed twice");
    }

    #[test]
    fn operations_alone_are_not_limited_and_merchants_have_limits_of_their_own() {
        for (group, routes) in GROUPS {
            for route in *routes {
                let admin = matches!(group, Some(Group::Admin | Group::Upload));
                assert_eq!(group.is_none(), route.contains(" /actuator/"), "{route}");
                assert_eq!(admin, route.contains(" /api/v1/admin/"), "{route}");
            }
        }
    }

    #[test]
    fn a_group_is_found_by_method_and_template() {
        let of = |method: Method, path| group_of(&method, path);
        assert_eq!(of(Method::GET, "/api/v1/products"), Some(Group::Browse));
        assert_eq!(of(Method::HEAD, "/api/v1/products"), Some(Group::Browse));
        assert_eq!(of(Method::POST, "/api/v1/sessions"), Some(Group::Login));
        assert_eq!(of(Method::DELETE, "/api/v1/sessions"), Some(Group::Carts));
        for (method, path) in [
            (Method::DELETE, "/api/v1/products"),
            (Method::GET, "/actuator/health"),
            (Method::GET, "/api/v1/products/mug"),
            (Method::GET, ""),
        ] {
            assert_eq!(group_of(&method, path), None, "{method} {path}");
        }
    }
}
