//! The engine is killed at every place that an order comes by, and started again: afterwards stock,
//! coupons, money and answers agree, and whoever asked again has one answer.
//!
//! It needs an engine built with the feature `faults`, and takes minutes: `cargo xtask soak`.

use std::collections::BTreeSet;

use martlet_domain::{
    Id,
    catalog::Variant,
    coupon::Coupon,
    order::{Order, OrderStatus},
};
use martlet_store::fault::POINTS;
use martlet_tests::{
    Answer, Database, Engine, EngineBuilder, ledger,
    ledger::Ledger,
    shop::{Shop, checkout_body, patiently},
};
use serde_json::json;

/// How the engine is set up: what is left behind is found within seconds.
const QUICK: [(&str, &str); 6] = [
    ("MARTLET_SERVER__REQUEST_TIMEOUT_MS", "2000"),
    ("MARTLET_PAYMENTS__TIMEOUT_MS", "1000"),
    ("MARTLET_ORDERS__RECONCILE_AFTER_MS", "2500"),
    ("MARTLET_ORDERS__REDELIVER_AFTER_MS", "1500"),
    ("MARTLET_ORDERS__SWEEP_INTERVAL_MS", "200"),
    ("MARTLET_LOG__FILTER", "warn,martlet_server::cli=info"),
];
/// How often a place is come by at most in one scenario.
const MOST_TIMES: u32 = 6;
/// Orders that a scenario is tried on at most.
const SCENES: u32 = 80;

/// What is done to one order while the engine dies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scenario {
    Checkout,
    Decline,
    Cancel,
    Refund,
    Fulfil,
}

/// One order's scene: a cart with a coupon, and the order it has become where the scenario begins
/// with one.
struct Scene {
    scenario: Scenario,
    cart: String,
    total: i64,
    key: String,
    order: Option<Id<Order>>,
}

impl Scenario {
    const ALL: [Self; 5] = [Self::Checkout, Self::Decline, Self::Cancel, Self::Refund, Self::Fulfil];
}

impl Scene {
    fn prepare(shop: &Shop, scenario: Scenario, number: u32, goods: (Id<Variant>, Id<Coupon>)) -> Self {
        let customer = shop.customer();
        let cart = shop.cart(&[(goods.0, 2)], &[goods.1], Some(customer));
        let total = shop.total(cart);
        let mut scene =
            Self { scenario, cart: cart.to_string(), total, key: format!("act-{number}"), order: None };
        if !matches!(scenario, Scenario::Checkout | Scenario::Decline) {
            let placed = shop.patient_checkout(cart, &format!("prepare-{number}"), total, "tok_approve");
            scene.order = Some(placed.expect(201).text("/id").parse().expect("an id"));
        }
        scene
    }

    /// Does what the scenario is about. Nothing where the engine died over it.
    fn act(&self, shop: &Shop) -> Option<Answer> {
        let order = || self.order.expect("it begins with an order");
        let (path, body) = match self.scenario {
            Scenario::Checkout => (self.checkout_path(), checkout_body(self.total, "tok_approve")),
            Scenario::Decline => (self.checkout_path(), checkout_body(self.total, "tok_decline")),
            Scenario::Cancel => (format!("/admin/orders/{}/cancel", order()), json!({"reason": "changed"})),
            Scenario::Refund => (format!("/admin/orders/{}/refunds", order()), json!({"reason": "broken"})),
            Scenario::Fulfil => (
                format!("/admin/orders/{}/fulfillments", order()),
                json!({"lines": [{"position": 0, "quantity": 1}]}),
            ),
        };
        shop.try_send("POST", &format!("/api/v1{path}"), &self.key, &body)
    }

    fn checkout_path(&self) -> String {
        format!("/carts/{}/checkout", self.cart)
    }

    /// What everybody must find afterwards, whatever happened.
    fn check(&self, answer: &Answer, orders: &[Order]) {
        let of_cart: Vec<&Order> =
            orders.iter().filter(|order| order.terms.cart.to_string() == self.cart).collect();
        assert_eq!(of_cart.len(), 1, "one order: {of_cart:#?}");
        let order = of_cart[0];
        let (status, expected) = match self.scenario {
            Scenario::Checkout => (201, OrderStatus::Paid),
            Scenario::Decline => (402, OrderStatus::Cancelled),
            Scenario::Cancel => (200, OrderStatus::Cancelled),
            Scenario::Refund => (200, OrderStatus::Refunded),
            Scenario::Fulfil => (200, OrderStatus::PartlyFulfilled),
        };
        assert_eq!((answer.status, order.status), (status, expected), "{answer:#?}");
    }
}

