//! A thousand coupons and five thousand customers who want one at the same moment.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread::sleep,
    time::{Duration, Instant},
};

use martlet_domain::{Id, coupon::Coupon, customer::Customer};
use martlet_tests::{
    Answer, Database, Engine, EngineBuilder, Redis,
    customers::SignedIn,
    ledger,
    shop::Shop,
    wire::{Connection, Request},
};
use tokio::{runtime::Runtime, sync::Barrier, task::JoinSet};

const UNITS: usize = 1_000;
const CUSTOMERS: usize = 5_000;
/// Answers after which something happens to Redis: half of the coupons are claimed.
const MIDDLE: usize = UNITS / 2;
/// How long a customer goes on asking one who is busy.
const PATIENCE: Duration = Duration::from_secs(120);
/// Room in Redis beyond what it uses when empty.
const LITTLE: u64 = 128 << 10;
/// Nobody is sent away for waiting long: what is tested is who gets a coupon, not how fast.
const PATIENT: [(&str, &str); 4] = [
    ("MARTLET_ORDERS__RECONCILE_AFTER_MS", "90000"),
    ("MARTLET_SERVER__REQUEST_TIMEOUT_MS", "60000"),
    ("MARTLET_DATABASE__ACQUIRE_TIMEOUT_MS", "60000"),
    ("MARTLET_DATABASE__LOCK_TIMEOUT_MS", "60000"),
];

/// What becomes of Redis while coupons are claimed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Meanwhile {
    ItStays,
    ItIsEmptied,
    ItHasNoRoom,
    ItIsKilled,
    ThereIsNone,
}

/// Everybody who wants a coupon, and the two instances they ask.
struct Sale<'a> {
    shop: &'a Shop,
    customers: &'a [SignedIn],
    engines: [&'a Engine; 2],
    redis: Option<&'a Redis>,
}

impl Sale<'_> {
    /// All claim at once: exactly as many get one as there are, and the books say the same.
    #[expect(clippy::print_stdout, reason = "the counts are what the test is to show")]
    fn run(&self, meanwhile: Meanwhile) {
        let coupon = self.shop.claimable(&format!("{meanwhile:?}"), i64::try_from(UNITS).expect("it fits"));
        let (begun, answered) = (Instant::now(), Arc::new(AtomicUsize::new(0)));
        let runtime = Runtime::new().expect("a runtime");
        let rush = runtime.spawn(claim_all(self.requests(coupon), answered.clone()));
        self.happens(meanwhile, &answered);
        let answers = runtime.block_on(rush).expect("nobody panicked");
        let took = begun.elapsed();

        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        for answer in &answers {
            let code = answer.body["code"].as_str().unwrap_or_default();
            *counts.entry(format!("{} {code}", answer.status).trim().to_owned()).or_default() += 1;
        }
        println!("{meanwhile:?}: {counts:?} in {took:?}");
        let has_one = |answer: &Answer| matches!(answer.status, 200 | 201);
        let winners = self.customers.iter().zip(&answers).filter(|(_, answer)| has_one(answer));
        let winners: BTreeSet<Id<Customer>> = winners.map(|(customer, _)| customer.customer).collect();
        assert_eq!((winners.len(), counts.get("409 coupon_gone")), (UNITS, Some(&(CUSTOMERS - UNITS))));

        let stock = self.shop.block_on(self.shop.db.claim_stock(self.shop.store, coupon));
        let stock = stock.expect("a read").expect("it is claimed");
        assert_eq!((stock.claimed, stock.left()), (i64::try_from(UNITS).expect("it fits"), 0));
        let claims = self.shop.block_on(ledger::claims(&self.shop.db, coupon));
        assert!(claims == winners, "the books name the same customers");
        self.shop.block_on(ledger::read(&self.shop.db, self.shop.store)).expect_exact();
        // Afterwards all still know what they have, whatever Redis has forgotten.
        let (first, last) = (answers.iter().position(has_one), answers.iter().position(|one| !has_one(one)));
        let path = format!("/api/v1/coupons/{coupon}/claim");
        for engine in self.engines {
            engine.send_as(&self.customers[first.expect("one")], "POST", &path).expect(200);
            let late = engine.send_as(&self.customers[last.expect("one")], "POST", &path);
            late.expect_problem(409, "coupon_gone");
        }
    }

    /// Every second customer asks the other instance.
    fn requests(&self, coupon: Id<Coupon>) -> Vec<(Request, std::net::SocketAddr)> {
        let path = format!("/api/v1/coupons/{coupon}/claim");
        let request = |(number, customer): (usize, &SignedIn)| {
            let headers = [("authorization", customer.bearer.as_str())];
            (Request::new("POST", &path, &headers, None), self.engines[number % 2].address())
        };
        self.customers.iter().enumerate().map(request).collect()
    }

    fn happens(&self, meanwhile: Meanwhile, answered: &AtomicUsize) {
        let wait_for = |answers: usize| {
            let begun = Instant::now();
            while answered.load(Ordering::SeqCst) < answers {
                assert!(begun.elapsed() < 2 * PATIENCE, "nobody is answered any more");
                sleep(Duration::from_millis(1));
            }
        };
        match (meanwhile, self.redis) {
            (Meanwhile::ItIsEmptied, Some(redis)) => {
                wait_for(MIDDLE);
                redis.flush();
            }
            (Meanwhile::ItIsKilled, Some(redis)) => {
                wait_for(MIDDLE);
                redis.kill();
            }
            (Meanwhile::ItHasNoRoom, Some(redis)) => {
                redis.evict_beyond(LITTLE);
                let mut number = 0;
                // What others keep there takes the room of what this is about.
                while answered.load(Ordering::SeqCst) < CUSTOMERS {
                    number += 1;
                    redis.try_to_keep(&format!("other:{number}"), 4 << 10);
                    sleep(Duration::from_millis(2));
                }
                assert!(redis.evicted() > 0, "there was room enough");
            }
            _ => {}
        }
    }
}

