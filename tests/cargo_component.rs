//! Plugins built by `cargo component build` are as good as those of `cargo xtask wasm`.

use std::path::Path;

use martlet_tests::{Engine, quote::expect_sums};
use serde_json::{Value, json};

/// What differs between two engines by design: ids, moments, and the digests of other bytes.
fn comparable(mut quote: Value) -> Value {
    for member in ["cart_id", "as_of", "receipt"] {
        quote[member] = Value::Null;
    }
    for line in quote["lines"].as_array_mut().expect("lines") {
        line["line_id"] = Value::Null;
        line["variant_id"] = Value::Null;
    }
    for candidate in quote["candidates"].as_array_mut().expect("candidates") {
        candidate["plugin"]["component"] = Value::Null;
        candidate["installation_id"] = Value::Null;
        for allocation in candidate["allocations"].as_array_mut().expect("allocations") {
            allocation["line_id"] = Value::Null;
        }
    }
    quote
}

fn quotes(engine: &Engine) -> Vec<Value> {
    let carts = [
        json!({"lines": [{"sku": "SOCK-MERINO-M-NAVY", "quantity": 3}, {"sku": "MUG-STONE-350", "quantity": 12}], "coupons": ["WELCOME10"]}),
        json!({"lines": [{"sku": "BED-SHEET-KING", "quantity": 2}, {"sku": "KNIT-CARDI-S", "quantity": 1}]}),
        json!({"currency": "KRW", "lines": [{"sku": "COFFEE-ESPRESSO-250-BEANS", "quantity": 4}, {"sku": "RUG-FLAT-80X150", "quantity": 1}]}),
    ];
    let quote = |cart: &Value| {
        let id = engine.post("/api/v1/carts", cart).expect(201).text("/id").to_owned();
        let quote = engine.get(&format!("/api/v1/carts/{id}/quote")).expect(200).body;
        expect_sums(&quote);
        comparable(quote)
    };
    carts.iter().map(quote).collect()
}

#[test]
#[ignore = "needs the folder of MARTLET_TEST_CARGO_COMPONENT, which `cargo xtask test` makes"]
fn both_builds_give_equal_quotes() {
    let folder = std::env::var("MARTLET_TEST_CARGO_COMPONENT").expect("MARTLET_TEST_CARGO_COMPONENT");
    let ours = Engine::start();
    let theirs = Engine::builder().plugins(Path::new(&folder)).start();
    assert_eq!(quotes(&ours), quotes(&theirs));
}
