//! Whose requests are counted together.

use axum::http::Method;
use serde_json::json;

use super::{post, products, shown, three_at_once};
use crate::testing::{Answer, TestApp};

async fn app() -> TestApp {
    let builder = TestApp::builder().limits(three_at_once());
    builder.trusted_proxies("10.0.0.0/8,2001:db8:f::/48").build().await
}

/// Asks for the catalogue from an address, with what proxies noted.
async fn browse(app: &TestApp, peer: &str, forwarded: &[&str]) -> Answer {
    let request = products(app).from(peer);
    forwarded.iter().fold(request, |request, value| request.header("x-forwarded-for", value)).send().await
}

/// Takes all that an address has.
async fn exhaust(app: &TestApp, peer: &str) {
    for _ in 0..3 {
        browse(app, peer, &[]).await.expect_status(200);
    }
    browse(app, peer, &[]).await.expect_problem(429, "rate_limited");
}

#[tokio::test]
async fn addresses_are_counted_apart_and_networks_of_ipv6_together() {
    let app = app().await;
    exhaust(&app, "203.0.113.1").await;
    assert_eq!(shown(&browse(&app, "203.0.113.2", &[]).await), ["3", "2", "1"]);
    // The same host, over a socket for both kinds.
    browse(&app, "::ffff:203.0.113.1", &[]).await.expect_status(429);
    for (address, left) in [("2001:db8:1:1::1", "2"), ("2001:db8:1:1:ffff::", "1"), ("2001:db8:1:1::2", "0")]
    {
        assert_eq!(shown(&browse(&app, address, &[]).await.expect_status(200))[1], left);
    }
    browse(&app, "2001:db8:1:1:abcd::9", &[]).await.expect_status(429);
    browse(&app, "2001:db8:1:2::1", &[]).await.expect_status(200);
}

#[tokio::test]
async fn a_client_cannot_choose_its_address() {
    let app = app().await;
    exhaust(&app, "203.0.113.1").await;
    let lies: [&[&str]; 6] = [
        &["198.51.100.1"],
        &["10.0.0.1"],
        &["198.51.100.1, 10.0.0.1"],
        &["198.51.100.2", "198.51.100.3"],
        &["junk,,,"],
        &[""],
    ];
    for lie in lies {
        browse(&app, "203.0.113.1", lie).await.expect_problem(429, "rate_limited");
    }
    // And counts for nobody whom it names.
    assert_eq!(shown(&browse(&app, "198.51.100.1", &[]).await)[1], "2");
    // Behind a proxy neither: what it sends stands before what the proxy notes.
    for lie in ["", "198.51.100.9, ", "10.0.0.9, ", "junk, , "] {
        browse(&app, "10.0.0.1", &[&format!("{lie}203.0.113.1")]).await.expect_status(429);
        browse(&app, "10.0.0.1", &[&format!("{lie}203.0.113.1, 10.0.0.3, 10.0.0.2")])
            .await
            .expect_status(429);
        browse(&app, "2001:db8:f::1", &[lie, "203.0.113.1", "10.0.0.2"]).await.expect_status(429);
    }
}

#[tokio::test]
async fn clients_of_a_trusted_proxy_are_counted_apart() {
    let app = app().await;
    for client in ["203.0.113.1", "203.0.113.2", "2001:db8:1::1"] {
        for left in ["2", "1", "0"] {
            assert_eq!(shown(&browse(&app, "10.0.0.1", &[client]).await.expect_status(200))[1], left);
        }
        // Through another proxy too.
        browse(&app, "10.0.0.1", &[client, "10.0.0.2"]).await.expect_status(429);
    }
    // A proxy that notes nothing of use answers for itself.
    exhaust(&app, "10.0.0.1").await;
    browse(&app, "10.0.0.1", &["unknown"]).await.expect_status(429);
    browse(&app, "10.0.0.1", &["198.51.100.1, unknown"]).await.expect_status(429);
}

async fn sign_in(app: &TestApp, peer: &str, email: &str) -> Answer {
    let body = json!({"email": email, "password": "a guess of mine"});
    post(app, "/api/v1/sessions", &body).from(peer).send().await
}

#[tokio::test]
async fn signing_in_is_counted_by_account_from_wherever() {
    let app = app().await;
    app.register("jo@example.com").await.expect_status(202);
    // Registering was the first.
    for (peer, email, left) in
        [("203.0.113.1", "jo@example.com", "1"), ("203.0.113.2", " JO@Example.com ", "0")]
    {
        let answer = sign_in(&app, peer, email).await.expect_problem(401, "invalid_credentials");
        // The address has more left.
        assert_eq!(shown(&answer)[..2], ["3", left]);
    }
    let refused = sign_in(&app, "203.0.113.3", "jo@example.com").await.expect_problem(429, "rate_limited");
    assert_eq!((shown(&refused), refused.header("retry-after")), (["3", "0", "3"], "1"));
    assert_eq!(refused.body["limit_group"], "login");
    // The right password doesn't help: it would tell that it is right.
    app.try_to_sign_in("jo@example.com", None).await.expect_problem(429, "rate_limited");
    app.register("jo@example.com").await.expect_problem(429, "rate_limited");
    // Others can, and nothing shows whether there is such an account.
    for _ in 0..3 {
        sign_in(&app, "203.0.113.4", "nobody@example.com").await.expect_problem(401, "invalid_credentials");
    }
    sign_in(&app, "203.0.113.5", "nobody@example.com").await.expect_problem(429, "rate_limited");
}

