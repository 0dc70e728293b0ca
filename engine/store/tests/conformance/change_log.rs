//! The log of what instances keep copies of. It is one for all stores, so what goes through it has a
//! database of its own.

use std::collections::BTreeSet;

use martlet_domain::{Id, Timestamp, catalog::Product, settings::Store};
use martlet_store::{Change, ChangeKind, Committed, Db, RulebookDraft, StockUpdate, Update};
use uuid::Uuid;

use crate::{
    harness::{World, id},
    ordering::*,
    samples::{self, at, price, usd},
};

async fn all(db: &Db) -> Vec<Change> {
    db.list_changes(at(i64::MIN), u32::MAX).await.unwrap()
}

/// What was written down of a store since a change with some id, in no order but by id.
async fn since(world: &World, last: i64) -> Vec<(ChangeKind, Option<Uuid>)> {
    let mut changes = all(&world.db).await;
    changes.retain(|change| change.store == Some(world.store) && change.id > last);
    changes.sort_by_key(|change| change.id);
    changes.into_iter().map(|change| (change.kind, change.subject)).collect()
}

/// The id of what was written down last.
async fn last(world: &World) -> i64 {
    all(&world.db).await.iter().map(|change| change.id).max().unwrap_or(0)
}

fn of(product: Id<Product>) -> (ChangeKind, Option<Uuid>) {
    (ChangeKind::Product, Some(product.uuid()))
}

fn draft() -> RulebookDraft {
    RulebookDraft { note: String::new(), created_at: at(9), groups: Vec::new(), installations: Vec::new() }
}

pub(crate) async fn every_change_of_what_shoppers_see_is_written_down(world: World) {
    let (db, store) = (&world.db, world.store);
    let mut product = samples::product();
    let mut variant = samples::variant(product.id);
    db.insert_product(store, &product).await.unwrap();
    db.insert_variant(store, &variant).await.unwrap();
    product.published = false;
    assert_eq!(db.update_product(store, &product, 1).await.unwrap(), Update::Done { version: 2 });
    variant.title.push('!');
    assert_eq!(db.update_variant(store, &variant, 1).await.unwrap(), Update::Done { version: 2 });
    let update = db.set_prices(store, variant.id, &[price(usd(), 5)], 2).await.unwrap();
    assert_eq!(update, Update::Done { version: 3 });
    db.insert_category(store, &samples::category(None)).await.unwrap();
    for version in [0, 1] {
        let update = db.put_settings(store, &samples::settings(), version).await.unwrap();
        assert_eq!(update, Update::Done { version: version + 1 });
    }
    db.publish_rulebook(store, draft()).await.unwrap();
    // The store itself came first.
    let mut expected = vec![(ChangeKind::Store, None)];
    expected.extend([of(product.id); 5]);
    expected.push((ChangeKind::Categories, None));
    expected.extend([(ChangeKind::Store, None); 2]);
    expected.push((ChangeKind::Rulebook, None));
    assert_eq!(since(&world, 0).await, expected);
}

