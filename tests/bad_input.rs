//! Bad input gets a clear problem and changes nothing.

use martlet_tests::Engine;
use serde_json::{Value, json};

struct Shop {
    engine: Engine,
    cart: String,
}

impl Shop {
    fn open() -> Self {
        let engine = Engine::start();
        let body = json!({"lines": [{"sku": "MUG-STONE-350", "quantity": 2}]});
        let cart = engine.post("/api/v1/carts", &body).expect(201).text("/id").to_owned();
        Self { engine, cart }
    }

    fn path(&self, rest: &str) -> String {
        format!("/api/v1/carts/{}{rest}", self.cart)
    }

    /// Sends something bad: the answer must be this problem, and the cart as it was.
    #[track_caller]
    fn refuses(&self, method: &str, path: &str, body: Option<&str>, status: u16, code: &str) -> Value {
        let before = self.engine.get(&self.path("")).expect(200).body;
        let answer = self.engine.send(method, path, &[], body).expect_problem(status, code);
        assert_eq!(
            self.engine.get(&self.path("")).expect(200).body,
            before,
            "{path} {body:?} changed the cart"
        );
        answer.body
    }

    #[track_caller]
    fn refuses_line(&self, body: &str, status: u16, code: &str) -> Value {
        self.refuses("POST", &self.path("/lines"), Some(body), status, code)
    }
}

