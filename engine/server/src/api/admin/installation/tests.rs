use axum::http::Method;
use martlet_domain::{Id, plugin::World};
use serde_json::{Value, json};

use crate::{
    rules::Rules,
    testing::{Answer, TestApp},
};
use axum::extract::FromRef as _;

const PATH: &str = "/api/v1/admin/installations";

/// An active promotion, and its path.
async fn promotion(app: &TestApp) -> (Value, String) {
    app.uploaded(World::Promotion).await;
    let body = json!({"plugin": "small-promotion", "config": {"percent": 1}, "stage": "active"});
    let made = app.admin_post(PATH, body).await.expect_status(201).body;
    let path = format!("{PATH}/{}", made["id"].as_str().unwrap());
    (made, path)
}

async fn send(app: &TestApp, method: Method, path: &str) -> Answer {
    app.request(method, path).key(&app.key).send().await
}

#[tokio::test]
async fn what_is_left_out_stays_and_null_takes_away() {
    let app = TestApp::new().await;
    let (made, path) = promotion(&app).await;
    let change = json!({"priority": 9, "starts_at": "2026-03-01T00:00:00Z", "daily_budget": {"amount": 5, "currency": "USD"}});
    let changed = app.admin_patch(&path, change).await.expect_status(200);
    let mut expected = made.clone();
    expected["priority"] = json!(9);
    expected["starts_at"] = json!("2026-03-01T00:00:00Z");
    expected["daily_budget"] = json!({"amount": 5, "currency": "USD"});
    expected["rulebook"] = json!(2);
    assert_eq!((changed.header("etag"), &changed.body), ("\"2\"", &expected));
    let cleared = app.admin_patch(&path, json!({"starts_at": null, "daily_budget": null})).await;
    (expected["starts_at"], expected["daily_budget"], expected["rulebook"]) =
        (Value::Null, Value::Null, json!(3));
    assert_eq!(cleared.expect_status(200).body, expected);
    assert_eq!(app.admin_get(&path).await.expect_status(200).body, expected);
    let nobody = format!("{PATH}/00000000-0000-0000-0000-000000000000");
    app.admin_get(&nobody).await.expect_problem(404, "not_found");
    app.admin_patch(&nobody, json!({})).await.expect_problem(404, "not_found");
    send(&app, Method::DELETE, &nobody).await.expect_problem(404, "not_found");
}

#[tokio::test]
async fn an_installation_moves_between_stages_both_ways() {
    let app = TestApp::new().await;
    let (_, path) = promotion(&app).await;
    for (change, stage, percent) in [
        (json!({"stage": "draft"}), "draft", Value::Null),
        (json!({"stage": "shadow"}), "shadow", Value::Null),
        (json!({"stage": "canary", "canary_percent": 5}), "canary", json!(5)),
        (json!({"canary_percent": 50}), "canary", json!(50)),
        (json!({"stage": "canary"}), "canary", json!(50)),
        (json!({"stage": "active"}), "active", Value::Null),
        (json!({"stage": "canary", "canary_percent": 99}), "canary", json!(99)),
        (json!({"stage": "shadow"}), "shadow", Value::Null),
    ] {
        let answer = app.admin_patch(&path, change).await.expect_status(200).body;
        assert_eq!((&answer["stage"], &answer["canary_percent"]), (&json!(stage), &percent));
    }
    for (change, pointer) in [
        (json!({"canary_percent": 5}), "/canary_percent"),
        (json!({"stage": "canary"}), "/canary_percent"),
        (json!({"stage": "active", "canary_percent": 5}), "/canary_percent"),
        (json!({"stage": "canary", "canary_percent": 100}), "/canary_percent"),
        (json!({"plugin": "small-coupon"}), "/plugin"),
    ] {
        let refused = app.admin_patch(&path, change).await.expect_problem(422, "invalid_body");
        assert_eq!(refused.violation().0, pointer);
    }
    let rulebooks = app.admin_get("/api/v1/admin/rulebooks?limit=3").await.body;
    let notes: Vec<&str> =
        rulebooks["items"].as_array().unwrap().iter().map(|item| item["note"].as_str().unwrap()).collect();
    assert_eq!(
        notes,
        ["small-promotion is shadow", "small-promotion is canary, 99 %", "small-promotion is active"]
    );
}

#[tokio::test]
async fn another_version_has_the_last_word_on_the_configuration() {
    let app = TestApp::new().await;
    let (_, path) = promotion(&app).await;
    let schema = r#"{"type": "object", "required": ["percent", "of"]}"#;
    let two = app.upload(World::Promotion, "2.0.0", schema).await;
    let refused =
        app.admin_patch(&path, json!({"version": "2.0.0"})).await.expect_problem(422, "config_refused");
    assert_eq!(refused.violation().0, "/config");
    let change = json!({"version": "2.0.0", "config": {"percent": 1, "of": "all"}, "note": "Two"});
    let moved = app.admin_patch(&path, change).await.expect_status(200).body;
    assert_eq!((&moved["plugin_version"], &moved["component"]), (&json!("2.0.0"), &json!(two.digest)));
    assert_eq!((&moved["stage"], &moved["rulebook"]), (&json!("active"), &json!(2)));
    let refused =
        app.admin_patch(&path, json!({"config": {"percent": 1}})).await.expect_problem(422, "config_refused");
    assert_eq!(refused.violation().0, "/config");
    let back = app.admin_patch(&path, json!({"version": "1.0.0"})).await.expect_status(200).body;
    assert_eq!(
        (&back["plugin_version"], &back["config"]),
        (&json!("1.0.0"), &json!({"percent": 1, "of": "all"}))
    );
}

