//! A canary, over a thousand carts and two engines.

use std::collections::BTreeSet;

use martlet_domain::{Digest, Id, cart::Cart, catalog::Variant};
use martlet_tests::{Engine, random::Dice, shop::Shop};
use serde_json::{Value, json};

use crate::wish::{change, in_turns, install, total};

/// How many carts there are.
const CARTS: usize = 1_200;
/// Per cents that the canary is raised to, one after the other.
const STEPS: [u16; 4] = [1, 3, 10, 25];
/// Carts that are filled further.
const CHANGED: usize = 100;

/// What a cart's answer says of the price.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Said {
    total: i64,
    /// Whether the canary is among those that were asked.
    asked: bool,
    candidates: Value,
}

fn ask(engine: &Engine, cart: Id<Cart>, canary: &str) -> Said {
    let quote = engine.get(&format!("/api/v1/carts/{cart}/quote")).expect(200).body;
    let candidates = quote["candidates"].as_array().expect("candidates");
    let asked = candidates.iter().any(|candidate| candidate["installation_id"] == canary);
    Said { total: total(&quote), asked, candidates: quote["candidates"].clone() }
}

/// Each cart's answer: three times, of two engines by turns, and always the same.
fn answers(engines: [&Engine; 2], carts: &[Id<Cart>], canary: &str) -> Vec<Said> {
    in_turns(carts, |cart| {
        // Which engine is asked twice is another one from cart to cart.
        let first = usize::from(cart.uuid().as_bytes()[15] % 2);
        let [one, two, three] = [0, 1, 0].map(|turn| ask(engines[(first + turn) % 2], *cart, canary));
        assert_eq!((&one, &one), (&two, &three), "cart {cart} isn't told the same each time");
        one
    })
}

/// Which of 10,000 buckets a cart falls in: its id's digest says so, for as long as it lives.
fn bucket(cart: Id<Cart>) -> u32 {
    let digest = Digest::of(cart.uuid().as_bytes());
    let first = digest.as_bytes().first_chunk().expect("32 bytes");
    u32::from_be_bytes(*first) % 10_000
}

/// Whether a share of so many per cent is within four standard deviations.
fn is_share(count: usize, of: usize, percent: u16) -> bool {
    // (count / of - p)² <= 4² p (1 - p) / of, in whole numbers: p = percent / 100.
    let (count, of, percent) = (count as i128, of as i128, i128::from(percent));
    let off = 100 * count - percent * of;
    off * off <= 16 * percent * (100 - percent) * of
}

fn lines(dice: &mut Dice, variants: &[Id<Variant>]) -> Vec<(Id<Variant>, u32)> {
    dice.lines(variants).into_iter().take(2).collect()
}

#[test]
#[ignore = "needs the machine to itself: cargo xtask test rehearsal"]
fn a_canary_has_its_share_of_carts_and_keeps_them() {
    let shop = Shop::new(Engine::start());
    let other = shop.engine.beside().start();
    let engines = [&shop.engine, &other];
    let variants = shop.plenty();
    let mut dice = Dice::new(7);
    let carts: Vec<_> = (0..CARTS).map(|_| shop.cart(&lines(&mut dice, &variants), &[], None)).collect();
    // It is for all goods, so that every cart is cheaper where it is asked.
    let canary = json!({
        "plugin": "percentage-off", "stage": "draft", "priority": 5, "config": {"percent_ppm": 70_000},
    });
    let canary = install(&shop, &canary);
    let begun = std::time::Instant::now();
    let without = in_turns(&carts, |cart| ask(&other, *cart, &canary));
    change(&shop, &canary, &json!({"stage": "active"}));
    let with = in_turns(&carts, |cart| ask(&other, *cart, &canary));
    for (without, with) in without.iter().zip(&with) {
        assert!(!without.asked && with.asked && with.total < without.total, "{without:?} {with:?}");
    }
    let mut had = BTreeSet::new();
    for percent in STEPS {
        change(&shop, &canary, &json!({"stage": "canary", "canary_percent": percent}));
        let said = answers(engines, &carts, &canary);
        let mut has = BTreeSet::new();
        for (index, (cart, said)) in carts.iter().zip(&said).enumerate() {
            let is_in = bucket(*cart) < u32::from(percent) * 100;
            let expected = if is_in { &with[index] } else { &without[index] };
            assert_eq!(said, expected, "cart {cart} at {percent} %, bucket {}", bucket(*cart));
            has.extend(said.asked.then_some(*cart));
        }
        println!("{percent} %: {} of {CARTS} carts, {:?}", has.len(), begun.elapsed());
        assert!(is_share(has.len(), CARTS, percent), "{} of {CARTS} carts at {percent} %", has.len());
        assert!(had.is_subset(&has) && had.len() < has.len(), "a cart was left out again");
        had = has;
    }
    // Whatever else is put into it, a cart stays where it is.
    let changed = &carts[..CHANGED];
    in_turns(changed, |cart| {
        let line = json!({"variant_id": variants[0], "quantity": 2});
        shop.engine.post(&format!("/api/v1/carts/{cart}/lines"), &line).expect(200);
    });
    let said = answers(engines, changed, &canary);
    let kept = changed.iter().zip(&said).all(|(cart, said)| said.asked == had.contains(cart));
    assert!(kept, "a cart that was changed is asked for otherwise");
    assert!(said.iter().any(|said| said.asked) && said.iter().any(|said| !said.asked));
}

#[test]
fn a_share_is_right_within_four_standard_deviations() {
    // 10 % of 900: 90, with a deviation of 9.
    assert!([54, 90, 126].into_iter().all(|count| is_share(count, 900, 10)));
    assert!(![53, 127].into_iter().any(|count| is_share(count, 900, 10)));
}
