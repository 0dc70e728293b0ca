//! The upload gate: what it finds in components of every kind.

use std::sync::LazyLock;

use martlet_domain::{
    plugin::World,
    quote::{Class, Stage},
};
use martlet_plugin_host::{Check, GateReport, GateStep, Host, HostConfig};
use serde_json::json;

use crate::support::*;

/// As where uploads are looked at: without a pool.
static HOST: LazyLock<Host> = LazyLock::new(|| {
    Host::new(HostConfig { pool: false, ..HostConfig::default() }).expect("the host starts")
});

fn examined(bytes: &[u8]) -> GateReport {
    HOST.examine(bytes, &mut |_| {}).expect("the host has room")
}

/// What isn't as it should be: each check's name, what was found, and what to do.
fn failures(report: &GateReport) -> Vec<(&str, &str, &str)> {
    let told = |check: &Check| check.advice.as_ref().is_some_and(|advice| !advice.is_empty());
    assert!(report.failures().all(told), "{report:#?}");
    let told = report.failures();
    told.map(|check| (check.name.as_str(), check.found.as_str(), check.advice.as_deref().unwrap_or_default()))
        .collect()
}

/// The only failure.
#[track_caller]
fn failure(bytes: &[u8]) -> Check {
    let report = examined(bytes);
    let failures: Vec<_> = report.failures().cloned().collect();
    assert_eq!(failures.len(), 1, "{report:#?}");
    failures.into_iter().next().expect("one")
}

#[test]
fn the_first_party_plugins_pass() {
    let mut steps = Vec::new();
    for (name, world, stages) in [
        ("volume-pricing", World::Pricing, [Stage::Pricing]),
        ("member-tiers", World::Pricing, [Stage::Pricing]),
        ("coupon-standard", World::Coupon, [Stage::Order]),
        ("percentage-off", World::Promotion, [Stage::Line]),
        ("buy-x-get-y", World::Promotion, [Stage::Line]),
        ("cheapest-free", World::Promotion, [Stage::Line]),
        ("bundle", World::Promotion, [Stage::Line]),
        ("spend-tiers", World::Promotion, [Stage::Order]),
        ("gift-with-purchase", World::Promotion, [Stage::Order]),
        ("free-shipping", World::Promotion, [Stage::Shipping]),
        ("shipping-flat", World::ShippingRates, [Stage::ShippingRates]),
        ("shipping-table", World::ShippingRates, [Stage::ShippingRates]),
        ("tax-table", World::Tax, [Stage::Tax]),
        ("order-limits", World::CheckoutValidation, [Stage::CheckoutValidation]),
    ] {
        steps.clear();
        let bytes = built(name);
        let report = HOST.examine(&bytes, &mut |step| steps.push(step)).expect("the host has room");
        assert!(report.passed(), "{name}: {:#?}", failures(&report));
        assert_eq!(steps, GateStep::ALL);
        assert_eq!((report.world, report.size), (Some(world), bytes.len()));
        assert_eq!(report.description.as_ref().map(|it| it.name.as_str()), Some(name));
        assert!(report.tried_with.as_ref().is_some_and(|tried| tried.accepted), "{report:#?}");
        assert!(report.config_schema.as_ref().is_some_and(|schema| schema["examples"].is_array()));
        let mut asked: Vec<Stage> = report.fuel.iter().map(|point| point.stage).collect();
        asked.dedup();
        assert_eq!(asked, stages, "{name}");
        let lines: Vec<usize> = report.fuel.iter().map(|point| point.lines).collect();
        assert_eq!(lines, [1, 50, 500], "{name}");
        assert!(report.fuel.windows(2).all(|two| two[0].fuel < two[1].fuel), "{:?}", report.fuel);
        assert!(report.fuel.iter().all(|point| point.fuel * 10 < point.limit), "{:?}", report.fuel);
        assert!(!report.messages.is_empty(), "{name} says nothing on any cart");
        assert!(report.messages.iter().all(|message| message.words.is_some()), "{:?}", report.messages);
        // What was only looked at is not kept, and a report survives being written down.
        assert!(HOST.find(&report.digest).is_none());
        let written = serde_json::to_string(&report).expect("it is written");
        assert_eq!(serde_json::from_str::<GateReport>(&written).expect("it is read"), report);
    }
}

