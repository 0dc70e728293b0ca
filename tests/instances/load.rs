//! Shoppers, so many requests a second, whether or not those before are answered.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use martlet_tests::{Answer, shop::Shop, wire::Request};
use serde_json::json;
use tokio::{
    runtime::Runtime,
    task::JoinSet,
    time::{MissedTickBehavior, interval},
};

use crate::balancer::Balancer;

/// Requests a second.
pub(crate) const RATE: usize = 300;
/// Carts that are changed and priced.
const CARTS: usize = 300;
/// How often new requests are sent.
const TICK: Duration = Duration::from_millis(10);
/// Requests under way at most: more say that the machine is too slow for the rate.
const MOST_AT_ONCE: usize = 600;

/// What shoppers ask for.
pub(crate) struct Shoppers {
    products: Vec<String>,
    /// A cart and its line.
    carts: Vec<(String, String)>,
}

/// What they were answered.
#[derive(Debug, Default)]
pub(crate) struct Report {
    /// How many requests were sent.
    pub(crate) sent: usize,
    /// For how long.
    pub(crate) took: Duration,
    /// Answers by kind and status.
    pub(crate) answers: BTreeMap<(&'static str, u16), usize>,
    /// Requests without an answer, and answers that say that something is broken.
    pub(crate) broken: Vec<String>,
    latencies: Vec<Duration>,
}

impl Shoppers {
    /// In a shop, with a cart each.
    pub(crate) fn new(shop: &Shop) -> Self {
        let variant = shop.stocked("WANTED", 1_000_000);
        let listed = shop.engine.get("/api/v1/products?limit=100").expect(200).body;
        let products = listed["items"].as_array().expect("products").iter();
        let products = products.map(|product| product["id"].as_str().expect("an id").to_owned()).collect();
        let cart = |_| {
            let cart = shop.cart(&[(variant, 1)], &[], None);
            let lines = shop.engine.get(&format!("/api/v1/carts/{cart}")).expect(200);
            (cart.to_string(), lines.text("/lines/0/id").to_owned())
        };
        Self { products, carts: (0..CARTS).map(cart).collect() }
    }

    /// A request, and what kind it is of.
    fn request(&self, number: usize) -> (&'static str, Request) {
        let product = &self.products[number % self.products.len()];
        let (cart, line) = &self.carts[number / 10 % self.carts.len()];
        match number % 10 {
            0..=6 => ("product", Request::new("GET", &format!("/api/v1/products/{product}"), &[], None)),
            7 => ("list", Request::new("GET", "/api/v1/products?limit=20", &[], None)),
            8 => {
                let body = json!({"quantity": 1 + number / 10 % 7});
                let path = format!("/api/v1/carts/{cart}/lines/{line}");
                ("cart", Request::new("PATCH", &path, &[], Some(&body)))
            }
            _ => ("quote", Request::new("GET", &format!("/api/v1/carts/{cart}/quote"), &[], None)),
        }
    }
}

/// Has shoppers ask while something happens. What they were answered.
pub(crate) fn during(balancer: Balancer, shoppers: Shoppers, happens: impl FnOnce(&Balancer)) -> Report {
    let runtime = Runtime::new().expect("a runtime");
    let (balancer, over) = (Arc::new(balancer), Arc::new(AtomicBool::new(false)));
    for target in 0..balancer.len() {
        let balancer = balancer.clone();
        runtime.spawn(async move { balancer.watch(target).await });
    }
    let load = runtime.spawn(ask(balancer.clone(), shoppers, over.clone()));
    happens(&balancer);
    over.store(true, Ordering::SeqCst);
    runtime.block_on(load).expect("the load ends")
}

async fn ask(balancer: Arc<Balancer>, shoppers: Shoppers, over: Arc<AtomicBool>) -> Report {
    let (mut report, mut under_way, begun) = (Report::default(), JoinSet::new(), Instant::now());
    let mut due = interval(TICK);
    due.set_missed_tick_behavior(MissedTickBehavior::Skip);
    // Those that couldn't be sent at their time aren't sent later.
    let mut number = 0;
    while !over.load(Ordering::SeqCst) {
        due.tick().await;
        let until = usize::try_from(begun.elapsed().as_millis()).expect("it fits") * RATE / 1_000;
        for number in number..until {
            if under_way.len() < MOST_AT_ONCE {
                let ((kind, request), balancer) = (shoppers.request(number), balancer.clone());
                report.sent += 1;
                under_way.spawn(async move {
                    let asked = Instant::now();
                    let answer = balancer.send(&request).await;
                    (kind, answer, asked.elapsed())
                });
            }
        }
        number = until;
        while let Some(done) = under_way.try_join_next() {
            report.add(done.expect("it doesn't panic"));
        }
    }
    report.took = begun.elapsed();
    while let Some(done) = under_way.join_next().await {
        report.add(done.expect("it doesn't panic"));
    }
    report.latencies.sort();
    report
}

impl Report {
    fn add(&mut self, (kind, answer, took): (&'static str, Result<Answer, std::io::Error>, Duration)) {
        self.latencies.push(took);
        match answer {
            Ok(answer) => {
                *self.answers.entry((kind, answer.status)).or_default() += 1;
                if answer.status >= 500 {
                    self.broken.push(format!("{kind}: {} after {took:?}: {}", answer.status, answer.raw));
                }
            }
            Err(error) => self.broken.push(format!("{kind}: {error} after {took:?}")),
        }
    }

    /// Itself, if nearly all was sent that should have been, and all of it was answered well.
    #[track_caller]
    pub(crate) fn expect_well(self) -> Self {
        assert_eq!(self.broken, Vec::<String>::new(), "{self}");
        let all_good = self.answers.keys().all(|(_, status)| *status == 200);
        assert!(all_good, "{self}");
        let planned = usize::try_from(self.took.as_millis()).expect("it fits") * RATE / 1_000;
        assert!(self.sent * 10 >= planned * 9, "the machine is too slow: {self} of {planned}");
        self
    }

    fn latency(&self, percent: usize) -> Duration {
        self.latencies.get(self.latencies.len() * percent / 100).copied().unwrap_or_default()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} requests in {:?}, answered {:?}, {} broken, half within {:?}, 99 % within {:?}",
            self.sent,
            self.took,
            self.answers,
            self.broken.len(),
            self.latency(50),
            self.latency(99)
        )
    }
}
