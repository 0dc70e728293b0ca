//! Components made of WebAssembly text, carts to ask them about, and those built from `plugins/`.

#![allow(dead_code, reason = "each test binary uses a part of it")]

use std::{path::PathBuf, sync::Arc};

use martlet_domain::{
    Digest, Id, Timestamp,
    plugin::World,
    quote::{
        Call, Failure, Outcome, ProductFacts, Proposal, Snapshot, SnapshotCheckout, SnapshotLine, Stage,
        Standing, Totals, UnitRun,
    },
};
use martlet_plugin_host::{Component, Evaluated, Host, HostConfig};
use uuid::Uuid;
use wit_component::{ComponentEncoder, StringEncoding};
use wit_parser::{Resolve, WorldId};

/// A core module of any world. Address 16 holds an empty answer, and memory from 64 KiB on is for
/// arguments.
const GUEST: &str = r#"(module
    (import "martlet:commerce/logging@VERSION" "log" (func $log (param i32 i32 i32)))
    (memory (export "memory") MEMORY)
    (table $table 1 funcref)
    (global $next (mut i32) (i32.const 65536))
    (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
        (local $at i32)
        (local.set $at (i32.and (i32.add (global.get $next) (i32.const 7)) (i32.const -8)))
        (global.set $next (i32.add (local.get $at) (local.get 3)))
        (local.get $at))
    (func (export "describe") (result i32) (i32.const 16))
    (func (export "validate-config") (param i32 i32) (result i32) (i32.const 16))
    ITEMS
    (func (export "FUNCTION") (param $arguments i32) (result i32) (local $i i32)
        BODY))"#;

/// The version that components are built for unless a test says otherwise.
const NEWEST: &str = "1.0.0";

/// A promotion whose `propose` has this body.
pub(crate) fn promotion(body: &str) -> Vec<u8> {
    promotion_with("8", "", body)
}

/// A promotion with this memory and further items.
pub(crate) fn promotion_with(memory: &str, items: &str, body: &str) -> Vec<u8> {
    guest(World::Promotion, memory, items, body)
}

/// A component of any world, whose own function has this body.
pub(crate) fn guest(world: World, memory: &str, items: &str, body: &str) -> Vec<u8> {
    guest_of(NEWEST, world, memory, items, body)
}

/// The same, built for a version of the WIT.
pub(crate) fn guest_of(version: &str, world: World, memory: &str, items: &str, body: &str) -> Vec<u8> {
    let text = GUEST.replace("FUNCTION", world.function()).replace("MEMORY", memory);
    let text = text.replace("VERSION", version).replace("ITEMS", items).replace("BODY", body);
    component_of(version, world.as_str(), &text)
}

/// A component of a world, from the text of its core module.
pub(crate) fn component(world: &str, text: &str) -> Vec<u8> {
    component_of(NEWEST, world, text)
}

/// The same, whose `describe` and `validate-config` answer what stands at these addresses.
pub(crate) fn guest_that_says(
    version: &str,
    world: World,
    memory: &str,
    (describe, validate): (usize, usize),
    items: &str,
    body: &str,
) -> Vec<u8> {
    let text = GUEST.replace("VERSION", version).replace("FUNCTION", world.function());
    let text = text
        .replace(
            r#"(func (export "describe") (result i32) (i32.const 16))"#,
            &format!(r#"(func (export "describe") (result i32) (i32.const {describe}))"#),
        )
        .replace(
            r#"(param i32 i32) (result i32) (i32.const 16))"#,
            &format!("(param i32 i32) (result i32) (i32.const {validate}))"),
        )
        .replace("MEMORY", memory)
        .replace("ITEMS", items)
        .replace("BODY", body);
    component_of(version, world.as_str(), &text)
}

/// A world of a version of the WIT.
pub(crate) fn wit(version: &str, world: &str) -> (Resolve, WorldId) {
    let mut resolve = Resolve::default();
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../wit").join(version);
    let (package, _) = resolve.push_dir(folder).expect("the WIT package parses");
    let world = resolve.select_world(&[package], Some(world)).expect("the world is there");
    (resolve, world)
}

fn component_of(version: &str, world: &str, text: &str) -> Vec<u8> {
    let (resolve, world) = wit(version, world);
    let mut module = wat::parse_str(text).expect("the text is WebAssembly");
    wit_component::embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8)
        .expect("the module takes the world's metadata");
    ComponentEncoder::default()
        .module(&module)
        .and_then(|mut encoder| encoder.encode())
        .expect("the module fits its world")
}

