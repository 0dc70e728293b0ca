//! The engine on MySQL: what a shopper does, as on SQLite.

use martlet_tests::{
    Database, Engine,
    quote::{amount, expect_sums},
};
use serde_json::json;

#[test]
fn a_cart_is_priced_on_mysql_as_on_sqlite() {
    let Some(database) = Database::create("journey") else { return };
    let totals = |engine: &Engine| {
        let lines =
            json!([{"sku": "SOCK-MERINO-M-NAVY", "quantity": 3}, {"sku": "MUG-STONE-350", "quantity": 12}]);
        let body = json!({"lines": lines, "coupons": ["WELCOME10"]});
        let id = engine.post("/api/v1/carts", &body).expect(201).text("/id").to_owned();
        let quote = engine.get(&format!("/api/v1/carts/{id}/quote")).expect(200).body;
        expect_sums(&quote);
        engine.send("DELETE", &format!("/api/v1/carts/{id}/coupons/WELCOME10"), &[], None).expect(200);
        let found = engine.get("/api/v1/products?q=merino&category=socks&sort=price_asc").expect(200);
        assert_eq!(found.text("/items/0/handle"), "merino-socks");
        quote["totals"].clone()
    };
    let on_mysql = totals(&Engine::builder().database(&database.url()).start());
    let on_sqlite = totals(&Engine::start());
    assert_eq!(on_mysql, on_sqlite);
    // As in the shopper's journey: 190.15.
    assert_eq!(amount(&on_mysql["total"]), 19_015);
}
