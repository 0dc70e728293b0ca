//! Many shoppers who want the same at the same moment.

use std::collections::BTreeMap;

use martlet_domain::{Id, cart::Cart, catalog::Variant, order::OrderStatus};
use martlet_tests::{
    Answer, ledger,
    ledger::Ledger,
    shop::{Shop, at_once, on_each_database},
};

/// Waits until what orders leave to be done is done, and reads the books.
fn books(shop: &Shop) -> Ledger {
    let begun = std::time::Instant::now();
    while shop.block_on(shop.db.count_events()).expect("a count") > 0 && begun.elapsed().as_secs() < 60 {
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    shop.block_on(ledger::read(&shop.db, shop.store)).expect_exact()
}

fn by_code(answers: &[Answer]) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for answer in answers {
        let code = answer.body["code"].as_str().unwrap_or_default();
        *counts.entry(format!("{} {code}", answer.status).trim().to_owned()).or_default() += 1;
    }
    counts
}

/// Orders all carts at once, each at what the first costs. The answers, and how many there are of a kind.
#[expect(clippy::print_stdout, reason = "shown where a test fails")]
fn rush(shop: &Shop, carts: &[Id<Cart>]) -> (Vec<Answer>, BTreeMap<String, usize>) {
    let total = shop.total(carts[0]);
    let answers =
        at_once(carts, |cart| shop.patient_checkout(*cart, &format!("key-{cart}"), total, "tok_approve"));
    let counts = by_code(&answers);
    println!("{counts:?}");
    (answers, counts)
}

fn stock(shop: &Shop, variant: Id<Variant>) -> (i64, i64) {
    let level = shop.block_on(shop.db.find_stock(shop.store, variant)).expect("a read").expect("a level");
    (level.available(), level.reserved)
}

#[test]
#[ignore = "needs the machine to itself: cargo xtask test contention"]
fn two_hundred_shoppers_get_fifty_units_and_no_more() {
    on_each_database("fifty", |shop| {
        let variant = shop.stocked("LAST-FIFTY", 50);
        let carts: Vec<_> = (0..200).map(|_| shop.cart(&[(variant, 1)], &[], None)).collect();
        let (answers, counts) = rush(shop, &carts);
        assert_eq!(counts, [("201".to_owned(), 50), ("409 insufficient_stock".to_owned(), 150)].into());
        for refused in answers.iter().filter(|answer| answer.status == 409) {
            assert_eq!((&refused.body["sku"], &refused.body["requested"]), (&"LAST-FIFTY".into(), &1.into()));
            assert_eq!(refused.body["available"], 0);
        }
        assert_eq!(stock(shop, variant), (0, 50));
        let books = books(shop);
        assert_eq!(books.count(OrderStatus::Paid), 50);
        assert_eq!(books.orders.values().sum::<usize>(), 50, "{books:?}");
        println!("{books:?}");
    });
}

#[test]
#[ignore = "needs the machine to itself: cargo xtask test contention"]
fn carts_of_five_variants_in_any_order_never_lock_each_other_out() {
    on_each_database("five", |shop| {
        let variants: Vec<_> = (0..5).map(|number| shop.stocked(&format!("FIVE-{number}"), 50)).collect();
        let carts: Vec<_> = (0..200_usize)
            .map(|number| {
                // Another order in each cart: turned, and every second one backwards.
                let mut lines: Vec<_> = (0..5).map(|place| (variants[(number * 3 + place) % 5], 1)).collect();
                if number % 2 == 0 {
                    lines.reverse();
                }
                shop.cart(&lines, &[], None)
            })
            .collect();
        let (_, counts) = rush(shop, &carts);
        assert_eq!(counts, [("201".to_owned(), 50), ("409 insufficient_stock".to_owned(), 150)].into());
        for variant in &variants {
            assert_eq!(stock(shop, *variant), (0, 50));
        }
        println!("{:?}", books(shop));
    });
}

#[test]
#[ignore = "needs the machine to itself: cargo xtask test contention"]
fn a_key_sent_twenty_times_at_once_makes_one_order() {
    on_each_database("key", |shop| {
        let variant = shop.stocked("ONE-ORDER", 50);
        let cart = shop.cart(&[(variant, 1)], &[], None);
        let total = shop.total(cart);
        let answers = at_once(&[(); 20], |()| shop.checkout(cart, "the-key", total, "tok_delay_300"));
        let order = answers.iter().find(|answer| answer.status == 201).expect("one is the order");
        for answer in &answers {
            match answer.status {
                201 => assert_eq!(answer.raw, order.raw),
                _ => {
                    answer.clone().expect_problem(409, "in_flight");
                    assert_eq!(answer.header("retry-after"), "1");
                }
            }
        }
        println!("{:?}", by_code(&answers));
        let again = at_once(&[(); 20], |()| shop.patient_checkout(cart, "the-key", total, "tok_delay_300"));
        for answer in &again {
            assert_eq!((answer.status, &answer.raw), (201, &order.raw));
            for header in ["location", "etag", "content-type", "cache-control"] {
                assert_eq!(answer.header(header), order.header(header));
            }
        }
        assert_eq!(stock(shop, variant), (49, 1));
        assert_eq!(books(shop).orders.values().sum::<usize>(), 1);
    });
}

#[test]
#[ignore = "needs the machine to itself: cargo xtask test contention"]
fn a_coupon_for_a_hundred_orders_is_used_a_hundred_times() {
    on_each_database("coupon", |shop| {
        let variant = shop.stocked("WANTED", 10_000);
        let coupon = shop.coupon("HUNDRED", Some(100), None);
        let carts: Vec<_> = (0..1_000).map(|_| shop.cart(&[(variant, 1)], &[coupon], None)).collect();
        let total = shop.total(carts[0]);
        let (answers, counts) = rush(shop, &carts);
        assert_eq!(counts, [("201".to_owned(), 100), ("409 price_changed".to_owned(), 900)].into());
        let dearer = answers.iter().find(|answer| answer.status == 409).expect("the others");
        assert_eq!(dearer.body["total"]["amount"], total + 100, "without 10 % off 10.00");
        assert!(dearer.body["quote"].to_string().contains("coupon_used_up"), "{dearer:#?}");
        let books = books(shop);
        assert_eq!(books.coupon_uses, 100);
        println!("{books:?}");
    });
}

#[test]
#[ignore = "needs the machine to itself: cargo xtask test contention"]
fn a_customer_uses_a_coupon_as_often_as_it_allows() {
    on_each_database("customer", |shop| {
        let variant = shop.stocked("OFTEN", 10_000);
        let coupon = shop.coupon("THRICE", None, Some(3));
        let customers: Vec<_> = (0..10).map(|_| shop.customer()).collect();
        let carts: Vec<_> = (0..200)
            .map(|number| shop.cart(&[(variant, 1)], &[coupon], Some(customers[number % 10])))
            .collect();
        let (_, counts) = rush(shop, &carts);
        assert_eq!(counts, [("201".to_owned(), 30), ("409 price_changed".to_owned(), 170)].into());
        let books = books(shop);
        assert_eq!(books.coupon_uses, 30);
        println!("{books:?}");
    });
}