/// A promotion that proposes nothing.
pub(crate) fn quiet() -> Vec<u8> {
    promotion("(i32.const 16)")
}

/// A promotion that never ends.
pub(crate) fn endless() -> Vec<u8> {
    promotion("(loop $again (br $again)) (unreachable)")
}

/// A component built from `plugins/` or `tests/hostile`.
pub(crate) fn built(name: &str) -> Vec<u8> {
    let folder = std::env::var_os("MARTLET_TEST_PLUGINS").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../target/plugins"),
        PathBuf::from,
    );
    let path = folder.join(format!("{name}.wasm"));
    std::fs::read(&path).unwrap_or_else(|error| {
        panic!("{}: {error}; run `cargo xtask wasm` first", path.display());
    })
}

pub(crate) fn host() -> Host {
    Host::new(HostConfig::default()).expect("the host starts")
}

/// A cart of so many lines, each of two units for 10.00.
pub(crate) fn cart(lines: usize) -> Snapshot {
    Snapshot {
        stage: Stage::Order,
        as_of: Timestamp::from_millis(1_790_000_000_000),
        currency: "USD".parse().expect("a currency"),
        prices_include_tax: false,
        customer: None,
        destination: None,
        lines: (0..lines).map(line).collect(),
        shipping: None,
        codes: Vec::new(),
        checkout: None,
    }
}

/// The same cart, about to be ordered.
pub(crate) fn checkout(lines: usize) -> Snapshot {
    let goods = i64::try_from(lines).expect("few lines") * 2_000;
    let totals = Totals { goods_subtotal: goods, total: goods, ..Totals::default() };
    let checkout = Some(SnapshotCheckout { totals, gifts: Vec::new() });
    Snapshot { stage: Stage::CheckoutValidation, checkout, ..cart(lines) }
}

fn line(index: usize) -> SnapshotLine {
    SnapshotLine {
        variant: Id::new(Uuid::from_u128(index as u128)),
        sku: format!("SKU-{index}").parse().expect("a sku"),
        options: Vec::new(),
        product: Arc::new(ProductFacts {
            id: Id::new(Uuid::from_u128(1_000 + index as u128)),
            handle: format!("product-{index}").parse().expect("a handle"),
            categories: vec!["shirts".parse().expect("a handle")],
            tags: vec!["summer".to_owned()],
            attributes: Vec::new(),
        }),
        quantity: 2,
        weight_grams: Some(400),
        tax_category: "standard".to_owned(),
        base_amount: 1_000,
        units: vec![UnitRun { count: 2, list_amount: 1_000, left: 1_000 }],
    }
}

/// A call of a component with a configuration.
pub(crate) fn call(component: &Component, config: &str) -> Call {
    call_of(component.digest(), component.world(), config)
}

pub(crate) fn call_of(component: Digest, world: World, config: &str) -> Call {
    Call {
        installation: Id::new(Uuid::from_u128(7)),
        component,
        world,
        config: config.to_owned(),
        coupon: (world == World::Coupon).then(|| "SUMMER10".parse().expect("a code")),
        standing: Standing::default(),
    }
}

/// Loads a component and asks it about a cart of one line.
pub(crate) fn ask(host: &Host, bytes: &[u8]) -> Evaluated {
    ask_about(host, bytes, &cart(1), "{}")
}

/// Loads a component and asks it about a cart.
pub(crate) fn ask_about(host: &Host, bytes: &[u8], cart: &Snapshot, config: &str) -> Evaluated {
    let component = host.load(bytes).expect("the component loads");
    host.evaluate(&host.prepare(cart), &call(&component, config)).expect("the call is made")
}

