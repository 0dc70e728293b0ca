//! Orders of real plugins, worked out again from a database that was closed in between, and with one
//! byte of it changed.

mod shop;

use std::time::Duration;

use martlet_domain::{Id, quote::Receipt};
use martlet_plugin_host::HostConfig;

use super::*;
use crate::testing::{Installed, TestApp};
use shop::{TEN_PERCENT, cart, open};

pub(crate) use shop::Shop;

/// The orders that aren't the same, and what is said of the first.
fn findings(replayed: &[Replayed]) -> (Vec<Id<Order>>, String) {
    let others: Vec<&Replayed> = replayed.iter().filter(|order| order.finding != Finding::Same).collect();
    let words = others.first().map(|order| format!("{:?}", order.finding)).unwrap_or_default();
    (others.iter().map(|order| order.order).collect(), words)
}

#[tokio::test]
async fn orders_replay_to_the_same_bytes_after_a_restart() {
    let shop = Shop::with(70).await;
    let replayed = shop.replay(open(&shop.file).await).await;
    assert_eq!(findings(&replayed), (Vec::new(), String::new()));
    let expected: Vec<(Id<Order>, String)> =
        shop.orders.iter().map(|order| (order.id, order.number.to_string())).collect();
    let mut found: Vec<_> = replayed.into_iter().map(|order| (order.order, order.number)).collect();
    found.sort();
    let mut expected = expected;
    expected.sort();
    assert_eq!(found, expected);
}

#[tokio::test]
async fn one_order_is_replayed_by_its_id() {
    let shop = Shop::with(1).await;
    let host = Arc::new(Host::new(HostConfig { slots: 1, ..HostConfig::default() }).expect("a host"));
    let replay = Replay::new(open(&shop.file).await, host, shop.app.store.id);
    let order = &shop.orders[0];
    let (id, number) = (order.id, order.number.to_string());
    let replayed = replay.order(id).await.expect("a read");
    assert_eq!(replayed, Some(Replayed { order: id, number, finding: Finding::Same }));
    let unknown = shop.app.state.world.ids.next(shop.app.clock.now());
    assert_eq!(replay.order(unknown).await.expect("a read"), None);
}

#[tokio::test]
async fn a_flipped_byte_of_a_receipt_is_found_and_the_order_named() {
    let shop = Shop::with(3).await;
    let db = open(&shop.file).await;
    let victim = shop.orders[1].id;
    let receipt = db.find_receipt(shop.app.store.id, victim).await.expect("a read").expect("a receipt");
    db.close().await;
    // The digest alone tells its bytes from those of the other orders.
    let digest = receipt.digest.as_bytes();
    for (text, place) in
        [(&receipt.bytes[..], 40), (&receipt.bytes[..], receipt.bytes.len() / 2), (digest, 31)]
    {
        // No further than a page of the file, where the text may be cut in two.
        let near = &text[place.saturating_sub(30)..(place + 90).min(text.len())];
        let (_folder, db) = shop.flipped(near, 30.min(place)).await;
        let (others, words) = findings(&shop.replay(db).await);
        assert!(others.contains(&victim), "{words}");
        assert!(words.contains("Refused") && words.contains("order_receipts"), "{words}");
        assert!(words.contains(&others[0].to_string()), "{words}");
    }
}

