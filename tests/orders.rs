//! From a cart to an order and what becomes of it, from outside, on both databases.

use martlet_domain::order::OrderStatus;
use martlet_tests::{
    Answer, ledger,
    quote::amount,
    shop::{Shop, checkout_body, on_each_database},
};
use serde_json::{Value, json};

/// A cart as a shopper makes it, and its total.
fn cart(shop: &Shop) -> (String, i64) {
    let put = |path: String, body: Value| {
        shop.engine.send("PUT", &path, &[], Some(&body.to_string())).expect(200);
    };
    let lines =
        json!([{"sku": "SOCK-MERINO-M-NAVY", "quantity": 3}, {"sku": "MUG-STONE-350", "quantity": 12}]);
    let made =
        shop.engine.post("/api/v1/carts", &json!({"lines": lines, "coupons": ["WELCOME10"]})).expect(201);
    let cart = made.text("/id").to_owned();
    let address = json!({"name": "Jo", "lines": ["1 Road"], "city": "Seoul", "country": "KR"});
    put(format!("/api/v1/carts/{cart}/shipping-address"), address);
    put(format!("/api/v1/carts/{cart}/shipping-method"), json!({"method": "standard"}));
    put(format!("/api/v1/carts/{cart}/customer"), json!({"email": "jo@example.com"}));
    let quote = shop.engine.get(&format!("/api/v1/carts/{cart}/quote")).expect(200);
    (cart, amount(&quote.body["totals"]["total"]))
}

fn checkout(shop: &Shop, cart: &str, key: &str, total: i64, token: &str) -> Answer {
    let body = checkout_body(total, token).to_string();
    shop.engine.send(
        "POST",
        &format!("/api/v1/carts/{cart}/checkout"),
        &[("idempotency-key", key)],
        Some(&body),
    )
}

/// Units of the socks: on hand, and reserved.
fn socks(shop: &Shop) -> (i64, i64) {
    let product = shop.engine.get("/api/v1/products/merino-socks").expect(200);
    let mut variants = product.body["variants"].as_array().expect("variants").iter();
    let navy = variants.find(|one| one["sku"] == "SOCK-MERINO-M-NAVY").expect("the socks").clone();
    let path = format!("/variants/{}/stock", navy["id"].as_str().expect("an id"));
    let stock = shop.admin("GET", &path, None, None).expect(200);
    (stock.body["on_hand"].as_i64().expect("a number"), stock.body["reserved"].as_i64().expect("a number"))
}

/// The order, once nothing is left to be done for it.
fn settled(shop: &Shop, order: &str) -> Value {
    for _ in 0..200 {
        if shop.block_on(shop.db.count_events()).expect("a count") == 0 {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(25));
    }
    shop.admin("GET", &format!("/orders/{order}"), None, None).expect(200).body
}

#[test]
fn a_shopper_orders_and_a_merchant_ships_and_pays_back() {
    on_each_database("orders", |shop| {
        let before = socks(shop);
        let (cart, total) = cart(shop);
        let placed = checkout(shop, &cart, "one", total, "tok_approve").expect(201);
        let order = placed.text("/id").to_owned();
        assert_eq!(placed.header("location"), format!("/api/v1/orders/{order}"));
        assert_eq!(
            (amount(&placed.body["totals"]["total"]), &placed.body["status"]),
            (total, &json!("paid"))
        );
        assert_eq!(placed.body["coupons"], json!(["WELCOME10"]));
        assert_eq!(socks(shop), (before.0, before.1 + 3));

        // The holder of the cart reads it, and nobody else.
        let path = format!("/api/v1/orders/{order}");
        shop.engine.send("GET", &path, &[("martlet-cart", &cart)], None).expect(200);
        shop.engine.get(&path).expect_problem(404, "not_found");
        let changed = shop
            .engine
            .post(&format!("/api/v1/carts/{cart}/lines"), &json!({"sku": "SALT-SEA", "quantity": 1}));
        changed.expect_problem(409, "cart_ordered");

        // Two pairs are shipped and one comes back; then the rest of the money goes.
        assert_eq!(settled(shop, &order)["payment"]["status"], "captured");
        let step = |name: &str, key: Option<&str>, body: Value| {
            shop.admin("POST", &format!("/orders/{order}/{name}"), key, Some(&body))
        };
        let shipped = json!({"lines": [{"position": 0, "quantity": 2}], "tracking": "KR-1"});
        assert_eq!(step("fulfillments", None, shipped).expect(200).body["status"], "partly_fulfilled");
        assert_eq!(socks(shop), (before.0 - 2, before.1 + 1));
        let too_much = json!({"amount": {"amount": total + 1, "currency": "USD"}, "reason": "x"});
        step("refunds", Some("much"), too_much).expect_problem(422, "refund_exceeds_payment");
        let part = json!({"amount": {"amount": 500, "currency": "USD"}, "reason": "late"});
        assert_eq!(step("refunds", Some("part"), part.clone()).expect(200).body["status"], "partly_refunded");
        // The same key again moves nothing more.
        step("refunds", Some("part"), part).expect(200);
        let rest = json!({"reason": "broken", "lines": [{"position": 0, "quantity": 3}]});
        assert_eq!(step("refunds", Some("rest"), rest).expect(200).body["status"], "refunded");
        let done = settled(shop, &order);
        assert_eq!(amount(&done["payment"]["refunded"]), total);
        assert_eq!(socks(shop), before, "one never left, and two came back");
        step("cancel", None, json!({"reason": "x"})).expect_problem(409, "order_step_not_allowed");
        let books = shop.block_on(ledger::read(&shop.db, shop.store)).expect_exact();
        assert_eq!((books.count(OrderStatus::Refunded), books.money, books.coupon_uses), (1, 0, 0));
    });
}