pub(crate) async fn what_is_refused_is_not_written_down(world: World) {
    let (db, store) = (&world.db, world.store);
    let variant = samples::stored_variant(db, store).await;
    let product = db.find_product(store, variant.product).await.unwrap().unwrap();
    let category = samples::category(None);
    db.insert_category(store, &category).await.unwrap();
    let before = last(&world).await;
    assert!(matches!(db.update_product(store, &product, 9).await.unwrap(), Update::Stale { .. }));
    assert!(matches!(db.update_variant(store, &variant, 9).await.unwrap(), Update::Stale { .. }));
    assert!(matches!(db.set_prices(store, variant.id, &[], 9).await.unwrap(), Update::Stale { .. }));
    assert_eq!(db.set_prices(store, id(), &[], 1).await.unwrap(), Update::Missing);
    assert_eq!(db.put_settings(store, &samples::settings(), 9).await.unwrap(), Update::Missing);
    assert!(db.insert_category(store, &category).await.is_err());
    assert!(db.insert_product(store, &product).await.is_err());
    // Refused only after the row was written down, which went with the rest.
    let mut homeless = samples::product();
    homeless.categories = vec![id()];
    assert!(db.insert_product(store, &homeless).await.is_err());
    assert!(matches!(db.set_on_hand(store, variant.id, -1).await.unwrap(), StockUpdate::Refused(_)));
    assert!(matches!(db.adjust_on_hand(store, variant.id, -11).await.unwrap(), StockUpdate::Refused(_)));
    assert_eq!(db.set_on_hand(store, id(), 1).await.unwrap(), StockUpdate::Missing);
    assert_eq!(db.adjust_on_hand(store, id(), 1).await.unwrap(), StockUpdate::Missing);
    assert_eq!(since(&world, before).await, []);
}

pub(crate) async fn stock_is_written_down_when_there_begins_or_ceases_to_be_some(world: World) {
    let (db, store) = (&world.db, world.store);
    let variant = samples::stored_variant(db, store).await;
    let mut before = last(&world).await;
    // Each count, and whether it changes what the product's page says. There are 10.
    for (count, flips) in [(9, false), (0, true), (0, false), (1, true), (i64::MAX, false), (0, true)] {
        assert!(matches!(db.set_on_hand(store, variant.id, count).await.unwrap(), StockUpdate::Done(_)));
        let expected = if flips { vec![of(variant.product)] } else { Vec::new() };
        assert_eq!(since(&world, before).await, expected, "counted {count}");
        before = last(&world).await;
    }
    let deltas = [(0, false), (5, true), (-4, false), (-1, true), (i64::MAX, true), (-i64::MAX, true)];
    for (delta, flips) in deltas {
        assert!(matches!(db.adjust_on_hand(store, variant.id, delta).await.unwrap(), StockUpdate::Done(_)));
        let expected = if flips { vec![of(variant.product)] } else { Vec::new() };
        assert_eq!(since(&world, before).await, expected, "adjusted by {delta}");
        before = last(&world).await;
    }
}

/// Units that are promised can't be sold: what is on the shelf isn't what counts.
pub(crate) async fn promised_units_do_not_count_as_there(world: World) {
    let (db, store) = (&world.db, world.store);
    let variant = stocked(&world, 3).await;
    let product = db.find_variant(store, variant).await.unwrap().unwrap().product;
    ordered(&world, &[(variant, 3)]).await;
    let before = last(&world).await;
    assert!(matches!(db.set_on_hand(store, variant, 4).await.unwrap(), StockUpdate::Done(_)));
    assert!(matches!(db.adjust_on_hand(store, variant, 1).await.unwrap(), StockUpdate::Done(_)));
    assert!(matches!(db.adjust_on_hand(store, variant, -2).await.unwrap(), StockUpdate::Done(_)));
    assert!(matches!(db.set_on_hand(store, variant, 3).await.unwrap(), StockUpdate::Done(_)));
    assert_eq!(since(&world, before).await, [of(product), of(product)]);
}

pub(crate) async fn orders_are_written_down_when_they_take_the_last_unit_or_bring_the_first(world: World) {
    let store = world.store;
    let variant = stocked(&world, 3).await;
    let product = world.db.find_variant(store, variant).await.unwrap().unwrap().product;
    let mut before = last(&world).await;
    ordered(&world, &[(variant, 1)]).await;
    assert_eq!(since(&world, before).await, [], "two are left");
    let mut order = ordered(&world, &[(variant, 2)]).await;
    assert_eq!(since(&world, before).await, [of(product)], "none is left");
    before = last(&world).await;
    let cart = cart(&world, &[(variant, 1)]).await;
    let short = commit(&world, [place(placement(store, &cart))]).await;
    assert!(matches!(short[..], [Committed::Short(_)]));
    assert_eq!(since(&world, before).await, [], "nothing has changed");
    let effects = order.expire(LATER).unwrap();
    advanced(&world, &mut order, effects).await;
    assert_eq!(since(&world, before).await, [of(product)], "two are back");
}

