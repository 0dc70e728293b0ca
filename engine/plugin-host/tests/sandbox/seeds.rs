//! The seeds of the fuzz target `mutated_components`: small components of every world whose answers lie in
//! their data, so that what is mutated there is another answer. They stand in `fuzz/seeds` and are written
//! anew, after a change here, with `MARTLET_WRITE_SEEDS=1`.

use std::{fs, path::PathBuf};

use martlet_domain::plugin::World;
use martlet_plugin_host::{Host, HostConfig};
use serde_json::{Value, json};
use wit_parser::{Int, Resolve, SizeAlign, Type, TypeDefKind, WorldItem, WorldKey};

use crate::support::*;

/// Where the answers stand in a component's memory, after a line of log.
const BASE: usize = 1_024;
const LOG: &[u8; 40] = b"What is said here is for authors: hello.";

/// Gives its answer, after a line of log.
const ANSWERS: &str = "(call $log (i32.const 1) (i32.const 1024) (i32.const 40)) (global.get $answer)";

/// Does some of everything that is limited before it gives its answer.
const WORKS: &str = r"
    (drop (memory.grow (i32.const 1)))
    (memory.fill (i32.const 400000) (i32.const 7) (i32.const 100))
    (memory.copy (i32.const 400200) (i32.const 400000) (i32.const 50))
    (drop (table.grow $table (ref.null func) (i32.const 3)))
    (drop (call_indirect $table (type $deep) (i32.const 20) (i32.const 0)))
    (loop $more
        (call $log (i32.const 0) (i32.const 1024) (local.get $i))
        (local.set $i (i32.add (local.get $i) (i32.const 1)))
        (br_if $more (i32.lt_u (local.get $i) (i32.const 10))))
    (global.get $answer)";

/// What [`WORKS`] calls.
const DEEP: &str = r"
    (type $deep (func (param i32) (result i32)))
    (func $deep (type $deep)
        (if (result i32) (local.get 0)
            (then (i32.add (i32.const 1) (call $deep (i32.sub (local.get 0) (i32.const 1)))))
            (else (i32.const 0))))
    (elem (table $table) (i32.const 0) func $deep)";

/// Divides by the decimals of the cart's currency, of which some have none.
const DIVIDES: &str =
    "(drop (i32.div_u (i32.const 10) (i32.load8_u offset=24 (local.get $arguments)))) (global.get $answer)";

/// A component whose answers lie in its data.
struct Seed {
    name: &'static str,
    version: &'static str,
    world: World,
    items: &'static str,
    body: &'static str,
    answer: Value,
    /// Whether it passes the gate.
    passes: bool,
}

fn seeds() -> Vec<Seed> {
    let seed = |name, world, answer| Seed {
        name,
        version: "1.0.0",
        world,
        items: "",
        body: ANSWERS,
        answer,
        passes: true,
    };
    let old = |seed: Seed| Seed { version: "0.1.0", ..seed };
    let named = json!([{"key": "a", "class": "line", "value": {"each": 7}, "message": message(),
        "scope": {"lines": [{"position": 0, "quantity": 1}, {"position": 1}]}}]);
    vec![
        seed("promotion", World::Promotion, proposal()),
        seed("coupon", World::Coupon, proposal()),
        seed("pricing", World::Pricing, json!({"declined": declined()})),
        seed("shipping-rates", World::ShippingRates, rates()),
        seed("tax", World::Tax, taxes()),
        seed("checkout-validation", World::CheckoutValidation, json!([{"key": "a", "message": message()}])),
        old(seed("promotion-0.1.0", World::Promotion, proposal())),
        old(seed("coupon-0.1.0", World::Coupon, proposal())),
        old(seed("pricing-0.1.0", World::Pricing, json!({"declined": declined()}))),
        Seed { items: DEEP, body: WORKS, ..seed("works", World::Promotion, proposal()) },
        // These name lines, of which the empty cart has none.
        Seed { passes: false, ..seed("lines", World::Promotion, json!({"candidates": named})) },
        Seed { passes: false, ..seed("prices", World::Pricing, json!({"prices": prices()})) },
        Seed { passes: false, ..seed("objects", World::CheckoutValidation, objections()) },
        Seed { passes: false, body: DIVIDES, ..seed("divides", World::Tax, taxes()) },
    ]
}

fn message() -> Value {
    json!({"key": "it", "arguments": [{"name": "what", "value": "10"}]})
}

fn declined() -> Value {
    json!([{"key": "z", "message": message()}])
}