#[test]
fn lines_that_can_not_be() {
    let shop = Shop::open();
    let unknown = shop.refuses_line(r#"{"sku": "NO-SUCH", "quantity": 1}"#, 422, "unknown_sku");
    assert_eq!(unknown["sku"], "NO-SUCH");
    for quantity in ["0", "-1", "2147483648", "9223372036854775807"] {
        shop.refuses_line(
            &format!(r#"{{"sku": "MUG-STONE-350", "quantity": {quantity}}}"#),
            422,
            "invalid_quantity",
        );
    }
    for quantity in ["1.5", "\"1\"", "null", "18446744073709551616"] {
        shop.refuses_line(
            &format!(r#"{{"sku": "MUG-STONE-350", "quantity": {quantity}}}"#),
            422,
            "invalid_body",
        );
    }
    // The demo store has 240 of these; 2 are on the cart.
    let short = shop.refuses_line(r#"{"sku": "MUG-STONE-350", "quantity": 239}"#, 409, "insufficient_stock");
    assert_eq!((&short["requested"], &short["available"]), (&json!(241), &json!(240)));
    shop.refuses_line(r#"{"quantity": 1}"#, 422, "invalid_body");
    let id = "00000000-0000-7000-8000-000000000000";
    shop.refuses_line(&format!(r#"{{"variant_id": "{id}", "quantity": 1}}"#), 404, "not_found");
    let line = shop.path(&format!("/lines/{id}"));
    shop.refuses("PATCH", &line, Some(r#"{"quantity": 1}"#), 404, "not_found");
    shop.refuses("DELETE", &line, None, 404, "not_found");
}

#[test]
fn another_currency_than_the_carts() {
    let shop = Shop::open();
    let key = format!("Bearer {}", shop.engine.key());
    let admin = |path: &str, body: Value| {
        shop.engine.send(
            "POST",
            &format!("/api/v1/admin{path}"),
            &[("authorization", &key)],
            Some(&body.to_string()),
        )
    };
    let product = admin("/products", json!({"handle": "won-only", "title": "Won only", "published": true}));
    let product = product.expect(201).text("/id").to_owned();
    let variant = json!({"sku": "WON-ONLY", "prices": [{"amount": 9000, "currency": "KRW"}], "on_hand": 5});
    admin(&format!("/products/{product}/variants"), variant).expect(201);
    let refused = shop.refuses_line(r#"{"sku": "WON-ONLY", "quantity": 1}"#, 422, "currency_mismatch");
    assert_eq!((&refused["cart_currency"], &refused["offered"]), (&json!("USD"), &json!(["KRW"])));
    let body = r#"{"currency": "usd"}"#;
    shop.engine.send("POST", "/api/v1/carts", &[], Some(body)).expect_problem(422, "invalid_body");
}

#[test]
fn coupons_that_give_nothing() {
    let shop = Shop::open();
    let key = format!("Bearer {}", shop.engine.key());
    let admin = |method: &str, path: &str, body: Option<&str>| {
        shop.engine.send(method, &format!("/api/v1/admin{path}"), &[("authorization", &key)], body)
    };
    let installations = admin("GET", "/installations", None).expect(200);
    let installation = installations.body["items"].as_array().expect("installations").iter();
    let installation =
        installation.clone().find(|one| one["world"] == "coupon").expect("a coupon plugin")["id"].clone();
    let coupon = |code: &str, extra: Value| {
        let mut body =
            json!({"code": code, "installation": installation, "config": {"gives": {"percent_ppm": 100000}}});
        for (name, value) in extra.as_object().expect("members") {
            body[name] = value.clone();
        }
        admin("POST", "/coupons", Some(&body.to_string())).expect(201);
    };
    coupon("GONE", json!({"ends_at": "2020-01-01T00:00:00Z"}));
    coupon("LATER", json!({"starts_at": "2999-01-01T00:00:00Z"}));
    coupon("OFF", json!({"enabled": false}));
    let minimum = json!({"amount": 100_000, "currency": "USD"});
    coupon("LARGE", json!({"config": {"gives": {"percent_ppm": 100_000}, "minimum_spend": minimum}}));
    let refused = |code: &str, problem: &str| {
        shop.refuses("POST", &shop.path("/coupons"), Some(&format!(r#"{{"code": "{code}"}}"#)), 422, problem)
    };
    refused("NO-SUCH", "coupon_unknown");
    refused("gone", "coupon_expired");
    refused("LATER", "coupon_not_started");
    refused("OFF", "coupon_disabled");
    refused("WOOL5", "coupon_needs_customer");
    // Two mugs at 18.00 are 36.00.
    let short = refused("LARGE", "coupon_not_applicable");
    assert_eq!(short["reason"], "below_minimum_spend");
    assert!(
        short["detail"].as_str().expect("words").ends_with("below minimum spend, 964.00 short"),
        "{short}"
    );
    assert_eq!(refused("FIRST15", "coupon_not_applicable")["reason"], "declined");
    refused("", "invalid_body");
    shop.refuses("DELETE", &shop.path("/coupons/WELCOME10"), None, 404, "coupon_not_on_cart");
}

#[test]
fn free_shipping_may_wait_for_a_shipping_method() {
    let shop = Shop::open();
    let body = json!({"sku": "MUG-STONE-350", "quantity": 4});
    shop.engine.post(&shop.path("/lines"), &body).expect(200);
    shop.engine.post(&shop.path("/coupons"), &json!({"code": "FREESHIP"})).expect(200);
    let quote = shop.engine.get(&shop.path("/quote")).expect(200).body;
    let candidates = quote["candidates"].as_array().expect("candidates");
    let waiting = candidates.iter().find(|candidate| candidate["coupon"] == "FREESHIP").expect("the coupon");
    assert_eq!(waiting["reason"]["code"], "no_shipping_method");
}

#[test]
fn bodies_that_are_not_what_is_expected() {
    let shop = Shop::open();
    shop.refuses_line("", 400, "malformed_body");
    shop.refuses_line("{", 400, "malformed_body");
    shop.refuses_line("not json", 400, "malformed_body");
    shop.refuses_line("[]", 422, "invalid_body");
    let unknown =
        shop.refuses_line(r#"{"sku": "MUG-STONE-350", "quantity": 1, "price": 1}"#, 422, "invalid_body");
    assert_eq!(unknown["errors"][0]["pointer"], "/price");
    let large = format!(r#"{{"sku": "{}", "quantity": 1}}"#, "A".repeat(2 << 20));
    shop.refuses_line(&large, 413, "body_too_large");
    let path = shop.path("/lines");
    let plain = [("content-type", "text/plain")];
    shop.engine.send("POST", &path, &plain, Some("{}")).expect_problem(415, "unsupported_media_type");
    shop.refuses("PUT", &shop.path("/shipping-address"), Some(r#"{"name": "Jo"}"#), 422, "invalid_body");
    let method = shop.path("/shipping-method");
    shop.refuses("PUT", &method, Some(r#"{"method": "teleport"}"#), 422, "shipping_method_not_offered");
    shop.refuses("PUT", &shop.path("/customer"), Some(r#"{"email": "nobody"}"#), 422, "invalid_body");
    let stranger = r#"{"customer_id": "00000000-0000-7000-8000-000000000000"}"#;
    shop.refuses("PUT", &shop.path("/customer"), Some(stranger), 401, "unauthenticated");
}

#[test]
fn ids_and_routes_that_are_not() {
    let shop = Shop::open();
    shop.refuses("GET", "/api/v1/carts/not-an-id", None, 400, "malformed_id");
    shop.refuses("GET", "/api/v1/carts/00000000-0000-4000-8000-000000000000", None, 404, "not_found");
    shop.refuses("GET", "/api/v1/carts/00000000-0000-4000-8000-000000000000/quote", None, 404, "not_found");
    shop.refuses("GET", "/api/v1/no-such", None, 404, "route_not_found");
    shop.refuses("PUT", &shop.path("/quote"), Some("{}"), 405, "method_not_allowed");
    shop.refuses("GET", "/api/v1/products/no-such-product", None, 404, "not_found");
    shop.refuses("GET", "/api/v1/products?limit=0", None, 400, "malformed_query");
    shop.refuses("GET", "/api/v1/products?cursor=nonsense", None, 400, "malformed_cursor");
}

#[test]
fn a_stale_version_of_the_cart() {
    let shop = Shop::open();
    let path = shop.path("/lines");
    let body = r#"{"sku": "SALT-SEA", "quantity": 1}"#;
    shop.engine.send("POST", &path, &[("if-match", "\"1\"")], Some(body)).expect(200);
    let before = shop.engine.get(&shop.path("")).body;
    let stale = shop.engine.send("POST", &path, &[("if-match", "\"1\"")], Some(body));
    assert_eq!(stale.expect_problem(412, "version_conflict").body["current_version"], 2);
    assert_eq!(shop.engine.get(&shop.path("")).body, before);
}

#[test]
fn a_cart_with_anything_wrong_is_not_made() {
    let shop = Shop::open();
    let create = |body: Value, status: u16, code: &str| {
        shop.engine.post("/api/v1/carts", &body).expect_problem(status, code);
    };
    let good = json!({"sku": "SALT-SEA", "quantity": 1});
    create(json!({"lines": [good, {"sku": "NO-SUCH", "quantity": 1}]}), 422, "unknown_sku");
    create(json!({"lines": [good], "coupons": ["NO-SUCH"]}), 422, "coupon_unknown");
    create(json!({"lines": [], "coupons": ["WELCOME10"]}), 422, "coupon_not_applicable");
    create(json!({"colour": "red"}), 422, "invalid_body");
}
