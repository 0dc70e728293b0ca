//! A running engine with plugins that misbehave in every way: it goes on, and keeps no memory.

use martlet_domain::{
    Digest, Id, Timestamp,
    plugin::{Description, FailurePolicy, Installation, InstallationStage, Plugin, PluginVersion, World},
    quote::Class,
};
use martlet_store::{Db, RulebookDraft, StoreConfig};
use martlet_tests::{Engine, components_dir, quote::expect_sums};
use serde_json::{Value, json};
use uuid::Uuid;

/// Every way in which the hostile component misbehaves, and what its verdicts say of it.
const MODES: [(&str, &str); 11] = [
    ("loop", "out_of_fuel"),
    ("trap", "trapped"),
    ("recurse", "trapped"),
    ("memory", "trapped"),
    ("positions", "invalid_candidate"),
    ("above-line", "no_effect"),
    ("negative", "invalid_candidate"),
    ("overflow", "invalid_candidate"),
    ("candidates", "invalid_output"),
    ("output", "trapped"),
    ("logs", "no_effect"),
];
/// About 1,000 calls.
const QUOTES: usize = 1_000usize.div_ceil(MODES.len());

/// Puts the hostile component into the engine's store, once for each mode, beside the demo's own.
async fn install(database: &str) {
    let db = Db::open(database, &StoreConfig::default()).await.expect("the engine's database");
    let store = db.list_stores().await.expect("a read").remove(0).id;
    let bytes = std::fs::read(components_dir().join("hostile.wasm")).expect("the hostile component");
    let now = Timestamp::from_millis(1_767_225_600_000);
    let plugin =
        Plugin { id: Id::new(Uuid::from_u128(1)), name: "hostile".to_owned(), world: World::Promotion };
    db.insert_plugin(store, &plugin).await.expect("a plugin");
    let description = Description {
        name: "hostile".to_owned(),
        version: "0.1.0".to_owned(),
        title: "Hostile".to_owned(),
        summary: "Misbehaves.".to_owned(),
        config_schema: "{}".to_owned(),
        templates: Vec::new(),
    };
    let version = PluginVersion {
        plugin: plugin.id,
        digest: Digest::of(&bytes),
        description,
        wit_version: "0.1.0".to_owned(),
        size: i64::try_from(bytes.len()).expect("a size"),
        created_at: now,
    };
    db.insert_plugin_version(store, &version, &bytes).await.expect("a version");
    for (number, (mode, _)) in (1..).zip(MODES) {
        let installation = Installation {
            id: Id::new(Uuid::from_u128(number)),
            sequence: 0,
            plugin: format!("hostile-{mode}"),
            version: "0.1.0".to_owned(),
            component: version.digest,
            world: World::Promotion,
            config: json!({"mode": mode}).to_string(),
            classes: vec![Class::Line],
            stage: InstallationStage::Active,
            priority: -1,
            group: None,
            failure_policy: FailurePolicy::Skip,
            gift_skus: Vec::new(),
            budget: None,
            daily_budget: None,
            customer_budget: None,
            starts_at: None,
            ends_at: None,
            exclusivity_tags: Vec::new(),
            quarantine: None,
            templates: Vec::new(),
        };
        db.insert_installation(store, &installation).await.expect("an installation");
    }
    let rulebook = db.find_active_rulebook(store).await.expect("a read").expect("a rulebook");
    let draft = RulebookDraft {
        note: "Hostile".to_owned(),
        created_at: now,
        groups: rulebook.groups.clone(),
        installations: db.list_installations(store).await.expect("a read"),
    };
    db.publish_rulebook(store, draft).await.expect("a rulebook");
    db.close().await;
}

fn of_plugin<'a>(quote: &'a Value, plugin: &'a str) -> impl Iterator<Item = &'a Value> {
    let candidates = quote["candidates"].as_array().expect("candidates").iter();
    candidates.filter(move |candidate| candidate["plugin"]["name"] == plugin)
}

/// Each is still asked, and its verdict says how it misbehaves.
#[track_caller]
fn expect_reasons(quote: &Value) {
    for (mode, code) in MODES {
        let plugin = format!("hostile-{mode}");
        assert!(
            of_plugin(quote, &plugin).any(|candidate| candidate["reason"]["code"] == code),
            "{mode}: {:#?}",
            of_plugin(quote, &plugin).collect::<Vec<_>>()
        );
    }
}

#[test]
fn the_engine_goes_on_and_its_memory_stays() {
    // Else they would be switched off, and nothing would be tried any more.
    let engine = Engine::builder().environment("MARTLET_PLUGINS__QUARANTINE_FAILURES", "0").start();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(install(engine.database()));
    let body = json!({"lines": [{"sku": "SOCK-MERINO-M-NAVY", "quantity": 3}, {"sku": "BELT-LEATHER-85", "quantity": 2}]});
    let id = engine.post("/api/v1/carts", &body).expect(201).text("/id").to_owned();
    let quote = || engine.get(&format!("/api/v1/carts/{id}/quote")).expect(200).body;

    let first = quote();
    expect_sums(&first);
    expect_reasons(&first);
    // The demo's plugins come first: a pair of socks is free, whatever the others do.
    let free = of_plugin(&first, "buy-x-get-y").next().expect("the offer");
    assert_eq!((&free["status"], &free["amount"]["amount"]), (&json!("applied"), &json!(1_400)));

    let thousand_calls = || {
        for _ in 0..QUOTES {
            assert_eq!(quote()["totals"], first["totals"]);
        }
        engine.resident_memory()
    };
    let (after_first, after_second) = (thousand_calls(), thousand_calls());
    println!(
        "resident after {QUOTES} x {} hostile calls: {after_first} kB, after as many more: {after_second} kB",
        MODES.len()
    );
    assert!(
        after_second.abs_diff(after_first) * 20 <= after_first,
        "{after_first} kB became {after_second} kB"
    );
    // They were asked to the end.
    expect_reasons(&quote());
    engine.get("/actuator/health/readiness").expect(200);
}
