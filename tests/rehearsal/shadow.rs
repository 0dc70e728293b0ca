//! What a shadow records, cart by cart, and what the same installation does in earnest.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use martlet_domain::{Id, cart::Cart};
use martlet_tests::{Engine, eventually, quote::amount, shop::Shop};
use serde_json::{Value, json};

use crate::wish::{Goods, change, install, total, upload};

/// Carts of each promotion that is tried.
const CARTS: usize = 120;
/// How long it may take until a cart was tried.
const PATIENCE: Duration = Duration::from_secs(30);

/// What an installation did so far, or to one cart.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Did {
    carts: i64,
    calls: i64,
    failed: i64,
    fuel: i64,
    /// What came into effect and what didn't, by the word for it.
    decided: BTreeMap<String, i64>,
}

/// The same of a shadow.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Tried {
    did: Did,
    carts_applied: i64,
    discount: i64,
    total_change: i64,
}

impl Did {
    fn read(activity: &Value) -> Self {
        let words = ["effects", "rejected", "failures"].into_iter().flat_map(|kind| {
            let words = activity[kind].as_object().expect("words");
            words.iter().map(move |(word, count)| (format!("{kind} {word}"), number(count)))
        });
        Self {
            carts: number(&activity["carts"]),
            calls: number(&activity["calls"]),
            failed: number(&activity["failed"]),
            fuel: number(&activity["fuel"]["sum"]),
            decided: words.collect(),
        }
    }

    fn since(&self, before: &Self) -> Self {
        let count = |word: &String| before.decided.get(word).copied().unwrap_or(0);
        let decided = self.decided.iter().map(|(word, now)| (word.clone(), now - count(word)));
        Self {
            carts: self.carts - before.carts,
            calls: self.calls - before.calls,
            failed: self.failed - before.failed,
            fuel: self.fuel - before.fuel,
            decided: decided.filter(|(_, count)| *count != 0).collect(),
        }
    }
}

impl Tried {
    fn read(shadow: &Value) -> Self {
        assert_eq!(shadow["skipped"], 0, "there is room for one cart at a time: {shadow}");
        Self {
            did: Did::read(shadow),
            carts_applied: number(&shadow["carts_applied"]),
            discount: sum(&shadow["discounts"]),
            total_change: sum(&shadow["total_changes"]),
        }
    }

    fn since(&self, before: &Self) -> Self {
        Self {
            did: self.did.since(&before.did),
            carts_applied: self.carts_applied - before.carts_applied,
            discount: self.discount - before.discount,
            total_change: self.total_change - before.total_change,
        }
    }
}

fn number(value: &Value) -> i64 {
    value.as_i64().expect("a number")
}

/// Of amounts by currency the only one; 0 where there is none.
fn sum(amounts: &Value) -> i64 {
    let amounts = amounts.as_array().expect("amounts");
    assert!(amounts.len() <= 1, "{amounts:?}");
    amounts.first().map_or(0, amount)
}

fn figures(shop: &Shop, installation: &str) -> Value {
    shop.admin("GET", &format!("/installations/{installation}/figures"), None, None).expect(200).body
}

/// A cart's quote, and what the shadow has recorded for it.
fn try_on(shop: &Shop, cart: Id<Cart>, shadow: &str, before: &mut Tried) -> (i64, Tried) {
    let total = shop.total(cart);
    let recorded = eventually(PATIENCE, "the cart was tried", || {
        let now = Tried::read(&figures(shop, shadow)["shadow"]);
        let recorded = now.since(before);
        if recorded.did.carts == 0 {
            return None;
        }
        *before = now;
        Some(recorded)
    });
    assert_eq!(recorded.did.carts, 1, "one cart was priced: {recorded:?}");
    (total, recorded)
}

