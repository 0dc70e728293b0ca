//! Many at once for what there is little of: as many are served as there is, the others are told, and
//! nobody meets an error.

use std::collections::BTreeMap;

use martlet_domain::{
    Id,
    catalog::Variant,
    order::{Effects, Shortage},
};
use martlet_store::{Committed, Db, FactsChange, Placement, StockUpdate, StoreError, Unique, Work};

use crate::{
    harness::{World, id},
    ledger::assert_balanced,
    ordering::*,
    samples,
};

/// Commits each work by itself, all at once.
async fn at_once(db: &Db, work: Vec<Work>) -> Vec<Result<Committed, StoreError>> {
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
fn tally(outcomes: Vec<Result<Committed, StoreError>>) -> BTreeMap<&'static str, usize> {
    let mut tally = BTreeMap::new();
    for outcome in outcomes {
        let name = match outcome.unwrap() {
            Committed::Done => "done",
            Committed::CartChanged => "cart",
            Committed::Short(Shortage::Stock(_)) => "stock",
            Committed::Short(Shortage::Coupon(_)) => "coupon",
            Committed::Short(Shortage::Budget(_)) => "budget",
            Committed::KeyTaken => "key",
            Committed::Stale => "stale",
        };
        *tally.entry(name).or_default() += 1;
    }
    tally
}

/// Placements of one unit each of some variants, the first of them another one each time.
async fn placements(world: &World, variants: &[Id<Variant>], count: usize) -> Vec<Placement> {
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

/// Engines beside one another commit groups of their own, which want each other's rows.
pub(crate) async fn groups_of_several_engines_all_succeed(world: World) {
    let mut variants = Vec::new();
    for _ in 0..5 {
        variants.push(stocked(&world, 1_000).await);
    }
    let mut tasks = Vec::new();
    for place_of in 0..8 {
        let mut work: Vec<Work> =
            placements(&world, &variants[place_of % 4..], 10).await.into_iter().map(place).collect();
        for placement in placements(&world, &variants[..2], 5).await {
            let mut order = placed(&world, placement).await;
            let effects = order.expire(LATER).unwrap();
            work.push(step(advance(world.store, &order, effects)));
        }
        work.rotate_left(place_of);
        let db = world.db.clone();
        tasks.push(tokio::spawn(async move { db.commit(&work).await }));
    }
    for task in tasks {
        let outcomes = task.await.unwrap().unwrap();
        assert!(outcomes.iter().all(|outcome| *outcome == Committed::Done), "{outcomes:?}");
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

/// Orders come and go on ten units of two variants and five uses of a coupon, in many tasks. At the
/// end all of them came to nothing, and nothing is missing.
pub(crate) async fn orders_that_come_and_go_leak_nothing(world: World) {
    let variants = [stocked(&world, 10).await, stocked(&world, 10).await];
    let coupon = limited(&world, Some(5), None).await;
    let mut tasks = Vec::new();
    for task in 0..12 {
        let mut placements = placements(&world, &variants, 6).await;
        if task % 2 == 0 {
            placements = placements
                .into_iter()
                .map(|it| it.using(&coupon).drawing(coupon.installation, 1, 5))
                .collect();
        }
        let (db, store) = (world.db.clone(), world.store);
        tasks.push(tokio::spawn(async move {
            for placement in placements {
                let mut order = placement.order.clone();
                match db.commit(&[place(placement)]).await.unwrap()[..] {
                    [Committed::Done] => {}
                    [Committed::Short(_)] => continue,
                    ref other => panic!("{other:?}"),
                }
                tokio::task::yield_now().await;
                let effects = order.cancel(id(), String::new(), LATER).unwrap();
                let work = [step(advance(store, &order, effects))];
                assert_eq!(db.commit(&work).await.unwrap(), [Committed::Done]);
            }
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!((stock(&world, variants[0]).await, stock(&world, variants[1]).await), ((10, 0), (10, 0)));
    assert_balanced(&world).await;
}

/// The merchant counts stock while shoppers buy: what is promised is never counted away.
pub(crate) async fn counting_stock_and_selling_it_get_along(world: World) {
    let variant = stocked(&world, 15).await;
    let work = placements(&world, &[variant], 30).await.into_iter().map(place).collect();
    let (db, store) = (world.db.clone(), world.store);
    let counting = tokio::spawn(async move {
        let mut counted = 15;
        for delta in [1, -1].repeat(15) {
            if let StockUpdate::Done(_) = db.adjust_on_hand(store, variant, delta).await.unwrap() {
                counted += delta;
            }
        }
        counted
    });
    let tally = tally(at_once(&world.db, work).await);
    let counted = counting.await.unwrap();
    let (on_hand, reserved) = stock(&world, variant).await;
    assert_eq!((on_hand, usize::try_from(reserved).unwrap()), (counted, tally["done"]));
    assert!(reserved >= 15 && reserved <= on_hand, "{reserved} of {on_hand}");
    assert_balanced(&world).await;
}

/// Groups of several engines tell facts of the same customers, in all orders, while these order more:
/// an order looks at its customer's row, and what is told changes it.
pub(crate) async fn facts_of_customers_are_told_in_any_order(world: World) {
    let variant = stocked(&world, 999).await;
    let mut customers = Vec::new();
    for _ in 0..4 {
        customers.push(stored_customer(&world).await);
    }
    let mut tasks = Vec::new();
    for rotated in 0..12 {
        customers.rotate_left(rotated % 3);
        let mut work = Vec::new();
        for customer in &customers {
            let cart = cart_of(&world, *customer, &[(variant, 1)]).await;
            let order = placed(&world, placement(world.store, &cart)).await;
            let mut told = advance(world.store, &order, Effects::default());
            told.facts = Some(FactsChange { customer: *customer, orders: 1, spend: 1_000 });
            work.push(step(told));
            // On goods of its own, so that nothing but the customer's row is wanted by two.
            let goods = stocked(&world, 1).await;
            work.push(place(placement(world.store, &cart_of(&world, *customer, &[(goods, 1)]).await)));
        }
        let db = world.db.clone();
        tasks.push(tokio::spawn(async move { db.commit(&work).await }));
    }
    for task in tasks {
        let outcomes = task.await.unwrap().unwrap();
        assert!(outcomes.iter().all(|outcome| *outcome == Committed::Done), "{outcomes:?}");
    }
    for customer in customers {
        let facts = world.db.find_customer(world.store, customer).await.unwrap().unwrap().facts;
        assert_eq!((facts.order_count, facts.lifetime_spend), (12, 12_000));
    }
    assert_balanced(&world).await;
}
