use axum::{extract::FromRef as _, http::Method};
use martlet_domain::{
    Id,
    plugin::{Group, GroupClass, GroupMode, World},
    quote::Class,
};
use martlet_store::RulebookDraft;
use serde_json::{Value, json};

use crate::{
    rules::Rules,
    testing::{Answer, NOW, TestApp},
};

const PATH: &str = "/api/v1/admin/rulebooks";
const ACTIVE: &str = "/api/v1/admin/rulebooks/active";
const INSTALLATIONS: &str = "/api/v1/admin/installations";

async fn post(app: &TestApp, path: &str) -> Answer {
    app.request(Method::POST, path).key(&app.key).send().await
}

/// A promotion at priorities 1 to `count`, a rulebook for each; and its path.
async fn history(app: &TestApp, count: i32) -> String {
    app.uploaded(World::Promotion).await;
    let body = json!({"plugin": "small-promotion", "config": {"percent": 1}, "stage": "active", "priority": 1, "note": "1"});
    let made = app.admin_post(INSTALLATIONS, body).await.expect_status(201).body;
    let path = format!("{INSTALLATIONS}/{}", made["id"].as_str().unwrap());
    for priority in 2..=count {
        let change = json!({"priority": priority, "note": priority.to_string()});
        app.admin_patch(&path, change).await.expect_status(200);
    }
    path
}

#[tokio::test]
async fn the_active_rulebook_is_shown_once_there_is_one() {
    let app = TestApp::new().await;
    app.admin_get(ACTIVE).await.expect_problem(404, "no_rulebook");
    let installation = app.install(World::Promotion).await;
    let group = Group {
        name: "main".to_owned(),
        class: GroupClass::Candidates(Class::Order),
        rank: 1,
        mode: GroupMode::Best,
        on_list_amounts: false,
    };
    let draft = RulebookDraft {
        note: "The first".to_owned(),
        created_at: NOW,
        groups: vec![group],
        installations: vec![installation.clone()],
    };
    app.state.db.publish_rulebook(app.store.id, draft).await.unwrap();
    let answer = app.admin_get(ACTIVE).await.expect_status(200);
    assert_eq!(answer.header("etag"), "\"1\"");
    let body = answer.body;
    assert_eq!((&body["number"], &body["note"]), (&json!(1), &json!("The first")));
    assert_eq!((&body["active"], &body["repeats"]), (&json!(true), &Value::Null));
    assert_eq!(body["created_at"], "2026-03-01T12:00:00Z");
    let group =
        json!({"name": "main", "class": "order", "rank": 1, "mode": "best", "on_list_amounts": false});
    assert_eq!(body["groups"], json!([group]));
    assert_eq!(body["installations"][0]["id"], json!(installation.id));
    assert_eq!(app.admin_get(&format!("{PATH}/1")).await.expect_status(200).body, body);
}

#[tokio::test]
async fn rulebooks_are_paged_and_say_which_is_active_and_which_they_repeat() {
    let app = TestApp::new().await;
    history(&app, 4).await;
    let made = post(&app, &format!("{PATH}/2/activate")).await.expect_status(200);
    assert_eq!((made.header("etag"), &made.body["repeats"]), ("\"5\"", &json!(2)));
    let first = app.admin_get(&format!("{PATH}?limit=3")).await.expect_status(200).body;
    let line = |number: i64, note: &str, active: bool, repeats: Value| json!({"number": number, "note": note, "created_at": "2026-03-01T12:00:00Z", "active": active, "repeats": repeats});
    let expected = [
        line(5, "Back to rulebook 2", true, json!(2)),
        line(4, "4", false, Value::Null),
        line(3, "3", false, Value::Null),
    ];
    assert_eq!(first["items"], json!(expected));
    let cursor = first["next_cursor"].as_str().unwrap();
    let second = app.admin_get(&format!("{PATH}?limit=3&cursor={cursor}")).await.expect_status(200).body;
    assert_eq!(second["items"], json!([line(2, "2", false, Value::Null), line(1, "1", false, Value::Null)]));
    assert_eq!(second["next_cursor"], Value::Null);
    app.admin_get(&format!("{PATH}?cursor=x")).await.expect_problem(400, "malformed_cursor");
    for (number, status, code) in
        [("6", 404, "not_found"), ("0", 404, "not_found"), ("x", 400, "malformed_id")]
    {
        app.admin_get(&format!("{PATH}/{number}")).await.expect_problem(status, code);
    }
}

