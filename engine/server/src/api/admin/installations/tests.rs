use std::sync::Arc;

use axum::http::Method;
use martlet_domain::{Digest, plugin::World};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::testing::TestApp;

const PATH: &str = "/api/v1/admin/installations";
const SCHEMA: &str = r#"{"type": "object", "required": ["percent"], "properties": {"percent": {"type": "integer", "maximum": 100}}}"#;

#[tokio::test]
async fn installations_of_the_active_rulebook_are_listed_with_what_they_run() {
    let app = TestApp::new().await;
    let none = app.admin_get(PATH).await.expect_status(200);
    assert_eq!((none.header("etag"), &none.body["items"]), ("\"0\"", &json!([])));
    let installation = app.install(World::Promotion).await;
    app.publish_installations(vec![installation.clone()]).await;
    let answer = app.admin_get(PATH).await.expect_status(200);
    assert_eq!(answer.header("etag"), "\"1\"");
    assert_eq!(
        answer.body,
        json!({"items": [{
            "id": installation.id, "sequence": 1, "plugin": "small-promotion", "plugin_version": "1.0.0",
            "component": installation.component, "world": "promotion", "config": {}, "classes": ["order"],
            "stage": "active", "canary_percent": null, "priority": 10, "group": "main",
            "failure_policy": "skip", "gift_skus": [], "exclusivity_tags": [], "starts_at": null,
            "ends_at": null, "budget": null, "daily_budget": null, "customer_budget": null, "quarantine": null,
        }], "next_cursor": null})
    );
}

#[tokio::test]
async fn a_plugin_is_installed_as_a_draft_in_a_rulebook_of_its_own() {
    let app = TestApp::new().await;
    let version = app.uploaded(World::Promotion).await;
    let body = json!({"plugin": "small-promotion", "config": {"percent": 10}});
    let answer = app.admin_post(PATH, body).await.expect_status(201);
    let id = answer.body["id"].as_str().unwrap();
    assert_eq!(
        (answer.header("location"), answer.header("etag")),
        (format!("{PATH}/{id}").as_str(), "\"1\"")
    );
    assert_eq!(
        answer.body,
        json!({
            "id": id, "sequence": 1, "plugin": "small-promotion", "plugin_version": "1.0.0",
            "component": version.digest, "world": "promotion", "config": {"percent": 10}, "classes": ["order"],
            "stage": "draft", "canary_percent": null, "priority": 0, "group": null, "failure_policy": "skip",
            "gift_skus": [], "exclusivity_tags": [], "starts_at": null, "ends_at": null, "budget": null,
            "daily_budget": null, "customer_budget": null, "quarantine": null, "rulebook": 1,
        })
    );
    let rulebook = app.admin_get("/api/v1/admin/rulebooks/active").await.expect_status(200).body;
    assert_eq!(
        (&rulebook["number"], &rulebook["note"]),
        (&json!(1), &json!("small-promotion 1.0.0 installed"))
    );
    let mut listed = answer.body.clone();
    listed.as_object_mut().unwrap().remove("rulebook");
    assert_eq!(rulebook["installations"], json!([listed]));
    assert_eq!(app.admin_get(&format!("{PATH}/{id}")).await.expect_status(200).body, answer.body);
}

#[tokio::test]
async fn everything_about_it_can_be_said_at_once() {
    let app = TestApp::new().await;
    let product = app.product("mug").await;
    app.variant(&product, "MUG-S", "S", 5).await;
    let version = app.uploaded(World::Promotion).await;
    let usd = |amount| json!({"amount": amount, "currency": "USD"});
    let groups = json!({"groups": [{"name": "orders", "class": "order", "mode": "best"}]});
    app.request(Method::PUT, "/api/v1/admin/groups")
        .key(&app.key)
        .header("if-match", "*")
        .json(&groups)
        .send()
        .await
        .expect_status(200);
    let body = json!({
        "digest": version.digest, "config": {"percent": 10}, "stage": "canary", "canary_percent": 7,
        "priority": -3, "group": "orders", "exclusivity_tags": ["summer"], "failure_policy": "block",
        "starts_at": "2026-03-01T09:00:00+09:00", "ends_at": "2026-04-01T00:00:00Z", "budget": usd(9_000),
        "daily_budget": usd(900), "customer_budget": usd(90), "gift_skus": ["MUG-S"], "note": " Summer ",
    });
    let answer = app.admin_post(PATH, body.clone()).await.expect_status(201).body;
    for (member, value) in body.as_object().unwrap() {
        match member.as_str() {
            "digest" => assert_eq!(answer["component"], *value),
            "starts_at" => assert_eq!(answer["starts_at"], "2026-03-01T00:00:00Z"),
            "note" => {}
            member => assert_eq!(answer[member], *value, "{member}"),
        }
    }
    let rulebook = app.admin_get("/api/v1/admin/rulebooks/active").await.body;
    assert_eq!((&rulebook["number"], &rulebook["note"]), (&json!(2), &json!("Summer")));
}