#[tokio::test]
async fn the_coupons_of_an_installation_that_left_are_unavailable_until_it_is_back() {
    let app = TestApp::new().await;
    app.upload(World::Coupon, "1.0.0", "{}").await;
    let product = app.product("mug").await;
    app.variant(&product, "MUG-S", "S", 5).await;
    let cart = app.cart(&[("MUG-S", 1)]).await;
    let made = app
        .admin_post(PATH, json!({"plugin": "small-coupon", "stage": "active"}))
        .await
        .expect_status(201)
        .body;
    let coupon = json!({"code": "A", "installation": made["id"], "config": {"percent": 1}});
    app.admin_post("/api/v1/admin/coupons", coupon).await.expect_status(201);
    let path = format!("{PATH}/{}", made["id"].as_str().unwrap());
    let gone = send(&app, Method::DELETE, &format!("{path}?note=Over")).await.expect_status(200);
    assert_eq!((gone.header("etag"), &gone.body), ("\"2\"", &json!({"rulebook": 2})));
    assert_eq!(app.admin_get("/api/v1/admin/rulebooks/active").await.body["note"], "Over");
    assert_eq!(app.admin_get(PATH).await.body["items"], json!([]));
    let outside = app.admin_get(&path).await.expect_status(200).body;
    assert_eq!((&outside["stage"], &outside["rulebook"]), (&json!("draft"), &Value::Null));
    send(&app, Method::DELETE, &path).await.expect_problem(404, "not_found");
    send(&app, Method::POST, &format!("{path}/release")).await.expect_problem(404, "not_found");
    let put = async || {
        let request = app.request(Method::POST, &format!("/api/v1/carts/{cart}/coupons"));
        request.json(&json!({"code": "A"})).send().await
    };
    let unavailable = put().await.expect_problem(422, "coupon_not_applicable");
    assert_eq!(unavailable.body["reason"], "unavailable");
    let back = app.admin_patch(&path, json!({})).await.expect_status(200).body;
    assert_eq!(
        (&back["stage"], &back["sequence"], &back["rulebook"]),
        (&json!("draft"), &json!(1), &json!(3))
    );
    app.admin_patch(&path, json!({"stage": "active"})).await.expect_status(200);
    // The small plugin is asked now, and proposes nothing.
    let asked = put().await.expect_problem(422, "coupon_not_applicable");
    assert_ne!(asked.body["reason"], "unavailable");
}

#[tokio::test]
async fn quarantine_ends_by_release_alone() {
    let app = TestApp::new().await;
    let (made, path) = promotion(&app).await;
    app.admin_patch(&path, json!({"stage": "canary", "canary_percent": 7})).await.expect_status(200);
    let release = format!("{path}/release");
    send(&app, Method::POST, &release).await.expect_problem(409, "not_quarantined");
    let id = Id::new(made["id"].as_str().unwrap().parse().unwrap());
    let rules = Rules::from_ref(&app.state);
    let failed = rules.active(app.store.id).await.unwrap().installation(id).unwrap().clone();
    assert_eq!(rules.quarantine(app.store.id, &failed, "out of fuel").await.unwrap(), Some(3));
    assert_eq!(rules.quarantine(app.store.id, &failed, "again").await.unwrap(), None);
    let off = app.admin_get(&path).await.body;
    assert_eq!((&off["stage"], &off["rulebook"]), (&json!("quarantined"), &json!(3)));
    assert_eq!(
        off["quarantine"],
        json!({"reason": "out of fuel", "at": "2026-03-01T12:00:00Z", "from_stage": "canary", "from_canary_percent": 7})
    );
    for change in [json!({"stage": "active"}), json!({"canary_percent": 5})] {
        app.admin_patch(&path, change).await.expect_problem(409, "installation_quarantined");
    }
    let mended = app.admin_patch(&path, json!({"config": {"percent": 2}})).await.expect_status(200).body;
    assert_eq!(mended["stage"], "quarantined");
    let stale = app.request(Method::POST, &release).key(&app.key).header("if-match", "\"3\"").send().await;
    stale.expect_problem(412, "version_conflict");
    let request = app.request(Method::POST, &release).key(&app.key).json(&json!({"note": "Mended"}));
    let back = request.send().await.expect_status(200).body;
    assert_eq!(
        (&back["stage"], &back["canary_percent"], &back["quarantine"]),
        (&json!("canary"), &json!(7), &Value::Null)
    );
    assert_eq!((&back["rulebook"], &back["config"]), (&json!(5), &json!({"percent": 2})));
    assert_eq!(app.admin_get("/api/v1/admin/rulebooks/active").await.body["note"], "Mended");
}

#[tokio::test]
async fn an_installation_of_another_store_is_none() {
    let app = TestApp::new().await;
    let (_, path) = promotion(&app).await;
    let (_, key) = app.add_store("other", &[]).await;
    for method in [Method::GET, Method::DELETE] {
        let request = app.request(method, &path).header("martlet-store", "other").key(&key);
        request.send().await.expect_problem(404, "not_found");
    }
}
