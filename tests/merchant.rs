//! A merchant's walk: a promotion is uploaded, tried, watched, switched on, explained and taken back, by
//! those who may, over HTTP alone.
//!
//! The promotion is "any three stoneware mugs for 45.00". In the demo store a mug costs 18.00, or 5 % less
//! from six on, and 5 % are off from 150.00 and 10 % from 300.00. Shipping costs 6.00.

use std::time::Duration;

use martlet_tests::{
    Answer, Database, Engine, EngineBuilder, components_dir, eventually,
    quote::{amount, expect_sums},
    shop::{Shop, checkout_body},
};
use serde_json::{Value, json};

/// Three mugs: 54.00.
const MUGS: [(&str, u32); 1] = [("MUG-STONE-350", 3)];
/// 54.00 + 245.00 + 5.00 = 304.00. 10 % are 30.40, which leaves 273.60. With the mugs for 45.00 it is
/// 295.00, below 300.00: 5 % are 14.75, and 280.25 remain.
const AROUND_THE_TIER: [(&str, u32); 3] = [("MUG-STONE-350", 3), ("RUG-FLAT-80X150", 1), ("WRAP-GIFT", 1)];
/// What each installation does is told within seconds. Machines that run all tests at once are slow.
const PATIENCE: Duration = Duration::from_secs(120);
/// Neither people nor plugins are sent away for being slow: what is tested is what they get, not how fast.
const PATIENT: [(&str, &str); 3] = [
    ("MARTLET_ORDERS__RECONCILE_AFTER_MS", "90000"),
    ("MARTLET_SERVER__REQUEST_TIMEOUT_MS", "60000"),
    ("MARTLET_PLUGINS__CALL_TIMEOUT_MS", "10000"),
];

/// Someone of the merchant's with a key.
struct Person<'a> {
    engine: &'a Engine,
    key: String,
}

impl Person<'_> {
    fn ask(&self, method: &str, path: &str, body: Option<&Value>, based_on: Option<i64>) -> Answer {
        let (bearer, version) =
            (format!("Bearer {}", self.key), based_on.map(|number| format!("\"{number}\"")));
        let mut headers = vec![("authorization", bearer.as_str())];
        headers.extend(version.as_deref().map(|version| ("if-match", version)));
        let body = body.map(Value::to_string);
        self.engine.send(method, &format!("/api/v1/admin{path}"), &headers, body.as_deref())
    }

    #[track_caller]
    fn get(&self, path: &str) -> Value {
        self.ask("GET", path, None, None).expect(200).body
    }

    fn post(&self, path: &str, body: &Value) -> Answer {
        self.ask("POST", path, Some(body), None)
    }

    /// What a simulation has come to, once it is over.
    #[track_caller]
    fn simulate(&self, asked: &Value) -> Value {
        let job = self.post("/simulations", asked).expect(202);
        assert_eq!(job.header("location"), format!("/api/v1/admin/simulations/{}", job.text("/id")));
        eventually(PATIENCE, "the simulation is over", || {
            let job = self.get(&format!("/simulations/{}", job.text("/id")));
            let is_over = job["state"] != "queued" && job["state"] != "running";
            is_over.then_some(job)
        })
    }
}

/// The staff of a store, by their roles.
struct Staff<'a> {
    shop: &'a Shop,
    developer: Person<'a>,
    manager: Person<'a>,
}

impl<'a> Staff<'a> {
    /// The owner makes the keys.
    fn hired(shop: &'a Shop) -> Self {
        let person = |role: &str| {
            let made = shop.admin("POST", "/api-keys", None, Some(&json!({"name": role, "role": role})));
            Person { engine: &shop.engine, key: made.expect(201).text("/secret").to_owned() }
        };
        Self { shop, developer: person("developer"), manager: person("staff") }
    }