/// A candidate of every kind.
fn proposal() -> Value {
    let all = |key: &str, class: &str, value: Value| json!({"key": key, "class": class, "scope": "all", "value": value, "message": message()});
    let mut limited = all("limited", "order", json!({"across": 500}));
    limited["cap"] = json!(400);
    limited["threshold"] = json!({"minimum": {"spend": 100}, "scope": "all", "basis": "list"});
    limited["exclusivity-tags"] = json!(["one"]);
    let bundle = json!({"parts": [{"scope": "all", "count": 2}], "price": 900, "most": 1});
    let offer = json!({"buy": "all", "buy-count": 1, "get": "all", "get-count": 1, "percent": 500_000});
    json!({"candidates": [
        limited,
        all("percent", "line", json!({"percent": 100_000})),
        all("each", "line", json!({"each": 5})),
        all("once", "order", json!({"once": 50})),
        all("price", "line", json!({"unit-price": 700})),
        all("bundle", "order", json!({"bundle": bundle})),
        all("offer", "line", json!({"buy-x-get-y": offer})),
        all("gift", "gift", json!({"gift": {"sku": "MUG", "quantity": 1}})),
        all("ships", "shipping", json!({"percent": 1_000_000})),
        all("total", "total", json!({"across": 1})),
    ], "declined": declined()})
}

fn prices() -> Value {
    json!([
        {"key": "a", "line": {"position": 0, "quantity": 2}, "amount": 900, "message": message()},
        {"key": "b", "line": {"position": 1}, "amount": 0, "message": message()},
    ])
}

fn rates() -> Value {
    json!({"rates": [
        {"key": "a", "method": "courier", "amount": 900, "name": message()},
        {"key": "b", "method": "drone", "amount": 0, "tax-category": "food",
            "delivery": {"earliest": 1, "latest": 3}, "name": message()},
    ], "declined": declined()})
}

fn taxes() -> Value {
    json!({"included": true, "rates": [
        {"key": "a", "scope": "all", "rate": 100_000, "name": message()},
        {"key": "b", "scope": "shipping", "rate": 50_000, "name": message()},
    ], "declined": declined()})
}

fn objections() -> Value {
    json!([{"key": "a", "position": 1, "message": message()}, {"key": "b", "message": message()}])
}

impl Seed {
    fn build(&self) -> Vec<u8> {
        let (resolve, world) = wit(self.version, self.world.as_str());
        let mut data = Data::new(&resolve);
        data.add(LOG, 1);
        let schema = r#"{"type":"object","examples":[{"a":1}]}"#;
        let description = json!({
            "name": "seed", "version": "1.0.0", "title": "Seed", "summary": "Grows.",
            "config-schema": schema,
            "templates": [{"key": "it", "language": "en", "text": "{what} off"}],
        });
        let classes = json!(["line", "order", "shipping", "total", "gift"]);
        let mut answers = [self.world.function(), "describe", "validate-config"]
            .into_iter()
            .zip([self.answer.clone(), description, json!({"ok": classes})])
            .map(|(function, answer)| {
                let WorldItem::Function(function) =
                    &resolve.worlds[world].exports[&WorldKey::Name(function.to_owned())]
                else {
                    panic!("{function} is no function");
                };
                data.place(&function.result.expect("it answers"), &answer)
            });
        let [answer, describe, validate] = std::array::from_fn(|_| answers.next().expect("three answers"));
        drop(answers);
        let items = format!(
            "(global $answer i32 (i32.const {answer})) {} (data (i32.const {BASE}) \"{}\")",
            self.items,
            escaped(&data.bytes)
        );
        guest_that_says(self.version, self.world, "8", (describe, validate), &items, self.body)
    }
}

/// Values of WIT types as they lie in memory, by the canonical ABI.
struct Data<'a> {
    resolve: &'a Resolve,
    sizes: SizeAlign,
    bytes: Vec<u8>,
}

impl<'a> Data<'a> {
    fn new(resolve: &'a Resolve) -> Self {
        let mut sizes = SizeAlign::default();
        sizes.fill(resolve);
        Self { resolve, sizes, bytes: Vec::new() }
    }

    /// Puts a value into memory, and answers where.
    fn place(&mut self, ty: &Type, value: &Value) -> usize {
        let lowered = self.lower(ty, value);
        self.add(&lowered, self.sizes.align(ty).align_wasm32())
    }

    fn add(&mut self, bytes: &[u8], align: usize) -> usize {
        self.bytes.resize(self.bytes.len().next_multiple_of(align), 0);
        self.bytes.extend(bytes);
        BASE + self.bytes.len() - bytes.len()
    }

    /// A list of so many, by where it is.
    fn list(&mut self, bytes: &[u8], align: usize, count: usize) -> Vec<u8> {
        let at = self.add(bytes, align);
        [at, count].map(|number| u32::try_from(number).expect("little").to_le_bytes()).concat()
    }

