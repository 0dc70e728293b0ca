//! What is counted while real components, sound and hostile, price carts.

use martlet_domain::{
    money::Money,
    plugin::{FailurePolicy, Installation, InstallationStage},
};
use martlet_store::AuditQuery;
use serde_json::{Value, json};

use crate::testing::{Installed, TestApp};

const TEN_PERCENT: &str = r#"{"percent_ppm": 100000}"#;
const TRAP: &str = r#"{"mode": "trap"}"#;

/// A cart of two lines: 3 at 19.99 and 2 at 19.99.
async fn cart(app: &TestApp) -> String {
    let product = app.product("mug").await;
    app.variant(&product, "MUG-S", "S", 100).await;
    app.variant(&product, "MUG-M", "M", 100).await;
    app.cart(&[("MUG-S", 3), ("MUG-M", 2)]).await
}

async fn quote(app: &TestApp, cart: &str) -> Value {
    app.get(&format!("/api/v1/carts/{cart}/quote")).await.expect_status(200).body
}

#[tokio::test]
async fn calls_and_what_came_of_them_are_counted() {
    let app = TestApp::new().await;
    let cart = cart(&app).await;
    let hostile = Installed { priority: -1, ..Installed::new("hostile", TRAP) };
    let installed = app.publish(&[Installed::new("percentage-off", TEN_PERCENT), hostile]).await;
    for _ in 0..3 {
        quote(&app, &cart).await;
    }
    let good = app.figures(&installed[0]).await;
    let live = &good["live"];
    assert_eq!(
        (&good["plugin"], &live["carts"], &live["calls"]),
        (&json!("percentage-off"), &json!(3), &json!(3))
    );
    // One candidate a cart, for both of its lines.
    assert_eq!((&live["effects"], &live["rejected"]), (&json!({"applied": 3}), &json!({})));
    assert_eq!((&live["failed"], &live["failures"]), (&json!(0), &json!({})));
    for histogram in [&live["latency_us"], &live["fuel"]] {
        let buckets = histogram["buckets"].as_array().unwrap();
        let counted: u64 = buckets.iter().map(|bucket| bucket["count"].as_u64().unwrap()).sum();
        assert_eq!((&histogram["count"], counted), (&json!(3), 3));
        assert!(histogram["sum"].as_u64().unwrap() > 0);
        assert_eq!(buckets.last().unwrap()["at_most"], Value::Null);
    }
    assert_eq!((&good["budget"], &good["trouble"]), (&Value::Null, &Value::Null));
    let bad = app.figures(&installed[1]).await;
    let live = &bad["live"];
    assert_eq!((&live["carts"], &live["failed"]), (&json!(3), &json!(3)));
    assert_eq!((&live["failures"], &live["rejected"]), (&json!({"trapped": 3}), &json!({})));
    assert_eq!(bad["shadow"]["carts"], 0);
}

