//! The process: how it starts, speaks and ends.

use martlet_tests::Engine;
use serde_json::json;

#[test]
fn it_ends_cleanly_when_asked_to_and_logs_json_with_request_ids() {
    let engine = Engine::start();
    let body = json!({"lines": [{"sku": "SALT-SEA", "quantity": 1}]});
    let cart = engine
        .send("POST", "/api/v1/carts", &[("x-request-id", "journey-1")], Some(&body.to_string()))
        .expect(201);
    assert_eq!(cart.header("x-request-id"), "journey-1");
    let id = cart.text("/id").to_owned();
    engine.get(&format!("/api/v1/carts/{id}/quote")).expect(200);
    engine.terminate();
    let (code, log) = engine.wait();
    assert_eq!(code, Some(0));
    let log: Vec<String> = log.iter().map(ToString::to_string).collect();
    assert!(log.iter().any(|line| line.contains("journey-1")), "{log:#?}");
    // A cart's id gives access to it, so it stays out of the log.
    assert!(!log.iter().any(|line| line.contains(&id)), "{log:#?}");
}

#[test]
fn it_tells_operators_how_it_is() {
    let engine = Engine::start();
    assert_eq!(engine.get("/actuator/health").expect(200).text("/status"), "UP");
    assert_eq!(engine.get("/actuator/health/liveness").expect(200).text("/status"), "UP");
    assert_eq!(engine.get("/actuator/health/readiness").expect(200).text("/status"), "UP");
    engine.get("/actuator/info").expect(200);
    engine.get("/actuator/metrics").expect(200);
    let metrics = engine.get("/actuator/prometheus").expect(200);
    assert!(metrics.body.as_str().expect("text").contains("# TYPE"), "{metrics:?}");
}

#[test]
fn the_openapi_description_is_served_and_printed_alike() {
    let engine = Engine::start();
    let served = engine.get("/openapi.json").expect(200).body;
    assert!(served["openapi"].as_str().expect("a version").starts_with("3.1"));
    let printed = engine.run(&["openapi"]).expect_success().stdout;
    assert_eq!(serde_json::from_str::<serde_json::Value>(&printed).expect("JSON"), served);
    assert!(served["paths"]["/api/v1/carts/{id}/quote"]["get"].is_object());
}

#[test]
fn seeding_and_migrating_again_change_nothing() {
    let engine = Engine::start();
    let products = engine.get("/api/v1/products?limit=100").expect(200).body;
    engine.run(&["migrate"]).expect_success();
    let plugins = martlet_tests::components_dir().display().to_string();
    let seeded = engine.run(&["seed", "--plugins", &plugins]).expect_success();
    assert!(!seeded.stdout.contains("rulebook"), "{}", seeded.stdout);
    assert_eq!(engine.get("/api/v1/products?limit=100").expect(200).body, products);
}

#[test]
fn a_wrong_configuration_is_refused_with_its_name() {
    let engine = Engine::start();
    engine.run(&["config", "check"]).expect_success();
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("martlet.toml");
    std::fs::write(&file, "[server]\ncolour = \"red\"\n").expect("a file");
    let refused = engine.run(&["--config", &file.display().to_string(), "config", "check"]);
    assert_ne!(refused.code, Some(0));
    assert!(refused.stderr.contains("colour"), "{}", refused.stderr);
}
