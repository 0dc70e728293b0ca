//! Receipts of orders.

use std::{collections::HashMap, sync::Arc};

use martlet_domain::{
    Digest, Id, Timestamp,
    order::{Means, NewOrder, Order, OrderNumber},
    plugin::{Rulebook, SealedRulebook},
    quote::{Input, LineInput, Pricing, ProductFacts, Quote, Receipt},
    settings::TaxRates,
};
use martlet_store::{Committed, Placement, RulebookDraft, StoreError, StoredReceipt, Work};

use crate::{
    corrupt::{assert_named, damage},
    harness::{World, id, number},
    samples::{self, at, since_ids, usd},
};

/// The price of one unit of a variant, under some rules.
fn quote(
    variant: &martlet_domain::catalog::Variant,
    rulebook: Arc<SealedRulebook>,
    as_of: Timestamp,
) -> Quote {
    let product = Arc::new(ProductFacts {
        id: variant.product,
        handle: "mug".parse().unwrap(),
        categories: Vec::new(),
        tags: Vec::new(),
        attributes: Vec::new(),
    });
    let line = LineInput {
        variant: variant.id,
        sku: variant.sku.clone(),
        options: variant.options.clone(),
        product,
        quantity: 1,
        weight_grams: None,
        unit_amount: 1_999,
        floor: 0,
        tax_category: "standard".to_owned(),
    };
    let input = Input {
        rulebook,
        as_of,
        currency: usd(),
        prices_include_tax: true,
        tax: TaxRates { standard: martlet_domain::money::Ppm(0), by_category: Default::default() },
        customer: None,
        destination: None,
        lines: vec![line],
        wanted_method: None,
        own_methods: Vec::new(),
        shipping: None,
        coupons: Vec::new(),
        standings: Vec::new(),
        gifts: Vec::new(),
        bucket: 0,
    };
    Pricing::start(input).unwrap().finish()
}

/// A stored order that was placed at a moment, and what its receipt must read like.
pub(crate) async fn placed(
    world: &World,
    rulebook: Arc<SealedRulebook>,
    moment: Timestamp,
) -> (Order, StoredReceipt) {
    let variant = samples::stored_variant(&world.db, world.store).await;
    let cart = samples::cart(vec![samples::line(variant.id, 1)]);
    world.db.insert_cart(world.store, &cart).await.unwrap();
    let quote = quote(&variant, Arc::clone(&rulebook), moment);
    let [.., a, b, c, d, e] = number().to_be_bytes();
    let (order, ask) = Order::place(NewOrder {
        id: id(),
        number: OrderNumber::from_random([a, b, c, d, e]),
        cart: &cart,
        quote: &quote,
        rulebook: &rulebook,
        coupons: &[],
        titles: &HashMap::new(),
        means: Means { provider: "test".parse().unwrap(), token: "ok".to_owned() },
        awaited_by: None,
        now: moment,
        pending_until: at(i64::MAX),
    });
    let receipt = quote.receipt;
    let stored = StoredReceipt {
        order: order.id,
        number: order.number.to_string(),
        totals: quote.totals,
        digest: receipt.digest(),
        engine: "0.1.0".to_owned(),
        fuel: 7,
        bytes: receipt.bytes().to_vec(),
    };
    let (store, placing, engine) = (world.store, order.clone(), "0.1.0");
    let placement = Placement { store, order: placing, ask, receipt, engine, fuel: 7, claim: None };
    let committed = world.db.commit(&[Work::Place(Box::new(placement))]).await.unwrap();
    assert_eq!(committed, [Committed::Done]);
    (order, stored)
}

fn no_rules() -> Arc<SealedRulebook> {
    Arc::new(SealedRulebook::new(Rulebook::without_rules()))
}

pub(crate) async fn a_receipt_round_trips_and_reads_back(world: World) {
    let (order, stored) = placed(&world, no_rules(), at(5)).await;
    assert_eq!(world.db.find_receipt(world.store, order.id).await.unwrap(), Some(stored.clone()));
    let recorded = Receipt::parse(&stored.bytes).unwrap();
    assert_eq!((recorded.digest(), *recorded.totals()), (stored.digest, stored.totals));
    assert_eq!(world.db.find_receipt(world.store, id()).await.unwrap(), None);
    assert_eq!(world.db.find_receipt(world.other, order.id).await.unwrap(), None);
}

pub(crate) async fn receipts_are_listed_by_order_and_since_a_moment(world: World) {
    let mut all = Vec::new();
    for moment in [-3, 0, 2, 2, 9] {
        all.push((moment, placed(&world, no_rules(), since_ids(moment)).await.1));
    }
    for since in [None, Some(0), Some(2), Some(3), Some(10)] {
        let expected: Vec<&StoredReceipt> = all
            .iter()
            .filter(|(moment, _)| since.is_none_or(|since| since <= *moment))
            .map(|(_, it)| it)
            .collect();
        let since = since.map(since_ids);
        let count = world.db.count_receipts(world.store, since).await.unwrap();
        assert_eq!(count, expected.len() as u64);
        for limit in [1, 2, 5, 6] {
            let (mut found, mut after) = (Vec::new(), None);
            loop {
                let page = world.db.list_receipts(world.store, since, after, limit).await.unwrap();
                let Some(last) = page.last() else { break };
                assert!(page.len() <= limit as usize);
                after = Some(last.order);
                found.extend(page.into_iter().map(|entry| entry.receipt.unwrap()));
            }
            assert!(found.iter().eq(expected.iter().copied()), "{since:?} by {limit}");
        }
    }
    assert!(world.db.list_receipts(world.other, None, None, 9).await.unwrap().is_empty());
    assert_eq!(world.db.count_receipts(world.other, None).await.unwrap(), 0);
}