    fn lower(&mut self, ty: &Type, value: &Value) -> Vec<u8> {
        let number = || value.as_i64().unwrap_or_else(|| panic!("{value} is no number")).to_le_bytes();
        match ty {
            Type::Bool => vec![u8::from(value.as_bool().expect("a truth"))],
            Type::U8 => number()[..1].to_vec(),
            Type::U32 => number()[..4].to_vec(),
            Type::S64 | Type::U64 => number().to_vec(),
            Type::String => {
                let text = value.as_str().expect("a text");
                self.list(text.as_bytes(), 1, text.len())
            }
            Type::Id(id) => self.lower_defined(ty, &self.resolve.types[*id].kind, value),
            other => panic!("no answer has a {other:?}"),
        }
    }

    fn lower_defined(&mut self, ty: &Type, kind: &TypeDefKind, value: &Value) -> Vec<u8> {
        match kind {
            TypeDefKind::Type(ty) => self.lower(ty, value),
            TypeDefKind::Record(record) => {
                let types: Vec<Type> = record.fields.iter().map(|field| field.ty).collect();
                let offsets = self.sizes.field_offsets(&types);
                let offsets: Vec<usize> = offsets.iter().map(|(at, _)| at.size_wasm32()).collect();
                let mut bytes = vec![0; self.sizes.size(ty).size_wasm32()];
                for (field, at) in record.fields.iter().zip(offsets) {
                    let lowered = self.lower(&field.ty, &value[&field.name]);
                    bytes[at..at + lowered.len()].copy_from_slice(&lowered);
                }
                bytes
            }
            TypeDefKind::List(of) => {
                let items = value.as_array().cloned().unwrap_or_default();
                let lowered: Vec<u8> = items.iter().flat_map(|item| self.lower(of, item)).collect();
                self.list(&lowered, self.sizes.align(of).align_wasm32(), items.len())
            }
            TypeDefKind::Enum(of) => {
                let case = of.cases.iter().position(|case| case.name == *value);
                vec![u8::try_from(case.expect("a case")).expect("few cases")]
            }
            TypeDefKind::Option(of) => {
                let case = usize::from(!value.is_null());
                self.lower_case(ty, &[None, Some(*of)], case, value)
            }
            TypeDefKind::Result(of) => {
                let case = usize::from(value.get("ok").is_none());
                self.lower_case(ty, &[of.ok, of.err], case, &value[["ok", "err"][case]])
            }
            TypeDefKind::Variant(of) => {
                // A case without a payload is its name, one with a payload an object.
                let payload = |name: &str| if *value == *name { Some(value) } else { value.get(name) };
                let case = of.cases.iter().position(|case| payload(&case.name).is_some());
                let case = case.unwrap_or_else(|| panic!("{value} is no case"));
                let types: Vec<Option<Type>> = of.cases.iter().map(|case| case.ty).collect();
                self.lower_case(ty, &types, case, payload(&of.cases[case].name).expect("as just found"))
            }
            other => panic!("no answer has a {}", other.as_str()),
        }
    }

    fn lower_case(&mut self, ty: &Type, types: &[Option<Type>], case: usize, value: &Value) -> Vec<u8> {
        let mut bytes = vec![0; self.sizes.size(ty).size_wasm32()];
        bytes[0] = u8::try_from(case).expect("few cases");
        if let Some(payload) = &types[case] {
            let cases = types.iter().map(Option::as_ref);
            let at = self.sizes.payload_offset(Int::U8, cases).size_wasm32();
            let lowered = self.lower(payload, value);
            bytes[at..at + lowered.len()].copy_from_slice(&lowered);
        }
        bytes
    }
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/seeds/mutated_components")
}

#[test]
fn seeds_of_the_fuzz_target_answer_from_their_data() {
    let host = Host::new(HostConfig { pool: false, ..HostConfig::default() }).expect("the host starts");
    for seed in seeds() {
        let path = folder().join(format!("{}.wasm", seed.name));
        if std::env::var_os("MARTLET_WRITE_SEEDS").is_some() {
            fs::write(&path, seed.build()).expect("it is written");
        }
        let bytes = fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let report = host.examine(&bytes, &mut |_| {}).expect("it is looked at");
        assert_eq!(report.passed(), seed.passes, "{}: {:#?}", seed.name, report.checks);
        assert_eq!((report.world, report.wit_version.as_deref()), (Some(seed.world), Some(seed.version)));
        assert!(!report.messages.is_empty(), "{} answers nothing", seed.name);
        assert!(report.size < 16 << 10, "{} has {} bytes", seed.name, report.size);
    }
}
