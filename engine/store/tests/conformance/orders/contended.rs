//! Many at once for what there is little of: as many are served as there is, the others are told, and
//! nobody meets an error.

use std::collections::BTreeMap;

use martlet_domain::{Id, catalog::Variant, order::Shortage};
use martlet_store::{Committed, Db, Placement, StoreError, Unique, Work};

use crate::{harness::World, ledger::assert_balanced, ordering::*, samples};

/// Commits each work by itself, all at once.
pub(crate) async fn at_once(db: &Db, work: Vec<Work>) -> Vec<Result<Committed, StoreError>> {
    let tasks: Vec<_> = work
        .into_iter()
        .map(|work| {
            let db = db.clone();
            tokio::spawn(async move { db.commit(&[work]).await.map(|mut outcomes| outcomes.swap_remove(0)) })
        })
        .collect();
    let mut outcomes = Vec::new();
    for task in tasks {
        outcomes.push(task.await.unwrap());
    }
    outcomes
}

/// How many were done, and how many were refused by each name.
pub(crate) fn tally(outcomes: Vec<Result<Committed, StoreError>>) -> BTreeMap<&'static str, usize> {
    let mut tally = BTreeMap::new();
    for outcome in outcomes {
        let name = match outcome.unwrap() {
            Committed::Done => "done",
            Committed::CartChanged => "cart",
            Committed::Short(Shortage::Stock(_)) => "stock",
            Committed::Short(Shortage::Coupon(_)) => "coupon",
            Committed::Short(Shortage::Budget(_)) => "budget",
            Committed::KeyTaken => "key",
            Committed::Delivered => "delivered",
            Committed::Stale => "stale",
        };
        *tally.entry(name).or_default() += 1;
    }
    tally
}

/// Placements of one unit each of some variants, the first of them another one each time.
pub(crate) async fn placements(world: &World, variants: &[Id<Variant>], count: usize) -> Vec<Placement> {
    let mut placements = Vec::new();
    for place in 0..count {
        let mut units: Vec<_> = variants.iter().map(|variant| (*variant, 1)).collect();
        units.rotate_left(place % variants.len());
        if place % 2 == 1 {
            units.reverse();
        }
        placements.push(placement(world.store, &cart(world, &units).await));
    }
    placements
}

pub(crate) async fn fifty_shoppers_get_twenty_units(world: World) {
    let variant = stocked(&world, 20).await;
    let work = placements(&world, &[variant], 50).await.into_iter().map(place).collect();
    let tally = tally(at_once(&world.db, work).await);
    assert_eq!(tally, [("done", 20), ("stock", 30)].into());
    assert_eq!(stock(&world, variant).await, (20, 20));
    assert_balanced(&world).await;
}

pub(crate) async fn carts_of_five_variants_in_any_order_all_succeed(world: World) {
    let mut variants = Vec::new();
    for _ in 0..5 {
        variants.push(stocked(&world, 50).await);
    }
    let work = placements(&world, &variants, 50).await.into_iter().map(place).collect();
    assert_eq!(tally(at_once(&world.db, work).await), [("done", 50)].into());
    for variant in variants {
        assert_eq!(stock(&world, variant).await, (50, 50));
    }
    assert_balanced(&world).await;
}

pub(crate) async fn forty_shoppers_use_a_coupon_ten_times(world: World) {
    let (variant, coupon) = (stocked(&world, 99).await, limited(&world, Some(10), None).await);
    let placements = placements(&world, &[variant], 40).await.into_iter();
    let work = placements.map(|placement| place(placement.using(&coupon))).collect();
    assert_eq!(tally(at_once(&world.db, work).await), [("done", 10), ("coupon", 30)].into());
    assert_eq!(stock(&world, variant).await, (99, 10));
    assert_balanced(&world).await;
}

/// Three uses a customer: the first use of each has no row to lock yet.
pub(crate) async fn three_customers_use_a_coupon_three_times_each(world: World) {
    let (variant, coupon) = (stocked(&world, 99).await, limited(&world, None, Some(3)).await);
    let mut work = Vec::new();
    let customers =
        [stored_customer(&world).await, stored_customer(&world).await, stored_customer(&world).await];
    for customer in customers.into_iter().cycle().take(24) {
        let cart = cart_of(&world, customer, &[(variant, 1)]).await;
        work.push(place(placement(world.store, &cart).using(&coupon)));
    }
    assert_eq!(tally(at_once(&world.db, work).await), [("done", 9), ("coupon", 15)].into());
    assert_balanced(&world).await;
}

pub(crate) async fn forty_shoppers_share_a_budget(world: World) {
    let variant = stocked(&world, 99).await;
    let installation = samples::stored_installation(&world.db, world.store).await.id;
    let placements = placements(&world, &[variant], 40).await.into_iter();
    let work = placements.map(|placement| place(placement.drawing(installation, 30, 310))).collect();
    assert_eq!(tally(at_once(&world.db, work).await), [("done", 10), ("budget", 30)].into());
    assert_eq!(world.db.budget_usage(world.store, &[installation]).await.unwrap()[&installation], 300);
    assert_balanced(&world).await;
}

pub(crate) async fn of_twenty_checkouts_of_a_cart_one_is_placed(world: World) {
    let variant = stocked(&world, 99).await;
    let cart = cart(&world, &[(variant, 1)]).await;
    let work = (0..20).map(|_| place(placement(world.store, &cart))).collect();
    assert_eq!(tally(at_once(&world.db, work).await), [("done", 1), ("cart", 19)].into());
    assert_balanced(&world).await;
}

/// A group that loses the race for a key is to be tried again one by one, and then it knows.
pub(crate) async fn of_twenty_orders_under_a_key_one_is_placed(world: World) {
    let (variant, claim) = (stocked(&world, 99).await, claim());
    let placements = placements(&world, &[variant], 20).await.into_iter();
    let work: Vec<Work> = placements.map(|placement| place(placement.under(&claim))).collect();
    let outcomes = at_once(&world.db, work.clone()).await;
    let mut lost = Vec::new();
    let mut known = Vec::new();
    for (work, outcome) in work.into_iter().zip(outcomes) {
        match outcome {
            Err(StoreError::Conflict(Unique::IdempotencyKey)) => lost.push(work),
            outcome => known.push(outcome),
        }
    }
    known.extend(at_once(&world.db, lost).await);
    assert_eq!(tally(known), [("done", 1), ("key", 19)].into());
    assert_balanced(&world).await;
}

pub(crate) async fn of_twenty_steps_of_a_version_one_is_taken(world: World) {
    let variant = stocked(&world, 99).await;
    let order = ordered(&world, &[(variant, 9)]).await;
    let mut work = Vec::new();
    for place in 0..20 {
        let mut order = order.clone();
        let effects = if place % 2 == 0 { order.pay(None, LATER) } else { order.expire(LATER) };
        work.push(step(advance(world.store, &order, effects.unwrap())));
    }
    assert_eq!(tally(at_once(&world.db, work).await), [("done", 1), ("stale", 19)].into());
    assert_balanced(&world).await;
}