#[test]
fn what_is_no_component_is_refused_by_its_kind() {
    let module = wat::parse_str("(module)").expect("a module");
    for (bytes, check, words) in [
        (b"".as_slice(), "format", "this is not WebAssembly"),
        (b"PK\x03\x04", "format", "this is not WebAssembly"),
        (b"(component)", "format", "this is WebAssembly text"),
        (b"\x7fELF\x02\x01\x01", "format", "this is compiled native code"),
        (&module, "format", "this is a core module and not a component"),
        (b"\0asm\x0d\0\x01\0garbage", "compilation", "this is not a valid component"),
    ] {
        let failed = failure(bytes);
        assert_eq!(failed.name, check);
        assert!(failed.found.starts_with(words), "{failed:?}");
    }
    let host = Host::new(HostConfig { module_bytes: 10, pool: false, ..HostConfig::default() });
    let report = host.expect("the host starts").examine(&[0; 11], &mut |_| {}).expect("it has room");
    assert_eq!(
        failures(&report),
        [(
            "size",
            "the component has 11 bytes and the limit is 10",
            "build it for size, without debug information"
        )]
    );
}

#[test]
fn what_is_wrong_with_exports_and_imports_is_told_at_once() {
    let text = r#"(component
        (import "wasi:http/outgoing-handler@0.2.3" (instance))
        (import "wasi:clocks/wall-clock@0.2.3" (instance))
        (core module $m (func (export "f")))
        (core instance $i (instantiate $m))
        (func $f (canon lift (core func $i "f")))
        (export "describe" (func $f)))"#;
    let report = examined(&wat::parse_str(text).expect("a component"));
    assert_eq!(report.imports, ["wasi:http/outgoing-handler@0.2.3", "wasi:clocks/wall-clock@0.2.3"]);
    assert_eq!(report.exports, ["describe"]);
    let failures = failures(&report);
    let names: Vec<&str> = failures.iter().map(|(name, _, _)| *name).collect();
    assert_eq!(names, ["world", "imports", "imports"]);
    assert!(failures[0].1.contains("it exports `describe`"), "{failures:?}");
    assert_eq!(failures[1].1, "it imports `wasi:http/outgoing-handler@0.2.3`, which can't be had");
    assert!(failures[1].2.contains("no network"), "{failures:?}");
    assert!(failures[2].2.contains("as-of"), "{failures:?}");
}

#[test]
fn every_interface_of_wasi_is_refused_with_what_to_do() {
    for (import, words) in [
        ("wasi:http/outgoing-handler@0.2.3", "no network"),
        ("wasi:http/types@0.2.3", "no network"),
        ("wasi:sockets/tcp@0.2.3", "no network"),
        ("wasi:filesystem/preopens@0.2.3", "no files"),
        ("wasi:clocks/monotonic-clock@0.2.3", "`as-of` is the time"),
        ("wasi:random/random@0.2.3", "no randomness"),
        ("wasi:cli/environment@0.2.3", "wasm32-unknown-unknown"),
        ("wasi:io/streams@0.2.3", "wasm32-unknown-unknown"),
        ("wasi:keyvalue/store@0.2.0", "wasm32-unknown-unknown"),
    ] {
        let text = format!(r#"(component (import "{import}" (instance)))"#);
        let report = examined(&wat::parse_str(text).expect("a component"));
        let (_, found, advice) = failures(&report)[1];
        assert!(found.contains(import) && advice.contains(words), "{found}: {advice}");
    }
}

#[test]
fn a_small_promotion_passes_and_another_state_of_memory_changes_nothing() {
    // It counts its calls in memory: no call sees what another one left.
    let counting = Guest {
        items: r#"(global $count (mut i32) (i32.const 0))"#.to_owned(),
        body: "(global.set $count (i32.add (global.get $count) (i32.const 1)))
               (loop $again (br_if $again (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1)))
                   (i32.mul (global.get $count) (i32.const 1000)))))
               (i32.const 16)"
            .to_owned(),
        ..Guest::default()
    };
    let report = examined(&counting.build());
    assert!(report.passed(), "{:#?}", failures(&report));
    assert_eq!(report.classes, [Class::Order]);
    let tried = report.tried_with.expect("it was tried");
    assert_eq!((tried.config, tried.accepted), (json!({}), true));
}

#[test]
fn one_that_traps_on_the_empty_cart_is_refused_with_its_frames() {
    // The list of lines is where the arguments say: its length is 0 for the empty cart alone.
    let body = "(if (i32.eqz (i32.load offset=LENGTH (local.get $arguments))) (then (call $give-up)))
                (i32.const 16)";
    let guest = |offset: u32| Guest {
        items: "(func $give-up unreachable)".to_owned(),
        body: body.replace("LENGTH", &offset.to_string()),
        ..Guest::default()
    };
    let bytes = guest(LINES_LENGTH).build();
    let failed = failure(&bytes);
    assert_eq!(failed.name, "conformance/empty");
    assert_eq!(
        failed.found,
        "in the order stage the plugin crashed: wasm `unreachable` instruction executed"
    );
    assert!(failed.backtrace.is_some_and(|frames| frames.contains("give-up")));
}

