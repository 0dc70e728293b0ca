//! Addresses that customers keep.

use std::time::Duration;

use axum::http::Method;
use serde_json::{Value, json};

use crate::testing::{Answer, SignedIn, TestApp};

const PATH: &str = "/api/v1/me/addresses";

fn seoul(name: &str) -> Value {
    json!({
        "name": name, "lines": ["1 Sejong-daero"], "city": "Seoul", "postal_code": "04524",
        "region": null, "country": "KR",
    })
}

async fn add(app: &TestApp, who: &SignedIn, name: &str, is_default: bool) -> Value {
    let body = json!({"address": seoul(name), "is_default": is_default});
    app.post_as(who, PATH, &body).await.expect_status(201).body
}

async fn replace(app: &TestApp, who: &SignedIn, kept: &Value, if_match: &str, body: &Value) -> Answer {
    let path = format!("{PATH}/{}", kept["id"].as_str().unwrap());
    let request = app.request(Method::PUT, &path).token(&who.access).header("if-match", if_match);
    request.json(body).send().await
}

async fn delete(app: &TestApp, who: &SignedIn, kept: &Value) -> Answer {
    let path = format!("{PATH}/{}", kept["id"].as_str().unwrap());
    app.request(Method::DELETE, &path).token(&who.access).send().await
}

/// Names and whether they are the default, in the order they are listed.
async fn listed(app: &TestApp, who: &SignedIn) -> Vec<(String, bool)> {
    let body = app.get_as(who, PATH).await.expect_status(200).body;
    let items = body["items"].as_array().unwrap().iter();
    items
        .map(|item| (item["address"]["name"].as_str().unwrap().to_owned(), item["is_default"] == true))
        .collect()
}

fn names(expected: &[(&str, bool)]) -> Vec<(String, bool)> {
    expected.iter().map(|(name, is_default)| ((*name).to_owned(), *is_default)).collect()
}

#[tokio::test]
async fn an_address_is_kept_as_it_was_given() {
    let app = TestApp::new().await;
    let jo = app.customer("jo@example.com").await;
    assert_eq!(listed(&app, &jo).await, []);
    let made = app.post_as(&jo, PATH, &json!({"address": seoul("Jo")})).await.expect_status(201);
    let id = made.body["id"].as_str().unwrap();
    let now = "2026-03-01T12:00:00Z";
    let expected = json!({
        "id": id, "version": 1, "address": seoul("Jo"), "is_default": true, "created_at": now, "updated_at": now,
    });
    assert_eq!(made.body, expected);
    assert_eq!((made.header("etag"), made.header("location")), ("\"1\"", format!("{PATH}/{id}").as_str()));
    let list = app.get_as(&jo, PATH).await.expect_status(200);
    assert_eq!((&list.body, list.header("cache-control")), (&json!({"items": [expected]}), "no-store"));
}

#[tokio::test]
async fn one_address_is_the_default() {
    let app = TestApp::new().await;
    let jo = app.customer("jo@example.com").await;
    let home = add(&app, &jo, "home", false).await;
    let work = add(&app, &jo, "work", false).await;
    assert_eq!(listed(&app, &jo).await, names(&[("home", true), ("work", false)]));
    add(&app, &jo, "mum", true).await;
    assert_eq!(listed(&app, &jo).await, names(&[("mum", true), ("home", false), ("work", false)]));
    let body = json!({"address": seoul("office"), "is_default": true});
    app.clock.advance(Duration::from_secs(1));
    let changed = replace(&app, &jo, &work, "\"1\"", &body).await.expect_status(200);
    assert_eq!((changed.header("etag"), &changed.body["is_default"]), ("\"2\"", &json!(true)));
    assert_eq!(changed.body["updated_at"], "2026-03-01T12:00:01Z");
    assert_eq!(listed(&app, &jo).await, names(&[("office", true), ("home", false), ("mum", false)]));
    // The default stays it until another one is.
    let body = json!({"address": seoul("office"), "is_default": false});
    let changed = replace(&app, &jo, &work, "*", &body).await.expect_status(200);
    assert_eq!(changed.body["is_default"], true);
    assert!(delete(&app, &jo, &work).await.expect_status(204).bytes.is_empty());
    assert_eq!(listed(&app, &jo).await, names(&[("home", true), ("mum", false)]));
    delete(&app, &jo, &work).await.expect_problem(404, "not_found");
    delete(&app, &jo, &home).await.expect_status(204);
    assert_eq!(listed(&app, &jo).await, names(&[("mum", true)]));
}

