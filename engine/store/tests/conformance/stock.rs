//! Stock levels.

use martlet_domain::stock::StockLevel;
use martlet_store::StockUpdate;

use crate::{
    harness::{World, id},
    samples,
};

fn level(on_hand: i64, reserved: i64) -> StockLevel {
    StockLevel { on_hand, reserved }
}

async fn stocked(world: &World, stock: StockLevel) -> martlet_domain::Id<martlet_domain::catalog::Variant> {
    let product = samples::product();
    world.db.insert_product(world.store, &product).await.unwrap();
    let mut variant = samples::variant(product.id);
    variant.stock = stock;
    world.db.insert_variant(world.store, &variant).await.unwrap();
    variant.id
}

pub(crate) async fn counted_stock_is_what_was_counted(world: World) {
    let variant = stocked(&world, level(10, 2)).await;
    for count in [i64::MAX, 2, 3] {
        let update = world.db.set_on_hand(world.store, variant, count).await.unwrap();
        assert_eq!(update, StockUpdate::Done(level(count, 2)));
    }
    // The same count again is a change too.
    let update = world.db.set_on_hand(world.store, variant, 3).await.unwrap();
    assert_eq!(update, StockUpdate::Done(level(3, 2)));
    assert_eq!(world.db.find_stock(world.store, variant).await.unwrap(), Some(level(3, 2)));
}

pub(crate) async fn stock_never_falls_below_what_is_promised(world: World) {
    let variant = stocked(&world, level(10, 4)).await;
    for count in [3, 0, -1, i64::MIN] {
        let update = world.db.set_on_hand(world.store, variant, count).await.unwrap();
        assert_eq!(update, StockUpdate::Refused(level(10, 4)));
    }
    for delta in [-7, i64::MIN + 1, i64::MIN] {
        let update = world.db.adjust_on_hand(world.store, variant, delta).await.unwrap();
        assert_eq!(update, StockUpdate::Refused(level(10, 4)));
    }
    let update = world.db.adjust_on_hand(world.store, variant, -6).await.unwrap();
    assert_eq!(update, StockUpdate::Done(level(4, 4)));
}

pub(crate) async fn stock_never_overflows(world: World) {
    let variant = stocked(&world, level(1, 0)).await;
    let update = world.db.adjust_on_hand(world.store, variant, i64::MAX).await.unwrap();
    assert_eq!(update, StockUpdate::Refused(level(1, 0)));
    let update = world.db.adjust_on_hand(world.store, variant, i64::MAX - 1).await.unwrap();
    assert_eq!(update, StockUpdate::Done(level(i64::MAX, 0)));
    let update = world.db.adjust_on_hand(world.store, variant, -i64::MAX).await.unwrap();
    assert_eq!(update, StockUpdate::Done(level(0, 0)));
}

pub(crate) async fn stock_of_a_missing_variant_is_missing(world: World) {
    assert_eq!(world.db.find_stock(world.store, id()).await.unwrap(), None);
    assert_eq!(world.db.set_on_hand(world.store, id(), 1).await.unwrap(), StockUpdate::Missing);
    assert_eq!(world.db.adjust_on_hand(world.store, id(), 1).await.unwrap(), StockUpdate::Missing);
}

pub(crate) async fn another_store_changes_no_stock(world: World) {
    let variant = stocked(&world, level(5, 0)).await;
    assert_eq!(world.db.find_stock(world.other, variant).await.unwrap(), None);
    assert_eq!(world.db.set_on_hand(world.other, variant, 1).await.unwrap(), StockUpdate::Missing);
    assert_eq!(world.db.adjust_on_hand(world.other, variant, 1).await.unwrap(), StockUpdate::Missing);
    assert_eq!(world.db.find_stock(world.store, variant).await.unwrap(), Some(level(5, 0)));
}

pub(crate) async fn thirty_two_tasks_adjust_one_row_without_loss(world: World) {
    let variant = stocked(&world, level(0, 0)).await;
    let tasks: Vec<_> = (0..32)
        .map(|_| {
            let (db, store) = (world.db.clone(), world.store);
            tokio::spawn(async move {
                for _ in 0..5 {
                    let update = db.adjust_on_hand(store, variant, 3).await.unwrap();
                    assert!(matches!(update, StockUpdate::Done(_)));
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(world.db.find_stock(world.store, variant).await.unwrap(), Some(level(480, 0)));
}

pub(crate) async fn more_takers_than_units_never_oversell(world: World) {
    let variant = stocked(&world, level(13, 3)).await;
    let tasks: Vec<_> = (0..32)
        .map(|_| {
            let (db, store) = (world.db.clone(), world.store);
            tokio::spawn(async move { db.adjust_on_hand(store, variant, -1).await.unwrap() })
        })
        .collect();
    let mut taken = 0;
    for task in tasks {
        if matches!(task.await.unwrap(), StockUpdate::Done(_)) {
            taken += 1;
        }
    }
    assert_eq!(taken, 10);
    assert_eq!(world.db.find_stock(world.store, variant).await.unwrap(), Some(level(3, 3)));
}
