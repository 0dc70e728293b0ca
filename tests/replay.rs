//! Orders' prices are worked out again, to the same bytes; what was tampered with is named.

use martlet_domain::order::Order;
use martlet_store::Tx;
use martlet_tests::{
    Engine, ledger,
    random::Dice,
    shop::{Shop, at_once},
};

/// How many orders are placed where `MARTLET_TEST_ORDERS` says nothing.
const ORDERS: usize = 200;

/// Places orders from random carts, eight at a time, until there are so many.
#[expect(clippy::print_stdout, reason = "thousands of orders take their time")]
fn place(shop: &Shop, wanted: usize) {
    let variants = shop.plenty();
    let coupons = ["WELCOME10", "FREESHIP", "WOOL5", "FIRST15"].map(|code| shop.find_coupon(code));
    let mut dice = Dice::new(1);
    let customers: Vec<_> = (0..20).map(|_| shop.customer()).collect();
    let mut placed = 0;
    while placed < wanted {
        let carts: Vec<_> = (0..8)
            .map(|_| {
                let lines = dice.lines(&variants);
                let coupons: Vec<_> = coupons.iter().copied().filter(|_| dice.roll(4) == 0).collect();
                let customer = (dice.roll(2) == 0).then(|| dice.pick(&customers));
                shop.cart(&lines, &coupons, customer)
            })
            .collect();
        let answers = at_once(&carts, |cart| {
            // Others use coupons and place orders meanwhile, which may change the price.
            let keys = 0..5;
            keys.map(|turn| {
                shop.patient_checkout(*cart, &format!("{cart}-{turn}"), shop.total(*cart), "tok_approve")
            })
            .find(|answer| answer.body["code"] != "price_changed")
            .expect("an answer")
        });
        placed += answers.into_iter().filter(|answer| answer.clone().expect(201).status == 201).count();
        if placed % 1_000 < 8 {
            println!("{placed} of {wanted} orders placed");
        }
    }
}

/// A value that is to be tampered with.
struct Target {
    read: &'static str,
    write: &'static str,
    key: Vec<u8>,
}

/// Flips one bit of a value, as a disk or an intruder might, at the place that is chosen among its bytes.
fn flip(shop: &Shop, target: &Target, place: impl Fn(&[u8]) -> usize) {
    shop.block_on(async {
        let Tx::Sqlite(mut tx) = shop.db.begin().await.expect("a transaction") else {
            unreachable!("these tests are on SQLite")
        };
        let read = sqlx::query_scalar(target.read).bind(&target.key);
        let mut bytes: Vec<u8> = read.fetch_one(&mut *tx).await.expect("the value");
        let place = place(&bytes);
        bytes[place] ^= 1;
        let write = sqlx::query(target.write).bind(bytes).bind(&target.key);
        assert_eq!(write.execute(&mut *tx).await.expect("a change").rows_affected(), 1);
        tx.commit().await.expect("a commit");
    });
}

#[test]
fn all_orders_replay_to_the_same_bytes_and_tampering_is_named() {
    let wanted =
        std::env::var("MARTLET_TEST_ORDERS").ok().and_then(|text| text.parse().ok()).unwrap_or(ORDERS);
    let shop = Shop::new(Engine::start());
    place(&shop, wanted);
    // Nothing that was compiled survives: a process of its own compiles everything again.
    let shop = shop.restart(&[]);
    let replayed = shop.engine.run(&["replay", "--all"]).expect_success();
    println!("{}", replayed.stdout);
    let orders = shop.block_on(ledger::orders(&shop.db, shop.store));
    assert!(orders.len() >= wanted);
    assert!(replayed.stdout.contains(&orders.len().to_string()), "{}", replayed.stdout);

    let order = &orders[0];
    let one = shop.engine.run(&["replay", order.number.as_str()]).expect_success();
    assert!(one.stdout.contains(order.number.as_str()), "{}", one.stdout);
    // One bit of the receipt, of a configuration in the rulebook, and of a component.
    let middle = |bytes: &[u8]| bytes.len() / 2;
    let receipt = Target {
        read: "SELECT bytes FROM order_receipts WHERE order_id = ?",
        write: "UPDATE order_receipts SET bytes = ? WHERE order_id = ?",
        key: order.id.uuid().as_bytes().to_vec(),
    };
    refused(&shop, order, &receipt, middle, &["receipt", order.number.as_str()]);
    let rulebook = Target {
        read: "SELECT CAST(body AS BLOB) FROM rulebooks WHERE hex(store_id) = hex(?)",
        write: "UPDATE rulebooks SET body = CAST(? AS TEXT) WHERE hex(store_id) = hex(?)",
        key: shop.store.uuid().as_bytes().to_vec(),
    };
    refused(&shop, order, &rulebook, digit_of_a_config, &["rulebook", "spend-tiers"]);
    let used = shop.block_on(shop.db.find_active_rulebook(shop.store)).expect("a read").expect("a rulebook");
    let installed =
        used.installations.iter().find(|one| one.plugin == "spend-tiers").expect("it is installed");
    let component = Target {
        read: "SELECT bytes FROM component_chunks WHERE digest = ?",
        write: "UPDATE component_chunks SET bytes = ? WHERE digest = ?",
        key: installed.component.as_bytes().to_vec(),
    };
    refused(&shop, order, &component, middle, &["spend-tiers", &installed.component.to_string()]);
}

/// A replay refuses what was tampered with and says what it is; put right, it goes through again.
#[expect(clippy::print_stdout, reason = "what is said of tampering is what the test is to show")]
fn refused(shop: &Shop, order: &Order, target: &Target, place: fn(&[u8]) -> usize, names: &[&str]) {
    flip(shop, target, place);
    for arguments in [["replay", order.number.as_str()], ["replay", "--all"]] {
        let replayed = shop.engine.run(&arguments);
        let said = format!("{}{}", replayed.stdout, replayed.stderr);
        assert_ne!(replayed.code, Some(0), "{names:?}: {said}");
        for name in names {
            assert!(said.contains(name), "{name} isn't named: {said}");
        }
        println!("{arguments:?}: {}", said.lines().take(3).collect::<Vec<_>>().join(" / "));
    }
    flip(shop, target, place);
    shop.engine.run(&["replay", order.number.as_str()]).expect_success();
}

/// A digit in the configuration of the tiers of spending: another one makes other discounts.
fn digit_of_a_config(body: &[u8]) -> usize {
    let text = str::from_utf8(body).expect("text");
    let installation = text.find("\"plugin\":\"spend-tiers\"").expect("it is installed");
    let config = installation + text[installation..].find("\"config\":").expect("its configuration");
    config + text[config..].find(|letter: char| letter.is_ascii_digit()).expect("a digit")
}
