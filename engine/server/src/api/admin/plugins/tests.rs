use axum::{body::Bytes, http::Method};
use martlet_domain::{
    Digest,
    plugin::{Plugin, World},
};
use serde_json::{Value, json};

use crate::testing::{Answer, TestApp, component};

const PATH: &str = "/api/v1/admin/plugins";

async fn upload(app: &TestApp, bytes: impl Into<Bytes>) -> Answer {
    let request = app.request(Method::POST, PATH).key(&app.key);
    request.raw("application/wasm", bytes.into()).send().await
}

/// The same component in other bytes: with a section that says nothing.
fn otherwise(mut bytes: Vec<u8>) -> Vec<u8> {
    bytes.extend([0, 5, 4, b'n', b'o', b't', b'e']);
    bytes
}

#[tokio::test]
async fn a_component_is_stored_with_what_was_found_and_known_the_next_time() {
    let app = TestApp::new().await;
    let bytes = component("percentage-off");
    let stored = upload(&app, bytes.clone()).await.expect_status(201).body;
    let digest = Digest::of(&bytes).to_string();
    for (name, expected) in [
        ("name", json!("percentage-off")),
        ("digest", json!(digest)),
        ("world", json!("promotion")),
        ("wit_version", json!("1.0.0")),
        ("size", json!(bytes.len())),
        ("created_at", json!("2026-03-01T12:00:00Z")),
    ] {
        assert_eq!(stored[name], expected, "{name}");
    }
    assert_eq!(stored["config_schema"]["required"], json!(["percent_ppm"]));
    let report = &stored["report"];
    assert!(report["exports"].as_array().unwrap().contains(&json!("propose")));
    assert_eq!(report["fuel"].as_array().unwrap().len(), 3);
    assert!(report["checks"].as_array().unwrap().iter().all(|check| check["passed"] == true));
    assert_eq!(upload(&app, bytes.clone()).await.expect_status(200).body, stored);

    let newest = app.admin_get(PATH).await.expect_status(200).body;
    assert_eq!(newest["items"][0]["newest"], stored);
    let plugin = app.admin_get(&format!("{PATH}/percentage-off")).await.expect_status(200).body;
    assert_eq!(plugin["versions"], json!([stored]));
    let path = format!("{PATH}/percentage-off/versions/{digest}");
    assert_eq!(app.admin_get(&path).await.expect_status(200).body, stored);
    let downloaded = app.admin_get(&format!("{path}/component")).await.expect_status(200);
    assert_eq!(downloaded.header("content-type"), "application/wasm");
    assert_eq!(downloaded.bytes, bytes);
    // Nothing is installed by it, and other stores know nothing of it.
    assert_eq!(app.state.db.list_installations(app.store.id).await.unwrap(), []);
    let (_, other) = app.add_store("other", &["other.example"]).await;
    let elsewhere = app.request(Method::GET, &path).header("martlet-store", "other").key(&other);
    elsewhere.send().await.expect_problem(404, "not_found");
}

#[tokio::test]
async fn plugins_come_in_pages() {
    let app = TestApp::new().await;
    for name in ["volume-pricing", "spend-tiers"] {
        upload(&app, component(name)).await.expect_status(201);
    }
    let page = app.admin_get(&format!("{PATH}?limit=1")).await.expect_status(200).body;
    assert_eq!(page["items"][0]["name"], "spend-tiers");
    let cursor = page["next_cursor"].as_str().unwrap();
    let next = app.admin_get(&format!("{PATH}?limit=1&cursor={cursor}")).await.expect_status(200).body;
    assert_eq!((&next["items"][0]["name"], &next["next_cursor"]), (&json!("volume-pricing"), &Value::Null));
}

#[tokio::test]
async fn what_is_refused_says_why_and_is_not_stored() {
    let app = TestApp::new().await;
    for (bytes, name, words) in [
        (&b""[..], "format", "this is not WebAssembly"),
        (b"PK\x03\x04", "format", "this is not WebAssembly"),
        (b"(component)", "format", "this is WebAssembly text"),
        (b"\x7fELF\x02\x01", "format", "this is compiled native code"),
        (b"\0asm\x01\0\0\0", "format", "this is a core module"),
        (b"\0asm\x0d\0\x01\0", "world", "it exports nothing"),
    ] {
        let refused = upload(&app, Bytes::from_static(bytes)).await;
        let refused = refused.expect_problem(422, "component_refused");
        let check = &refused.body["checks"][0];
        assert_eq!(check["name"], name);
        assert!(check["found"].as_str().unwrap().starts_with(words), "{check}");
        assert!(check["advice"].is_string() && check["passed"] == false, "{check}");
        assert!(refused.body["detail"].as_str().unwrap().contains(words), "{refused:#?}");
    }
    assert_eq!(app.admin_get(PATH).await.body["items"], json!([]));
}