    /// The developer uploads the promotion: its version.
    fn upload(&self) -> Value {
        let bytes = std::fs::read(components_dir().join("bundle.wasm")).expect("`cargo xtask wasm` has run");
        let engine = &self.shop.engine;
        let refused = engine.upload(&self.manager.key, &bytes).expect_problem(403, "forbidden");
        assert_eq!(refused.body["required_scope"], "plugins:write");
        let version = engine.upload(&self.developer.key, &bytes).expect(201).body;
        assert_eq!((&version["name"], &version["world"]), (&json!("bundle"), &json!("promotion")));
        let report = &version["report"];
        let checks = report["checks"].as_array().expect("checks");
        assert!(checks.len() >= 15 && checks.iter().all(|check| check["passed"] == true), "{report:#}");
        // Nothing to ask the clock, the network or files for.
        assert_eq!(report["imports"], json!(["martlet:commerce/types@1.0.0"]));
        assert_eq!(report["tried_with"]["config"], version["config_schema"]["examples"][0]);
        version
    }

    /// Configurations that are wrong are refused with each thing to mend, and change nothing.
    fn try_wrong_configurations(&self) {
        let before = self.manager.get("/rulebooks/active");
        let problems = |config: Value| {
            let asked = json!({"plugin": "bundle", "config": config, "stage": "active"});
            let refused = self.developer.post("/installations", &asked).expect_problem(422, "config_refused");
            let errors = refused.body["errors"].as_array().expect("errors").clone();
            let member = |error: &Value, name: &str| error[name].as_str().expect("a text").to_owned();
            let pair = |error| (member(error, "pointer"), member(error, "detail"));
            errors.iter().map(pair).collect::<Vec<_>>()
        };
        // The schema finds this, and the plugin that.
        let ill_typed = problems(json!({"parts": [{"count": "three"}]}));
        let expected = [
            ("/config".to_owned(), r#""price" is a required property"#.to_owned()),
            ("/config/parts/0/count".to_owned(), r#""three" is not of type "integer""#.to_owned()),
        ];
        assert_eq!(ill_typed, expected);
        let price = json!([{"amount": 4500, "currency": "USD"}]);
        let of_one = problems(json!({"parts": [{"count": 1}], "price": price}));
        let expected = ("/config/parts/0/count".to_owned(), "a bundle takes at least 2 units".to_owned());
        assert_eq!(of_one, [expected]);
        assert_eq!(self.manager.get("/rulebooks/active"), before);
    }

    /// The developer installs the promotion as a draft: its id.
    fn install(&self, version: &Value) -> String {
        let asked = json!({"plugin": "bundle", "config": config(), "note": "Three mugs for 45"});
        let draft = self.developer.post("/installations", &asked).expect(201);
        assert_eq!(draft.body["stage"], "draft");
        assert_eq!(draft.body["component"], version["digest"]);
        assert_eq!((&draft.body["rulebook"], draft.header("etag")), (&json!(2), "\"2\""));
        draft.text("/id").to_owned()
    }

    /// How a cart of three mugs would change: what its totals would be.
    fn simulate_a_cart(&self, installation: &str) -> Value {
        let lines = json!([{"sku": "MUG-STONE-350", "quantity": 3}]);
        let given = json!({"lines": lines, "country": "KR", "shipping_method": "standard"});
        let job = self.developer.simulate(&json!({
            "changes": [{"id": installation, "stage": "active"}], "on": {"given_cart": given},
        }));
        assert_eq!(job["state"], "done", "{job:#}");
        let cart = &job["result"]["cart"];
        expect_sums(&cart["before"]);
        expect_sums(&cart["after"]);
        assert_eq!((amount(&cart["total_before"]), amount(&cart["total_after"])), (6_000, 5_100));
        assert_eq!(applied(&cart["after"], "bundle"), 900);
        cart["after"]["totals"].clone()
    }

    /// How the orders of the past would have come out: by order, and in all.
    fn simulate_the_past(&self, installation: &str, orders: &[Value]) {
        let asked = json!({
            "changes": [{"id": installation, "stage": "active"}], "on": {"orders": {"last": 100}},
        });
        // Orders aren't the developer's to see.
        let refused = self.developer.post("/simulations", &asked).expect_problem(403, "forbidden");
        assert_eq!(refused.body["required_scope"], "orders:read");
        let job = self.manager.simulate(&asked);
        let figures = (&job["state"], &job["done"], &job["total"], &job["result"]["failed"]);
        assert_eq!(figures, (&json!("done"), &json!(4), &json!(4), &json!(0)), "{job:#}");
        // Three mugs: 60.00 become 51.00. Nine: 9 x 17.10 less 5 % are 146.20, and three bundles are 135.00,
        // which is below the tier. The rug falls below the other tier: 273.60 become 280.25. Socks stay.
        let expected = [
            ("winner", 6_000, 5_100),
            ("winner", 15_220, 14_100),
            ("loser", 27_960, 28_625),
            ("unchanged", 2_000, 2_000),
        ];
        let page = self.manager.get(&format!("/simulations/{}/orders", job["id"].as_str().expect("an id")));
        let told = page["items"].as_array().expect("orders").iter().rev();
        let ids: Vec<&Value> = told.clone().map(|one| &one["order_id"]).collect();
        assert_eq!(ids, orders.iter().map(|order| &order["id"]).collect::<Vec<_>>(), "placed last first");
        let told: Vec<_> = told
            .map(|one| {
                let outcome = one["outcome"].as_str().expect("an outcome");
                (outcome, amount(&one["total_before"]), amount(&one["total_after"]))
            })
            .collect();
        assert_eq!(told, expected);
        let kinds = |place: usize| -> Vec<(&str, &str)> {
            let changes = page["items"][place]["changes"].as_array().expect("changes").iter();
            changes.map(|one| (text(&one["kind"]), text(&one["plugin"]))).collect()
        };
        let mut of_nine = kinds(2);
        of_nine.sort_unstable();
        assert_eq!(of_nine, [("gained", "bundle"), ("lost", "spend-tiers")]);
        let sums = job["result"]["sums"].as_array().expect("sums");
        let [sum] = &sums[..] else { panic!("all are in dollars: {sums:?}") };
        let of = |name: &str| amount(&sum[name]);
        assert_eq!((of("before"), of("after"), of("difference")), (51_180, 49_825, -1_355));
        assert_eq!((of("saved"), of("surcharged")), (900 + 1_120, 665));
        assert_eq!((&sum["winners"], &sum["losers"], &sum["unchanged"]), (&json!(2), &json!(1), &json!(1)));
        // Three of the carts have bundles: 9.00, 18.90 and 9.00.
        let all = job["result"]["installations"].as_array().expect("installations");
        let bundle = all.iter().find(|one| one["plugin"] == "bundle").expect("the promotion");
        assert_eq!((&bundle["applied_before"], &bundle["applied_after"]), (&json!(0), &json!(3)));
        assert_eq!(amount(&bundle["given"][0]["after"]), 3_690);
    }

    /// The promotion is asked beside shoppers, who see nothing of it, and figures tell what it would do.
    fn watch(&self, installation: &str) {
        let path = format!("/installations/{installation}");
        let asked = json!({"stage": "shadow", "note": "Watch the mugs"});
        let shadow = self.manager.ask("PATCH", &path, Some(&asked), Some(2)).expect(200);
        assert_eq!((&shadow.body["stage"], &shadow.body["rulebook"]), (&json!("shadow"), &json!(3)));
        let (cart, mut asked) = (cart(self.shop, &AROUND_THE_TIER), 0);
        let figures = eventually(PATIENCE, "a cart is tried", || {
            // An engine that is busy leaves carts out, so shoppers go on asking.
            let quote = quote(self.shop, &cart);
            asked += 1;
            assert_eq!(amount(&quote["totals"]["total"]), 27_960);
            assert!(candidates(&quote, "bundle").is_empty(), "{quote:#}");
            eventually(PATIENCE, "each cart is tried or left out", || {
                let figures = self.manager.get(&format!("{path}/figures"));
                let number = |name: &str| figures["shadow"][name].as_i64().expect("a number");
                (number("carts") + number("skipped") == asked).then_some(figures)
            })
            .pointer("/shadow")
            .filter(|shadow| shadow["carts"] != 0)
            .cloned()
        });
        let tried = figures["carts"].as_i64().expect("a number");
        assert_eq!(figures["carts_applied"], tried);
        assert_eq!(figures["effects"], json!({"applied": tried}));
        // 9.00 off the mugs, and 6.65 more in all.
        assert_eq!(figures["discounts"], json!([{"amount": 900 * tried, "currency": "USD"}]));
        assert_eq!(figures["total_changes"], json!([{"amount": 665 * tried, "currency": "USD"}]));
    }

    fn activate(&self, installation: &str) {
        let path = format!("/installations/{installation}");
        let asked = json!({"stage": "active", "note": "Mugs are on"});
        // Nobody changes what they haven't seen.
        self.manager.ask("PATCH", &path, Some(&asked), Some(2)).expect_problem(412, "version_conflict");
        let active = self.manager.ask("PATCH", &path, Some(&asked), Some(3)).expect(200);
        assert_eq!((&active.body["stage"], &active.body["rulebook"]), (&json!("active"), &json!(4)));
    }

    /// What became of the promotion on a cart or an order, in words.
    #[track_caller]
    fn explain(&self, what: &str, language: &str, version: &Value) -> (i64, String, String, String) {
        let said = self.manager.get(&format!("{what}/explanation?language={language}"));
        assert_eq!(said["language"], language);
        let found = candidates(&said, "bundle");
        let [one] = found[..] else { panic!("it is asked once: {said:#}") };
        assert_eq!(one["plugin"]["version"], version["version"]);
        assert_eq!(one["plugin"]["component"], version["digest"]);
        let words = |name: &str| text(&one[name]).to_owned();
        let rulebook = said["rulebook"].as_i64().expect("a number");
        (rulebook, words("status"), words("label"), words("explanation"))
    }

    /// Why the order got the discount, and why a cart of two mugs gets none, in two languages.
    fn explain_both(&self, order: &str, version: &Value) {
        let two = cart(self.shop, &[("MUG-STONE-350", 2)]);
        let (order, two) = (format!("/orders/{order}"), format!("/carts/{two}"));
        let refused = self.developer.ask("GET", &format!("{order}/explanation"), None, None);
        assert_eq!(refused.expect_problem(403, "forbidden").body["required_scope"], "orders:read");
        for (what, language, status, label, words) in [
            (&order, "en", "applied", "Any 3 for 45.00", "takes off 9.00"),
            (&order, "ko", "applied", "골라 담기 3개 45.00", "9.00 할인"),
            (&two, "en", "rejected", "needs 3 units, there are 2", "needs 3 units, there are 2"),
            (&two, "ko", "rejected", "3개가 필요하며 현재 2개입니다", "3개가 필요하며 현재 2개입니다"),
        ] {
            let expected = (4, status.to_owned(), label.to_owned(), words.to_owned());
            assert_eq!(self.explain(what, language, version), expected);
        }
    }

    /// The list of rulebooks, the last made first: numbers, notes, the active one and what they repeat.
    fn expect_rulebooks(&self, expected: &[(i64, &str, bool, Option<i64>)]) {
        let list = self.manager.get("/rulebooks");
        let items = list["items"].as_array().expect("rulebooks").iter();
        let told = items.map(|one| {
            let number = one["number"].as_i64().expect("a number");
            (number, text(&one["note"]), one["active"] == true, one["repeats"].as_i64())
        });
        assert_eq!(told.collect::<Vec<_>>(), expected);
    }

    fn expect_differences(&self, installation: &str) {
        let since_the_start = self.manager.get("/rulebooks/1/diff/4")["installations"].clone();
        assert_eq!(since_the_start["added"].as_array().map(Vec::len), Some(1), "{since_the_start:#}");
        let added = &since_the_start["added"][0];
        assert_eq!((&added["id"], &added["config"]), (&json!(installation), &config()));
        assert_eq!((&since_the_start["changed"], &since_the_start["removed"]), (&json!([]), &json!([])));
        let of_the_last = self.manager.get("/rulebooks/3/diff/4")["installations"].clone();
        assert_eq!((&of_the_last["added"], &of_the_last["removed"]), (&json!([]), &json!([])));
        let changed = &of_the_last["changed"];
        assert_eq!(changed.as_array().map(Vec::len), Some(1), "{of_the_last:#}");
        assert_eq!(changed[0]["now"]["id"], installation);
        let stage = json!([{"pointer": "/stage", "from": "shadow", "to": "active"}]);
        assert_eq!(changed[0]["changes"], stage);
    }

    /// It is taken back by those who run the store, and nobody else.
    fn roll_back(&self) {
        let asked = json!({"note": "Too many mugs"});
        let refused = self.developer.post("/rulebooks/rollback", &asked).expect_problem(403, "forbidden");
        assert_eq!(refused.body["required_scope"], "rulebooks:write");
        let back = self.manager.post("/rulebooks/rollback", &asked).expect(200).body;
        assert_eq!(
            (&back["number"], &back["repeats"], &back["active"]),
            (&json!(5), &json!(3), &json!(true))
        );
    }

    /// Who did what, and who was refused, in the order it happened. What shoppers do isn't there.
    fn expect_audit(&self) {
        let refused = self.manager.ask("GET", "/audit", None, None).expect_problem(403, "forbidden");
        assert_eq!(refused.body["required_scope"], "audit:read");
        let log = self.shop.admin("GET", "/audit?limit=100", None, None).expect(200).body;
        let told = log["items"].as_array().expect("entries").iter().rev().map(|entry| {
            let actor = entry["actor"]["role"].as_str().unwrap_or_else(|| text(&entry["actor"]["kind"]));
            (actor, text(&entry["action"]), entry["outcome"].as_i64().expect("a status"))
        });
        let expected = [
            ("command_line", "admin_create_api_key", 201),
            ("owner", "admin_create_api_key", 201),
            ("owner", "admin_create_api_key", 201),
            ("staff", "admin_upload_plugin", 403),
            ("developer", "admin_upload_plugin", 201),
            ("developer", "admin_create_installation", 422),
            ("developer", "admin_create_installation", 422),
            ("developer", "admin_create_installation", 201),
            ("developer", "admin_create_simulation", 202),
            ("developer", "admin_create_simulation", 403),
            ("staff", "admin_create_simulation", 202),
            ("staff", "admin_update_installation", 200),
            ("staff", "admin_update_installation", 412),
            ("staff", "admin_update_installation", 200),
            ("developer", "admin_roll_rulebook_back", 403),
            ("staff", "admin_roll_rulebook_back", 200),
        ];
        assert_eq!(told.collect::<Vec<_>>(), expected);
    }
}

/// Any three mugs for 45.00.
fn config() -> Value {
    json!({
        "parts": [{"goods": {"products": ["stone-mug"]}, "count": 3}],
        "price": [{"amount": 4500, "currency": "USD"}],
    })
}

/// A shopper's cart that lacks nothing for an order.
fn cart(shop: &Shop, lines: &[(&str, u32)]) -> String {
    let lines: Vec<Value> =
        lines.iter().map(|(sku, quantity)| json!({"sku": sku, "quantity": quantity})).collect();
    let made = shop.engine.post("/api/v1/carts", &json!({"lines": lines})).expect(201);
    let cart = made.text("/id").to_owned();
    let put = |part: &str, body: Value| {
        let path = format!("/api/v1/carts/{cart}/{part}");
        shop.engine.send("PUT", &path, &[], Some(&body.to_string())).expect(200);
    };
    put("shipping-address", json!({"name": "Jo", "lines": ["1 Road"], "city": "Seoul", "country": "KR"}));
    put("shipping-method", json!({"method": "standard"}));
    put("customer", json!({"email": "jo@example.com"}));
    cart
}

fn quote(shop: &Shop, cart: &str) -> Value {
    let quote = shop.engine.get(&format!("/api/v1/carts/{cart}/quote")).expect(200).body;
    expect_sums(&quote);
    quote
}

/// A shopper orders a cart at a price.
fn order(shop: &Shop, cart: &str, total: i64) -> Value {
    let body = checkout_body(total, "tok_approve").to_string();
    let path = format!("/api/v1/carts/{cart}/checkout");
    let placed = shop.engine.send("POST", &path, &[("idempotency-key", cart)], Some(&body)).expect(201).body;
    assert_eq!(placed["status"], "paid");
    placed
}

/// What a plugin said, in a quote or an explanation.
fn candidates<'a>(said: &'a Value, plugin: &str) -> Vec<&'a Value> {
    let all = said["candidates"].as_array().expect("candidates");
    all.iter().filter(|one| one["plugin"]["name"] == plugin).collect()
}

