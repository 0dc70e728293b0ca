//! What one instance changes, the others serve changed.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use martlet_domain::Timestamp;
use martlet_store::RulebookDraft;
use martlet_tests::{
    Engine,
    shop::{Shop, at_once},
};
use serde_json::{Value, json};

use crate::pair::{Pair, Shared, on_each_database};

/// How often something is changed.
const ROUNDS: usize = 10;

/// A product whose title tells what was heard of.
pub(crate) struct Marker {
    id: String,
    changes: usize,
}

impl Marker {
    pub(crate) fn new(shop: &Shop, handle: &str) -> Self {
        shop.stocked(handle, 5);
        let id = shop.engine.get(&format!("/api/v1/products/{}", handle.to_lowercase())).expect(200);
        Self { id: id.text("/id").to_owned(), changes: 0 }
    }

    pub(crate) fn path(&self) -> String {
        format!("/api/v1/products/{}", self.id)
    }

    /// Changes the title at one instance. How long the other takes from the answer on until it serves it.
    pub(crate) fn change(&mut self, pair: &Pair, within: Duration) -> Duration {
        self.changes += 1;
        let path = format!("/products/{}", self.id);
        let mut product = pair.shop.admin("GET", &path, None, None).expect(200).body;
        let version = format!("\"{}\"", product["version"]);
        for of_the_engine in ["id", "version", "created_at", "updated_at"] {
            product.as_object_mut().expect("a product").remove(of_the_engine);
        }
        product["title"] = self.title();
        let put = pair.shop.admin_if(&path, &version, &product).expect(200);
        let changed = Instant::now();
        assert_eq!(put.body["title"], self.title());
        // Whoever has changed something sees it changed.
        assert_eq!(pair.shop.engine.get(&self.path()).expect(200).body["title"], self.title());
        until(within, changed, || pair.other.get(&self.path()).expect(200).body["title"] == self.title())
    }

    fn title(&self) -> Value {
        json!(format!("Changed {} times", self.changes))
    }
}