/// Waits until nothing is left to be done. False where the engine died meanwhile.
fn settle(shop: &Shop) -> bool {
    for _ in 0..600 {
        let events = shop.block_on(shop.db.count_events()).expect("a count");
        let now = martlet_domain::Timestamp::from_millis(i64::MAX);
        let unsettled = shop.block_on(shop.db.list_unsettled_orders(now, None, 1)).expect("orders");
        if !shop.engine.is_running() {
            return false;
        }
        if events == 0 && unsettled.orders.is_empty() {
            return true;
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    panic!("something is never done");
}

/// Kills the engine at a place, and starts it again. The books afterwards; nothing where the scenario
/// doesn't come by that place so often, and the engine lives.
fn kill_at(shop: Shop, scene: &Scene, point: &str, times: u32) -> (Shop, Option<Ledger>) {
    let target = format!("{point}@{times}");
    let mut faulty = QUICK.to_vec();
    faulty.push(("FAULT_POINT", &target));
    let mut shop = shop.restart(&faulty);
    let answered = scene.act(&shop);
    let mut died = answered.is_none() || !settle(&shop);
    let answer = loop {
        // It may die later than at once, as over a delivery that is made twice.
        if died || !shop.engine.is_running() {
            shop = shop.restart(&QUICK);
            died = true;
        }
        let answer = patiently(|| shop.engine.is_running().then(|| scene.act(&shop)));
        if let Some(answer) = answer
            && settle(&shop)
        {
            break answer;
        }
    };
    if let Some(first) = answered {
        assert_eq!((first.status, &first.raw), (answer.status, &answer.raw), "the same answer again");
    }
    let orders = shop.block_on(ledger::orders(&shop.db, shop.store));
    scene.check(&answer, &orders);
    let books = shop.block_on(ledger::read(&shop.db, shop.store)).expect_exact();
    (shop, died.then_some(books))
}

#[expect(clippy::print_stdout, reason = "the places and the books are what the test is to show")]
fn kill_everywhere(engine: EngineBuilder, name: &str) {
    let quick = |engine: EngineBuilder, (name, value): &(&str, &str)| engine.environment(name, value);
    let mut shop = Shop::new(QUICK.iter().fold(engine.built_as("faults"), quick).start());
    let goods = (shop.stocked("MORTAL", 1_000_000), shop.find_coupon("WELCOME10"));
    let (mut killed, mut reached) = (0, BTreeSet::new());
    for scenario in Scenario::ALL {
        // All at once, while nobody dies.
        shop = shop.restart(&QUICK);
        let scenes = (0..SCENES).map(|number| Scene::prepare(&shop, scenario, number, goods));
        let mut scenes = scenes.collect::<Vec<_>>().into_iter();
        assert!(settle(&shop));
        for point in POINTS {
            for times in 1..=MOST_TIMES {
                let scene = scenes.next().expect("enough scenes are prepared");
                let (next, books) = kill_at(shop, &scene, point, times);
                shop = next;
                let Some(books) = books else { break };
                killed += 1;
                reached.insert(*point);
                println!(
                    "{name} {scenario:?} {point}@{times}: {:?}, stock {:?}, coupon uses {}, money {}, answers {}",
                    books.orders, books.stock, books.coupon_uses, books.money, books.answers
                );
            }
        }
    }
    println!(
        "{name}: killed {killed} times at {} of {} places, the ledger exact each time",
        reached.len(),
        POINTS.len()
    );
    let missed: Vec<_> = POINTS.iter().filter(|point| !reached.contains(*point)).collect();
    assert!(missed.is_empty(), "nobody comes by {missed:?}");
}

#[test]
#[ignore = "takes minutes and an engine with fault points: cargo xtask soak"]
fn killed_anywhere_on_sqlite_the_ledger_is_exact() {
    kill_everywhere(Engine::builder(), "SQLite");
}

#[test]
#[ignore = "takes minutes and an engine with fault points: cargo xtask soak"]
fn killed_anywhere_on_mysql_the_ledger_is_exact() {
    let Some(database) = Database::create("faults") else { return };
    kill_everywhere(Engine::builder().database(&database.url()), "MySQL");
}
