//! Carts priced by real components, sound and hostile.

use std::task::Poll;

use axum::http::Method;
use martlet_domain::{
    money::{Currency, Money},
    plugin::{FailurePolicy, InstallationStage, World},
};
use serde_json::{Value, json};
use uuid::Uuid;

use super::*;
use crate::{
    config::PluginsConfig,
    testing::{Installed, TestApp},
};

/// A cart of two lines: 3 at 19.99 and 2 at 19.99.
async fn cart(app: &TestApp) -> String {
    let product = app.product("mug").await;
    app.variant(&product, "MUG-S", "S", 100).await;
    app.variant(&product, "MUG-M", "M", 100).await;
    let body = json!({"lines": [{"sku": "MUG-S", "quantity": 3}, {"sku": "MUG-M", "quantity": 2}]});
    let cart = app.request(Method::POST, "/api/v1/carts").json(&body).send().await.expect_status(201);
    cart.body["id"].as_str().expect("an id").to_owned()
}

async fn quote(app: &TestApp, cart: &str) -> Value {
    app.get(&format!("/api/v1/carts/{cart}/quote")).await.expect_status(200).body
}

/// Codes of the reasons for which a plugin's candidates were rejected.
fn reasons(quote: &Value, plugin: &str) -> Vec<String> {
    let candidates = quote["candidates"].as_array().expect("candidates").iter();
    candidates
        .filter(|candidate| candidate["plugin"]["name"] == plugin && candidate["status"] == "rejected")
        .map(|candidate| candidate["reason"]["code"].as_str().expect("a code").to_owned())
        .collect()
}

const TEN_PERCENT: &str = r#"{"percent_ppm": 100000}"#;
/// 5 x 19.99 less 10 %, a line at a time: 59.97 - 6.00 and 39.98 - 4.00; tax of 10 % comes on top:
/// 5.397 and 3.598, so 5.40 and 3.60.
const WITH_TEN_PERCENT: i64 = 5_397 + 3_598 + 540 + 360;

#[test]
fn a_carts_bucket_is_its_own_and_buckets_fill_evenly() {
    let buckets: Vec<u16> = (0..10_000).map(|number| bucket(Id::new(Uuid::from_u128(number)))).collect();
    assert!(buckets.iter().all(|bucket| *bucket < 10_000));
    assert_eq!(buckets[17], bucket(Id::new(Uuid::from_u128(17))));
    // Of 10,000 carts about 1,000 fall below 10 %: 3 sigma are 90.
    let canaries = buckets.iter().filter(|bucket| **bucket < 1_000).count();
    assert!((910..=1_090).contains(&canaries), "{canaries}");
}

