//! Coupons for those who come first.

use std::time::Duration;

use axum::http::Method;
use martlet_domain::Id;
use serde_json::{Value, json};

use crate::testing::{Answer, Installed, SignedIn, TestApp};

/// An app with mugs and a plugin for coupons, and the plugin's installation.
async fn shop() -> (TestApp, String) {
    let app = TestApp::new().await;
    let product = app.product("mug").await;
    app.variant(&product, "MUG", "S", 10).await;
    let installed = app.publish(&[Installed::new("coupon-standard", "{}")]).await;
    (app, installed[0].id.to_string())
}

/// A coupon of 10 %, with more said of it.
async fn coupon(app: &TestApp, installation: &str, code: &str, more: Value) -> Value {
    let mut body = json!({
        "code": code, "installation": installation, "config": {"gives": {"percent_ppm": 100_000}},
    });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    app.admin_post("/api/v1/admin/coupons", body).await.expect_status(201).body
}

async fn set_units(app: &TestApp, coupon: &Value, units: i64) {
    let id = Id::new(coupon["id"].as_str().unwrap().parse().unwrap());
    assert!(app.state.db.set_claim_stock(app.store.id, id, units).await.unwrap());
}

async fn claim(app: &TestApp, who: &SignedIn, coupon: &Value) -> Answer {
    let path = format!("/api/v1/coupons/{}/claim", coupon["id"].as_str().unwrap());
    app.request(Method::POST, &path).token(&who.access).send().await
}

async fn put_on(app: &TestApp, who: &SignedIn, cart: &str, code: &str) -> Answer {
    app.post_as(who, &format!("/api/v1/carts/{cart}/coupons"), &json!({"code": code})).await
}

/// A customer's cart with a mug.
async fn cart(app: &TestApp, who: &SignedIn) -> String {
    let body = json!({"lines": [{"sku": "MUG", "quantity": 1}]});
    let cart = app.post_as(who, "/api/v1/carts", &body).await.expect_status(201).body;
    cart["id"].as_str().unwrap().to_owned()
}

async fn order(app: &TestApp, who: &SignedIn, cart: &str, key: &str) -> Answer {
    let quote = app.get_as(who, &format!("/api/v1/carts/{cart}/quote")).await.expect_status(200).body;
    let total = quote["totals"]["total"]["amount"].as_i64().unwrap();
    app.checkout(cart, key, total, "tok_approve").token(&who.access).send().await
}

#[tokio::test]
async fn who_comes_first_has_it_and_has_it_once() {
    let (app, installation) = shop().await;
    let coupon = coupon(&app, &installation, "FIRST", json!({"ends_at": "2026-04-01T00:00:00Z"})).await;
    set_units(&app, &coupon, 1).await;
    let (jo, ann) = (app.customer("jo@example.com").await, app.customer("ann@example.com").await);
    let claimed = claim(&app, &jo, &coupon).await.expect_status(201);
    let expected = json!({
        "coupon_id": coupon["id"], "code": "FIRST", "claimed_at": "2026-03-01T12:00:00Z",
        "ends_at": "2026-04-01T00:00:00Z", "used": false,
    });
    assert_eq!(claimed.body, expected);
    app.clock.advance(Duration::from_secs(1));
    assert_eq!(claim(&app, &jo, &coupon).await.expect_status(200).body, expected);
    let gone = claim(&app, &ann, &coupon).await.expect_problem(409, "coupon_gone");
    assert_eq!(gone.body["coupon_code"], "FIRST");
    // The merchant puts one more there.
    set_units(&app, &coupon, 2).await;
    claim(&app, &ann, &coupon).await.expect_status(201);
    for who in [&jo, &ann] {
        let wallet = app.get_as(who, "/api/v1/me/coupons").await.expect_status(200).body;
        assert_eq!(wallet["items"].as_array().unwrap().len(), 1);
    }
}

#[tokio::test]
async fn what_cannot_be_claimed_is_said() {
    let (app, installation) = shop().await;
    let jo = app.customer("jo@example.com").await;
    let open = coupon(&app, &installation, "OPEN", json!({})).await;
    claim(&app, &jo, &open).await.expect_problem(422, "coupon_not_claimable");
    let cases = [
        ("OFF", json!({"enabled": false}), "coupon_disabled"),
        ("EARLY", json!({"starts_at": "2026-03-01T12:00:01Z"}), "coupon_not_started"),
        ("LATE", json!({"ends_at": "2026-03-01T12:00:00Z"}), "coupon_expired"),
    ];
    for (code, more, problem) in cases {
        let coupon = coupon(&app, &installation, code, more).await;
        set_units(&app, &coupon, 1).await;
        claim(&app, &jo, &coupon).await.expect_problem(422, problem);
    }
    let nowhere = json!({"id": "00000000-0000-7000-8000-000000000000"});
    claim(&app, &jo, &nowhere).await.expect_problem(404, "not_found");
    claim(&app, &jo, &json!({"id": "OPEN"})).await.expect_problem(400, "malformed_id");
    let path = format!("/api/v1/coupons/{}/claim", open["id"].as_str().unwrap());
    app.request(Method::POST, &path).send().await.expect_problem(401, "unauthenticated");
    app.request(Method::POST, &path).key(&app.key).send().await.expect_problem(401, "unauthenticated");
    let wallet = app.get_as(&jo, "/api/v1/me/coupons").await.expect_status(200).body;
    assert_eq!(wallet, json!({"items": []}));
}