/// What was given to a cart by an installation: how many times, and how much in all.
fn given(quote: &Value, installation: &str) -> (i64, i64) {
    let candidates = quote["candidates"].as_array().expect("candidates").iter();
    let applied = candidates
        .filter(|candidate| candidate["installation_id"] == installation && candidate["status"] == "applied");
    applied.fold((0, 0), |(count, sum), candidate| (count + 1, sum + amount(&candidate["amount"])))
}

/// Orders a cart under the active installation, which has to do just what it recorded as a shadow.
fn order(shop: &Shop, cart: Id<Cart>, installation: &str, expected_total: i64, tried: &Tried) {
    let before = figures(shop, installation);
    let quote = shop.quote(cart);
    let asked = figures(shop, installation);
    assert_eq!(total(&quote), expected_total, "{tried:?}");
    let (count, sum_given) = given(&quote, installation);
    let applied = tried.did.decided.get("effects applied").copied().unwrap_or(0);
    assert_eq!((applied, tried.discount), (count, sum_given));
    assert_eq!(tried.carts_applied, i64::from(count > 0));
    let did = Did::read(&asked["live"]).since(&Did::read(&before["live"]));
    assert_eq!(did, tried.did, "what it does in earnest");
    // The engine takes no order at another total.
    let placed = shop.patient_checkout(cart, &format!("{cart}"), expected_total, "tok_approve").expect(201);
    assert_eq!(total(&placed.body), expected_total);
    let paid = figures(shop, installation);
    let paid_since = |of: fn(&Value) -> i64| of(&paid["orders"]) - of(&before["orders"]);
    assert_eq!(paid_since(|orders| sum(&orders["discounts"])), tried.discount);
    assert_eq!(paid_since(|orders| number(&orders["paid"])), tried.carts_applied);
}

#[test]
#[ignore = "needs the machine to itself: cargo xtask test rehearsal"]
fn what_a_shadow_records_of_each_cart_is_what_it_does_to_its_order() {
    let shop = Shop::new(Engine::start());
    let goods = Goods::of(&shop);
    upload(&shop, "cheapest-free");
    // One beside others, one that comes before them, and one that takes the place of another.
    let promotions = [
        json!({"plugin": "percentage-off", "priority": 15, "config": {
            "percent_ppm": 125_000, "goods": {"categories": ["outlet", "shirts", "knitwear"]},
        }}),
        json!({"plugin": "cheapest-free", "priority": 30, "config": {
            "goods": {"categories": ["socks", "kitchen", "stationery"]}, "of_every": 3, "free": 1,
        }}),
        json!({"plugin": "spend-tiers", "priority": 5, "group": "order-offers", "config": {
            "currency": "USD", "tiers": [
                {"minimum": 12_000, "amount": 700}, {"minimum": 45_000, "percent_ppm": 60_000},
            ],
        }}),
    ];
    for (seed, mut promotion) in (1..).zip(promotions) {
        promotion["stage"] = json!("shadow");
        let begun = Instant::now();
        let installation = install(&shop, &promotion);
        let wishes = goods.wishes(seed, CARTS);
        let mut recorded_so_far = Tried::default();
        let mut recorded = Vec::new();
        for wish in &wishes {
            let cart = wish.cart(&shop);
            let (live, tried) = try_on(&shop, cart, &installation, &mut recorded_so_far);
            recorded.push((cart, live + tried.total_change, tried));
        }
        change(&shop, &installation, &json!({"stage": "active"}));
        for (cart, expected_total, tried) in &recorded {
            order(&shop, *cart, &installation, *expected_total, tried);
        }
        let Tried { did, carts_applied, discount, total_change } = &recorded_so_far;
        println!(
            "{}: {CARTS} carts, {carts_applied} of them with something of it, {discount} taken off, totals {total_change}, {:?}, {:?}",
            promotion["plugin"],
            did.decided,
            begun.elapsed()
        );
        let some = i64::try_from(CARTS / 10).expect("a number");
        assert!(*carts_applied >= some && *carts_applied < some * 10, "it tells carts apart");
        shop.admin("DELETE", &format!("/installations/{installation}"), None, None).expect(200);
    }
}