#[test]
fn a_declined_payment_leaves_everything_as_it_was() {
    on_each_database("declined", |shop| {
        let before = socks(shop);
        let (cart, total) = cart(shop);
        let declined =
            checkout(shop, &cart, "one", total, "tok_decline").expect_problem(402, "payment_declined");
        assert_eq!(checkout(shop, &cart, "one", total, "tok_decline").raw, declined.raw);
        assert_eq!(socks(shop), before);
        checkout(shop, &cart, "one", total, "tok_approve").expect_problem(422, "idempotency_key_reused");
        let placed = checkout(shop, &cart, "two", total, "tok_approve").expect(201);
        let order = placed.text("/id").to_owned();
        let cancel =
            || shop.admin("POST", &format!("/orders/{order}/cancel"), None, Some(&json!({"reason": "no"})));
        assert_eq!(cancel().expect(200).body["status"], "cancelled");
        cancel().expect_problem(409, "order_already_cancelled");
        settled(shop, &order);
        assert_eq!(socks(shop), before);
        let books = shop.block_on(ledger::read(&shop.db, shop.store)).expect_exact();
        assert_eq!((books.count(OrderStatus::Cancelled), books.money, books.coupon_uses), (2, 0, 0));
    });
}

#[test]
fn what_cannot_be_ordered_says_why_and_changes_nothing() {
    on_each_database("refused", |shop| {
        let before = socks(shop);
        let (id, total) = cart(shop);
        let path = format!("/api/v1/carts/{id}/checkout");
        let body = checkout_body(total, "tok_approve").to_string();
        let send =
            |headers: &[(&str, &str)], body: &str| shop.engine.send("POST", &path, headers, Some(body));
        send(&[], &body).expect_problem(400, "idempotency_key_required");
        send(&[("idempotency-key", "")], &body).expect_problem(400, "malformed_header");
        send(&[("idempotency-key", &"x".repeat(300))], &body).expect_problem(400, "malformed_header");
        send(&[("idempotency-key", "a"), ("if-match", "\"1\"")], &body)
            .expect_problem(412, "version_conflict");
        let dearer = checkout(shop, &id, "b", total - 1, "tok_approve").expect_problem(409, "price_changed");
        assert_eq!(amount(&dearer.body["quote"]["totals"]["total"]), total);
        let empty = shop.engine.post("/api/v1/carts", &json!({})).expect(201).text("/id").to_owned();
        checkout(shop, &empty, "c", 0, "tok_approve").expect_problem(422, "cart_empty");
        let bare = json!({"lines": [{"sku": "SALT-SEA", "quantity": 1}]});
        let bare = shop.engine.post("/api/v1/carts", &bare).expect(201).text("/id").to_owned();
        let incomplete =
            checkout(shop, &bare, "d", 1, "tok_approve").expect_problem(422, "checkout_incomplete");
        assert_eq!(incomplete.body["missing"], json!(["customer", "shipping_address", "shipping_method"]));
        checkout(shop, &id, "e", total, "tok_approve").expect(201);
        checkout(shop, &id, "f", total, "tok_approve").expect_problem(409, "cart_ordered");
        assert_eq!(socks(shop), (before.0, before.1 + 3));
    });
}