/// Asks until it is so. How long that took since a moment, which must be within some time.
#[track_caller]
fn until(within: Duration, since: Instant, mut is_so: impl FnMut() -> bool) -> Duration {
    loop {
        // Before it is asked: what was so then was so in time.
        let took = since.elapsed();
        if is_so() {
            return took;
        }
        assert!(took < within, "not after {took:?}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Changes a product again and again: whether there is any left.
fn flip(shop: &Shop, variant: &str, times: usize) {
    for number in 0..times {
        let on_hand = json!({"on_hand": number % 2});
        shop.admin("PUT", &format!("/variants/{variant}/stock"), None, Some(&on_hand)).expect(200);
    }
}

/// Statuses of a product's page, asked for by many for a while.
fn ask_for_a_while(engine: &Engine, path: &str, time: Duration) -> BTreeMap<u16, usize> {
    let begun = Instant::now();
    let answers = at_once(&[(); 8], |()| {
        let mut answers: BTreeMap<u16, usize> = BTreeMap::new();
        while begun.elapsed() < time {
            *answers.entry(engine.get(path).status).or_default() += 1;
        }
        answers
    });
    let mut sums = BTreeMap::new();
    for (status, count) in answers.into_iter().flatten() {
        *sums.entry(status).or_default() += count;
    }
    sums
}

/// Whether a list shows a product by this title.
fn is_listed(engine: &Engine, title: &Value) -> bool {
    let list = engine.get("/api/v1/products?limit=100").expect(200);
    list.body["items"].as_array().expect("products").iter().any(|product| product["title"] == *title)
}

/// Whether a product can be bought.
fn is_available(engine: &Engine, path: &str) -> bool {
    engine.get(path).expect(200).body["available"] == true
}

#[expect(clippy::print_stdout, reason = "how long it takes is what the test is to show")]
fn products_are_served_changed(pair: &Pair, within: Duration) {
    let mut marker = Marker::new(&pair.shop, "MARKER");
    let mut slowest = Duration::ZERO;
    for _ in 0..ROUNDS {
        // Kept by both before it is changed, list and page.
        for engine in pair.engines() {
            engine.get(&marker.path()).expect(200);
            engine.get("/api/v1/products?limit=100").expect(200);
        }
        slowest = slowest.max(marker.change(pair, within));
        // Nobody goes back to what was before.
        for engine in pair.engines() {
            assert_eq!(engine.get(&marker.path()).expect(200).body["title"], marker.title());
            assert!(is_listed(engine, &marker.title()), "the list is as new as the page");
        }
    }
    println!("a change is served by the other instance after {slowest:?} at most");

    // The same for what shoppers change: whether there is any left.
    let variant = pair.shop.engine.get(&marker.path()).expect(200).text("/variants/0/id").to_owned();
    assert!(is_available(&pair.other, &marker.path()));
    for on_hand in [0, 5] {
        let path = format!("/variants/{variant}/stock");
        pair.shop.admin("PUT", &path, None, Some(&json!({"on_hand": on_hand}))).expect(200);
        let changed = Instant::now();
        until(within, changed, || is_available(&pair.other, &marker.path()) == (on_hand > 0));
    }
}

fn rulebooks_are_followed(pair: &Pair, within: Duration) {
    let shop = &pair.shop;
    let body = json!({"lines": [{"sku": "SOCK-MERINO-M-NAVY", "quantity": 3}]});
    let cart = shop.engine.post("/api/v1/carts", &body).expect(201).text("/id").to_owned();
    let quote = |engine: &Engine| engine.get(&format!("/api/v1/carts/{cart}/quote")).expect(200).body;
    let before = pair.engines().map(quote);
    assert_eq!(before[0]["totals"], before[1]["totals"]);
    assert_ne!(before[0]["totals"]["goods_discount"]["amount"], 0, "a pair of socks is free");
    let draft = RulebookDraft {
        note: "Nothing is reduced".to_owned(),
        created_at: Timestamp::from_millis(1_767_225_600_000),
        groups: Vec::new(),
        installations: Vec::new(),
    };
    let published = shop.block_on(shop.db.publish_rulebook(shop.store, draft)).expect("a rulebook");
    let since = Instant::now();
    for engine in pair.engines() {
        until(within, since, || quote(engine)["rulebook"] == published.number);
        assert_eq!(quote(engine)["totals"]["goods_discount"]["amount"], 0);
    }
}

#[test]
#[ignore = "needs the machine to itself: cargo xtask test instances"]
fn a_change_is_served_by_the_other_instance_within_a_second() {
    on_each_database("changes", Shared::Redis, &[], |pair| {
        products_are_served_changed(pair, Duration::from_secs(1));
        rulebooks_are_followed(pair, Duration::from_secs(1));
    });
}

#[test]
#[ignore = "needs the machine to itself: cargo xtask test instances"]
fn without_redis_a_change_is_served_by_the_other_instance_within_two_seconds() {
    on_each_database("polled", Shared::Nothing, &[], |pair| {
        products_are_served_changed(pair, Duration::from_secs(2));
        rulebooks_are_followed(pair, Duration::from_secs(2));
    });
}

/// One that starts hears of everything that was changed in the last minutes while it is asked already.
#[test]
#[ignore = "needs the machine to itself: cargo xtask test instances"]
fn a_product_that_changes_all_the_time_is_served_all_the_time() {
    on_each_database("restless", Shared::Redis, &[], |pair| {
        let marker = Marker::new(&pair.shop, "RESTLESS");
        let variant = pair.other.get(&marker.path()).expect(200).text("/variants/0/id").to_owned();
        flip(&pair.shop, &variant, 200);
        let started = pair.shop.engine.beside().start();
        let answers = ask_for_a_while(&started, &marker.path(), Duration::from_secs(2));
        assert_eq!(answers.keys().collect::<Vec<_>>(), [&200], "{answers:?}");

        // And while it goes on.
        let answers = std::thread::scope(|scope| {
            let asking = scope.spawn(|| ask_for_a_while(&pair.other, &marker.path(), Duration::from_secs(3)));
            while !asking.is_finished() {
                flip(&pair.shop, &variant, 10);
            }
            asking.join().expect("it didn't panic")
        });
        assert_eq!(answers.keys().collect::<Vec<_>>(), [&200], "{answers:?}");
    });
}