pub(crate) fn failed(failure: Failure) -> Outcome {
    Outcome::Failed(failure)
}

pub(crate) fn nothing() -> Outcome {
    Outcome::Proposed(Proposal::default())
}

/// Ten per cent off the order.
pub(crate) const PERCENTAGE_OFF: &str = r#"{"percent_ppm":100000,"on":"order"}"#;

/// What a component made here says and does, for those that have to pass as plugins.
pub(crate) struct Guest {
    pub(crate) world: World,
    pub(crate) memory: &'static str,
    pub(crate) schema: &'static str,
    pub(crate) validate: &'static str,
    pub(crate) body: String,
    pub(crate) items: String,
    pub(crate) name: &'static str,
}

impl Default for Guest {
    /// A promotion of the class `order` that proposes nothing.
    fn default() -> Self {
        Self {
            world: World::Promotion,
            memory: "8",
            schema: "{}",
            validate: ACCEPTS,
            body: "(i32.const 16)".to_owned(),
            items: String::new(),
            name: "sample",
        }
    }
}

/// Bodies of `validate-config`: at 1024 stands `ok([order])`, at 1040 `err([{ "/percent", "is missing" }])`.
pub(crate) const ACCEPTS: &str = "(i32.const 1024)";
pub(crate) const REFUSES: &str = "(i32.const 1040)";

impl Guest {
    /// The component, whose `describe` answers what stands here.
    pub(crate) fn build(&self) -> Vec<u8> {
        let texts = [self.name, "1.0.0", "A sample", "A sample of a plugin.", self.schema];
        let (mut at, mut record, mut data) = (4_096_u32, String::new(), String::new());
        for text in texts {
            let length = u32::try_from(text.len()).expect("a short text");
            record += &escaped(&[at.to_le_bytes(), length.to_le_bytes()].concat());
            data += &format!("(data (i32.const {at}) \"{}\")\n", escaped(text.as_bytes()));
            at += length;
        }
        let items = format!(
            r#"{} {data}
            (data (i32.const 1024) "\00\00\00\00\60\04\00\00\01\00\00\00")
            (data (i32.const 1040) "\01\00\00\00\70\04\00\00\01\00\00\00")
            (data (i32.const 1120) "\01")
            (data (i32.const 1136) "\00\08\00\00\08\00\00\00\08\08\00\00\0a\00\00\00")
            (data (i32.const 2048) "/percentis missing")
            (data (i32.const 3072) "{record}")"#,
            self.items
        );
        let function = self.world.function();
        let text = GUEST
            .replace("VERSION", NEWEST)
            .replace("FUNCTION", function)
            .replace("MEMORY", self.memory)
            .replace(
                r#"(func (export "describe") (result i32) (i32.const 16))"#,
                r#"(func (export "describe") (result i32) (i32.const 3072))"#,
            )
            .replace(
                r#"(param i32 i32) (result i32) (i32.const 16))"#,
                &format!("(param i32 i32) (result i32) {})", self.validate),
            )
            .replace("ITEMS", &items)
            .replace("BODY", &self.body);
        component(self.world.as_str(), &text)
    }
}

pub(crate) fn escaped(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("\\{byte:02x}")).collect()
}

/// The hostile component, in a mode of its own accord: its schema has an example that asks for it.
pub(crate) fn hostile_by_itself(mode: &str) -> Vec<u8> {
    let (known, mut bytes) = (br#"{"type": "object", "required": ["mode"]}"#, built("hostile"));
    let at = bytes.windows(known.len()).position(|window| window == known).expect("its schema");
    let example = format!(r#"{{"examples":[{{"mode":"{mode}"}}]}}"#);
    assert!(example.len() <= known.len(), "{example}");
    let padded = format!("{example:<width$}", width = known.len());
    bytes[at..at + known.len()].copy_from_slice(padded.as_bytes());
    bytes
}