/// Claims of customers who all ask at one moment, each on a connection of their own. The answers, in
/// their order.
async fn claim_all(
    requests: Vec<(Request, std::net::SocketAddr)>,
    answered: Arc<AtomicUsize>,
) -> Vec<Answer> {
    let start = Arc::new(Barrier::new(requests.len()));
    let mut customers = JoinSet::new();
    let many = requests.len();
    for (number, (request, address)) in requests.into_iter().enumerate() {
        let (start, answered) = (start.clone(), answered.clone());
        customers.spawn(async move {
            let mut connection = Connection::open(address).await.expect("a connection");
            start.wait().await;
            let asked = Instant::now();
            loop {
                let answer = connection.send(&request).await.expect("an answer");
                // A 503 says nothing of what was done, so the same is asked again.
                if answer.status != 503 || asked.elapsed() > PATIENCE {
                    answered.fetch_add(1, Ordering::SeqCst);
                    return (number, answer);
                }
                tokio::time::sleep(Duration::from_millis(500)).await;
            }
        });
    }
    let mut answers = customers.join_all().await;
    answers.sort_by_key(|(number, _)| *number);
    assert_eq!(answers.len(), many);
    answers.into_iter().map(|(_, answer)| answer).collect()
}

fn sell(builder: EngineBuilder) {
    let redis = Redis::start();
    let url = redis.as_ref().map(Redis::url).unwrap_or_default();
    let set = |builder: EngineBuilder, (name, value): &(&str, &str)| builder.environment(name, value);
    let shop = Shop::new(PATIENT.iter().fold(builder.redis(&url), set).start());
    let other = shop.engine.beside().start();
    let customers: Vec<_> = (0..CUSTOMERS).map(|_| shop.signed_in()).collect();
    if let Some(redis) = &redis {
        let sale =
            Sale { shop: &shop, customers: &customers, engines: [&shop.engine, &other], redis: Some(redis) };
        sale.run(Meanwhile::ItStays);
        sale.run(Meanwhile::ItIsEmptied);
        sale.run(Meanwhile::ItHasNoRoom);
        redis.restart();
        sale.run(Meanwhile::ItIsKilled);
    }
    let alone = [(); 2].map(|()| shop.engine.beside().redis("").start());
    let sale = Sale { shop: &shop, customers: &customers, engines: [&alone[0], &alone[1]], redis: None };
    sale.run(Meanwhile::ThereIsNone);
}

#[test]
#[ignore = "needs the machine to itself: cargo xtask test instances"]
fn of_five_thousand_customers_a_thousand_get_a_coupon_on_sqlite() {
    sell(Engine::builder());
}

#[test]
#[ignore = "needs the machine to itself: cargo xtask test instances"]
fn of_five_thousand_customers_a_thousand_get_a_coupon_on_mysql() {
    let Some(database) = Database::create("claims") else { return };
    sell(Engine::builder().database(&database.url()));
}