#[tokio::test]
async fn of_many_who_claim_at_once_as_many_have_it_as_there_is() {
    let (app, installation) = shop().await;
    let coupon = coupon(&app, &installation, "RUSH", json!({})).await;
    set_units(&app, &coupon, 3).await;
    let mut customers = Vec::new();
    for number in 0..8 {
        customers.push(app.customer(&format!("c{number}@example.com")).await);
    }
    let answers = futures(customers.iter().map(|who| claim(&app, who, &coupon))).await;
    let count = |status: u16| answers.iter().filter(|answer| answer.status.as_u16() == status).count();
    assert_eq!((count(201), count(409)), (3, 5));
    // Nobody gets a second by being fast.
    let winner = &customers[answers.iter().position(|answer| answer.status == 201).unwrap()];
    for again in futures((0..4).map(|_| claim(&app, winner, &coupon))).await {
        again.expect_status(200);
    }
}

#[tokio::test]
async fn a_coupon_is_put_on_a_cart_by_who_has_claimed_it() {
    let (app, installation) = shop().await;
    let coupon = coupon(&app, &installation, "FIRST", json!({})).await;
    set_units(&app, &coupon, 1).await;
    let (jo, ann) = (app.customer("jo@example.com").await, app.customer("ann@example.com").await);
    claim(&app, &jo, &coupon).await.expect_status(201);
    let guests = app.cart(&[("MUG", 1)]).await;
    let path = format!("/api/v1/carts/{guests}/coupons");
    let refused = app.request(Method::POST, &path).json(&json!({"code": "FIRST"})).send().await;
    assert_eq!(refused.expect_problem(422, "coupon_not_claimed").body["coupon_code"], "FIRST");
    let anns = cart(&app, &ann).await;
    put_on(&app, &ann, &anns, "FIRST").await.expect_problem(422, "coupon_not_claimed");
    let jos = cart(&app, &jo).await;
    put_on(&app, &jo, &jos, "FIRST").await.expect_status(200);
    let body = json!({"lines": [{"sku": "MUG", "quantity": 1}], "coupons": ["first"]});
    app.post_as(&ann, "/api/v1/carts", &body).await.expect_problem(422, "coupon_not_claimed");
    app.post_as(&jo, "/api/v1/carts", &body).await.expect_status(201);
    order(&app, &jo, &jos, "k").await.expect_status(201);
    let wallet = app.get_as(&jo, "/api/v1/me/coupons").await.expect_status(200).body;
    assert_eq!((&wallet["items"][0]["code"], &wallet["items"][0]["used"]), (&json!("FIRST"), &json!(true)));
}

#[tokio::test]
async fn a_coupon_that_has_to_be_claimed_since_is_refused_at_checkout() {
    let (app, installation) = shop().await;
    let coupon = coupon(&app, &installation, "LATER", json!({})).await;
    let jo = app.customer("jo@example.com").await;
    let cart = cart(&app, &jo).await;
    put_on(&app, &jo, &cart, "LATER").await.expect_status(200);
    set_units(&app, &coupon, 1).await;
    let refused = order(&app, &jo, &cart, "k").await.expect_problem(422, "coupon_not_claimed");
    assert_eq!(refused.body["coupon_code"], "LATER");
    claim(&app, &jo, &coupon).await.expect_status(201);
    let placed = order(&app, &jo, &cart, "k2").await.expect_status(201);
    assert_eq!(placed.body["coupons"], json!(["LATER"]));
}

#[tokio::test]
async fn a_cart_that_becomes_somebody_elses_loses_what_they_have_not_claimed() {
    let (app, installation) = shop().await;
    let claimed = coupon(&app, &installation, "FIRST", json!({})).await;
    coupon(&app, &installation, "OPEN", json!({})).await;
    set_units(&app, &claimed, 1).await;
    let (jo, ann) = (app.customer("jo@example.com").await, app.customer("ann@example.com").await);
    claim(&app, &jo, &claimed).await.expect_status(201);
    for whose in [json!({"email": "guest@example.com"}), json!({"customer_id": ann.id})] {
        let cart = cart(&app, &jo).await;
        for code in ["OPEN", "FIRST"] {
            put_on(&app, &jo, &cart, code).await.expect_status(200);
        }
        let put = app.request(Method::PUT, &format!("/api/v1/carts/{cart}/customer")).key(&app.key);
        let given = put.json(&whose).send().await.expect_status(200).body;
        assert_eq!(given["coupons"], json!(["OPEN"]));
    }
}

/// What comes of requests of clients that don't wait for each other.
async fn futures<F: Future>(requests: impl Iterator<Item = F>) -> Vec<F::Output> {
    let mut waiting: Vec<_> = requests.map(|request| (Box::pin(request), None)).collect();
    std::future::poll_fn(|context| {
        for (request, answer) in &mut waiting {
            if answer.is_none()
                && let std::task::Poll::Ready(done) = request.as_mut().poll(context)
            {
                *answer = Some(done);
            }
        }
        if waiting.iter().all(|(_, answer)| answer.is_some()) {
            std::task::Poll::Ready(())
        } else {
            std::task::Poll::Pending
        }
    })
    .await;
    waiting.into_iter().filter_map(|(_, answer)| answer).collect()
}