#[tokio::test]
async fn an_older_set_is_active_again_under_a_new_number_and_is_what_is_worked_on() {
    let app = TestApp::new().await;
    let path = history(&app, 3).await;
    let groups = json!({"groups": [{"name": "orders", "class": "order", "mode": "best"}]});
    app.request(Method::PUT, "/api/v1/admin/groups")
        .key(&app.key)
        .header("if-match", "*")
        .json(&groups)
        .send()
        .await
        .expect_status(200);
    let later = json!({"plugin": "small-promotion", "config": {"percent": 2}, "group": "orders"});
    let later = app.admin_post(INSTALLATIONS, later).await.expect_status(201).body;
    let request = app.request(Method::POST, &format!("{PATH}/1/activate")).key(&app.key);
    let made = request.json(&json!({"note": "As it was"})).send().await.expect_status(200).body;
    assert_eq!(
        (&made["number"], &made["note"], &made["repeats"]),
        (&json!(6), &json!("As it was"), &json!(1))
    );
    assert_eq!(app.admin_get(&path).await.body["priority"], 1);
    assert_eq!(app.admin_get("/api/v1/admin/groups").await.body, json!({"groups": [], "rulebook": 6}));
    let listed = app.admin_get(INSTALLATIONS).await.body;
    assert_eq!(listed["items"].as_array().unwrap().len(), 1);
    // What came later is outside, and a change puts it back, once its group is there.
    let outside = format!("{INSTALLATIONS}/{}", later["id"].as_str().unwrap());
    assert_eq!(app.admin_get(&outside).await.expect_status(200).body["rulebook"], Value::Null);
    let refused = app.admin_patch(&outside, json!({})).await.expect_problem(422, "invalid_body");
    assert_eq!(refused.violation().0, "/group");
    let back = app.admin_patch(&outside, json!({"group": null})).await.expect_status(200).body;
    assert_eq!((&back["sequence"], &back["rulebook"]), (&json!(2), &json!(7)));
    let stale =
        app.request(Method::POST, &format!("{PATH}/2/activate")).key(&app.key).header("if-match", "\"6\"");
    stale.send().await.expect_problem(412, "version_conflict");
    post(&app, &format!("{PATH}/7/activate")).await.expect_problem(409, "rulebook_active");
    post(&app, &format!("{PATH}/8/activate")).await.expect_problem(404, "not_found");
}

#[tokio::test]
async fn rolling_back_goes_one_further_each_time() {
    let app = TestApp::new().await;
    let roll = format!("{PATH}/rollback");
    post(&app, &roll).await.expect_problem(404, "no_rulebook");
    let path = history(&app, 3).await;
    for (number, repeats) in [(4, 2), (5, 1)] {
        let made = post(&app, &roll).await.expect_status(200).body;
        assert_eq!((&made["number"], &made["repeats"]), (&json!(number), &json!(repeats)));
        assert_eq!(made["installations"][0]["priority"], repeats);
    }
    post(&app, &roll).await.expect_problem(409, "no_earlier_rulebook");
    // From a change on top of it, it is that which was rolled back to.
    app.admin_patch(&path, json!({"priority": 9})).await.expect_status(200);
    let made = post(&app, &roll).await.expect_status(200).body;
    assert_eq!((&made["number"], &made["repeats"]), (&json!(7), &json!(5)));
    // That repeats the first set, before which there is none.
    post(&app, &roll).await.expect_problem(409, "no_earlier_rulebook");
    let stale = app.request(Method::POST, &roll).key(&app.key).header("if-match", "\"6\"").send().await;
    stale.expect_problem(412, "version_conflict");
}

#[tokio::test]
async fn what_failed_stays_in_quarantine_when_the_rules_go_back() {
    let app = TestApp::new().await;
    let path = history(&app, 2).await;
    let id = Id::new(path.rsplit('/').next().unwrap().parse().unwrap());
    let rules = Rules::from_ref(&app.state);
    let failed = rules.active(app.store.id).await.unwrap().installation(id).unwrap().clone();
    assert_eq!(rules.quarantine(app.store.id, &failed, "it failed").await.unwrap(), Some(3));
    let made = post(&app, &format!("{PATH}/rollback")).await.expect_status(200).body;
    let installation = &made["installations"][0];
    assert_eq!((&made["repeats"], &installation["stage"]), (&json!(2), &json!("quarantined")));
    assert_eq!(installation["quarantine"]["from_stage"], "active");
    // Nor does it come back through a rulebook that lacks it.
    let gone = app.request(Method::DELETE, &path).key(&app.key).send().await.expect_status(200);
    assert_eq!(gone.body["installations"].as_array().map(Vec::len).unwrap_or_default(), 0);
    let made = post(&app, &format!("{PATH}/2/activate")).await.expect_status(200).body;
    assert_eq!(made["installations"][0]["stage"], "quarantined");
}

#[tokio::test]
async fn the_way_out_of_a_damaged_rulebook_is_told() {
    let app = TestApp::new().await;
    let path = history(&app, 2).await;
    let sql = "UPDATE rulebooks SET note = note, body = REPLACE(body, '\"priority\":2', '\"priority\":7') WHERE number = 2";
    let martlet_store::Db::Sqlite { write, .. } = &app.state.db else { panic!("tests run on SQLite") };
    sqlx::query(sql).execute(write).await.unwrap();
    let paths = [ACTIVE, "/api/v1/admin/rulebooks/2", INSTALLATIONS, &path, "/api/v1/admin/groups"];
    for path in paths {
        let answer = app.admin_get(path).await.expect_problem(409, "rulebook_damaged");
        let detail = answer.body["detail"].as_str().unwrap().to_owned();
        assert!(detail.contains("/api/v1/admin/rulebooks/rollback"), "{detail}");
    }
    app.admin_patch(&path, json!({"priority": 5})).await.expect_problem(409, "rulebook_damaged");
    app.admin_get("/api/v1/admin/rulebooks/1").await.expect_status(200);
    post(&app, &format!("{PATH}/rollback")).await.expect_status(200);
    app.admin_get(INSTALLATIONS).await.expect_status(200);
}

#[tokio::test]
async fn an_older_set_that_can_not_be_worked_with_is_not_gone_back_to() {
    let app = TestApp::new().await;
    let broken = app.install_broken().await;
    app.publish_installations(vec![broken]).await;
    app.publish_installations(Vec::new()).await;
    let refused = post(&app, &format!("{PATH}/rollback")).await.expect_problem(422, "rules_unusable");
    assert!(refused.body["detail"].as_str().unwrap().contains("`broken` can't be used"), "{refused:#?}");
    assert_eq!(app.admin_get(ACTIVE).await.body["number"], 2);
}