#[tokio::test]
async fn the_version_stored_last_runs_unless_another_is_asked_for() {
    let app = TestApp::new().await;
    let (one, two) =
        (app.uploaded(World::Promotion).await, app.upload(World::Promotion, "2.0.0", "{}").await);
    let coupon = app.uploaded(World::Coupon).await;
    let with = async |members: Value| {
        let mut body = json!({"plugin": "small-promotion", "config": {"percent": 10}});
        body.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
        app.admin_post(PATH, body).await
    };
    for (members, version) in [
        (json!({"version": "1.0.0"}), &one),
        (json!({"digest": two.digest}), &two),
        (json!({"digest": two.digest, "version": "2.0.0"}), &two),
    ] {
        let answer = with(members).await.expect_status(201).body;
        assert_eq!(answer["component"], json!(version.digest));
        assert_eq!(answer["plugin_version"], version.description.version);
    }
    for (members, pointer) in [
        (json!({"plugin": "large"}), "/plugin"),
        (json!({"version": "3.0.0"}), "/version"),
        (json!({"digest": Digest::of(b"none")}), "/digest"),
        (json!({"digest": coupon.digest}), "/digest"),
        (json!({"digest": two.digest, "version": "1.0.0"}), "/version"),
    ] {
        assert_eq!(with(members).await.expect_problem(422, "invalid_body").violation().0, pointer);
    }
    let nothing = app.admin_post(PATH, json!({})).await.expect_problem(422, "invalid_body");
    assert_eq!(nothing.violation(), ("/plugin", "is missing"));
}

