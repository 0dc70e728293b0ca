//! While a deployment rolls, the release before this one serves on tables that this one has migrated,
//! and both serve the same shop.

use std::{
    path::{Path, PathBuf},
    thread::sleep,
    time::Duration,
};

use martlet_domain::order::OrderStatus;
use martlet_tests::{
    Database, Engine, EngineBuilder, ledger,
    quote::{amount, expect_sums},
    shop::{Shop, checkout_body},
};
use serde_json::{Value, json};

/// What the cart costs: as in the shopper's journey, with shipping for 6.00.
const TOTAL: i64 = 19_615;

/// The binary of the release before this one. Nothing, with words, where there is none, which is a failure
/// where `MARTLET_TEST_REQUIRE` asks for it.
fn previous() -> Option<PathBuf> {
    let Some(binary) = std::env::var_os("MARTLET_TEST_PREVIOUS") else {
        let required = std::env::var("MARTLET_TEST_REQUIRE").unwrap_or_default();
        assert!(
            !required.split(',').any(|means| matches!(means.trim(), "previous" | "all")),
            "MARTLET_TEST_PREVIOUS is not set"
        );
        eprintln!("SKIPPED: MARTLET_TEST_PREVIOUS names no binary of the release before this one");
        return None;
    };
    Some(binary.into())
}

/// A shopper who may be sent to another instance with each request.
struct Shopper<'a> {
    engines: [&'a Engine; 2],
    /// Requests so far.
    asked: usize,
}

impl Shopper<'_> {
    /// The answer of the instance whose turn it is, to which the other has to agree if it reads.
    fn ask(&mut self, method: &str, path: &str, body: &Value, status: u16) -> Value {
        self.asked += 1;
        let body = (!body.is_null()).then(|| body.to_string());
        let ask = |engine: &Engine| {
            engine.send(method, &format!("/api/v1{path}"), &[], body.as_deref()).expect(status).body
        };
        let answer = ask(self.engines[self.asked % 2]);
        if method == "GET" {
            let other = ask(self.engines[(self.asked + 1) % 2]);
            for member in ["lines", "coupons", "shipping", "candidates", "totals"] {
                assert_eq!(answer[member], other[member], "{member} of {path}");
            }
        }
        answer
    }

    /// From an empty cart to a price.
    fn fill_a_cart(&mut self) -> (String, i64) {
        let lines =
            json!([{"sku": "SOCK-MERINO-M-NAVY", "quantity": 3}, {"sku": "MUG-STONE-350", "quantity": 11}]);
        let made = self.ask("POST", "/carts", &json!({"lines": lines, "coupons": ["WELCOME10"]}), 201);
        let cart = format!("/carts/{}", made["id"].as_str().expect("an id"));
        let line = made["lines"][1]["id"].as_str().expect("an id");
        self.ask("PATCH", &format!("{cart}/lines/{line}"), &json!({"quantity": 12}), 200);
        let address = json!({"name": "Jo", "lines": ["1 Road"], "city": "Seoul", "country": "KR"});
        self.ask("PUT", &format!("{cart}/shipping-address"), &address, 200);
        self.ask("PUT", &format!("{cart}/shipping-method"), &json!({"method": "standard"}), 200);
        self.ask("PUT", &format!("{cart}/customer"), &json!({"email": "jo@example.com"}), 200);
        self.ask("GET", &cart, &Value::Null, 200);
        let quote = self.ask("GET", &format!("{cart}/quote"), &Value::Null, 200);
        expect_sums(&quote);
        (cart, amount(&quote["totals"]["total"]))
    }
}

/// An order that is placed at one instance: the other knows the order, and the answer to its key.
fn order(engines: [&Engine; 2], cart: &str, total: i64) {
    let path = format!("/api/v1{cart}/checkout");
    let body = checkout_body(total, "tok_approve").to_string();
    let key = [("idempotency-key", cart)];
    let placed = engines[0].send("POST", &path, &key, Some(&body)).expect(201);
    let again = engines[1].send("POST", &path, &key, Some(&body)).expect(201);
    assert_eq!(again.raw, placed.raw);
    let holder = [("martlet-cart", cart.trim_start_matches("/carts/"))];
    let order = format!("/api/v1/orders/{}", placed.text("/id"));
    let [one, other] = engines.map(|engine| engine.send("GET", &order, &holder, None).expect(200).body);
    assert_eq!((&one["number"], &one["totals"]), (&other["number"], &other["totals"]));
    let changed =
        engines[1].post(&format!("/api/v1{cart}/lines"), &json!({"sku": "SALT-SEA", "quantity": 1}));
    changed.expect_problem(409, "cart_ordered");
}

/// Keys that may do less than everything are unknown to a release that would take them for owners'.
fn limited_keys(new: &Engine, old: &Engine) {
    let answers = |arguments: &[&str]| {
        let made = new.run(&[&["key", "create", "limited"], arguments].concat()).expect_success();
        let bearer = format!("Bearer {}", made.stdout.trim());
        let headers = [("authorization", bearer.as_str())];
        [new, old].map(|engine| engine.send("GET", "/api/v1/admin/products", &headers, None))
    };
    let owners = answers(&[]);
    owners.into_iter().for_each(|answer| drop(answer.expect(200)));
    for limited in [&["--role", "developer"][..], &["--scope", "catalog:read"]] {
        let [known, unknown] = answers(limited);
        known.expect(200);
        unknown.expect_problem(401, "unauthenticated");
    }
}

fn serve_together(builder: EngineBuilder, previous: &Path) {
    // What is installed while a deployment rolls is what the release before runs: components of 0.1.0.
    let plugins = Path::new(env!("CARGO_MANIFEST_DIR")).join("golden/0.1.0");
    // The tables are this release's before the first of its instances serves.
    let shop = Shop::new(builder.plugins(&plugins).start());
    let old = shop.engine.beside().binary(previous).start();
    old.get("/actuator/health/readiness").expect(200);
    let (new, old) = (&shop.engine, &old);
    limited_keys(new, old);

    // All on the release before this one, then on both in turn, ordered at either.
    for (engines, ordered_at) in
        [([old, old], [old, old]), ([old, new], [old, new]), ([new, old], [new, old])]
    {
        let (cart, total) = Shopper { engines, asked: 0 }.fill_a_cart();
        assert_eq!(total, TOTAL);
        order(ordered_at, &cart, total);
    }
    for _ in 0..200 {
        if shop.block_on(shop.db.count_events()).expect("a count") == 0 {
            break;
        }
        sleep(Duration::from_millis(25));
    }
    let books = shop.block_on(ledger::read(&shop.db, shop.store)).expect_exact();
    assert_eq!((books.count(OrderStatus::Paid), books.coupon_uses, books.money), (3, 3, 3 * TOTAL));
}

#[test]
#[ignore = "needs the binary of the release before this one: cargo xtask test instances"]
fn the_release_before_this_one_serves_on_the_same_tables() {
    let Some(previous) = previous() else { return };
    serve_together(Engine::builder(), &previous);
    if let Some(database) = Database::create("previous") {
        serve_together(Engine::builder().database(&database.url()), &previous);
    }
}
