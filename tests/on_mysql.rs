//! The engine on MySQL: what a shopper does, as on SQLite.

use std::time::Duration;

use martlet_tests::{
    Database, Engine, eventually,
    quote::{amount, expect_sums},
    shop::Shop,
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

#[test]
fn an_engine_signs_in_as_a_user_of_its_own_whose_password_changes() {
    let Some(database) = Database::create("user") else { return };
    let user = database.user();
    let (name, file) = (user.name(), user.file().display().to_string());
    let admin = Engine::builder().database(&database.url());
    // Statements are logged then, but for those that have a password in them.
    let mut shop = Shop::new(admin.environment("MARTLET_LOG__FILTER", "info,sqlx=debug").start());
    let make = |admin: &Engine| {
        let made = admin.run(&["database-user", name, "--password-file", &file]);
        assert!(!format!("{made:?}").contains("the-"), "{made:?}");
        made
    };
    user.write("the-first-password");
    assert_eq!(make(&shop.engine).expect_success().stdout, format!("made the user {name}\n"));
    assert_eq!(make(&shop.engine).expect_success().stdout, format!("{name} has this password already\n"));
    user.write("too short");
    let refused = make(&shop.engine);
    assert!(refused.code != Some(0) && refused.stderr.contains("16 to 128"), "{refused:?}");
    user.write("the-second-password");
    let given = make(&shop.engine).expect_success().stdout;
    assert!(given.starts_with(&format!("gave {name} its new password; the former works ")), "{given}");

    let own = shop.engine.beside().database(&user.url());
    shop.engine = own.environment("MARTLET_DATABASE__PASSWORD_FILE", &file).start();
    let (socks, check) = (shop.stocked("SOCKS", 10), ["config", "check"]);
    let order = |key| {
        let cart = shop.cart(&[(socks, 1)], &[], None);
        shop.checkout(cart, key, shop.total(cart), "tok_approve").expect(201);
    };
    order("first");
    let found = shop.engine.run(&check).expect_success().stdout;
    assert!(found.contains(&format!("ok       database password: the one in {file} works")), "{found}");
    let migrated = shop.engine.run(&["migrate"]);
    assert!(migrated.code != Some(0) && migrated.stderr.contains("CREATE command denied"), "{migrated:?}");

    user.lock_out("the-third-password");
    let ready = |status: u16| {
        let is = || (shop.engine.get("/actuator/health/readiness").status == status).then_some(());
        eventually(Duration::from_secs(30), "readiness", is);
    };
    ready(503);
    let found = shop.engine.run(&check);
    assert!(found.code != Some(0) && found.stdout.contains(&file), "{found:?}");
    assert!(found.stdout.contains("Access denied") && !found.stdout.contains("the-second"), "{found:?}");
    user.write("the-third-password");
    ready(200);
    order("second");
    shop.engine.terminate();
    let (code, log) = shop.engine.wait();
    let log: Vec<String> = log.iter().map(ToString::to_string).collect();
    assert_eq!(code, Some(0));
    assert_eq!(log.iter().filter(|line| line.contains("password was taken up anew")).count(), 1);
    assert!(!log.iter().any(|line| line.contains("the-second") || line.contains("the-third")));
}