#[tokio::test]
async fn a_flipped_byte_of_a_configuration_is_found_and_the_plugin_named() {
    let shop = Shop::with(4).await;
    // In the rulebook's text the configuration is a string within a string.
    let (_folder, db) = shop.flipped(br#"\"percent_ppm\": 100000"#, 17).await;
    let (others, words) = findings(&shop.replay(db).await);
    assert_eq!(others, [shop.orders[2].id, shop.orders[3].id]);
    assert!(words.contains("rulebooks.body of 2 in"), "{words}");
    assert!(words.contains("of `percentage-off` or its configuration was changed"), "{words}");
}

#[tokio::test]
async fn a_flipped_byte_of_a_component_is_found_and_named_with_its_plugin() {
    let shop = Shop::with(4).await;
    let db = open(&shop.file).await;
    let rulebook = db.find_active_rulebook(shop.app.store.id).await.expect("a read").expect("a rulebook");
    let component = rulebook.installations[1].component;
    let bytes = db.find_component(component).await.expect("a read").expect("a component");
    db.close().await;
    // Pages of the file cut a component every 4 KiB or so; one of two places isn't cut.
    let file = std::fs::read(&shop.file).expect("a file");
    let whole = |at: &usize| file.windows(64).any(|window| window == &bytes[*at..*at + 64]);
    let at = [9_000, 9_100].into_iter().find(whole).expect("a place");
    let (_folder, db) = shop.flipped(&bytes[at..at + 64], 32).await;
    let (others, words) = findings(&shop.replay(db).await);
    assert_eq!(others, [shop.orders[2].id, shop.orders[3].id]);
    let named =
        format!("the component {component} of `percentage-off` can't be used: component_chunks.bytes of");
    assert!(words.contains("Refused") && words.contains(&named), "{words}");
}

#[tokio::test]
async fn a_changed_total_of_an_order_is_found() {
    let shop = Shop::with(2).await;
    let (_folder, db) = shop.flipped(b"\"goods_discount\":", 16).await;
    let (others, words) = findings(&shop.replay(db).await);
    assert_eq!(others.len(), 2);
    assert!(words.contains("orders.terms of order:"), "{words}");
}

/// An order's receipt, and the rules it was priced under.
async fn recorded(shop: &Shop) -> (Vec<u8>, Arc<SealedRulebook>) {
    let db = open(&shop.file).await;
    let (store, last) = (shop.app.store.id, shop.orders.last().expect("an order").id);
    let receipt = db.find_receipt(store, last).await.expect("a read").expect("a receipt");
    let rulebook = db.find_active_rulebook(store).await.expect("a read").expect("a rulebook");
    (receipt.bytes, Arc::new(rulebook))
}

fn again_from(shop: &Shop, rulebook: &Arc<SealedRulebook>, bytes: &[u8]) -> Finding {
    again(shop.app.state.selling.pricer.host(), rulebook, &Receipt::parse(bytes).expect("a receipt"))
}

#[tokio::test]
async fn what_differs_is_said_with_the_plugin_that_answered() {
    let shop = Shop::with(2).await;
    let (bytes, rulebook) = recorded(&shop).await;
    assert_eq!(again_from(&shop, &rulebook, &bytes), Finding::Same);
    // As if the plugin had once given one part in a million more.
    let (ten, more) = (b"\x67percent\x1a\x00\x01\x86\xa0", b"\x67percent\x1a\x00\x01\x86\xa1");
    let place = bytes.windows(ten.len()).position(|window| window == ten).expect("a candidate");
    let forged = [&bytes[..place], more, &bytes[place + ten.len()..]].concat();
    let Finding::Different(words) = again_from(&shop, &rulebook, &forged) else { panic!("it differs") };
    assert!(words.starts_with("`percentage-off` (component "), "{words}");
    assert!(words.contains("answered otherwise in the stage"), "{words}");
    assert!(words.contains("100001") && words.contains("now") && words.contains("100000"), "{words}");
    let Finding::Different(words) = Finding::Different(words).priced_by("0.0.7") else { panic!("still") };
    assert!(words.contains("priced by engine 0.0.7"), "{words}");
}

#[tokio::test]
async fn a_rulebook_that_is_not_the_one_named_is_refused() {
    let shop = Shop::with(2).await;
    let (bytes, rulebook) = recorded(&shop).await;
    let mut other = rulebook.as_ref().clone().into_rulebook();
    other.installations[1].config = TEN_PERCENT.replace('1', "2");
    let other = Arc::new(SealedRulebook::new(other));
    let Finding::Refused(words) = again_from(&shop, &other, &bytes) else { panic!("it is refused") };
    assert!(words.contains(&rulebook.digest().to_string()) && words.contains(&other.digest().to_string()));
}

#[tokio::test]
async fn what_this_machine_cannot_run_now_is_not_different() {
    let app = TestApp::new().await;
    let product = app.product("mug").await;
    app.variant(&product, "MUG-S", "S", 100).await;
    let installed = app.publish(&[Installed::new("hostile", r#"{"mode": "loop"}"#)]).await;
    let cart = cart(&app, 1).await;
    let priced =
        app.state.selling.pricer.price_cart(&app.state.db, app.store.id, cart, app.clock.now()).await;
    let priced = priced.expect("a price");
    let recorded = Receipt::parse(priced.quote.receipt.bytes()).expect("a receipt");
    assert_eq!(again(app.state.selling.pricer.host(), &priced.rulebook, &recorded), Finding::Same);
    // Fuel for seconds, and no time.
    let (fuel_per_call, call_timeout) = (50_000_000_000, Duration::from_millis(1));
    let hurried = HostConfig { fuel_per_call, call_timeout, slots: 1, ..HostConfig::default() };
    let hurried = Arc::new(Host::new(hurried).expect("a host"));
    plugins::component(&app.state.db, &hurried, installed[0].component).await.expect("a component");
    let Finding::NotNow(words) = again(&hurried, &priced.rulebook, &recorded) else { panic!("no time") };
    assert!(words.contains("`hostile`"), "{words}");
}