#[tokio::test]
async fn a_customer_keeps_twenty_at_most() {
    let app = TestApp::new().await;
    let (jo, ann) = (app.customer("jo@example.com").await, app.customer("ann@example.com").await);
    let first = add(&app, &jo, "0", false).await;
    for number in 1..20 {
        add(&app, &jo, &number.to_string(), false).await;
    }
    let body = json!({"address": seoul("20")});
    let refused = app.post_as(&jo, PATH, &body).await.expect_problem(422, "too_many_addresses");
    assert_eq!(refused.body["limit"], 20);
    add(&app, &ann, "0", false).await;
    delete(&app, &jo, &first).await.expect_status(204);
    app.post_as(&jo, PATH, &body).await.expect_status(201);
}

#[tokio::test]
async fn a_change_is_based_on_the_version_it_names() {
    let app = TestApp::new().await;
    let jo = app.customer("jo@example.com").await;
    let home = add(&app, &jo, "home", false).await;
    let body = json!({"address": seoul("new")});
    let path = format!("{PATH}/{}", home["id"].as_str().unwrap());
    let without = app.request(Method::PUT, &path).token(&jo.access).json(&body).send().await;
    without.expect_problem(428, "precondition_required");
    let stale = replace(&app, &jo, &home, "\"2\"", &body).await.expect_problem(412, "version_conflict");
    assert_eq!((&stale.body["resource"], &stale.body["current_version"]), (&json!("address"), &json!(1)));
    replace(&app, &jo, &home, "\"1\"", &body).await.expect_status(200);
    replace(&app, &jo, &home, "\"1\"", &body).await.expect_problem(412, "version_conflict");
}

#[tokio::test]
async fn nobody_elses_address_is_there() {
    let app = TestApp::new().await;
    let (jo, ann) = (app.customer("jo@example.com").await, app.customer("ann@example.com").await);
    let home = add(&app, &jo, "home", false).await;
    let body = json!({"address": seoul("new")});
    replace(&app, &ann, &home, "*", &body).await.expect_problem(404, "not_found");
    delete(&app, &ann, &home).await.expect_problem(404, "not_found");
    assert_eq!(listed(&app, &ann).await, []);
    assert_eq!(listed(&app, &jo).await, names(&[("home", true)]));
    let path = format!("{PATH}/{}", home["id"].as_str().unwrap());
    for (method, path) in
        [(Method::GET, PATH), (Method::POST, PATH), (Method::PUT, &path), (Method::DELETE, &path)]
    {
        let request = || app.request(method.clone(), path).json(&body);
        request().send().await.expect_problem(401, "unauthenticated");
        request().key(&app.key).send().await.expect_problem(401, "unauthenticated");
    }
}

#[tokio::test]
async fn what_is_no_address_is_refused_where_it_stands() {
    let app = TestApp::new().await;
    let jo = app.customer("jo@example.com").await;
    let mut wrong = seoul("");
    wrong["country"] = json!("Korea");
    let refused = app.post_as(&jo, PATH, &json!({"address": wrong})).await;
    let refused = refused.expect_problem(422, "invalid_body");
    let mut places: Vec<&str> = refused.body["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|error| error["pointer"].as_str().unwrap())
        .collect();
    places.sort_unstable();
    assert_eq!(places, ["/address/country", "/address/name"]);
    let home = add(&app, &jo, "home", false).await;
    replace(&app, &jo, &home, "*", &json!({"address": wrong})).await.expect_problem(422, "invalid_body");
    let missing = app.post_as(&jo, PATH, &json!({"is_default": true})).await;
    assert_eq!(missing.expect_problem(422, "invalid_body").violation(), ("/address", "is missing"));
}
