//! Coupons and how often they are used.

use martlet_domain::quote::{Class, Standing};
use martlet_store::{StoreError, Unique, Update, transaction};

use crate::{
    harness::{World, id},
    samples::{self, ODD_TEXT, at},
};

pub(crate) async fn a_coupon_round_trips_at_its_extremes(world: World) {
    let mut full = samples::coupon(samples::stored_installation(&world.db, world.store).await.id);
    full.code = "🧶".repeat(64).parse().unwrap();
    full.config = ODD_TEXT.to_owned();
    full.classes = vec![Class::Gift, Class::Shipping];
    full.enabled = false;
    (full.starts_at, full.ends_at) = (Some(at(i64::MIN)), Some(at(i64::MAX)));
    (full.total_limit, full.per_customer_limit) = (Some(i64::MAX), Some(0));
    full.version = i64::MAX;
    let mut bare = samples::coupon(full.installation);
    bare.config.clear();
    bare.classes.clear();
    for coupon in [full, bare] {
        world.db.insert_coupon(world.store, &coupon).await.unwrap();
        assert_eq!(world.db.find_coupon(world.store, coupon.id).await.unwrap(), Some(coupon));
    }
}

pub(crate) async fn a_coupon_is_found_by_its_code(world: World) {
    let coupon = samples::stored_coupon(&world.db, world.store).await;
    let found = world.db.find_coupon_by_code(world.store, &coupon.code).await.unwrap();
    assert_eq!(found, Some(coupon));
    let unknown = "UNKNOWN".parse().unwrap();
    assert_eq!(world.db.find_coupon_by_code(world.store, &unknown).await.unwrap(), None);
}

pub(crate) async fn an_updated_coupon_is_replaced(world: World) {
    let old = samples::stored_coupon(&world.db, world.store).await;
    let mut new = samples::coupon(samples::stored_installation(&world.db, world.store).await.id);
    new.id = old.id;
    new.enabled = false;
    new.ends_at = Some(at(3));
    new.total_limit = Some(5);
    let update = world.db.update_coupon(world.store, &new, 1).await.unwrap();
    assert_eq!(update, Update::Done { version: 2 });
    new.version = 2;
    assert_eq!(world.db.find_coupon(world.store, old.id).await.unwrap(), Some(new));
}

pub(crate) async fn a_stale_coupon_is_refused_and_unchanged(world: World) {
    let coupon = samples::stored_coupon(&world.db, world.store).await;
    let mut changed = coupon.clone();
    changed.enabled = false;
    let update = world.db.update_coupon(world.store, &changed, 9).await.unwrap();
    assert_eq!(update, Update::Stale { current: 1 });
    assert_eq!(world.db.find_coupon(world.store, coupon.id).await.unwrap(), Some(coupon));
    changed.id = id();
    assert_eq!(world.db.update_coupon(world.store, &changed, 1).await.unwrap(), Update::Missing);
}

pub(crate) async fn a_taken_code_is_a_conflict_in_its_store_alone(world: World) {
    let first = samples::stored_coupon(&world.db, world.store).await;
    let mut second = samples::stored_coupon(&world.db, world.store).await;
    second.code = first.code.clone();
    let error = world.db.update_coupon(world.store, &second, 1).await.unwrap_err();
    assert!(matches!(error, StoreError::Conflict(Unique::CouponCode)), "{error}");
    second.id = id();
    let error = world.db.insert_coupon(world.store, &second).await.unwrap_err();
    assert!(matches!(error, StoreError::Conflict(Unique::CouponCode)), "{error}");
    second.installation = samples::stored_installation(&world.db, world.other).await.id;
    world.db.insert_coupon(world.other, &second).await.unwrap();
}

pub(crate) async fn a_coupon_of_an_unknown_installation_is_refused(world: World) {
    let foreign = samples::stored_installation(&world.db, world.other).await;
    let error = world.db.insert_coupon(world.store, &samples::coupon(foreign.id)).await.unwrap_err();
    assert!(matches!(error, StoreError::UnknownReference), "{error}");
}