#[tokio::test]
async fn a_name_keeps_its_world_and_a_version_its_bytes() {
    let app = TestApp::new().await;
    let plugin = Plugin {
        id: app.state.world.ids.next(app.clock.now()),
        name: "spend-tiers".to_owned(),
        world: World::Pricing,
    };
    app.state.db.insert_plugin(app.store.id, &plugin).await.unwrap();
    let taken = upload(&app, component("spend-tiers")).await.expect_problem(409, "plugin_name_taken");
    assert_eq!((&taken.body["plugin"], &taken.body["world"]), (&json!("spend-tiers"), &json!("pricing")));
    let bytes = component("buy-x-get-y");
    let first = upload(&app, bytes.clone()).await.expect_status(201).body;
    let taken = upload(&app, otherwise(bytes)).await.expect_problem(409, "version_taken");
    assert_eq!((&taken.body["digest"], &taken.body["plugin_version"]), (&first["digest"], &first["version"]));
    assert!(taken.body["detail"].as_str().unwrap().contains("raise the version"), "{taken:#?}");
}

#[tokio::test]
async fn uploads_have_a_media_type_and_a_limit_of_their_own() {
    let app = TestApp::builder().body_limit(1_000).build().await;
    for declared in ["application/json", "application/octet-stream", ""] {
        let request = app.request(Method::POST, PATH).key(&app.key).raw(declared, component("spend-tiers"));
        let refused = request.send().await.expect_problem(415, "unsupported_media_type");
        assert!(refused.body["detail"].as_str().unwrap().contains("application/wasm"));
    }
    // Far larger than other bodies may be.
    upload(&app, component("spend-tiers")).await.expect_status(201);
    let limit = 32 << 20;
    let refused = upload(&app, vec![0; limit + 1]).await.expect_problem(413, "body_too_large");
    assert_eq!(refused.body["limit"], limit);
    let request = app.request(Method::POST, PATH).key(&app.key).header("idempotency-key", "large");
    let refused = request.raw("application/wasm", vec![0; limit + 1]).send().await;
    refused.expect_problem(413, "body_too_large");
}

#[tokio::test]
async fn the_same_request_again_gets_the_same_answer_and_other_bytes_are_another_request() {
    let app = TestApp::new().await;
    let send = async |bytes: Vec<u8>| {
        let request = app.request(Method::POST, PATH).key(&app.key).header("idempotency-key", "once");
        request.raw("application/wasm", bytes).send().await
    };
    let bytes = component("coupon-standard");
    let first = send(bytes.clone()).await.expect_status(201);
    let again = send(bytes.clone()).await.expect_status(201);
    assert_eq!(again.bytes, first.bytes);
    send(otherwise(bytes)).await.expect_problem(422, "idempotency_key_reused");
}

#[tokio::test]
async fn a_version_that_was_put_in_otherwise_is_looked_at_when_it_is_uploaded() {
    let app = TestApp::new().await;
    app.publish(&[crate::testing::Installed::new(
        "spend-tiers",
        r#"{"currency":"USD","tiers":[{"minimum":1,"amount":1}]}"#,
    )])
    .await;
    let listed = app.admin_get(&format!("{PATH}/spend-tiers")).await.expect_status(200).body;
    assert_eq!(listed["versions"][0]["report"], Value::Null);
    let known = upload(&app, component("spend-tiers")).await.expect_status(200).body;
    assert!(known["report"]["checks"].is_array(), "{known:#}");
    let listed = app.admin_get(&format!("{PATH}/spend-tiers")).await.expect_status(200).body;
    assert_eq!(listed["versions"], json!([known]));
}

#[tokio::test]
async fn names_and_digests_that_are_none_are_not_found_or_malformed() {
    let app = TestApp::new().await;
    app.admin_get(&format!("{PATH}/none")).await.expect_problem(404, "not_found");
    let digest = Digest::of(b"none");
    app.admin_get(&format!("{PATH}/none/versions/{digest}")).await.expect_problem(404, "not_found");
    upload(&app, component("spend-tiers")).await.expect_status(201);
    let path = format!("{PATH}/spend-tiers/versions");
    app.admin_get(&format!("{path}/{digest}")).await.expect_problem(404, "not_found");
    app.admin_get(&format!("{path}/{digest}/component")).await.expect_problem(404, "not_found");
    app.admin_get(&format!("{path}/xyz")).await.expect_problem(400, "malformed_id");
}
