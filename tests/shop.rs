//! A shop with things to sell, and carts that are ready to be ordered.

use std::{
    collections::HashSet,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use martlet_domain::{
    Id, Timestamp,
    cart::{Address, Cart, LineItem},
    catalog::Variant,
    coupon::{Coupon, CouponCode},
    customer::{Customer, CustomerFacts},
    settings::Store,
};
use martlet_store::{Db, StoreConfig};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{Answer, Database, Engine};

/// When everything in the tests' shops was made.
const THEN: Timestamp = Timestamp::from_millis(1_767_225_600_000);

/// An engine, a merchant's key to it, and its database beside it, for what has no endpoint.
#[derive(Debug)]
pub struct Shop {
    /// The engine.
    pub engine: Engine,
    bearer: String,
    runtime: tokio::runtime::Runtime,
    /// The engine's database.
    pub db: Db,
    /// The store.
    pub store: Id<Store>,
    /// Carts of customers, who have no session here: the merchant asks for them.
    bound: Mutex<HashSet<Id<Cart>>>,
}

impl Shop {
    /// The demo store of an engine.
    pub fn new(engine: Engine) -> Self {
        let bearer = format!("Bearer {}", engine.key());
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime");
        let db = runtime
            .block_on(Db::open(engine.database(), &StoreConfig::default()))
            .expect("the engine's database");
        let store = runtime.block_on(db.list_stores()).expect("a read").remove(0).id;
        Self { engine, bearer, runtime, db, store, bound: Mutex::default() }
    }

    /// The same shop with its engine started again.
    pub fn restart(self, environment: &[(&str, &str)]) -> Self {
        let engine = self.engine.restart(environment);
        Self { engine, ..self }
    }

    /// Runs a future to its end.
    pub fn block_on<T>(&self, future: impl Future<Output = T>) -> T {
        self.runtime.block_on(future)
    }

    /// A merchant's request.
    pub fn admin(&self, method: &str, path: &str, key: Option<&str>, body: Option<&Value>) -> Answer {
        let mut headers = vec![("authorization", self.bearer.as_str())];
        headers.extend(key.map(|key| ("idempotency-key", key)));
        let body = body.map(Value::to_string);
        self.engine.send(method, &format!("/api/v1/admin{path}"), &headers, body.as_deref())
    }

    /// A merchant's PUT on what was read at this version.
    pub fn admin_if(&self, path: &str, version: &str, body: &Value) -> Answer {
        let headers = [("authorization", self.bearer.as_str()), ("if-match", version)];
        self.engine.send("PUT", &format!("/api/v1/admin{path}"), &headers, Some(&body.to_string()))
    }

    /// A merchant's request with a key, which works for shoppers' endpoints too. Nothing where the engine
    /// died over it.
    pub fn try_send(&self, method: &str, path: &str, key: &str, body: &Value) -> Option<Answer> {
        let headers = [("authorization", self.bearer.as_str()), ("idempotency-key", key)];
        self.engine.try_send(method, path, &headers, Some(&body.to_string()))
    }

    /// Something to sell at 10.00 USD, of which there are so many.
    pub fn stocked(&self, sku: &str, on_hand: i64) -> Id<Variant> {
        let product = json!({"handle": sku.to_lowercase(), "title": sku, "published": true});
        let product = self.admin("POST", "/products", None, Some(&product)).expect(201);
        let path = format!("/products/{}/variants", product.text("/id"));
        let variant =
            json!({"sku": sku, "prices": [{"amount": 1000, "currency": "USD"}], "on_hand": on_hand});
        let variant = self.admin("POST", &path, None, Some(&variant)).expect(201);
        variant.text("/id").parse().expect("an id")
    }

    /// A coupon of 10 % with limits.
    pub fn coupon(&self, code: &str, total: Option<i64>, per_customer: Option<i64>) -> Id<Coupon> {
        let installations = self.admin("GET", "/installations", None, None).expect(200);
        let all = installations.body["items"].as_array().expect("installations");
        let of_coupons = all.iter().find(|one| one["world"] == "coupon").expect("a coupon plugin");
        let body = json!({
            "code": code, "installation": of_coupons["id"], "config": {"gives": {"percent_ppm": 100_000}},
            "total_limit": total, "per_customer_limit": per_customer,
        });
        let made = self.admin("POST", "/coupons", None, Some(&body)).expect(201);
        made.text("/id").parse().expect("an id")
    }

    /// A coupon of which so many customers can claim one.
    pub fn claimable(&self, code: &str, units: i64) -> Id<Coupon> {
        let coupon = self.coupon(code, None, None);
        let set = self.block_on(self.db.set_claim_stock(self.store, coupon, units));
        assert!(set.expect("a write"), "nobody has claimed one yet");
        coupon
    }

    /// The coupon with a code.
    pub fn find_coupon(&self, code: &str) -> Id<Coupon> {
        let code: CouponCode = code.parse().expect("a code");
        let found = self.block_on(self.db.find_coupon_by_code(self.store, &code));
        found.expect("a read").expect("the coupon").id
    }

    /// A customer.
    pub fn customer(&self) -> Id<Customer> {
        self.known_customer(CustomerFacts::default())
    }

    /// A customer of whom something is known.
    pub fn known_customer(&self, facts: CustomerFacts) -> Id<Customer> {
        let customer =
            Customer { id: id(), email: format!("someone{}@example.com", number()), facts, created_at: THEN };
        self.block_on(self.db.insert_customer(self.store, &customer)).expect("a customer");
        customer.id
    }

    /// A cart that lacks nothing for an order. It has a guest's address where no customer is given.
    pub fn cart(
        &self,
        lines: &[(Id<Variant>, u32)],
        coupons: &[Id<Coupon>],
        customer: Option<Id<Customer>>,
    ) -> Id<Cart> {
        let line = |(variant, quantity): &(Id<Variant>, u32)| LineItem {
            id: id(),
            variant: *variant,
            quantity: *quantity,
            added_at: THEN,
        };
        let cart = Cart {
            id: id(),
            version: 1,
            currency: "USD".parse().expect("a currency"),
            customer,
            email: customer.is_none().then(|| "guest@example.com".to_owned()),
            shipping_address: Some(Address {
                name: "Jo".to_owned(),
                lines: vec!["1 Road".to_owned()],
                city: "Seoul".to_owned(),
                postal_code: None,
                region: None,
                country: "KR".to_owned(),
            }),
            shipping_method: Some("standard".parse().expect("a handle")),
            lines: lines.iter().map(line).collect(),
            coupons: coupons.to_vec(),
            order: None,
            created_at: THEN,
            updated_at: THEN,
        };
        self.block_on(self.db.insert_cart(self.store, &cart)).expect("a cart");
        if customer.is_some() {
            self.bound.lock().unwrap_or_else(PoisonError::into_inner).insert(cart.id);
        }
        cart.id
    }

    /// What a cart costs now.
    pub fn total(&self, cart: Id<Cart>) -> i64 {
        self.quote(cart)["totals"]["total"]["amount"].as_i64().expect("an amount")
    }

    /// The same with everything that comes into it.
    pub fn quote(&self, cart: Id<Cart>) -> Value {
        let path = format!("/api/v1/carts/{cart}/quote");
        self.engine.send("GET", &path, &self.access(cart), None).expect(200).body
    }

    /// Asks for an order, once.
    pub fn checkout(&self, cart: Id<Cart>, key: &str, total: i64, token: &str) -> Answer {
        self.try_checkout(cart, key, total, token).expect("the engine answers")
    }

    fn try_checkout(&self, cart: Id<Cart>, key: &str, total: i64, token: &str) -> Option<Answer> {
        let body = checkout_body(total, token).to_string();
        let path = format!("/api/v1/carts/{cart}/checkout");
        let mut headers = self.access(cart);
        headers.push(("idempotency-key", key));
        self.engine.try_send("POST", &path, &headers, Some(&body))
    }

    /// What it takes to ask for a cart beside its id.
    fn access(&self, cart: Id<Cart>) -> Vec<(&'static str, &str)> {
        let bound = self.bound.lock().unwrap_or_else(PoisonError::into_inner).contains(&cart);
        bound.then_some(("authorization", self.bearer.as_str())).into_iter().collect()
    }

    /// Asks for an order as a patient client does: again with the same key while the request is in flight,
    /// the server is busy or the connection breaks.
    pub fn patient_checkout(&self, cart: Id<Cart>, key: &str, total: i64, token: &str) -> Answer {
        patiently(|| Some(self.try_checkout(cart, key, total, token))).expect("the engine is there")
    }
}

/// Tries a behaviour in a shop on SQLite, and in one on the MySQL server where there is one.
pub fn on_each_database(purpose: &str, behaviour: impl Fn(&Shop)) {
    behaviour(&Shop::new(Engine::start()));
    let Some(database) = Database::create(purpose) else { return };
    behaviour(&Shop::new(Engine::builder().database(&database.url()).start()));
}

/// What a checkout sends.
pub fn checkout_body(total: i64, token: &str) -> Value {
    json!({
        "expected_total": {"amount": total, "currency": "USD"},
        "payment": {"provider": "test", "token": token},
    })
}

/// Asks again for as long as there is no answer or it says to, at most two minutes. Nothing where there
/// is nobody to ask any more.
pub fn patiently(mut ask: impl FnMut() -> Option<Option<Answer>>) -> Option<Answer> {
    let begun = std::time::Instant::now();
    loop {
        let answer = ask()?;
        let late = begun.elapsed().as_secs() > 120;
        match answer {
            Some(answer) if late || !(answer.body["code"] == "in_flight" || answer.status == 503) => {
                return Some(answer);
            }
            None if late => panic!("nobody answers"),
            _ => std::thread::sleep(std::time::Duration::from_millis(200)),
        }
    }
}

/// Runs one piece of work for each item, all at once.
pub fn at_once<T: Sync, R: Send>(items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let start = std::sync::Barrier::new(items.len());
    std::thread::scope(|scope| {
        let (start, work) = (&start, &work);
        let threads: Vec<_> = items
            .iter()
            .map(|item| {
                let thread = std::thread::Builder::new().stack_size(512 << 10);
                let run = move || {
                    start.wait();
                    work(item)
                };
                thread.spawn_scoped(scope, run).expect("a thread")
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().expect("it didn't panic")).collect()
    })
}

fn number() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// An id that no other call in this process gets.
pub(crate) fn id<T>() -> Id<T> {
    let process = u128::from(std::process::id());
    Id::new(Uuid::from_u128(0x4000_0000_8000_0000_0000_0000_u128 << 4 | process << 40 | u128::from(number())))
}