pub(crate) async fn pages_of_coupons_are_complete_without_duplicates(world: World) {
    let installation = samples::stored_installation(&world.db, world.store).await.id;
    let mut made = Vec::new();
    for _ in 0..9 {
        let coupon = samples::coupon(installation);
        world.db.insert_coupon(world.store, &coupon).await.unwrap();
        made.insert(0, coupon);
    }
    for limit in [1, 2, 3, 4, 9, 10] {
        let (mut paged, mut after) = (Vec::new(), None);
        loop {
            let page = world.db.list_coupons(world.store, after, limit).await.unwrap();
            assert!(page.coupons.len() <= limit as usize);
            paged.extend(page.coupons);
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        assert_eq!(paged, made);
    }
}

pub(crate) async fn coupons_come_in_the_order_asked_for(world: World) {
    let one = samples::stored_coupon(&world.db, world.store).await;
    let two = samples::stored_coupon(&world.db, world.store).await;
    let found = world.db.list_coupons_by_id(world.store, &[two.id, id(), one.id]).await.unwrap();
    assert_eq!(found, [two, one]);
    assert_eq!(world.db.list_coupons_by_id(world.store, &[]).await.unwrap(), []);
}

pub(crate) async fn uses_are_counted_in_all_and_by_customer(world: World) {
    let (db, store) = (&world.db, world.store);
    let used = samples::stored_coupon(db, store).await.id;
    let unused = samples::stored_coupon(db, store).await.id;
    let (one, two) = (samples::customer(), samples::customer());
    db.insert_customer(store, &one).await.unwrap();
    db.insert_customer(store, &two).await.unwrap();
    for customer in [Some(one.id), None, Some(one.id), Some(two.id)] {
        let there = transaction!(db, |tx| tx.increment_coupon_usage(store, used, customer).await).unwrap();
        assert!(there);
    }
    let there = transaction!(db, |tx| tx.increment_coupon_usage(store, id(), Some(one.id)).await).unwrap();
    assert!(!there);

    let standing = |used, used_by_customer| Standing { used, used_by_customer, budget_left: None };
    for (customer, expected) in
        [(Some(one.id), standing(4, 2)), (Some(two.id), standing(4, 1)), (None, standing(4, 0))]
    {
        let standings = db.coupon_standings(store, &[used, unused, id()], customer).await.unwrap();
        assert_eq!(standings.len(), 2);
        assert_eq!((standings[&used], standings[&unused]), (expected, standing(0, 0)));
    }
    assert!(db.coupon_standings(store, &[], Some(one.id)).await.unwrap().is_empty());
}

pub(crate) async fn parallel_uses_are_all_counted(world: World) {
    let coupon = samples::stored_coupon(&world.db, world.store).await.id;
    let customer = samples::customer();
    world.db.insert_customer(world.store, &customer).await.unwrap();
    let tasks: Vec<_> = (0..16)
        .map(|_| {
            let (db, store, customer) = (world.db.clone(), world.store, Some(customer.id));
            tokio::spawn(async move {
                transaction!(&db, |tx| tx.increment_coupon_usage(store, coupon, customer).await).unwrap()
            })
        })
        .collect();
    for task in tasks {
        assert!(task.await.unwrap());
    }
    let standings = world.db.coupon_standings(world.store, &[coupon], Some(customer.id)).await.unwrap();
    assert_eq!((standings[&coupon].used, standings[&coupon].used_by_customer), (16, 16));
}

pub(crate) async fn transactions_in_opposite_orders_all_succeed(world: World) {
    let one = samples::stored_coupon(&world.db, world.store).await.id;
    let two = samples::stored_coupon(&world.db, world.store).await.id;
    let tasks: Vec<_> = [(one, two), (two, one)]
        .into_iter()
        .cycle()
        .take(4)
        .map(|(first, second)| {
            let (db, store) = (world.db.clone(), world.store);
            tokio::spawn(async move {
                for _ in 0..15 {
                    let done = transaction!(&db, |tx| {
                        tx.increment_coupon_usage(store, first, None).await?;
                        tx.increment_coupon_usage(store, second, None).await
                    });
                    assert!(done.unwrap());
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    let standings = world.db.coupon_standings(world.store, &[one, two], None).await.unwrap();
    assert_eq!((standings[&one].used, standings[&two].used), (60, 60));
}

pub(crate) async fn a_use_that_is_rolled_back_is_not_counted(world: World) {
    let coupon = samples::stored_coupon(&world.db, world.store).await.id;
    let mut tx = world.db.begin().await.unwrap();
    assert!(tx.increment_coupon_usage(world.store, coupon, None).await.unwrap());
    tx.rollback().await;
    let standings = world.db.coupon_standings(world.store, &[coupon], None).await.unwrap();
    assert_eq!(standings[&coupon].used, 0);
}

pub(crate) async fn another_store_sees_no_coupon(world: World) {
    let (db, other) = (&world.db, world.other);
    let coupon = samples::stored_coupon(db, world.store).await;
    assert_eq!(db.find_coupon(other, coupon.id).await.unwrap(), None);
    assert_eq!(db.find_coupon_by_code(other, &coupon.code).await.unwrap(), None);
    assert_eq!(db.list_coupons_by_id(other, &[coupon.id]).await.unwrap(), []);
    assert_eq!(db.list_coupons(other, None, 9).await.unwrap().coupons, []);
    assert_eq!(db.update_coupon(other, &coupon, 1).await.unwrap(), Update::Missing);
    assert!(db.coupon_standings(other, &[coupon.id], None).await.unwrap().is_empty());
    let there = transaction!(db, |tx| tx.increment_coupon_usage(other, coupon.id, None).await).unwrap();
    assert!(!there);
}
