//! Thousands of orders in a simulation, and the same orders placed.

use std::{
    cmp::Ordering,
    collections::HashMap,
    time::{Duration, Instant},
};

use martlet_tests::{Engine, eventually, quote::amount, shop::Shop};
use serde_json::{Value, json};

use crate::wish::{Goods, Wish, change, in_turns, install, installed, total, upload};

/// How many orders are placed, twice, where `MARTLET_TEST_ORDERS` doesn't say that it is less.
const ORDERS: usize = 5_000;
/// How long a simulation of them may take.
const PATIENCE: Duration = Duration::from_secs(600);

/// An order that was placed.
struct Placed {
    id: String,
    total: i64,
}

/// Places an order at a total, which the engine refuses where it is another one.
fn place(shop: &Shop, wish: &Wish, expected: Option<i64>) -> Result<Placed, Value> {
    let cart = wish.cart(shop);
    let expected = expected.unwrap_or_else(|| shop.total(cart));
    let answer = shop.patient_checkout(cart, &format!("{cart}"), expected, "tok_approve");
    if answer.status != 201 {
        return Err(answer.body);
    }
    Ok(Placed { id: answer.text("/id").to_owned(), total: total(&answer.body) })
}

/// Asks for a simulation and waits until it has ended.
fn simulate(shop: &Shop, body: &Value) -> Value {
    let asked = shop.admin("POST", "/simulations", None, Some(body)).expect(202);
    let path = format!("/simulations/{}", asked.text("/id"));
    eventually(PATIENCE, "the simulation is over", || {
        let simulation = shop.admin("GET", &path, None, None).expect(200);
        if ["queued", "running"].contains(&simulation.text("/state")) {
            return None;
        }
        assert_eq!(simulation.text("/state"), "done", "{simulation:#?}");
        Some(simulation.body)
    })
}

/// What a simulation says of each order, by the order's id.
fn simulated(shop: &Shop, simulation: &Value) -> HashMap<String, Value> {
    let path = format!("/simulations/{}/orders?limit=100", simulation["id"].as_str().expect("an id"));
    let (mut all, mut next) = (HashMap::new(), path.clone());
    loop {
        let page = shop.admin("GET", &next, None, None).expect(200).body;
        for order in page["items"].as_array().expect("orders") {
            let id = order["order_id"].as_str().expect("an id").to_owned();
            assert!(all.insert(id, order.clone()).is_none(), "it is there twice: {order}");
        }
        let Some(cursor) = page["next_cursor"].as_str() else { return all };
        next = format!("{path}&cursor={cursor}");
    }
}

