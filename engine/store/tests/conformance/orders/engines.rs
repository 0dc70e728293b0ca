//! Several engines beside one another, and merchants beside shoppers: each commits what it likes, in
//! whatever order.

use martlet_domain::order::Effects;
use martlet_store::{Committed, Db, FactsChange, Placement, StockUpdate, Work};

use crate::{
    harness::{World, id},
    ledger::assert_balanced,
    ordering::*,
    orders_contended::{at_once, placements, tally},
};

/// Commits each group by itself, all at once, and expects all of it to be done.
async fn groups_at_once(db: &Db, groups: Vec<Vec<Work>>) {
    let commit = |work: Vec<Work>| {
        let db = db.clone();
        tokio::spawn(async move { db.commit(&work).await })
    };
    let tasks: Vec<_> = groups.into_iter().map(commit).collect();
    for task in tasks {
        let outcomes = task.await.unwrap().unwrap();
        assert!(outcomes.iter().all(|outcome| *outcome == Committed::Done), "{outcomes:?}");
    }
}

/// Engines beside one another commit groups of their own, which want each other's rows.
pub(crate) async fn groups_of_several_engines_all_succeed(world: World) {
    let mut variants = Vec::new();
    for _ in 0..5 {
        variants.push(stocked(&world, 1_000).await);
    }
    let mut groups = Vec::new();
    for place_of in 0..8 {
        let mut work: Vec<Work> =
            placements(&world, &variants[place_of % 4..], 10).await.into_iter().map(place).collect();
        for placement in placements(&world, &variants[..2], 5).await {
            let mut order = placed(&world, placement).await;
            let effects = order.expire(LATER).unwrap();
            work.push(step(advance(world.store, &order, effects)));
        }
        work.rotate_left(place_of);
        groups.push(work);
    }
    groups_at_once(&world.db, groups).await;
    assert_balanced(&world).await;
}

/// Orders come and go on ten units of two variants and five uses of a coupon, in many tasks. At the
/// end all of them came to nothing, and nothing is missing.
pub(crate) async fn orders_that_come_and_go_leak_nothing(world: World) {
    let variants = [stocked(&world, 10).await, stocked(&world, 10).await];
    let coupon = limited(&world, Some(5), None).await;
    let mut all = Vec::new();
    for task in 0..12 {
        let placements = placements(&world, &variants, 6).await.into_iter();
        let needy = |it: Placement| it.using(&coupon).drawing(coupon.installation, 1, 5);
        all.push(placements.map(|it| if task % 2 == 0 { needy(it) } else { it }).collect::<Vec<_>>());
    }
    let tasks: Vec<_> =
        all.into_iter().map(|mine| tokio::spawn(come_and_go(world.db.clone(), mine))).collect();
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!((stock(&world, variants[0]).await, stock(&world, variants[1]).await), ((10, 0), (10, 0)));
    assert_balanced(&world).await;
}

/// Places orders one by one, and calls each off at once.
async fn come_and_go(db: Db, placements: Vec<Placement>) {
    for placement in placements {
        let (store, mut order) = (placement.store, placement.order.clone());
        match db.commit(&[place(placement)]).await.unwrap()[..] {
            [Committed::Done] => {}
            [Committed::Short(_)] => continue,
            ref other => panic!("{other:?}"),
        }
        let effects = order.cancel(id(), String::new(), LATER).unwrap();
        assert_eq!(db.commit(&[step(advance(store, &order, effects))]).await.unwrap(), [Committed::Done]);
    }
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
    let mut groups = Vec::new();
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
        groups.push(work);
    }
    groups_at_once(&world.db, groups).await;
    for customer in customers {
        let facts = world.db.find_customer(world.store, customer).await.unwrap().unwrap().facts;
        assert_eq!((facts.order_count, facts.lifetime_spend), (12, 12_000));
    }
    assert_balanced(&world).await;
}