#[tokio::test]
async fn what_is_rejected_is_counted_by_its_reason() {
    let app = TestApp::new().await;
    let cart = cart(&app).await;
    let cases = [
        (r#"{"mode": "positions"}"#, "invalid_candidate", 5),
        (r#"{"mode": "silent"}"#, "silent", 1),
        (r#"{"mode": "wrong-class"}"#, "class_not_allowed", 1),
    ];
    for (config, reason, many) in cases {
        let installed = app.publish(&[Installed::new("hostile", config)]).await;
        quote(&app, &cart).await;
        assert_eq!(app.figures(&installed[0]).await["live"]["rejected"], json!({ reason: many }), "{config}");
    }
}

#[tokio::test]
async fn figures_of_all_instances_add_up() {
    let app = TestApp::new().await;
    let cart = cart(&app).await;
    let installed = app.publish(&[Installed::new("percentage-off", TEN_PERCENT)]).await;
    let other = app.another_instance();
    quote(&app, &cart).await;
    for _ in 0..4 {
        app.price(&other, &cart).await;
    }
    // What the other has not said yet isn't known here.
    assert_eq!(app.figures(&installed[0]).await["live"]["calls"], 1);
    other.selling.counters.flush().await.unwrap();
    assert_eq!(app.figures(&installed[0]).await["live"]["calls"], 5);
    // What has gone is folded, and stays.
    app.clock.advance(std::time::Duration::from_secs(7_200));
    app.state.selling.counters.fold().await.unwrap();
    quote(&app, &cart).await;
    assert_eq!(app.figures(&installed[0]).await["live"]["calls"], 6);
}

#[tokio::test]
async fn figures_and_lines_are_their_stores_alone() {
    let app = TestApp::new().await;
    let installed = app.publish(&[Installed::new("percentage-off", TEN_PERCENT)]).await;
    let (_, key) = app.add_store("other", &["other.example"]).await;
    for what in ["figures", "logs"] {
        let path = format!("/api/v1/admin/installations/{}/{what}", installed[0].id);
        app.admin_get(&path).await.expect_status(200);
        let request = app.request(axum::http::Method::GET, &path).key(&key);
        request.header("martlet-store", "other").send().await.expect_problem(404, "not_found");
        let nobody = format!("/api/v1/admin/installations/00000000-0000-0000-0000-000000000000/{what}");
        app.admin_get(&nobody).await.expect_problem(404, "not_found");
    }
}

#[tokio::test]
async fn what_is_left_of_a_budget_is_read_from_the_database() {
    let app = TestApp::new().await;
    let cart = cart(&app).await;
    let usd = |minor_units| Money { minor_units, currency: "USD".parse().unwrap() };
    let bounded = Installed { budget: Some(usd(5_000)), ..Installed::new("percentage-off", TEN_PERCENT) };
    let installed = app.publish(&[bounded]).await;
    let of = |amount: i64| json!({"amount": amount, "currency": "USD"});
    let budget =
        |granted: i64| json!({"limit": of(5_000), "granted": of(granted), "left": of(5_000 - granted)});
    assert_eq!(app.figures(&installed[0]).await["budget"], budget(0));
    let path = format!("/api/v1/admin/installations/{}", installed[0].id);
    app.admin_patch(&path, json!({"daily_budget": of(3_000)})).await.expect_status(200);
    app.order(&cart, "tok_approve").await;
    let figures = app.figures(&installed[0]).await;
    // 6.00 and 4.00.
    assert_eq!(figures["budget"], budget(1_000));
    assert_eq!(figures["daily_budget"], json!({"limit": of(3_000), "granted": of(1_000), "left": of(2_000)}));
    assert_eq!(figures["customer_budget"], Value::Null);
    app.admin_patch(&path, json!({"customer_budget": of(700)})).await.expect_status(200);
    app.clock.advance(std::time::Duration::from_secs(24 * 3_600));
    let next_day = app.figures(&installed[0]).await;
    assert_eq!((&next_day["budget"], &next_day["customer_budget"]), (&budget(1_000), &of(700)));
    assert_eq!(next_day["daily_budget"]["left"], of(3_000));
    assert_eq!(figures["orders"], json!({"paid": 1, "discounts": [of(1_000)]}));
}

#[tokio::test]
async fn an_order_that_is_not_paid_is_not_counted() {
    let app = TestApp::new().await;
    let cart = cart(&app).await;
    let installed = app.publish(&[Installed::new("percentage-off", TEN_PERCENT)]).await;
    let total = app.total(&cart).await;
    app.checkout(&cart, "one", total, "tok_decline").send().await.expect_problem(402, "payment_declined");
    assert_eq!(app.figures(&installed[0]).await["orders"], json!({"paid": 0, "discounts": []}));
    app.checkout(&cart, "two", total, "tok_approve").send().await.expect_status(201);
    assert_eq!(app.figures(&installed[0]).await["orders"]["paid"], 1);
}

#[tokio::test]
async fn the_newest_lines_are_kept_and_listed_page_by_page() {
    let app = TestApp::new().await;
    let cart = cart(&app).await;
    let installed = app.publish(&[Installed::new("hostile", r#"{"mode": "logs"}"#)]).await;
    let path = format!("/api/v1/admin/installations/{}/logs", installed[0].id);
    assert_eq!(app.admin_get(&path).await.expect_status(200).body, json!({"items": [], "next_cursor": null}));
    for _ in 0..3 {
        quote(&app, &cart).await;
    }
    let page = app.admin_get(&path).await.expect_status(200).body;
    let newest = &page["items"][0];
    // The host's own last word on what it has cut.
    assert_eq!((&newest["level"], &newest["stage"]), (&json!("warn"), &json!("line")));
    assert!(newest["message"].as_str().unwrap().starts_with("the log was cut"), "{newest}");
    assert_eq!(newest["at"], "2026-03-01T12:00:00Z");
    let logs = app.figures(&installed[0]).await["logs"].clone();
    let kept = logs["kept"].as_u64().unwrap();
    assert!((1..=100).contains(&kept), "{logs}");
    assert!(logs["dropped"].as_u64().unwrap() > 0, "{logs}");
    let mut listed = 0;
    let mut next = format!("{path}?limit=7");
    loop {
        let page = app.admin_get(&next).await.expect_status(200).body;
        listed += page["items"].as_array().unwrap().len() as u64;
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        next = format!("{path}?limit=7&cursor={cursor}");
    }
    assert_eq!(listed, kept);
    let warnings = app.admin_get(&format!("{path}?level=warn")).await.expect_status(200).body;
    let warnings = warnings["items"].as_array().unwrap();
    assert_eq!((&warnings[0], warnings.len()), (newest, 2));
    app.admin_get(&format!("{path}?level=loud")).await.expect_problem(400, "malformed_query");
    app.admin_get(&format!("{path}?cursor=x")).await.expect_problem(400, "malformed_cursor");
}

#[tokio::test]
async fn what_is_only_tried_changes_nothing_and_is_counted() {
    let app = TestApp::new().await;
    let cart = cart(&app).await;
    let good = app.install_plugin(&Installed::new("percentage-off", TEN_PERCENT)).await;
    let mut tried = app.install_plugin(&Installed::new("percentage-off", r#"{"percent_ppm": 500000}"#)).await;
    let mut broken = app.install_plugin(&Installed::new("hostile", TRAP)).await;
    app.publish_installations(vec![good.clone()]).await;
    let alone = app.price(&app.state, &cart).await;
    tried.stage = InstallationStage::Shadow;
    broken.stage = InstallationStage::Shadow;
    app.publish_installations(vec![good.clone(), tried.clone(), broken.clone()]).await;
    let beside = app.price(&app.state, &cart).await;
    app.state.selling.pricer.all_tried().await;
    // The receipts name different rulebooks; all else is the same.
    assert_eq!((&beside.quote.verdicts, beside.quote.totals), (&alone.quote.verdicts, alone.quote.totals));
    assert_eq!((&beside.quote.lines, beside.quote.provisional), (&alone.quote.lines, false));
    assert_eq!(beside.calls.len(), 1);
    let live = app.figures(&good).await;
    assert_eq!((&live["live"]["calls"], &live["shadow"]["calls"]), (&json!(2), &json!(0)));
    let figures = app.figures(&tried).await;
    assert_eq!((&figures["live"]["carts"], &figures["live"]["calls"]), (&json!(0), &json!(0)));
    let shadow = &figures["shadow"];
    // 59.97 - 6.00 and 39.98 - 4.00, of which half: 26.985 and 17.99.
    assert_eq!(
        (&shadow["carts"], &shadow["carts_applied"], &shadow["skipped"]),
        (&json!(1), &json!(1), &json!(0))
    );
    assert_eq!(shadow["effects"], json!({"applied": 1}));
    assert_eq!(shadow["discounts"], json!([{"amount": 2_699 + 1_799, "currency": "USD"}]));
    // Tax of 10 % comes on top: 2.698 and 1.799 instead of 5.397 and 3.598.
    let change = -(2_699 + 1_799) - (540 + 360) + (270 + 180);
    assert_eq!(shadow["total_changes"], json!([{"amount": change, "currency": "USD"}]));
    let figures = app.figures(&broken).await;
    assert_eq!(figures["shadow"]["failures"], json!({"trapped": 1}));
    assert_eq!(figures["shadow"]["discounts"], json!([]));
}

#[tokio::test]
async fn what_cannot_be_loaded_is_not_tried_and_hurts_nobody() {
    let app = TestApp::new().await;
    let cart = cart(&app).await;
    let good = app.install_plugin(&Installed::new("percentage-off", TEN_PERCENT)).await;
    let mut tried = app.install_plugin(&Installed::new("percentage-off", TEN_PERCENT)).await;
    let mut broken = app.install_broken().await;
    tried.stage = InstallationStage::Shadow;
    broken.stage = InstallationStage::Shadow;
    app.publish_installations(vec![good, broken.clone(), tried.clone()]).await;
    assert_eq!(quote(&app, &cart).await["provisional"], false);
    app.state.selling.pricer.all_tried().await;
    let figures = app.figures(&broken).await;
    assert_eq!(figures["shadow"]["failures"], json!({"not_loaded": 1}));
    assert_eq!(app.figures(&tried).await["shadow"]["carts_applied"], 1);
}

#[tokio::test]
async fn carts_beyond_the_room_there_is_are_skipped_and_counted() {
    let app = TestApp::builder().shadow_concurrency(0).build().await;
    let cart = cart(&app).await;
    let mut tried = app.install_plugin(&Installed::new("percentage-off", TEN_PERCENT)).await;
    tried.stage = InstallationStage::Shadow;
    app.publish_installations(vec![tried.clone()]).await;
    quote(&app, &cart).await;
    let shadow = app.figures(&tried).await["shadow"].clone();
    assert_eq!((&shadow["carts"], &shadow["skipped"]), (&json!(0), &json!(1)));
}

#[tokio::test]
async fn an_installation_that_fails_too_often_is_switched_off_once() {
    let app = TestApp::builder().quarantine_failures(3).build().await;
    let cart = cart(&app).await;
    let hostile = Installed { priority: -1, ..Installed::new("hostile", TRAP) };
    let installed = app.publish(&[Installed::new("percentage-off", TEN_PERCENT), hostile]).await;
    let (db, store) = (&app.state.db, app.store.id);
    for _ in 0..2 {
        quote(&app, &cart).await;
    }
    app.state.selling.counters.settled().await;
    assert_eq!(db.find_active_rulebook_number(store).await.unwrap(), Some(1));
    let total = quote(&app, &cart).await["totals"]["total"].clone();
    app.state.selling.counters.settled().await;
    let active = db.find_active_rulebook(store).await.unwrap().unwrap();
    assert_eq!(active.number, 2);
    let off = active.installations.iter().find(|known| known.id == installed[1].id).unwrap();
    assert_eq!(off.stage, InstallationStage::Quarantined);
    let quarantine = off.quarantine.clone().unwrap();
    assert_eq!((quarantine.at, quarantine.from), (app.clock.now(), InstallationStage::Active));
    assert!(quarantine.reason.starts_with("3 calls in a row failed, the last because the plugin crashed"));
    // Where the merchant works on it too.
    assert_eq!(db.find_installation(store, off.id).await.unwrap().as_ref(), Some(off));
    let next = quote(&app, &cart).await;
    assert_eq!((&next["rulebook"], &next["totals"]["total"]), (&json!(2), &total));
    assert!(next["candidates"].as_array().unwrap().iter().all(|shown| shown["plugin"]["name"] != "hostile"));
    for _ in 0..5 {
        quote(&app, &cart).await;
    }
    app.state.selling.counters.settled().await;
    assert_eq!(db.find_active_rulebook_number(store).await.unwrap(), Some(2));
    let figures = app.figures(&installed[1]).await;
    assert_eq!((&figures["live"]["failed"], &figures["trouble"]["quarantined"]), (&json!(3), &json!(true)));
    assert_eq!(figures["trouble"]["reason"], quarantine.reason);
    let metrics = app.get("/actuator/prometheus").await.body;
    assert!(metrics.as_str().unwrap().contains("martlet_plugin_quarantines_total 1\n"), "{metrics}");
}

#[tokio::test]
async fn of_instances_that_notice_at_once_one_switches_it_off() {
    let app = TestApp::new().await;
    let installed = app.publish(&[Installed::new("hostile", TRAP)]).await;
    let others: Vec<_> = (0..4).map(|_| app.another_instance()).collect();
    let switching = others.iter().map(|other| {
        let (counters, store, failed) = (other.selling.counters.clone(), app.store.id, installed[0].clone());
        tokio::spawn(async move { counters.quarantine(store, &failed, "it fails").await.unwrap() })
    });
    let mut done = 0;
    for switched in switching.collect::<Vec<_>>() {
        done += u32::from(switched.await.unwrap());
    }
    assert_eq!(done, 1);
    assert_eq!(app.state.db.find_active_rulebook_number(app.store.id).await.unwrap(), Some(2));
    let query = AuditQuery { action: Some("quarantine_installation".to_owned()), ..AuditQuery::default() };
    let audit = app.state.db.list_audit(app.store.id, &query, 10).await.unwrap();
    assert_eq!(audit.entries.len(), 1);
    assert_eq!(audit.entries[0].detail, Some(json!({"reason": "it fails", "rulebook": 2})));
}

#[tokio::test]
async fn what_was_repaired_meanwhile_is_not_switched_off() {
    let app = TestApp::new().await;
    let failed = app.publish(&[Installed::new("hostile", TRAP)]).await.remove(0);
    let store = app.store.id;
    let repaired = Installation { config: r#"{"mode": "good"}"#.to_owned(), ..failed.clone() };
    app.publish_installations(vec![repaired.clone()]).await;
    let counters = &app.state.selling.counters;
    assert!(!counters.quarantine(store, &failed, "it fails").await.unwrap());
    assert_eq!(app.state.db.find_active_rulebook_number(store).await.unwrap(), Some(2));
    assert!(counters.quarantine(store, &repaired, "it fails").await.unwrap());
}

#[tokio::test]
async fn what_blocks_orders_is_not_switched_off_but_said() {
    let app = TestApp::builder().quarantine_failures(2).build().await;
    let cart = cart(&app).await;
    let blocking = Installed { policy: FailurePolicy::Block, ..Installed::new("hostile", TRAP) };
    let installed = app.publish(&[blocking]).await;
    for _ in 0..4 {
        assert_eq!(quote(&app, &cart).await["blocked"], true);
    }
    app.state.selling.counters.settled().await;
    assert_eq!(app.state.db.find_active_rulebook_number(app.store.id).await.unwrap(), Some(1));
    let trouble = app.figures(&installed[0]).await["trouble"].clone();
    assert_eq!(trouble["quarantined"], false);
    assert!(trouble["reason"].as_str().unwrap().starts_with("2 calls in a row failed"), "{trouble}");
}

#[tokio::test]
async fn whoever_found_the_fuel_burnt_has_not_failed_by_itself() {
    let app = TestApp::builder().quarantine_failures(1).build().await;
    let cart = cart(&app).await;
    // Ten calls' worth of fuel: the last two have none of it.
    let greedy: Vec<Installed> = (0..12).map(|_| Installed::new("hostile", r#"{"mode": "loop"}"#)).collect();
    app.publish(&greedy).await;
    quote(&app, &cart).await;
    app.state.selling.counters.settled().await;
    let active = app.state.db.find_active_rulebook(app.store.id).await.unwrap().unwrap();
    let stages: Vec<_> = active.installations.iter().map(|installation| installation.stage).collect();
    let expected =
        [[InstallationStage::Quarantined; 10].as_slice(), &[InstallationStage::Active; 2]].concat();
    assert_eq!(stages, expected);
}

#[tokio::test]
async fn what_is_tried_and_fails_too_often_is_switched_off_too() {
    let app = TestApp::builder().quarantine_failures(2).build().await;
    let cart = cart(&app).await;
    let mut tried = app.install_plugin(&Installed::new("hostile", TRAP)).await;
    tried.stage = InstallationStage::Shadow;
    app.publish_installations(vec![tried.clone()]).await;
    for _ in 0..2 {
        quote(&app, &cart).await;
        app.state.selling.pricer.all_tried().await;
    }
    app.state.selling.counters.settled().await;
    let active = app.state.db.find_active_rulebook(app.store.id).await.unwrap().unwrap();
    let quarantine = active.installations[0].quarantine.clone().unwrap();
    assert_eq!((active.number, quarantine.from), (2, InstallationStage::Shadow));
}

#[tokio::test]
async fn operators_see_the_same_by_installation() {
    let app = TestApp::new().await;
    let cart = cart(&app).await;
    let hostile = Installed { priority: -1, ..Installed::new("hostile", TRAP) };
    let installed = app.publish(&[Installed::new("percentage-off", TEN_PERCENT), hostile]).await;
    app.order(&cart, "tok_approve").await;
    let text = app.get("/actuator/prometheus").await.expect_status(200).body;
    let text = text.as_str().unwrap();
    let labels = |of: usize, plugin: &str, before_plugin: &str| {
        let (installation, store) = (installed[of].id, app.store.id);
        format!("installation=\"{installation}\",{before_plugin}plugin=\"{plugin}\",store=\"{store}\"")
    };
    let (good, bad) = (labels(0, "percentage-off", ""), labels(1, "hostile", "kind=\"trapped\","));
    for expected in [
        // One quote and one checkout.
        format!("martlet_plugin_calls_total{{{good}}} 2\n"),
        format!("martlet_plugin_failures_total{{{bad}}} 2\n"),
        format!("martlet_plugin_call_duration_seconds_count{{{good}}} 2\n"),
        format!("martlet_plugin_fuel_count{{{good}}} 2\n"),
        format!("martlet_plugin_discount_minor_units_total{{currency=\"USD\",{good}}} 1000\n"),
    ] {
        assert!(text.contains(&expected), "{expected} in {text}");
    }
    // Looking takes nothing away from the database.
    assert_eq!(app.figures(&installed[0]).await["live"]["calls"], 2);
}

#[tokio::test]
async fn a_database_that_is_away_loses_no_figures() {
    let app = TestApp::new().await;
    let cart = cart(&app).await;
    let installed = app.publish(&[Installed::new("percentage-off", TEN_PERCENT)]).await;
    quote(&app, &cart).await;
    let counters = &app.state.selling.counters;
    rename_figures(&app, "installation_figures", "away").await;
    for _ in 0..3 {
        counters.flush().await.unwrap_err();
        quote(&app, &cart).await;
    }
    rename_figures(&app, "away", "installation_figures").await;
    assert_eq!(app.figures(&installed[0]).await["live"]["calls"], 4);
}

#[tokio::test]
async fn lines_wait_for_a_database_that_is_away_but_not_for_ever() {
    let app = TestApp::new().await;
    let cart = cart(&app).await;
    let installed = app.publish(&[Installed::new("hostile", r#"{"mode": "logs"}"#)]).await;
    let counters = &app.state.selling.counters;
    let logs = async || {
        let logs = app.figures(&installed[0]).await["logs"].clone();
        (logs["kept"].as_u64().unwrap(), logs["dropped"].as_u64().unwrap())
    };
    quote(&app, &cart).await;
    rename_figures(&app, "installation_logs", "away").await;
    counters.flush().await.unwrap_err();
    rename_figures(&app, "away", "installation_logs").await;
    let (kept, dropped) = logs().await;
    assert!(kept > 0, "{kept} {dropped}");
    // Nobody waits to the end of this one.
    quote(&app, &cart).await;
    tokio::time::timeout(std::time::Duration::ZERO, counters.flush()).await.unwrap_err();
    assert_eq!(logs().await, (2 * kept, 2 * dropped));
    let path = format!("/api/v1/admin/installations/{}/logs?limit=100", installed[0].id);
    let listed = app.admin_get(&path).await.expect_status(200).body;
    assert_eq!(listed["items"].as_array().unwrap().len() as u64, (2 * kept).min(100));
    quote(&app, &cart).await;
    rename_figures(&app, "installation_logs", "away").await;
    for _ in 1..5 {
        counters.flush().await.unwrap_err();
    }
    counters.flush().await.unwrap();
    rename_figures(&app, "away", "installation_logs").await;
    assert_eq!(logs().await, (2 * kept, 3 * dropped + kept));
}

async fn rename_figures(app: &TestApp, from: &str, to: &str) {
    let martlet_store::Db::Sqlite { write, .. } = &app.state.db else { panic!("tests run on SQLite") };
    let sql = sqlx::AssertSqlSafe(format!("ALTER TABLE {from} RENAME TO {to}"));
    sqlx::query(sql).execute(write).await.unwrap();
}