#[test]
#[ignore = "needs the machine to itself: cargo xtask test rehearsal"]
fn a_simulation_says_of_each_order_what_placing_it_comes_to() {
    let orders = std::env::var("MARTLET_TEST_ORDERS").ok().and_then(|text| text.parse().ok());
    let orders = orders.unwrap_or(ORDERS).min(ORDERS);
    let shop = Shop::new(Engine::start());
    let wishes = Goods::of(&shop).wishes(6, orders);
    upload(&shop, "cheapest-free");
    let begun = Instant::now();
    let before = in_turns(&wishes, |wish| place(&shop, wish, None).expect("it costs what it costs"));
    println!("{orders} orders placed: {:?}", begun.elapsed());

    let tiers = installed(&shop, "spend-tiers");
    let other_tiers = json!({"config": {"currency": "USD", "tiers": [
        {"minimum": 10_000, "percent_ppm": 30_000},
        {"minimum": 25_000, "percent_ppm": 80_000},
        {"minimum": 60_000, "amount": 7_500},
    ]}});
    let promotion = json!({
        "plugin": "cheapest-free", "stage": "active", "priority": 15,
        "config": {"goods": {"categories": ["kitchen", "knitwear", "shirts"]}, "of_every": 3, "free": 1},
    });
    let mut changed = other_tiers.clone();
    changed["id"] = json!(tiers);
    let draft = json!({"changes": [promotion, changed], "on": {"orders": {"last": orders}}});
    let begun = Instant::now();
    let simulation = simulate(&shop, &draft);
    println!("{orders} orders simulated: {:?}", begun.elapsed());
    let foreseen = simulated(&shop, &simulation);
    assert_eq!((foreseen.len(), &simulation["done"]), (orders, &json!(orders)));

    let new = install(&shop, &promotion);
    change(&shop, &tiers, &other_tiers);
    let foreseen: Vec<&Value> = before.iter().map(|order| &foreseen[&order.id]).collect();
    let begun = Instant::now();
    let pairs: Vec<(&Wish, &Value)> = wishes.iter().zip(foreseen.iter().copied()).collect();
    let after = in_turns(&pairs, |(wish, foreseen)| place(&shop, wish, foreseen_total(foreseen)));
    println!("{orders} orders placed again: {:?}", begun.elapsed());

    let mut sums = Sums::default();
    let mut wrong = Vec::new();
    for ((before, foreseen), after) in before.iter().zip(foreseen).zip(after) {
        match after {
            Ok(after) if is_foreseen(foreseen, before.total, after.total) => {
                sums.add(before.total, after.total);
            }
            Ok(after) => wrong.push(format!("{} -> {}: {foreseen}", before.total, after.total)),
            Err(refused) => wrong.push(format!("{refused}: {foreseen}")),
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {orders} orders, such as {:#?}",
        wrong.len(),
        &wrong[..wrong.len().min(3)]
    );
    let result = &simulation["result"];
    println!("{sums:?}");
    assert_eq!(
        (&result["sums"], &result["failed"], &result["objected"]),
        (&sums.body(), &json!(0), &json!(0))
    );
    // The draft is one that does something to everybody there is.
    assert!(sums.winners > 0 && sums.losers > 0 && sums.unchanged > 0, "{sums:?}");
    given_alike(&shop, result, &new);
}

/// The new promotion gave the second orders what the simulation says of it.
fn given_alike(shop: &Shop, result: &Value, new: &str) {
    let tallies = result["installations"].as_array().expect("installations");
    let tally = tallies.iter().find(|tally| tally["plugin"] == "cheapest-free").expect("it was asked");
    let figures = shop.admin("GET", &format!("/installations/{new}/figures"), None, None).expect(200).body;
    let given = &figures["orders"]["discounts"];
    assert_eq!(given, &json!([tally["given"][0]["after"]]), "{tally}");
    assert!(amount(&given[0]) > 0);
}

/// What a simulation says an order would come to, where it could be placed.
fn foreseen_total(foreseen: &Value) -> Option<i64> {
    foreseen["total_after"]["amount"].as_i64()
}

/// Whether a simulation says of an order what it has come to.
fn is_foreseen(foreseen: &Value, before: i64, after: i64) -> bool {
    let outcome = match after.cmp(&before) {
        Ordering::Less => "winner",
        Ordering::Greater => "loser",
        Ordering::Equal => "unchanged",
    };
    foreseen["outcome"] == outcome
        && foreseen["total_before"] == usd(before)
        && foreseen["total_after"] == usd(after)
        && foreseen["difference"] == usd(after - before)
}

fn usd(amount: i64) -> Value {
    json!({"amount": amount, "currency": "USD"})
}

/// What pairs of orders come to.
#[derive(Debug, Default)]
struct Sums {
    before: i64,
    after: i64,
    winners: u64,
    saved: i64,
    losers: u64,
    surcharged: i64,
    unchanged: u64,
}

impl Sums {
    fn add(&mut self, before: i64, after: i64) {
        self.before += before;
        self.after += after;
        match after.cmp(&before) {
            Ordering::Less => {
                self.winners += 1;
                self.saved += before - after;
            }
            Ordering::Greater => {
                self.losers += 1;
                self.surcharged += after - before;
            }
            Ordering::Equal => self.unchanged += 1,
        }
    }

    /// As a simulation puts it.
    fn body(&self) -> Value {
        json!([{
            "orders": self.winners + self.losers + self.unchanged,
            "before": usd(self.before), "after": usd(self.after), "difference": usd(self.after - self.before),
            "winners": self.winners, "saved": usd(self.saved),
            "losers": self.losers, "surcharged": usd(self.surcharged),
            "unchanged": self.unchanged,
        }])
    }
}
