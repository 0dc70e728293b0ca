//! Rules that change all the time under shoppers who ask all the time.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::mpsc::{Sender, channel},
    thread::scope,
    time::{Duration, Instant},
};

use martlet_tests::{Engine, EngineBuilder, Redis, components_dir, eventually, shop::Shop};
use serde_json::{Value, json};

/// Quotes that are asked for while rules change.
const QUOTES: usize = 20_000;
/// How often they change meanwhile.
const CHANGES: usize = 100;
/// Shoppers who ask, each for a cart of another size, one instance after the other.
const SHOPPERS: u32 = 4;
/// Plugins that come and go beside the discount, for goods that no cart has.
const GUESTS: [(&str, &str); 4] = [
    (
        "bundle",
        r#"{"parts": [{"goods": {"skus": ["NONE"]}, "count": 3}], "price": [{"amount": 1, "currency": "USD"}]}"#,
    ),
    ("cheapest-free", r#"{"goods": {"skus": ["NONE"]}, "of_every": 3, "free": 1}"#),
    ("free-shipping", r#"{"minimum": {"quantity": 5}, "methods": ["none"]}"#),
    ("order-limits", r#"{"most_units": [{"most": 50}]}"#),
];
/// A component that no rulebook asks leaves soon, and a machine that does other things too isn't what is
/// tried here.
const SETTINGS: [(&str, &str); 4] = [
    ("MARTLET_PLUGINS__IDLE_SECONDS", "10"),
    ("MARTLET_ORDERS__RECONCILE_AFTER_MS", "90000"),
    ("MARTLET_SERVER__REQUEST_TIMEOUT_MS", "60000"),
    ("MARTLET_PLUGINS__CALL_TIMEOUT_MS", "10000"),
];
/// How long it may take until they are gone.
const PATIENCE: Duration = Duration::from_secs(60);

/// What each cart costs under each rulebook, as shoppers were told.
type Told = BTreeMap<(i64, u32), Value>;

/// Three engines that are one shop, with a cart a shopper, who has as many units as their number.
struct Fleet {
    shop: Shop,
    others: [Engine; 2],
    carts: Vec<(u32, String)>,
}

/// What a merchant changes.
struct Rules {
    /// The installation that gives a discount on everything.
    discount: String,
    /// Those that come and go, and whether they are there.
    guests: Vec<(String, bool)>,
    /// Thousandths that each rulebook takes off.
    off: BTreeMap<i64, i64>,
    changes: usize,
}

impl Fleet {
    fn new(builder: EngineBuilder) -> Self {
        let shop = Shop::new(builder.start());
        let others = [(); 2].map(|()| shop.engine.beside().start());
        // At 10.00 each, so that a thousandth is a cent.
        let variant = shop.stocked("CHURNED", 1_000_000);
        let carts =
            (1..=SHOPPERS).map(|units| (units, shop.cart(&[(variant, units)], &[], None).to_string()));
        let carts = carts.collect();
        Self { shop, others, carts }
    }

    fn engines(&self) -> [&Engine; 3] {
        let [one, two] = &self.others;
        [&self.shop.engine, one, two]
    }

    /// Memory of each engine, in kB, once nothing is ready to run that no rulebook asks.
    fn settled(&self, components: u64) -> [u64; 3] {
        self.engines().map(|engine| {
            eventually(PATIENCE, "components leave memory", || {
                (engine.count("martlet_components_held", &[]) <= components).then_some(())
            });
            engine.resident_memory()
        })
    }

    /// Asks for a cart's quote again and again. What was told of it under each rulebook.
    fn ask(&self, (units, cart): &(u32, String), times: usize, asked: &Sender<()>) -> Told {
        let mut told = Told::new();
        let mut newest = 0;
        for engine in self.engines().into_iter().cycle().take(times) {
            let quote = engine.get(&format!("/api/v1/carts/{cart}/quote")).expect(200).body;
            let rulebook = quote["rulebook"].as_i64().expect("a number");
            assert!(rulebook >= newest, "{rulebook} is served after {newest}");
            newest = rulebook;
            let quote = told_of(quote);
            // Whichever instance is asked, and whatever it was asked before.
            assert_eq!(told.entry((rulebook, *units)).or_insert_with(|| quote.clone()), &quote);
            asked.send(()).expect("the merchant listens");
        }
        told
    }

    /// Has shoppers ask for so many quotes while the rules change so often, evenly spread.
    fn churn(&self, rules: &mut Rules, quotes: usize, changes: usize) -> Told {
        let (asked, heard) = channel();
        scope(|scope| {
            let ask = |cart| {
                let asked = asked.clone();
                scope.spawn(move || self.ask(cart, quotes / SHOPPERS as usize, &asked))
            };
            let shoppers: Vec<_> = self.carts.iter().map(ask).collect();
            drop(asked);
            for _ in 0..changes {
                rules.change(&self.shop);
                assert_eq!(
                    heard.iter().take(quotes / changes).count(),
                    quotes / changes,
                    "a shopper is gone"
                );
            }
            shoppers.into_iter().flat_map(|shopper| shopper.join().expect("it didn't panic")).collect()
        })
    }
}

/// What is the same each time a cart is priced under a rulebook: all but the moment, which its receipt
/// has too.
fn told_of(mut quote: Value) -> Value {
    for member in ["as_of", "receipt"] {
        quote.as_object_mut().expect("a quote").remove(member).expect("each quote has it");
    }
    quote
}

impl Rules {
    fn new(shop: &Shop) -> Self {
        let key = shop.engine.key();
        let guest = |(plugin, config): (&str, &str)| {
            let bytes = std::fs::read(components_dir().join(format!("{plugin}.wasm"))).expect("a component");
            let uploaded = shop.engine.upload(&key, &bytes);
            assert!([200, 201].contains(&uploaded.status), "{uploaded:#?}");
            let config: Value = serde_json::from_str(config).expect("JSON");
            let body = json!({"plugin": plugin, "config": config});
            let made = shop.admin("POST", "/installations", None, Some(&body)).expect(201);
            (made.text("/id").to_owned(), false)
        };
        let guests = GUESTS.map(guest).into();
        let installed = shop.admin("GET", "/installations", None, None).expect(200).body;
        let mut installed = installed["items"].as_array().expect("installations").iter();
        let discount = installed.find(|one| one["plugin"] == "percentage-off").expect("the demo has it");
        let discount = discount["id"].as_str().expect("an id").to_owned();
        Self { discount, guests, off: BTreeMap::new(), changes: 0 }
    }

    /// Changes the discount, or each fourth time what comes and goes.
    fn change(&mut self, shop: &Shop) {
        let last = self.off.last_key_value().map(|(_, off)| *off);
        let (id, body, off) = match last {
            Some(last) if self.changes.is_multiple_of(4) => {
                let guest = self.changes / 4 % self.guests.len();
                let (id, there) = &mut self.guests[guest];
                *there = !*there;
                (id.clone(), json!({"stage": if *there { "active" } else { "draft" }}), last)
            }
            _ => {
                let off = 1 + last.unwrap_or(0);
                (self.discount.clone(), json!({"config": {"percent_ppm": off * 1_000}}), off)
            }
        };
        self.changes += 1;
        self.patch(shop, &id, &body, off);
    }

    fn patch(&mut self, shop: &Shop, id: &str, body: &Value, off: i64) {
        let changed = shop.admin("PATCH", &format!("/installations/{id}"), None, Some(body)).expect(200);
        self.off.insert(changed.body["rulebook"].as_i64().expect("a number"), off);
    }

    /// Sends all guests away.
    fn quieten(&mut self, shop: &Shop) {
        let (_, off) = self.off.last_key_value().expect("something was changed");
        let off = *off;
        for (id, _) in std::mem::take(&mut self.guests) {
            self.patch(shop, &id, &json!({"stage": "draft"}), off);
            self.guests.push((id, false));
        }
    }

    /// Each quote has the discount of the rulebook that it names. How many rulebooks were met.
    fn check(&self, told: &Told) -> usize {
        for ((rulebook, units), quote) in told {
            let discount = &quote["totals"]["goods_discount"]["amount"];
            assert_eq!(
                *discount,
                self.off[rulebook] * i64::from(*units),
                "rulebook {rulebook}, {units} units"
            );
        }
        told.keys().map(|(rulebook, _)| rulebook).collect::<BTreeSet<_>>().len()
    }
}

#[expect(clippy::print_stdout, reason = "what it takes is what the test is to show")]
fn churn(builder: EngineBuilder) {
    let redis = Redis::start();
    let url = redis.as_ref().map(Redis::url).unwrap_or_default();
    let builder = builder.redis(&url);
    let fleet = Fleet::new(SETTINGS.iter().fold(builder, |all, (name, value)| all.environment(name, value)));
    let resting = fleet.engines().map(|engine| engine.count("martlet_components_held", &[]));
    let resting = resting.into_iter().max().expect("three engines");
    let mut rules = Rules::new(&fleet.shop);

    // As much has happened before memory is looked at as happens then: every thread and every pool is as
    // large as it gets.
    fleet.churn(&mut rules, QUOTES, CHANGES);
    rules.quieten(&fleet.shop);
    let before = fleet.settled(resting);

    let begun = Instant::now();
    let told = fleet.churn(&mut rules, QUOTES, CHANGES);
    let took = begun.elapsed();
    let met = rules.check(&told);
    assert!(met >= CHANGES - 1, "{met} rulebooks were met");
    rules.quieten(&fleet.shop);
    let after = fleet.settled(resting);
    println!("{QUOTES} quotes under {met} rulebooks in {took:?}; kB before {before:?} and after {after:?}");
    for (before, after) in before.into_iter().zip(after) {
        assert!(after * 100 <= before * 105, "{before} kB before, {after} kB after");
    }
}

#[test]
#[ignore = "needs the machine to itself: cargo xtask test instances"]
fn twenty_thousand_quotes_over_a_hundred_changes_are_each_of_one_rulebook_and_leave_no_memory() {
    // What is kept in memory, and which rulebook a quote is of, has little to do with the database.
    churn(Engine::builder());
}