#[tokio::test]
async fn a_cart_is_priced_by_the_rest_whatever_a_plugin_does() {
    let app = TestApp::new().await;
    let cart = cart(&app).await;
    let cases: &[(&str, &[&str])] = &[
        (r#"{"mode": "loop"}"#, &["out_of_fuel"]),
        (r#"{"mode": "trap"}"#, &["trapped"]),
        // Rust keeps large frames in memory, so this ends where that ends.
        (r#"{"mode": "recurse"}"#, &["trapped"]),
        (r#"{"mode": "memory"}"#, &["trapped"]),
        (r#"{"mode": "positions"}"#, &["invalid_candidate"; 5]),
        (r#"{"mode": "negative"}"#, &["invalid_candidate"; 5]),
        (r#"{"mode": "candidates"}"#, &["invalid_output"]),
        (r#"{"mode": "output"}"#, &["trapped"]),
        (r#"{"mode": "bad-key"}"#, &["invalid_output"]),
        (r#"{"mode": "silent"}"#, &["silent"]),
        (r#"{"mode": "wrong-class"}"#, &["class_not_allowed"]),
        // A percentage above all of it, and nobody can buy four billion.
        (r#"{"mode": "overflow"}"#, &["not_filled", "invalid_candidate"]),
    ];
    for (config, expected) in cases {
        // The good one has the higher priority, so that what the hostile one gives comes after it.
        let hostile = Installed { priority: -1, ..Installed::new("hostile", config) };
        app.publish(&[Installed::new("percentage-off", TEN_PERCENT), hostile]).await;
        let quote = quote(&app, &cart).await;
        let mut codes = reasons(&quote, "hostile");
        codes.sort();
        let mut expected = expected.to_vec();
        expected.sort_unstable();
        if config.contains("overflow") {
            // The largest amounts there are take off what is left, and not more.
            assert!(
                codes
                    .iter()
                    .all(|code| ["not_filled", "invalid_candidate", "no_effect"].contains(&code.as_str())),
                "{codes:?}"
            );
            assert_eq!(quote["totals"]["total"]["amount"], 0, "{config}");
            continue;
        }
        assert_eq!(codes, expected, "{config}: {quote:#}");
        assert_eq!(quote["totals"]["total"]["amount"], WITH_TEN_PERCENT, "{config}");
        assert_eq!(quote["provisional"], false, "{config}");
    }
}

#[tokio::test]
async fn a_discount_above_the_line_takes_all_of_it_and_no_more() {
    let app = TestApp::new().await;
    let cart = cart(&app).await;
    app.publish(&[Installed::new("hostile", r#"{"mode": "above-line"}"#)]).await;
    let quote = quote(&app, &cart).await;
    assert_eq!(quote["totals"]["goods_discount"]["amount"], 5 * 1_999);
    assert_eq!(quote["totals"]["total"]["amount"], 0);
    assert_eq!(quote["candidates"][0]["reduced_by"], "left");
    assert_eq!(reasons(&quote, "hostile"), ["no_effect"]);
}

#[tokio::test]
async fn of_two_candidates_with_one_key_the_second_is_none() {
    let app = TestApp::new().await;
    let cart = cart(&app).await;
    app.publish(&[Installed::new("hostile", r#"{"mode": "duplicate-keys"}"#)]).await;
    let quote = quote(&app, &cart).await;
    assert_eq!(reasons(&quote, "hostile"), ["invalid_candidate"]);
    assert_eq!(quote["totals"]["total"]["amount"], WITH_TEN_PERCENT);
}

#[tokio::test]
async fn megabytes_of_log_are_cut_and_change_no_price() {
    let app = TestApp::new().await;
    let cart = cart(&app).await;
    app.publish(&[Installed::new("hostile", r#"{"mode": "logs"}"#)]).await;
    assert_eq!(quote(&app, &cart).await["totals"]["total"]["amount"], WITH_TEN_PERCENT);
    let id = cart.parse().expect("an id");
    let loaded = app.state.db.find_cart(app.store.id, id).await.expect("a read").expect("a cart");
    let priced =
        app.state.selling.pricer.price_cart(&app.state.db, app.store.id, loaded, app.clock.now()).await;
    let logs = &priced.expect("a price").calls[0].evaluated.logs;
    let bytes: usize = logs.iter().map(|line| line.message.len()).sum();
    assert!((1..=65 << 10).contains(&bytes), "{bytes} bytes in {} lines", logs.len());
}

#[tokio::test]
async fn a_quote_has_ten_calls_worth_of_fuel() {
    let app = TestApp::new().await;
    let cart = cart(&app).await;
    let greedy: Vec<Installed> = (0..12).map(|_| Installed::new("hostile", r#"{"mode": "loop"}"#)).collect();
    app.publish(&greedy).await;
    let quote = quote(&app, &cart).await;
    assert_eq!(reasons(&quote, "hostile"), ["out_of_fuel"; 12]);
    assert_eq!(quote["totals"]["goods_discount"]["amount"], 0);
}

#[tokio::test]
async fn a_plugin_without_which_nothing_may_be_sold_blocks_the_order() {
    let app = TestApp::new().await;
    let cart = cart(&app).await;
    let trap = Installed { policy: FailurePolicy::Block, ..Installed::new("hostile", r#"{"mode": "trap"}"#) };
    app.publish(&[trap]).await;
    assert_eq!(quote(&app, &cart).await["blocked"], true);
    app.publish(&[Installed::new("hostile", r#"{"mode": "trap"}"#)]).await;
    assert_eq!(quote(&app, &cart).await["blocked"], false);
}

#[tokio::test]
async fn the_same_cart_at_the_same_moment_has_the_same_receipt() {
    let app = TestApp::new().await;
    let cart = cart(&app).await;
    app.publish(&[Installed::new("percentage-off", TEN_PERCENT)]).await;
    let first = quote(&app, &cart).await;
    assert_eq!(first, quote(&app, &cart).await);
    app.clock.advance(std::time::Duration::from_millis(1));
    assert_ne!(first["receipt"], quote(&app, &cart).await["receipt"]);
}

#[tokio::test]
async fn a_coupon_that_is_used_up_is_refused() {
    let app = TestApp::new().await;
    let cart = cart(&app).await;
    let installed = app.publish(&[Installed::new("coupon-standard", "{}")]).await;
    let coupon = json!({
        "code": "ONCE", "installation": installed[0].id.to_string(), "total_limit": 1,
        "config": {"gives": {"percent_ppm": 100_000}},
    });
    let coupon = app.admin_post("/api/v1/admin/coupons", coupon).await.expect_status(201).body;
    let path = format!("/api/v1/carts/{cart}/coupons");
    let add = || async { app.request(Method::POST, &path).json(&json!({"code": "once"})).send().await };

    let id: Id<Coupon> = coupon["id"].as_str().expect("an id").parse().expect("an id");
    let mut tx = app.state.db.begin().await.expect("a transaction");
    assert!(tx.increment_coupon_usage(app.store.id, id, None).await.expect("a write"));
    tx.commit().await.expect("a commit");
    add().await.expect_problem(422, "coupon_used_up");

    // One that was put on before says so in the quote.
    let mut loaded = app
        .state
        .db
        .find_cart(app.store.id, cart.parse().expect("an id"))
        .await
        .expect("a read")
        .expect("a cart");
    loaded.coupons.push(id);
    let version = loaded.version;
    assert!(matches!(
        app.state.db.save_cart(app.store.id, &loaded, version).await,
        Ok(martlet_store::Update::Done { .. })
    ));
    let quote = quote(&app, &cart).await;
    assert_eq!(quote["candidates"][0]["reason"]["code"], "coupon_used_up");
    assert_eq!(quote["totals"]["goods_discount"]["amount"], 0);
}

#[tokio::test]
async fn a_customers_group_has_its_own_prices() {
    let app = TestApp::new().await;
    let cart = cart(&app).await;
    let rules = r#"{"groups": [{"group": "trade", "percent_ppm": 200000}]}"#;
    app.publish(&[Installed::new("volume-pricing", rules)]).await;
    let customer = Customer {
        id: app.state.world.ids.next(app.clock.now()),
        email: "jo@example.com".to_owned(),
        facts: martlet_domain::customer::CustomerFacts {
            groups: vec!["trade".to_owned()],
            ..Default::default()
        },
        created_at: app.clock.now(),
    };
    app.state.db.insert_customer(app.store.id, &customer).await.expect("a customer");
    let path = format!("/api/v1/carts/{cart}/customer");
    let put = |body: Value| app.request(Method::PUT, &path).json(&body);
    // Knowing an address gives nobody its owner's prices.
    put(json!({"email": "jo@example.com"})).send().await.expect_status(200);
    assert_eq!(reasons(&quote(&app, &cart).await, "volume-pricing"), ["declined"]);
    put(json!({"customer_id": customer.id.to_string()})).send().await.expect_problem(401, "unauthenticated");
    put(json!({"customer_id": customer.id.to_string()})).key(&app.key).send().await.expect_status(200);
    // 19.99 less 20 % is 15.992, so 15.99.
    let quoted = app.admin_get(&format!("/api/v1/carts/{cart}/quote")).await.expect_status(200).body;
    assert_eq!(quoted["totals"]["goods_subtotal"]["amount"], 5 * 1_599);
}

#[tokio::test]
async fn what_is_left_of_a_budget_goes_in_for_those_that_can_be_asked() {
    let app = TestApp::new().await;
    let (db, store) = (&app.state.db, app.store.id);
    let currency = |code: &str| code.parse::<Currency>().expect("a currency");
    let active = app.install(World::Promotion).await;
    let without = Installation { id: app.state.world.ids.next(app.clock.now()), ..active.clone() };
    let budget = Some(Money { minor_units: 5_000, currency: currency("USD") });
    let bounded = Installation { budget, ..active };
    let draft = Installation {
        id: app.state.world.ids.next(app.clock.now()),
        stage: InstallationStage::Draft,
        ..bounded.clone()
    };
    let rulebook = |installations| Rulebook {
        number: 1,
        note: String::new(),
        created_at: app.clock.now(),
        groups: Vec::new(),
        installations,
    };
    let all = rulebook(vec![without.clone(), bounded.clone(), draft.clone()]);
    let made = app.request(Method::POST, "/api/v1/carts").json(&json!({})).send().await.expect_status(201);
    let id: Id<Cart> = made.body["id"].as_str().expect("an id").parse().expect("an id");
    let cart = db.find_cart(store, id).await.expect("a read").expect("a cart");
    let in_currency = |code| Cart { currency: currency(code), ..cart.clone() };
    for (code, left) in [("USD", 5_000), ("KRW", 0)] {
        let expected = Standing { budget_left: Some(left), ..Standing::default() };
        let standings =
            standings(db, store, &all, &in_currency(code), app.clock.now()).await.expect("a read");
        assert_eq!(standings, [(bounded.id, expected)], "{code}");
    }
    let unbounded = rulebook(vec![without, draft]);
    let none = standings(db, store, &unbounded, &in_currency("USD"), app.clock.now()).await.expect("a read");
    assert_eq!(none, []);
    let for_customers = Installation { budget: None, customer_budget: budget, ..bounded };
    let guests = standings(db, store, &rulebook(vec![for_customers.clone()]), &cart, app.clock.now()).await;
    let nothing = Standing { budget_left: Some(0), ..Standing::default() };
    assert_eq!(guests.expect("a read"), [(for_customers.id, nothing)]);
}

/// 6.00 and 4.00 are taken off: 10.00 in all.
#[tokio::test]
async fn a_discount_beyond_its_budget_is_not_given() {
    let app = TestApp::new().await;
    let cart = cart(&app).await;
    for (minor_units, discount) in [(1_000, 1_000), (999, 0)] {
        let budget = Some(Money { minor_units, currency: "USD".parse().expect("a currency") });
        app.publish(&[Installed { budget, ..Installed::new("percentage-off", TEN_PERCENT) }]).await;
        let quote = quote(&app, &cart).await;
        assert_eq!(quote["totals"]["goods_discount"]["amount"], discount);
        if discount == 0 {
            let rejected = &quote["candidates"][0];
            assert_eq!(rejected["reason"]["code"], "budget_spent");
            assert_eq!(rejected["reason"]["left"], json!({"amount": 999, "currency": "USD"}));
            assert_eq!(rejected["explanation"], "its budget is spent, 9.99 left");
        }
    }
}

/// A store whose plugins burn all the fuel a quote has, asked for twenty quotes at once, beside another.
#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_burns_all_its_fuel_waits_behind_itself_alone() {
    // Little fuel, so that the test is short, and none of it owed: this is about who goes first.
    let plugins = PluginsConfig {
        fuel_per_call: 5_000_000,
        fuel_per_line: 0,
        fuel_per_second: 1 << 50,
        slots: 4,
        ..PluginsConfig::default()
    };
    let app = Arc::new(TestApp::builder().plugins(plugins).build().await);
    let noisy = cart(&app).await;
    let greedy: Vec<Installed> = (0..12).map(|_| Installed::new("hostile", r#"{"mode": "loop"}"#)).collect();
    app.publish(&greedy).await;
    let (quiet, key) = app.add_store("quiet", &[]).await;
    app.publish_in(&quiet, &[Installed::new("percentage-off", TEN_PERCENT)]).await;
    let own = cart_in(&app, &quiet, &key).await;

    let ask = |store: String, cart: &str| {
        let (app, path) = (Arc::clone(&app), format!("/api/v1/carts/{cart}/quote"));
        tokio::spawn(async move {
            let request = app.request(Method::GET, &path).header("martlet-store", &store);
            request.send().await.expect_status(200).body
        })
    };
    let crowd: Vec<_> = (0..20).map(|_| ask("default".to_owned(), &noisy)).collect();
    for _ in 0..5 {
        let quote = ask("quiet".to_owned(), &own).await.expect("a quote");
        assert_eq!(quote["totals"]["total"]["amount"], 1_999 - 200 + 180);
    }
    for asked in crowd {
        assert_eq!(reasons(&asked.await.expect("a quote"), "hostile"), ["out_of_fuel"; 12]);
    }
    // Between a quiet walk's question and its turn the other store gets one turn at most.
    let (mut waits, mut ahead, mut given) = (false, 0, [0, 0]);
    for (store, entry) in app.state.selling.pricer.turns().journal() {
        match (store == quiet.id, entry) {
            (true, turns::Entry::Asked) => (waits, ahead) = (true, 0),
            (true, turns::Entry::Given) => (waits, given[0]) = (false, given[0] + 1),
            (false, turns::Entry::Given) => {
                given[1] += 1;
                ahead += i32::from(waits);
                assert!(ahead <= 1, "{ahead} turns of the other store went ahead");
            }
            (false, turns::Entry::Asked) => {}
        }
    }
    assert_eq!(given, [5, 20]);
    let text = app.get("/actuator/prometheus").await.expect_status(200);
    for metric in ["waiting 0\n", "running 0\n", "refused_total 0\n"] {
        let line = format!("\nmartlet_evaluations_{metric}");
        assert!(text.body.as_str().expect("a text").contains(&line), "{line}{text:#?}");
    }
}

/// A cart of a mug for 19.99 in another store.
async fn cart_in(app: &TestApp, store: &Store, key: &str) -> String {
    let post = async |path: &str, body: Value| {
        let request = app.request(Method::POST, path).header("martlet-store", store.handle.as_str());
        request.key(key).json(&body).send().await.expect_status(201).body
    };
    let product = json!({"handle": "mug", "title": "A mug", "published": true});
    let product = post("/api/v1/admin/products", product).await;
    let variant = json!({
        "sku": "MUG", "options": [], "prices": [{"amount": 1_999, "currency": "USD"}], "on_hand": 9,
    });
    let id = product["id"].as_str().expect("an id");
    post(&format!("/api/v1/admin/products/{id}/variants"), variant).await;
    let cart = post("/api/v1/carts", json!({"lines": [{"sku": "MUG", "quantity": 1}]})).await;
    cart["id"].as_str().expect("an id").to_owned()
}

#[tokio::test]
async fn a_quote_too_many_of_a_store_is_told_to_come_back() {
    let plugins = PluginsConfig { waiting_per_store: 1, slots: 1, ..PluginsConfig::default() };
    let app = TestApp::builder().plugins(plugins).build().await;
    let cart = cart(&app).await;
    let turns = app.state.selling.pricer.turns().clone();
    // As many as a store may have at a time, and one who waits.
    let mut held = Vec::new();
    let waiting = loop {
        let mut asked = Box::pin({
            let (turns, store) = (turns.clone(), app.store.id);
            async move { turns.take(store, Urgency::Foreground).await }
        });
        match std::future::poll_fn(|context| Poll::Ready(asked.as_mut().poll(context))).await {
            Poll::Ready(turn) => held.push(turn.expect("a turn")),
            Poll::Pending => break asked,
        }
    };
    let path = format!("/api/v1/carts/{cart}/quote");
    let busy = app.get(&path).await.expect_problem(503, "busy");
    assert_eq!(busy.header("retry-after"), "1");
    drop((held, waiting));
    app.get(&path).await.expect_status(200);
}