#[tokio::test]
async fn a_configuration_is_checked_by_schema_and_by_the_plugin() {
    let app = TestApp::builder().body_limit(1 << 20).build().await;
    app.upload(World::Promotion, "1.0.0", SCHEMA).await;
    let with = async |config: Value| {
        app.admin_post(PATH, json!({"plugin": "small-promotion", "config": config})).await
    };
    let wrong = with(json!({"percent": 101})).await.expect_problem(422, "config_refused");
    assert_eq!(wrong.violation().0, "/config/percent");
    let missing = with(json!({})).await.expect_problem(422, "config_refused");
    assert_eq!(missing.violation().0, "/config");
    // What the schema lets through the plugin may refuse, or fail on.
    app.upload(World::Promotion, "2.0.0", r#"{"type": "object"}"#).await;
    let new = async |config: Value| {
        let body = json!({"plugin": "small-promotion", "version": "2.0.0", "config": config});
        app.admin_post(PATH, body).await
    };
    let refused = new(json!({})).await.expect_problem(422, "config_refused");
    assert_eq!(refused.violation(), ("/config/percent", "is missing"));
    new(json!({"percent": "x".repeat(200)})).await.expect_problem(422, "plugin_failed");
    let large = new(json!({"x": "x".repeat(64 << 10)})).await.expect_problem(422, "invalid_body");
    assert_eq!(large.violation().0, "/config");
    assert_eq!(app.admin_get(PATH).await.header("etag"), "\"0\"", "nothing was published");
}

#[tokio::test]
async fn a_coupon_plugin_has_no_configuration_of_its_own() {
    let app = TestApp::new().await;
    app.upload(World::Coupon, "1.0.0", SCHEMA).await;
    let body = json!({"plugin": "small-coupon", "config": {"percent": 1}});
    let refused = app.admin_post(PATH, body).await.expect_problem(422, "invalid_body");
    assert_eq!(refused.violation().0, "/config");
    let answer = app.admin_post(PATH, json!({"plugin": "small-coupon"})).await.expect_status(201).body;
    assert_eq!((&answer["config"], &answer["classes"]), (&json!({}), &json!([])));
    assert_eq!(answer["failure_policy"], "reject");
    let coupon = json!({"code": "A", "installation": answer["id"], "config": {"percent": 1}});
    app.admin_post("/api/v1/admin/coupons", coupon).await.expect_status(201);
}

#[tokio::test]
async fn what_is_out_of_bounds_is_refused_where_it_is_and_changes_nothing() {
    let app = TestApp::new().await;
    app.uploaded(World::Promotion).await;
    let tags: Vec<String> = (0..17).map(|tag| tag.to_string()).collect();
    let cases = [
        ("stage", json!("quarantined"), "/stage"),
        ("stage", json!("canary"), "/canary_percent"),
        ("canary_percent", json!(5), "/canary_percent"),
        ("priority", json!(1_000_001), "/priority"),
        ("group", json!("none"), "/group"),
        ("exclusivity_tags", json!(tags), "/exclusivity_tags"),
        ("failure_policy", json!("reject"), "/failure_policy"),
        ("ends_at", json!("2026-01-01T00:00:00Z"), "/ends_at"),
        ("budget", json!({"amount": 0, "currency": "USD"}), "/budget"),
        ("daily_budget", json!({"amount": 5, "currency": "KRW"}), "/customer_budget"),
        ("gift_skus", json!(["NONE"]), "/gift_skus/0"),
        ("config", json!([]), "/config"),
        ("note", json!("x".repeat(501)), "/note"),
        ("color", json!("red"), "/color"),
    ];
    for (member, value, pointer) in cases {
        let mut body = json!({"plugin": "small-promotion", "config": {"percent": 1},
            "starts_at": "2026-02-01T00:00:00Z", "customer_budget": {"amount": 5, "currency": "USD"}});
        body[member] = value;
        let answer = app.admin_post(PATH, body).await.expect_problem(422, "invalid_body");
        let pointers: Vec<&str> = answer.body["errors"]
            .as_array()
            .unwrap()
            .iter()
            .map(|it| it["pointer"].as_str().unwrap())
            .collect();
        assert!(pointers.contains(&pointer), "{pointer}: {pointers:?}");
    }
    assert_eq!(app.admin_get(PATH).await.header("etag"), "\"0\"");
    assert_eq!(app.state.db.list_installations(app.store.id).await.unwrap(), []);
}

#[tokio::test]
async fn rules_that_can_not_be_worked_with_are_not_published() {
    let app = TestApp::new().await;
    app.uploaded(World::Promotion).await;
    let kept = app
        .admin_post(PATH, json!({"plugin": "small-promotion", "config": {"percent": 1}, "stage": "active"}));
    let kept = kept.await.expect_status(201).body;
    let broken = app.install_broken().await.component;
    for stage in ["draft", "active"] {
        let body = json!({"digest": broken, "config": {"percent": 1}, "stage": stage});
        let answer = app.admin_post(PATH, body).await.expect_problem(422, "rules_unusable");
        assert!(answer.body["detail"].as_str().unwrap().contains("`broken` can't be used"), "{answer:#?}");
    }
    let rulebook = app.admin_get("/api/v1/admin/rulebooks/active").await.body;
    assert_eq!((&rulebook["number"], &rulebook["installations"][0]["id"]), (&json!(1), &kept["id"]));
}

#[tokio::test]
async fn a_change_may_be_bound_to_the_rulebook_it_is_based_on() {
    let app = TestApp::new().await;
    app.uploaded(World::Promotion).await;
    let with = async |tag: &str| {
        let body = json!({"plugin": "small-promotion", "config": {"percent": 1}});
        app.request(Method::POST, PATH).key(&app.key).header("if-match", tag).json(&body).send().await
    };
    with("\"0\"").await.expect_status(201);
    let stale = with("\"0\"").await.expect_problem(412, "version_conflict");
    assert_eq!((&stale.body["resource"], &stale.body["current_version"]), (&json!("rulebook"), &json!(1)));
    assert_eq!(with("\"1\"").await.expect_status(201).header("etag"), "\"2\"");
    with("*").await.expect_status(201);
    with("2").await.expect_problem(400, "malformed_header");
}

#[tokio::test]
async fn of_changes_at_once_none_is_lost_and_each_has_its_number() {
    let app = Arc::new(TestApp::new().await);
    app.uploaded(World::Promotion).await;
    let at_once = async |count: usize, tag: &'static str| {
        let mut changes = JoinSet::new();
        for _ in 0..count {
            let app = app.clone();
            changes.spawn(async move {
                let body = json!({"plugin": "small-promotion", "config": {"percent": 1}});
                let request = app.request(Method::POST, PATH).key(&app.key).header("if-match", tag);
                request.json(&body).send().await
            });
        }
        changes.join_all().await
    };
    let answers = at_once(12, "*").await.into_iter();
    let mut numbers: Vec<i64> =
        answers.map(|answer| answer.expect_status(201).body["rulebook"].as_i64().unwrap()).collect();
    numbers.sort_unstable();
    assert!(numbers.iter().copied().eq(1..=12), "{numbers:?}");
    let items = app.admin_get(PATH).await.body["items"].as_array().unwrap().clone();
    let sequences: Vec<i64> = items.iter().map(|item| item["sequence"].as_i64().unwrap()).collect();
    assert!(sequences.iter().copied().eq(1..=12), "{sequences:?}");
    // Of those that are based on the same rulebook one is made.
    let answers = at_once(4, "\"12\"").await;
    let mut statuses: Vec<u16> = answers.iter().map(|answer| answer.status.as_u16()).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 412, 412, 412]);
}