pub(crate) async fn what_a_group_takes_and_brings_is_summed_up(world: World) {
    let store = world.store;
    let variant = stocked(&world, 2).await;
    let product = world.db.find_variant(store, variant).await.unwrap().unwrap().product;
    let mut leaving = ordered(&world, &[(variant, 2)]).await;
    let before = last(&world).await;
    let effects = leaving.expire(LATER).unwrap();
    let cart = cart(&world, &[(variant, 2)]).await;
    let work = [step(advance(store, &leaving, effects)), place(placement(store, &cart))];
    assert_eq!(commit(&world, work).await, [Committed::Done, Committed::Done]);
    assert_eq!(since(&world, before).await, [], "there was none before and is none now");

    // A second variant of the same product: the page changes once.
    let sibling = samples::variant(product);
    world.db.insert_variant(store, &sibling).await.unwrap();
    assert!(matches!(world.db.set_on_hand(store, variant, 4).await.unwrap(), StockUpdate::Done(_)));
    let before = last(&world).await;
    ordered(&world, &[(variant, 2), (sibling.id, 10)]).await;
    assert_eq!(since(&world, before).await, [of(product)]);
}

/// Two carts at once for the last unit, time and again: as many changes as there were flips.
pub(crate) async fn flips_are_written_down_however_many_order_at_once(world: World) {
    let store = world.store;
    let variant = stocked(&world, 20).await;
    let product = world.db.find_variant(store, variant).await.unwrap().unwrap().product;
    let before = last(&world).await;
    let mut tasks = Vec::new();
    for _ in 0..40 {
        let cart = cart(&world, &[(variant, 1)]).await;
        let (db, work) = (world.db.clone(), [place(placement(store, &cart))]);
        tasks.push(tokio::spawn(async move { db.commit(&work).await.unwrap().swap_remove(0) }));
    }
    let mut done = 0;
    for task in tasks {
        done += usize::from(task.await.unwrap() == Committed::Done);
    }
    assert_eq!(done, 20);
    assert_eq!(since(&world, before).await, [of(product)]);
}

pub(crate) async fn moments_are_by_the_databases_clock(world: World) {
    let (db, store) = (&world.db, world.store);
    let mut previous = db.now().await.unwrap();
    let this_century = at(1_600_000_000_000)..at(4_100_000_000_000);
    for _ in 0..5 {
        let before = db.now().await.unwrap();
        assert!(previous <= before && this_century.contains(&before), "{before:?}");
        // Its own times don't count.
        let mut product = samples::product();
        (product.created_at, product.updated_at) = (at(i64::MIN), at(i64::MAX));
        db.insert_product(store, &product).await.unwrap();
        previous = db.now().await.unwrap();
        let change = all(db).await.into_iter().find(|change| change.subject == Some(product.id.uuid()));
        let written = change.unwrap().at;
        assert!(before <= written && written <= previous, "{before:?} {written:?} {previous:?}");
    }
}

/// A database of its own, in which nothing is written down.
async fn forgetful(world: World) -> World {
    let world = alone(world).await;
    assert_eq!(world.db.delete_changes(at(i64::MAX), 9).await.unwrap(), 2, "the stores");
    world
}

/// Writes changes down at moments of the test's own.
async fn written(world: &World, moments: &[i64]) {
    for moment in moments {
        let store = world.store.uuid().simple();
        let values = format!("({moment}, X'{store}', 'store', NULL)");
        world.damage(format!("INSERT INTO change_log (at, store_id, kind, subject) VALUES {values}")).await;
    }
}

fn moments(changes: &[Change]) -> Vec<i64> {
    changes.iter().map(|change| change.at.as_millis()).collect()
}