#[tokio::test]
async fn signing_in_is_counted_by_address_for_whatever_account() {
    let app = app().await;
    for account in ["a@example.com", "b@example.com", "c@example.com"] {
        sign_in(&app, "203.0.113.1", account).await.expect_problem(401, "invalid_credentials");
    }
    let refused = sign_in(&app, "203.0.113.1", "d@example.com").await;
    refused.expect_problem(429, "rate_limited");
    // What was refused for its address took nothing of the account.
    let answer = sign_in(&app, "203.0.113.2", "d@example.com").await.expect_status(401);
    assert_eq!(shown(&answer)[1], "2");
    // Staying signed in is another thing.
    let body = json!({"refresh_token": "mr_x"});
    let refresh = post(&app, "/api/v1/sessions/refresh", &body).from("203.0.113.1").send().await;
    refresh.expect_problem(401, "invalid_refresh_token");
}

#[tokio::test]
async fn an_account_of_another_store_is_another_one() {
    let app = app().await;
    app.add_store("other", &[]).await;
    for _ in 0..3 {
        app.register("jo@example.com").await;
    }
    app.register("jo@example.com").await.expect_status(429);
    let body = json!({"email": "jo@example.com", "password": "a guess of mine"});
    let request = post(&app, "/api/v1/sessions", &body).from("203.0.113.1");
    let answer = request.header("martlet-store", "other").send().await.expect_status(401);
    assert_eq!(shown(&answer)[1], "2");
}

/// Tries a code on a cart.
async fn try_code(app: &TestApp, peer: &str, cart: &str) -> Answer {
    let path = format!("/api/v1/carts/{cart}/coupons");
    post(app, &path, &json!({"code": "GUESS"})).from(peer).send().await
}

#[tokio::test]
async fn codes_are_tried_by_address_and_by_cart() {
    let app = app().await;
    let cart = async |peer: &str| {
        let made = post(&app, "/api/v1/carts", &json!({})).from(peer).send().await.expect_status(201);
        made.body["id"].as_str().unwrap().to_owned()
    };
    let (one, other) = (cart("203.0.113.1").await, cart("203.0.113.1").await);
    for peer in ["203.0.113.1", "203.0.113.2", "203.0.113.3"] {
        try_code(&app, peer, &one).await.expect_problem(422, "coupon_unknown");
    }
    let refused = try_code(&app, "203.0.113.4", &one).await.expect_problem(429, "rate_limited");
    assert_eq!(refused.body["limit_group"], "coupon");
    assert_eq!(shown(&refused), ["3", "0", "3"]);
    // Another cart of somebody else isn't concerned; theirs is the address's then.
    for _ in 0..2 {
        try_code(&app, "203.0.113.1", &other).await.expect_problem(422, "coupon_unknown");
    }
    try_code(&app, "203.0.113.1", &other).await.expect_problem(429, "rate_limited");
    try_code(&app, "203.0.113.1", "no-id").await.expect_problem(429, "rate_limited");
    try_code(&app, "203.0.113.5", "no-id").await.expect_problem(400, "malformed_id");
    // Claiming is trying.
    let claim = app.request(Method::POST, "/api/v1/coupons/00000000-0000-0000-0000-000000000000/claim");
    claim.from("203.0.113.1").send().await.expect_problem(429, "rate_limited");
}

async fn merchant(app: &TestApp, peer: &str, key: &str) -> Answer {
    app.request(Method::GET, "/api/v1/admin/products").from(peer).key(key).send().await
}

/// A key that nobody has.
fn guess(number: u32) -> String {
    format!("mk_{number:043}")
}

#[tokio::test]
async fn merchants_are_counted_by_their_keys() {
    let app = app().await;
    let (_, other) = app.add_store("other", &[]).await;
    // The first time a key is seen its address stands for it.
    let answer = merchant(&app, "203.0.113.1", &app.key).await.expect_status(200);
    assert_eq!(shown(&answer)[1], "2");
    for (peer, left) in [("203.0.113.1", "2"), ("203.0.113.2", "1"), ("203.0.113.3", "0")] {
        assert_eq!(shown(&merchant(&app, peer, &app.key).await.expect_status(200))[1], left);
    }
    let refused = merchant(&app, "203.0.113.4", &app.key).await.expect_problem(429, "rate_limited");
    assert_eq!(refused.body["limit_group"], "admin");
    // Another merchant isn't concerned.
    let request = app.request(Method::GET, "/api/v1/admin/products").from("203.0.113.4").key(&other);
    request.header("martlet-store", "other").send().await.expect_status(200);
}

#[tokio::test]
async fn guessing_keys_is_counted_by_address() {
    let app = app().await;
    for number in 0..2 {
        merchant(&app, "203.0.113.1", &guess(number)).await.expect_problem(401, "unauthenticated");
    }
    app.request(Method::GET, "/api/v1/admin/products").from("203.0.113.1").send().await.expect_status(401);
    merchant(&app, "203.0.113.1", &guess(3)).await.expect_problem(429, "rate_limited");
    // Nor does a right one show.
    merchant(&app, "203.0.113.1", &app.key).await.expect_problem(429, "rate_limited");
    // A key that was found to be good goes on working from there.
    merchant(&app, "203.0.113.2", &app.key).await.expect_status(200);
    merchant(&app, "203.0.113.1", &app.key).await.expect_status(200);
}

#[tokio::test]
async fn a_request_that_never_shows_its_key_to_be_good_is_counted_by_address() {
    let app = app().await;
    // The store isn't there, so the key was never looked at.
    for _ in 0..3 {
        let request = app.request(Method::GET, "/api/v1/admin/products").from("203.0.113.1").key(&guess(1));
        request.header("martlet-store", "nowhere").send().await.expect_problem(404, "store_not_found");
    }
    merchant(&app, "203.0.113.1", &guess(1)).await.expect_problem(429, "rate_limited");
}
