//! Uploads of components to a running engine: what is good is stored, and whatever else is sent ends in a
//! refusal with the reason, while shoppers are served.

use std::time::{Duration, Instant};

use martlet_tests::{Engine, components_dir};
use serde_json::{Value, json};

/// A component of the first party.
fn built(name: &str) -> Vec<u8> {
    std::fs::read(components_dir().join(format!("{name}.wasm"))).expect("`cargo xtask wasm` has run")
}

/// The hostile component, in a mode of its own accord: its schema has an example that asks for it.
fn hostile(mode: &str) -> Vec<u8> {
    let (known, mut bytes) = (br#"{"type": "object", "required": ["mode"]}"#, built("hostile"));
    let at = bytes.windows(known.len()).position(|window| window == known).expect("its schema");
    let example = format!(r#"{{"examples":[{{"mode":"{mode}"}}]}}"#);
    let padded = format!("{example:<width$}", width = known.len());
    bytes[at..at + known.len()].copy_from_slice(padded.as_bytes());
    bytes
}

/// A component that looks like a promotion until it is compiled.
fn promotion() -> Vec<u8> {
    wat::parse_str(
        r#"(component
            (import "martlet:commerce/logging@0.1.0" (instance))
            (core module $m (func (export "f")))
            (core instance $i (instantiate $m))
            (func $f (canon lift (core func $i "f")))
            (export "describe" (func $f))
            (export "validate-config" (func $f))
            (export "propose" (func $f)))"#,
    )
    .expect("a component")
}

fn leb(mut number: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let low = u8::try_from(number & 0x7f).expect("seven bits");
        number >>= 7;
        bytes.push(if number == 0 { low } else { low | 0x80 });
        if number == 0 {
            return bytes;
        }
    }
}

fn section(id: u8, content: &[u8]) -> Vec<u8> {
    [vec![id], leb(content.len()), content.to_vec()].concat()
}

/// A core module of so many functions `[] -> [i32]`, each with this body.
fn module(functions: usize, body: &[u8]) -> Vec<u8> {
    // One local of i32, then the body.
    let code = [&[1, 1, 0x7f], body, &[0x0b]].concat();
    let one = [leb(code.len()), code].concat();
    [
        b"\0asm\x01\0\0\0".to_vec(),
        section(1, &[1, 0x60, 0, 1, 0x7f]),
        section(3, &[leb(functions), vec![0; functions]].concat()),
        section(10, &[leb(functions), one.repeat(functions)].concat()),
    ]
    .concat()
}

/// The promotion with a core module in it.
fn with_module(module: &[u8]) -> Vec<u8> {
    [promotion(), section(1, module)].concat()
}

/// Instructions that keep a compiler busy: each depends on the one before, and on a choice.
fn busy(bytes: usize) -> Vec<u8> {
    // local.get 0; if; i32.const 7; local.get 0; i32.add; local.set 0; end
    let step = [0x20, 0, 0x04, 0x40, 0x41, 7, 0x20, 0, 0x6a, 0x21, 0, 0x0b];
    [step.repeat(bytes / step.len()), vec![0x20, 0]].concat()
}

/// An engine that gives inspections little.
fn engine(cpu_seconds: u64, memory_mib: u64) -> (Engine, String) {
    let engine = Engine::builder()
        .environment("MARTLET_PLUGINS__INSPECT_CPU_SECONDS", &cpu_seconds.to_string())
        .environment("MARTLET_PLUGINS__INSPECT_MEMORY_BYTES", &(memory_mib << 20).to_string())
        .start();
    let key = engine.key();
    (engine, key)
}

/// The checks of a refusal.
#[track_caller]
fn refused(engine: &Engine, key: &str, bytes: &[u8]) -> Vec<Value> {
    let answer = engine.upload(key, bytes).expect(422);
    assert_eq!(answer.body["code"], "component_refused", "{answer:#?}");
    let checks = answer.body["checks"].as_array().expect("checks").clone();
    assert!(!checks.is_empty());
    for check in &checks {
        assert!(check["advice"].as_str().is_some_and(|advice| !advice.is_empty()), "{check}");
    }
    checks
}

#[test]
fn a_component_is_looked_at_in_a_process_of_its_own_and_stored() {
    let engine = Engine::start();
    let key = engine.key();
    // The demo has these already, without a report.
    for name in ["percentage-off", "coupon-standard", "volume-pricing"] {
        let known = engine.upload(&key, &built(name)).expect(200).body;
        assert_eq!(known["name"], name);
        assert!(known["report"]["checks"].as_array().is_some_and(|checks| checks.len() >= 15), "{known:#}");
        assert_eq!(known["report"]["fuel"].as_array().map(Vec::len), Some(3));
    }
    let stored = engine.upload(&key, &hostile("good")).expect(201).body;
    assert_eq!((&stored["name"], &stored["world"]), (&json!("hostile"), &json!("promotion")));
    assert_eq!(engine.upload(&key, &hostile("good")).expect(200).body, stored);
    let taken = engine.upload(&key, &hostile("silent")).expect_problem(409, "version_taken");
    assert_eq!(taken.body["digest"], stored["digest"]);
    assert_eq!(engine.children(), [0_u32; 0]);
}