pub(crate) async fn changes_are_listed_since_a_moment_from_the_earliest(world: World) {
    let world = forgetful(world).await;
    let db = &world.db;
    assert_eq!(all(db).await, []);
    written(&world, &[30, 10, 20, 20, i64::MAX, i64::MIN]).await;
    let listed = |since: i64, limit: u32| async move {
        let changes = db.list_changes(at(since), limit).await.unwrap();
        let ids: BTreeSet<i64> = changes.iter().map(|change| change.id).collect();
        assert_eq!(ids.len(), changes.len());
        moments(&changes)
    };
    assert_eq!(listed(i64::MIN, 9).await, [i64::MIN, 10, 20, 20, 30, i64::MAX]);
    assert_eq!(listed(20, 9).await, [20, 20, 30, i64::MAX]);
    assert_eq!(listed(21, 9).await, [30, i64::MAX]);
    assert_eq!(listed(10, 3).await, [10, 20, 20]);
    assert_eq!(listed(i64::MAX, 9).await, [i64::MAX]);
    let change = db.list_changes(at(10), 1).await.unwrap().remove(0);
    let expected = Change {
        id: change.id,
        at: at(10),
        store: Some(world.store),
        kind: ChangeKind::Store,
        subject: None,
    };
    assert_eq!(change, expected);
    let json = serde_json::to_string(&change).unwrap();
    assert_eq!(serde_json::from_str::<Change>(&json).unwrap(), change);
}

pub(crate) async fn a_change_that_cannot_be_read_hides_no_other(world: World) {
    let world = forgetful(world).await;
    written(&world, &[1, 2, 3, 4]).await;
    world.damage("UPDATE change_log SET kind = 'of the future' WHERE at = 2".to_owned()).await;
    // One that names no product.
    world.damage("UPDATE change_log SET kind = 'product' WHERE at = 3".to_owned()).await;
    world.damage("UPDATE change_log SET store_id = NULL WHERE at = 4".to_owned()).await;
    let left = all(&world.db).await;
    assert_eq!(moments(&left), [1, 4]);
    assert_eq!(left[1].store, None);
}

pub(crate) async fn old_changes_are_deleted_in_batches_and_their_ids_never_come_back(world: World) {
    let world = forgetful(world).await;
    let db = &world.db;
    written(&world, &(0..300).collect::<Vec<i64>>()).await;
    let highest = last(&world).await;
    let deleted = |before: Timestamp, limit| async move { db.delete_changes(before, limit).await.unwrap() };
    assert_eq!(deleted(at(0), 9).await, 0);
    assert_eq!(deleted(at(290), 30).await, 30);
    assert_eq!(moments(&all(db).await), (30..300).collect::<Vec<i64>>());
    assert_eq!(deleted(at(290), 1_000).await, 260);
    assert_eq!(deleted(at(290), 1_000).await, 0);
    assert_eq!(moments(&all(db).await), (290..300).collect::<Vec<i64>>());
    assert_eq!(deleted(at(i64::MAX), 1_000).await, 10);
    written(&world, &[1]).await;
    assert!(last(&world).await > highest);
}

pub(crate) async fn of_many_writers_each_is_written_down(world: World) {
    let before = last(&world).await;
    let tasks: Vec<_> = (0..20)
        .map(|_| {
            let (db, store): (Db, Id<Store>) = (world.db.clone(), world.store);
            tokio::spawn(async move { samples::stored_variant(&db, store).await.product })
        })
        .collect();
    let mut expected = Vec::new();
    for task in tasks {
        // One for the product, one for its variant.
        expected.extend([of(task.await.unwrap()); 2]);
    }
    let mut found = since(&world, before).await;
    expected.sort_by_key(|(_, subject)| *subject);
    found.sort_by_key(|(_, subject)| *subject);
    assert_eq!(found, expected);
}