/// Damages the second of three orders and says what the list makes of it.
async fn listed(world: &World, place: (&str, &str), value: &str) {
    let mut orders: Vec<Id<Order>> = Vec::new();
    for _ in 0..3 {
        orders.push(placed(world, no_rules(), at(0)).await.0.id);
    }
    let (table, column) = place;
    let key = if table == "orders" { "id" } else { "order_id" };
    damage(world, table, column, value, key, orders[1]).await;
    let name = orders[1].to_string();
    assert_named(world.db.find_receipt(world.store, orders[1]).await, place, &name);
    let mut listed = world.db.list_receipts(world.store, None, None, 1_000).await.unwrap();
    listed.retain(|entry| orders.contains(&entry.order));
    let sound: Vec<bool> = listed.iter().map(|entry| entry.receipt.is_ok()).collect();
    assert_eq!(sound, [true, false, true]);
    assert_named(listed.remove(1).receipt, place, &name);
}

pub(crate) async fn a_changed_receipt_is_named_and_hides_no_other(world: World) {
    let zeros = "00".repeat(32);
    listed(&world, ("order_receipts", "bytes"), "X'a0'").await;
    listed(&world, ("order_receipts", "digest"), &format!("X'{zeros}'")).await;
    listed(&world, ("order_receipts", "fuel"), "-1").await;
    listed(&world, ("orders", "total"), "total - 1").await;
    // Settled too, so that lists of all stores' orders elsewhere in the database stay readable.
    listed(&world, ("orders", "terms"), "'{}', pending_until = NULL").await;
}

pub(crate) async fn every_flipped_byte_of_a_receipt_is_found(world: World) {
    let (order, stored) = placed(&world, no_rules(), at(0)).await;
    let (store, id) = (world.store.uuid().simple(), order.id.uuid().simple());
    for position in (0..stored.bytes.len()).step_by(7) {
        let mut bytes = stored.bytes.clone();
        bytes[position] ^= 1 << (position % 8);
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        // Even where its digest is changed with it: the order names the one it had.
        let digest = Digest::of(&bytes);
        let set = format!("bytes = X'{hex}', digest = X'{digest}'");
        world
            .damage(format!(
                "UPDATE order_receipts SET {set} WHERE store_id = X'{store}' AND order_id = X'{id}'"
            ))
            .await;
        let read = world.db.find_receipt(world.store, order.id).await;
        assert_named(read, ("order_receipts", "bytes"), &order.id.to_string());
    }
}

pub(crate) async fn a_receipt_that_is_gone_is_missed(world: World) {
    let (order, _) = placed(&world, no_rules(), at(0)).await;
    let (store, id) = (world.store.uuid().simple(), order.id.uuid().simple());
    world
        .damage(format!("DELETE FROM order_receipts WHERE store_id = X'{store}' AND order_id = X'{id}'"))
        .await;
    let read: Result<_, StoreError> = world.db.find_receipt(world.store, order.id).await;
    assert_named(read, ("order_receipts", "bytes"), &order.id.to_string());
    assert_eq!(world.db.count_receipts(world.store, None).await.unwrap(), 1);
    let listed = world.db.list_receipts(world.store, None, None, 9).await.unwrap();
    assert!(listed.len() == 1 && listed[0].receipt.is_err() && listed[0].number == order.number.to_string());
}

pub(crate) async fn an_order_keeps_its_rulebook_and_its_receipt_keeps_the_order(world: World) {
    let draft = || RulebookDraft {
        note: String::new(),
        created_at: at(9),
        groups: Vec::new(),
        installations: Vec::new(),
    };
    let first = Arc::new(world.db.publish_rulebook(world.store, draft()).await.unwrap());
    world.db.publish_rulebook(world.store, draft()).await.unwrap();
    let (order, stored) = placed(&world, Arc::clone(&first), at(0)).await;
    let store = world.store.uuid().simple();
    crate::kept::assert_kept(&world, "rulebooks", &format!("store_id = X'{store}' AND number = 1")).await;
    let order = order.id.uuid().simple();
    crate::kept::assert_kept(&world, "orders", &format!("store_id = X'{store}' AND id = X'{order}'")).await;
    let input = Receipt::parse(&stored.bytes).unwrap().input(first).unwrap();
    assert_eq!(Pricing::start(input).unwrap().finish().receipt.bytes(), stored.bytes);
}
