//! What is refused when it is loaded, by name and with what to do; and the registry.

use std::sync::Arc;

use martlet_domain::{
    Digest,
    plugin::World,
    quote::{Outcome, Rates, Taxes},
};
use martlet_plugin_host::{EvaluateError, Host, HostConfig, LoadError, WIT_VERSIONS};

use crate::support::*;

fn refused(bytes: &[u8]) -> LoadError {
    host().load(bytes).expect_err("it is refused")
}

fn refused_text(text: &str) -> LoadError {
    refused(&wat::parse_str(text).expect("the text is WebAssembly"))
}

#[test]
fn what_is_no_component_is_refused_by_its_kind() {
    assert_eq!(refused(b""), LoadError::NotWasm);
    assert_eq!(refused(b"hello"), LoadError::NotWasm);
    assert_eq!(refused(b"  (component)"), LoadError::Text);
    assert_eq!(refused(b"\x7fELF\x02\x01\x01"), LoadError::Precompiled);
    assert_eq!(refused_text("(module)"), LoadError::CoreModule);
    assert!(matches!(refused(b"\0asm\x0d\0\x01\0garbage"), LoadError::Invalid(_)));
    assert!(matches!(refused(&quiet()[..200]), LoadError::Invalid(_)));
}

#[test]
fn a_component_compiled_here_is_refused_as_native_code() {
    let engine = wasmtime::Engine::default();
    let native = engine.precompile_component(&quiet()).expect("it compiles");
    assert_eq!(refused(&native), LoadError::Precompiled);
}

#[test]
fn a_component_too_large_is_refused_before_anything_else() {
    let host = Host::new(HostConfig { module_bytes: 10, ..HostConfig::default() }).expect("the host starts");
    assert_eq!(host.load(&[0; 11]).expect_err("too large"), LoadError::TooLarge { size: 11, limit: 10 });
}

/// Exports the functions of a promotion, with wrong types.
const EXPORTS: &str = r#"
    (core module $m (func (export "f")))
    (core instance $i (instantiate $m))
    (func $f (canon lift (core func $i "f")))
    (export "describe" (func $f))
    (export "validate-config" (func $f))"#;

#[test]
fn a_component_of_no_world_is_refused() {
    assert_eq!(refused_text("(component)"), LoadError::NoWorld { exports: Vec::new() });
    let exports = vec!["describe".to_owned(), "validate-config".to_owned()];
    assert_eq!(refused_text(&format!("(component {EXPORTS})")), LoadError::NoWorld { exports });
}