/// Where the length of the list of lines stands in the arguments of `propose`.
const LINES_LENGTH: u32 = 92;

#[test]
fn one_that_burns_all_its_fuel_is_refused_on_every_cart() {
    let guest = Guest { body: "(loop $again (br $again)) (unreachable)".to_owned(), ..Guest::default() };
    let report = examined(&guest.build());
    let names: Vec<&str> = report.failures().map(|check| check.name.as_str()).collect();
    let expected = ["empty", "one-line", "huge", "adversarial", "unicode", "zero-price"];
    assert_eq!(names, expected.map(|cart| format!("conformance/{cart}")));
    let first = report.failures().next().expect("a failure");
    assert_eq!(first.found, "in the order stage the plugin ran out of fuel");
    assert!(first.advice.as_ref().is_some_and(|advice| advice.contains("do less")), "{first:?}");
}

#[test]
fn candidates_that_would_be_rejected_are_refused_by_their_keys() {
    for (mode, words) in [
        ("negative", "each: not a sound candidate: an amount is negative"),
        ("positions", "unknown: not a sound candidate: there is no line at position 4294967295"),
        ("bad-key", "a candidate has the key"),
    ] {
        let report = examined(&hostile_by_itself(mode));
        let one = report.checks.iter().find(|check| check.name == "conformance/one-line").expect("a check");
        assert!(!one.passed && one.found.contains(words), "{mode}: {one:#?}");
    }
    assert!(examined(&hostile_by_itself("good")).passed());
    assert!(examined(&hostile_by_itself("silent")).passed());
}

#[test]
fn a_schema_that_is_none_is_refused() {
    for (schema, words) in [
        (r#"{"type":"text"}"#, "/type: "),
        (r##"{"$ref":"#"}"##, "leads in a circle"),
        (r#"{"pattern":"("}"#, "config schema"),
    ] {
        let report = examined(&Guest { schema, ..Guest::default() }.build());
        let failures = failures(&report);
        assert_eq!((failures.len(), failures[0].0), (1, "config-schema"), "{failures:?}");
        if words != "config schema" {
            assert!(failures[0].1.contains(words), "{failures:?}");
        }
    }
}

#[test]
fn one_that_refuses_everything_is_tried_all_the_same() {
    let report = examined(&Guest { validate: REFUSES, ..Guest::default() }.build());
    assert!(report.passed(), "{:#?}", failures(&report));
    let tried = report.tried_with.as_ref().expect("it was tried");
    assert!(!tried.accepted);
    let configuration = report.checks.iter().find(|check| check.name == "configuration").expect("a check");
    assert!(configuration.found.contains("without a valid configuration"), "{configuration:?}");
    assert!(report.checks.iter().any(|check| check.name == "conformance/huge"));
}

#[test]
fn an_example_that_is_refused_is_the_authors_to_mend() {
    let schema = r#"{"examples":[{"percent":1}]}"#;
    let failed = failure(&Guest { validate: REFUSES, schema, ..Guest::default() }.build());
    assert_eq!(failed.name, "configuration");
    assert_eq!(failed.found, "the first example of the schema is refused: /percent: is missing");
    let schema = r#"{"examples":[{"percent":1}],"maxProperties":0}"#;
    let failed = failure(&Guest { schema, ..Guest::default() }.build());
    assert!(failed.found.contains("is not of the schema"), "{failed:?}");
}

#[test]
fn what_it_says_of_itself_has_to_be_usable() {
    let failed = failure(&Guest { name: "Big Sale", ..Guest::default() }.build());
    assert_eq!(failed.name, "description");
    assert!(failed.found.contains("the name is 1 to 64 of a-z, 0-9 and -"), "{failed:?}");
    let traps = Guest { validate: "(unreachable)", ..Guest::default() };
    let failed = failure(&traps.build());
    assert_eq!(failed.name, "configuration");
    assert!(failed.found.contains("crashed") && failed.backtrace.is_some(), "{failed:?}");
}

#[test]
fn one_that_asks_for_too_much_memory_does_not_start() {
    let failed = failure(&Guest { memory: "257", ..Guest::default() }.build());
    assert_eq!(failed.name, "start");
    assert!(failed.found.contains("memory grew past its limit of 16777216 bytes"), "{failed:?}");
}