/// What a plugin takes off.
fn applied(quote: &Value, plugin: &str) -> i64 {
    let all = candidates(quote, plugin).into_iter();
    all.filter(|one| one["status"] == "applied").map(|one| amount(&one["amount"])).sum()
}

#[track_caller]
fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text"))
}

#[test]
fn a_promotion_is_tried_watched_switched_on_explained_and_taken_back() {
    let patient = |engine: EngineBuilder| {
        PATIENT.iter().fold(engine, |engine, (name, value)| engine.environment(name, value)).start()
    };
    walk(&Shop::new(patient(Engine::builder())));
    let Some(database) = Database::create("merchant") else { return };
    walk(&Shop::new(patient(Engine::builder().database(&database.url()))));
}

fn walk(shop: &Shop) {
    let staff = Staff::hired(shop);
    let version = staff.upload();
    staff.try_wrong_configurations();
    let promotion = staff.install(&version);

    // A draft gives nobody anything: 54.00 + 6.00, as before.
    let nine = [("MUG-STONE-350", 9)];
    let past: [(&[(&str, u32)], i64); 4] =
        [(&MUGS, 6_000), (&nine, 15_220), (&AROUND_THE_TIER, 27_960), (&[("SOCK-MERINO-M-NAVY", 1)], 2_000)];
    let past = past.map(|(lines, total)| order(shop, &cart(shop, lines), total));
    let simulated = staff.simulate_a_cart(&promotion);
    staff.simulate_the_past(&promotion, &past);
    staff.watch(&promotion);

    let before = cart(shop, &MUGS);
    staff.activate(&promotion);
    let quoted = quote(shop, &before);
    assert_eq!((applied(&quoted, "bundle"), &quoted["totals"]), (900, &simulated));
    let placed = order(shop, &before, 5_100);
    let (id, path) = (text(&placed["id"]), format!("/orders/{}", text(&placed["id"])));
    assert_eq!((amount(&placed["totals"]["goods_discount"]), &placed["rulebook"]), (900, &json!(4)));
    let figures = eventually(PATIENCE, "the order is counted", || {
        let figures = staff.manager.get(&format!("/installations/{promotion}/figures"));
        (figures["orders"]["paid"] == 1).then_some(figures)
    });
    assert_eq!(figures["orders"]["discounts"], json!([{"amount": 900, "currency": "USD"}]));
    staff.explain_both(id, &version);
    staff.expect_differences(&promotion);

    let after = cart(shop, &MUGS);
    staff.roll_back();
    let quoted = quote(shop, &after);
    assert_eq!((amount(&quoted["totals"]["total"]), &quoted["rulebook"]), (6_000, &json!(5)));
    assert!(candidates(&quoted, "bundle").is_empty(), "{quoted:#}");
    staff.expect_rulebooks(&[
        (5, "Too many mugs", true, Some(3)),
        (4, "Mugs are on", false, None),
        (3, "Watch the mugs", false, None),
        (2, "Three mugs for 45", false, None),
        (1, "Seeded", false, None),
    ]);
    // What was ordered stays what was agreed, and can still be explained.
    let kept = staff.manager.get(&path);
    assert_eq!((amount(&kept["totals"]["total"]), &kept["rulebook"]), (5_100, &json!(4)));
    assert_eq!(kept["receipt"], placed["receipt"]);
    let words = staff.explain(&path, "en", &version);
    assert_eq!((words.0, &*words.1, &*words.3), (4, "applied", "takes off 9.00"));
    staff.expect_audit();
}