#[test]
fn a_component_of_several_worlds_is_refused() {
    let both = format!(r#"(component {EXPORTS} (export "price" (func $f)) (export "redeem" (func $f)))"#);
    let worlds = vec![World::Pricing, World::Coupon];
    assert_eq!(refused_text(&both), LoadError::SeveralWorlds { worlds });
}

#[test]
fn a_component_that_lacks_a_function_is_refused_by_its_name() {
    let text = EXPORTS.replace("describe", "explain");
    let error = refused_text(&format!(r#"(component {text} (export "price" (func $f)))"#));
    assert_eq!(error, LoadError::MissingExport { world: World::Pricing, export: "describe" });
}

#[test]
fn unknown_imports_are_refused_by_name_with_what_to_do() {
    let error = refused_text(&format!(
        r#"(component
            (import "wasi:clocks/wall-clock@0.2.3" (instance))
            (import "martlet:commerce/types@0.1.0" (instance))
            (import "martlet:commerce/network@0.1.0" (instance))
            (import "fetch" (func))
            {EXPORTS} (export "propose" (func $f)))"#
    ));
    let LoadError::UnknownImports(imports) = &error else { panic!("{error}") };
    let names: Vec<&str> = imports.iter().map(|import| import.name.as_str()).collect();
    assert_eq!(names, ["wasi:clocks/wall-clock@0.2.3", "martlet:commerce/network@0.1.0", "fetch"]);
    assert!(imports[0].advice.contains("as-of"));
    assert!(error.to_string().contains("`fetch` (only martlet:commerce/logging can be imported"));
}

#[test]
fn another_wit_version_is_refused_by_its_number() {
    let version = |import: &str| {
        refused_text(&format!(
            r#"(component (import "{import}" (instance)) {EXPORTS} (export "propose" (func $f)))"#
        ))
    };
    assert_eq!(version("martlet:commerce/types@0.2.0"), LoadError::WitVersion { found: "0.2.0".to_owned() });
    let none = refused_text(&format!(r#"(component {EXPORTS} (export "propose" (func $f)))"#));
    assert_eq!(none, LoadError::NoWitVersion);
}

#[test]
fn functions_of_other_types_are_refused() {
    let error = refused_text(&format!(
        r#"(component (import "martlet:commerce/logging@0.1.0" (instance)) {EXPORTS} (export "propose" (func $f)))"#
    ));
    let LoadError::Signature { world: World::Promotion, version, .. } = &error else { panic!("{error}") };
    assert_eq!(version, "0.1.0");
}

#[test]
fn a_component_that_traps_at_its_start_is_refused() {
    let items = "(func $start unreachable) (start $start)";
    let error = refused(&promotion_with("8", items, "(i32.const 16)"));
    assert_eq!(
        error.to_string(),
        "the component doesn't start: it trapped: wasm `unreachable` instruction executed"
    );
}

#[test]
fn instructions_that_are_switched_off_are_refused() {
    let relaxed = "(func (result v128)
        (i32x4.relaxed_trunc_f32x4_s (v128.const i32x4 0 0 0 0)))";
    let error = refused(&promotion_with("8", relaxed, "(i32.const 16)"));
    assert!(matches!(&error, LoadError::Invalid(problem) if problem.contains("relaxed")), "{error}");
    let error = refused(&promotion_with("8", "(memory $other 1)", "(i32.const 16)"));
    assert!(matches!(&error, LoadError::Invalid(problem) if problem.contains("memor")), "{error}");
}

#[test]
fn the_same_bytes_are_the_same_component() {
    let host = host();
    let bytes = quiet();
    let first = host.load(&bytes).expect("it loads");
    assert!(Arc::ptr_eq(&first, &host.load(&bytes).expect("it loads")));
    assert_eq!(first.digest(), Digest::of(&bytes));
    assert_eq!((first.world(), first.wit_version(), first.size()), (World::Promotion, "1.0.0", bytes.len()));
    assert!(host.find(&first.digest()).is_some_and(|found| Arc::ptr_eq(&first, &found)));
}

#[test]
fn an_unloaded_component_is_unknown() {
    let host = host();
    let component = host.load(&quiet()).expect("it loads");
    assert!(host.unload(&component.digest()).is_some());
    assert!(host.find(&component.digest()).is_none());
    let error = host.evaluate(&host.prepare(&cart(1)), &call(&component, "{}")).expect_err("it is gone");
    assert_eq!(error, EvaluateError::UnknownComponent(component.digest()));
}

#[test]
fn every_world_is_known_and_answers() {
    let host = host();
    for version in WIT_VERSIONS {
        for world in [World::Pricing, World::Coupon, World::Promotion] {
            let component =
                host.load(&guest_of(version, world, "8", "", "(i32.const 16)")).expect("it loads");
            assert_eq!((component.world(), component.wit_version()), (world, *version));
            let evaluated =
                host.evaluate(&host.prepare(&cart(2)), &call(&component, "{}")).expect("the call is made");
            assert_eq!(evaluated.evaluation.outcome, nothing());
        }
    }
    for (world, nothing) in [
        (World::ShippingRates, Outcome::Rated(Rates::default())),
        (World::Tax, Outcome::Taxed(Taxes::default())),
        (World::CheckoutValidation, Outcome::Validated(Vec::new())),
    ] {
        let component = host.load(&guest(world, "8", "", "(i32.const 16)")).expect("it loads");
        assert_eq!(component.world(), world);
        let evaluated =
            host.evaluate(&host.prepare(&checkout(2)), &call(&component, "{}")).expect("the call is made");
        assert_eq!(evaluated.evaluation.outcome, nothing);
    }
}

#[test]
fn a_validation_is_not_asked_before_it_is_known_what_the_cart_comes_to() {
    let host = host();
    let component =
        host.load(&guest(World::CheckoutValidation, "8", "", "(i32.const 16)")).expect("it loads");
    let error = host.evaluate(&host.prepare(&cart(1)), &call(&component, "{}")).expect_err("too early");
    assert_eq!(error, EvaluateError::NoCheckout(component.digest()));
}

#[test]
fn a_coupon_component_is_not_asked_without_a_coupon() {
    let host = host();
    let component = host.load(&guest(World::Coupon, "8", "", "(i32.const 16)")).expect("it loads");
    let mut call = call(&component, "{}");
    call.coupon = None;
    let error = host.evaluate(&host.prepare(&cart(1)), &call).expect_err("no coupon");
    assert_eq!(error, EvaluateError::NoCoupon(component.digest()));
}

#[test]
fn a_component_runs_on_many_threads_at_once() {
    let host = host();
    let component = host.load(&quiet()).expect("it loads");
    let prepared = host.prepare(&cart(5));
    let ask = || host.evaluate(&prepared, &call(&component, "{}")).expect("the call is made");
    let answers: Vec<u64> = std::thread::scope(|scope| {
        let threads: Vec<_> =
            (0..8).map(|_| scope.spawn(|| (0..50).map(|_| ask().evaluation.fuel).max())).collect();
        threads.into_iter().filter_map(|thread| thread.join().expect("it ends")).collect()
    });
    assert_eq!(answers.len(), 8);
    assert!(answers.iter().all(|fuel| *fuel == answers[0]));
}

#[test]
fn a_call_for_another_world_is_refused() {
    let host = host();
    let component = host.load(&quiet()).expect("it loads");
    let call = call_of(component.digest(), World::Coupon, "{}");
    let error = host.evaluate(&host.prepare(&cart(1)), &call).expect_err("another world");
    assert!(matches!(error, EvaluateError::OtherWorld { wanted: World::Coupon, .. }));
}