#[test]
fn what_misbehaves_on_a_cart_is_refused_with_the_cart_and_the_reason() {
    let engine = Engine::start();
    let key = engine.key();
    for (mode, check, words) in [
        ("trap", "conformance/empty", "in the line stage the plugin crashed"),
        ("loop", "conformance/empty", "in the line stage the plugin ran out of fuel"),
        ("memory", "conformance/empty", "memory grew past its limit"),
        ("candidates", "conformance/empty", "the plugin's answer is not one"),
        ("negative", "conformance/empty", "an amount is negative"),
        ("bad-key", "conformance/empty", "a candidate has the key"),
    ] {
        let checks = refused(&engine, &key, &hostile(mode));
        assert_eq!(checks[0]["name"], check, "{mode}: {checks:#?}");
        assert!(
            checks[0]["found"].as_str().is_some_and(|found| found.contains(words)),
            "{mode}: {checks:#?}"
        );
        if mode == "trap" {
            assert!(checks[0]["backtrace"].as_str().is_some_and(|frames| frames.contains("hostile")));
        }
    }
}

#[test]
fn one_that_keeps_the_compiler_busy_is_stopped_while_others_are_served() {
    let (engine, key) = engine(2, 1_024);
    let bytes = with_module(&module(400, &busy(60_000)));
    std::thread::scope(|scope| {
        let upload = scope.spawn(|| refused(&engine, &key, &bytes));
        let (mut slowest, mut seen) = (Duration::ZERO, false);
        while !upload.is_finished() {
            let began = Instant::now();
            engine.get("/api/v1/products").expect(200);
            slowest = slowest.max(began.elapsed());
            seen |= !engine.children().is_empty();
        }
        let checks = upload.join().expect("it is refused");
        assert!(seen, "it wasn't looked at in a process of its own");
        assert_eq!(checks[0]["name"], "compilation");
        assert_eq!(checks[0]["found"], "compilation took more than 2 s of CPU time");
        // As long as a machine that is busy otherwise takes, and far less than the inspection does.
        assert!(slowest < Duration::from_secs(2), "a shopper waited for {slowest:?}");
    });
    assert_eq!(engine.children(), [0_u32; 0]);
    engine.upload(&key, &built("spend-tiers")).expect(200);
}

#[test]
fn one_that_needs_too_much_memory_to_compile_is_stopped() {
    let (engine, key) = engine(60, 128);
    let checks = refused(&engine, &key, &with_module(&module(1, &busy(5_000_000))));
    assert_eq!(checks[0]["name"], "compilation");
    assert_eq!(checks[0]["found"], "compilation needed more than 128 MiB of memory");
    assert_eq!(engine.children(), [0_u32; 0]);
    engine.upload(&key, &built("spend-tiers")).expect(200);
}

#[test]
fn whatever_is_made_to_hurt_ends_in_a_refusal() {
    let (engine, key) = engine(10, 512);
    let mut nested = promotion();
    for _ in 0..2_000 {
        nested = [b"\0asm\x0d\0\x01\0".to_vec(), section(4, &nested)].concat();
    }
    // Types that nothing uses, as many as there may be.
    let types = [leb(999_999), [0x60, 0, 0].repeat(999_999)].concat();
    let types = [b"\0asm\x01\0\0\0".to_vec(), section(1, &types)].concat();
    // One byte at the end of 4 GiB, and as much memory as there can be.
    let data =
        wat::parse_str(r#"(module (memory 65536) (data (i32.const 0) "a") (data (i32.const -1) "b"))"#)
            .expect("a module");
    for (what, bytes) in [
        ("nested components", nested),
        ("components that end early", promotion()[..60].to_vec()),
        ("a million types", with_module(&types)),
        ("a hundred thousand functions", with_module(&module(100_000, &[0x20, 0]))),
        ("a data section like a bomb", with_module(&data)),
        ("zeros", vec![0; 1 << 20]),
        ("the start of a component, then zeros", [b"\0asm\x0d\0\x01\0".to_vec(), vec![0; 1 << 20]].concat()),
    ] {
        let checks = refused(&engine, &key, &bytes);
        println!("{what}: {}: {}", checks[0]["name"], checks[0]["found"]);
    }
    assert_eq!(engine.children(), [0_u32; 0]);
    engine.get("/actuator/health/readiness").expect(200);
}
