//! Coupons that are claimed.

use std::collections::{BTreeMap, HashMap, HashSet};

use martlet_domain::{
    Id,
    coupon::Coupon,
    customer::{CouponClaim, Customer},
};
use martlet_store::{ClaimOutcome, ClaimStock, StoreError};

use crate::{
    harness::{World, id},
    ordering::stored_customer,
    samples::{self, at},
};

/// A stored coupon that so many may claim.
async fn claimable(world: &World, units: i64) -> Id<Coupon> {
    let coupon = samples::stored_coupon(&world.db, world.store).await.id;
    assert!(world.db.set_claim_stock(world.store, coupon, units).await.unwrap());
    coupon
}

async fn claim(world: &World, coupon: Id<Coupon>, customer: Id<Customer>) -> ClaimOutcome {
    world.db.claim_coupon(world.store, coupon, customer, at(7)).await.unwrap()
}

async fn stock(world: &World, coupon: Id<Coupon>) -> (i64, i64) {
    let stock = world.db.claim_stock(world.store, coupon).await.unwrap().unwrap();
    assert_eq!(stock.left(), stock.units - stock.claimed);
    (stock.units, stock.claimed)
}

/// Claims one after another as fast as they come, each by a task of its own.
async fn at_once(world: &World, claims: Vec<(Id<Coupon>, Id<Customer>)>) -> Vec<ClaimOutcome> {
    let tasks: Vec<_> = claims
        .into_iter()
        .map(|(coupon, customer)| {
            let (db, store) = (world.db.clone(), world.store);
            tokio::spawn(async move { db.claim_coupon(store, coupon, customer, at(7)).await.unwrap() })
        })
        .collect();
    let mut outcomes = Vec::new();
    for task in tasks {
        outcomes.push(task.await.unwrap());
    }
    outcomes
}

/// How many met each outcome.
fn tally(outcomes: &[ClaimOutcome]) -> BTreeMap<&'static str, usize> {
    let mut tally = BTreeMap::new();
    for outcome in outcomes {
        let name = match outcome {
            ClaimOutcome::Claimed => "claimed",
            ClaimOutcome::AlreadyClaimed => "already",
            ClaimOutcome::Gone => "gone",
            ClaimOutcome::NotClaimable => "not",
        };
        *tally.entry(name).or_default() += 1;
    }
    tally
}

async fn customers(world: &World, count: usize) -> Vec<Id<Customer>> {
    let mut customers = Vec::new();
    for _ in 0..count {
        customers.push(stored_customer(world).await);
    }
    customers
}

/// Asserts that each of these customers has claimed a coupon that was told so, and nobody else.
async fn assert_claimed(
    world: &World,
    coupon: Id<Coupon>,
    customers: &[Id<Customer>],
    outcomes: &[ClaimOutcome],
) {
    for (customer, outcome) in customers.iter().zip(outcomes) {
        let claimed = world.db.has_claimed(world.store, *customer, &[coupon]).await.unwrap();
        assert_eq!(claimed.contains(&coupon), *outcome == ClaimOutcome::Claimed);
    }
}

pub(crate) async fn units_are_set_raised_and_lowered_but_never_below_what_is_claimed(world: World) {
    let (db, store) = (&world.db, world.store);
    let coupon = samples::stored_coupon(db, store).await.id;
    assert_eq!(db.claim_stock(store, coupon).await.unwrap(), None);
    for units in [5, i64::MAX, 0, 5] {
        assert!(db.set_claim_stock(store, coupon, units).await.unwrap());
        assert_eq!(stock(&world, coupon).await, (units, 0));
    }
    for _ in 0..3 {
        assert_eq!(claim(&world, coupon, stored_customer(&world).await).await, ClaimOutcome::Claimed);
    }
    for units in [2, 1, 0] {
        assert!(!db.set_claim_stock(store, coupon, units).await.unwrap());
        assert_eq!(stock(&world, coupon).await, (5, 3));
    }
    assert!(db.set_claim_stock(store, coupon, 3).await.unwrap());
    assert_eq!(claim(&world, coupon, stored_customer(&world).await).await, ClaimOutcome::Gone);
    assert!(db.set_claim_stock(store, coupon, 4).await.unwrap());
    assert_eq!(claim(&world, coupon, stored_customer(&world).await).await, ClaimOutcome::Claimed);
    assert_eq!(stock(&world, coupon).await, (4, 4));
}

pub(crate) async fn units_of_nothing_and_fewer_than_none_are_refused(world: World) {
    let (db, store) = (&world.db, world.store);
    let error = db.set_claim_stock(store, id(), 5).await.unwrap_err();
    assert!(matches!(error, StoreError::UnknownReference), "{error}");
    let (plain, claimable) = (samples::stored_coupon(db, store).await.id, claimable(&world, 5).await);
    for (coupon, units) in [(plain, -1), (claimable, -1), (claimable, i64::MIN)] {
        let error = db.set_claim_stock(store, coupon, units).await.unwrap_err();
        assert!(matches!(error, StoreError::OutOfBounds), "{error}");
    }
    assert_eq!(db.claim_stock(store, plain).await.unwrap(), None);
    assert_eq!(stock(&world, claimable).await, (5, 0));
}

pub(crate) async fn stocks_are_read_for_several_coupons(world: World) {
    let (one, two) = (claimable(&world, 1).await, claimable(&world, 2).await);
    let plain = samples::stored_coupon(&world.db, world.store).await.id;
    let stocks = world.db.claim_stocks(world.store, &[two, plain, one, id()]).await.unwrap();
    let expected = [(one, 1), (two, 2)].map(|(id, units)| (id, ClaimStock { units, claimed: 0 }));
    assert_eq!(stocks, HashMap::from(expected));
    assert_eq!(world.db.claim_stocks(world.store, &[]).await.unwrap(), HashMap::new());
}

pub(crate) async fn a_customer_claims_a_coupon_once(world: World) {
    let (coupon, customer) = (claimable(&world, 2).await, stored_customer(&world).await);
    assert_eq!(claim(&world, coupon, customer).await, ClaimOutcome::Claimed);
    assert_eq!(claim(&world, coupon, customer).await, ClaimOutcome::AlreadyClaimed);
    assert_eq!(stock(&world, coupon).await, (2, 1));
    assert_eq!(claim(&world, coupon, stored_customer(&world).await).await, ClaimOutcome::Claimed);
    assert_eq!(claim(&world, coupon, stored_customer(&world).await).await, ClaimOutcome::Gone);
    // Whoever has one is told so, also when there is no more.
    assert_eq!(claim(&world, coupon, customer).await, ClaimOutcome::AlreadyClaimed);
    assert_eq!(stock(&world, coupon).await, (2, 2));
}

pub(crate) async fn what_is_not_for_claiming_is_not_claimed(world: World) {
    let customer = stored_customer(&world).await;
    let plain = samples::stored_coupon(&world.db, world.store).await.id;
    for coupon in [plain, id()] {
        assert_eq!(claim(&world, coupon, customer).await, ClaimOutcome::NotClaimable);
    }
    assert_eq!(claim(&world, claimable(&world, 0).await, customer).await, ClaimOutcome::Gone);
    assert_eq!(world.db.list_claims(world.store, customer).await.unwrap(), []);
}

pub(crate) async fn a_customer_who_is_not_there_takes_no_unit(world: World) {
    let coupon = claimable(&world, 1).await;
    let refused = world.db.claim_coupon(world.store, coupon, id(), at(7)).await;
    assert!(matches!(refused, Err(StoreError::UnknownReference)), "{refused:?}");
    assert_eq!(stock(&world, coupon).await, (1, 0));
}

pub(crate) async fn claims_are_listed_from_the_latest(world: World) {
    let (db, store) = (&world.db, world.store);
    let (customer, other) = (stored_customer(&world).await, stored_customer(&world).await);
    let mut expected = Vec::new();
    for moment in [5, 9, i64::MIN, 9] {
        let coupon = claimable(&world, 9).await;
        let outcome = db.claim_coupon(store, coupon, customer, at(moment)).await.unwrap();
        assert_eq!(outcome, ClaimOutcome::Claimed);
        expected.push(CouponClaim { coupon, claimed_at: at(moment) });
        assert_eq!(claim(&world, coupon, other).await, ClaimOutcome::Claimed);
    }
    let coupons: Vec<_> = expected.iter().map(|claim| claim.coupon).collect();
    expected.sort_by_key(|claim| std::cmp::Reverse((claim.claimed_at, claim.coupon)));
    assert_eq!(db.list_claims(store, customer).await.unwrap(), expected);
    for claim in &expected {
        let found = db.find_coupon_claim(store, customer, claim.coupon).await.unwrap();
        assert_eq!(found.as_ref(), Some(claim));
    }
    let asked = [coupons[1], claimable(&world, 9).await, coupons[3], id()];
    let claimed = db.has_claimed(store, customer, &asked).await.unwrap();
    assert_eq!(claimed, HashSet::from([coupons[1], coupons[3]]));
    assert_eq!(db.has_claimed(store, customer, &[]).await.unwrap(), HashSet::new());
}

pub(crate) async fn of_two_hundred_customers_fifty_get_the_fifty_units(world: World) {
    let (coupon, customers) = (claimable(&world, 50).await, customers(&world, 200).await);
    let claims = customers.iter().map(|customer| (coupon, *customer)).collect();
    let outcomes = at_once(&world, claims).await;
    assert_eq!(tally(&outcomes), [("claimed", 50), ("gone", 150)].into());
    assert_eq!(stock(&world, coupon).await, (50, 50));
    assert_claimed(&world, coupon, &customers, &outcomes).await;
}

pub(crate) async fn a_customer_who_claims_ten_times_at_once_gets_one(world: World) {
    for units in [1, 10] {
        let (coupon, customer) = (claimable(&world, units).await, stored_customer(&world).await);
        let outcomes = at_once(&world, vec![(coupon, customer); 10]).await;
        assert_eq!(tally(&outcomes), [("already", 9), ("claimed", 1)].into());
        assert_eq!(stock(&world, coupon).await, (units, 1));
        assert_eq!(world.db.list_claims(world.store, customer).await.unwrap().len(), 1);
    }
}

/// A claim that is undone gives its unit to whoever waits for it.
pub(crate) async fn impatient_customers_leave_no_unit_unclaimed(world: World) {
    let (coupon, customers) = (claimable(&world, 10).await, customers(&world, 10).await);
    let claims = customers.iter().cycle().take(50).map(|customer| (coupon, *customer)).collect();
    let outcomes = at_once(&world, claims).await;
    assert_eq!(tally(&outcomes), [("already", 40), ("claimed", 10)].into());
    assert_eq!(stock(&world, coupon).await, (10, 10));
}

pub(crate) async fn units_are_raised_and_lowered_while_they_are_claimed(world: World) {
    let (coupon, customers) = (claimable(&world, 5).await, customers(&world, 40).await);
    let setter = {
        let (db, store) = (world.db.clone(), world.store);
        tokio::spawn(async move {
            let mut set = 5;
            for units in [10, 3, 20, 4, 15] {
                if db.set_claim_stock(store, coupon, units).await.unwrap() {
                    set = units;
                }
            }
            set
        })
    };
    let outcomes = at_once(&world, customers.iter().map(|customer| (coupon, *customer)).collect()).await;
    let units = setter.await.unwrap();
    assert_claimed(&world, coupon, &customers, &outcomes).await;
    let claimed = outcomes.iter().filter(|outcome| **outcome == ClaimOutcome::Claimed).count();
    assert_eq!(stock(&world, coupon).await, (units, claimed as i64));
    assert!(claimed as i64 <= units);
}

pub(crate) async fn of_several_first_stocks_all_are_set(world: World) {
    let coupon = samples::stored_coupon(&world.db, world.store).await.id;
    let tasks: Vec<_> = (1..=16)
        .map(|units| {
            let (db, store) = (world.db.clone(), world.store);
            tokio::spawn(async move { db.set_claim_stock(store, coupon, units).await.unwrap() })
        })
        .collect();
    for task in tasks {
        assert!(task.await.unwrap());
    }
    assert!((1..=16).contains(&stock(&world, coupon).await.0));
}

pub(crate) async fn another_store_sees_no_claim(world: World) {
    let (db, other) = (&world.db, world.other);
    let (coupon, customer) = (claimable(&world, 2).await, stored_customer(&world).await);
    assert_eq!(claim(&world, coupon, customer).await, ClaimOutcome::Claimed);
    assert_eq!(db.claim_stock(other, coupon).await.unwrap(), None);
    assert_eq!(db.claim_coupon(other, coupon, customer, at(7)).await.unwrap(), ClaimOutcome::NotClaimable);
    assert_eq!(db.list_claims(other, customer).await.unwrap(), []);
    assert_eq!(db.find_coupon_claim(other, customer, coupon).await.unwrap(), None);
    assert_eq!(db.find_coupon_claim(world.store, id(), coupon).await.unwrap(), None);
    assert_eq!(db.has_claimed(other, customer, &[coupon]).await.unwrap(), HashSet::new());
    let error = db.set_claim_stock(other, coupon, 9).await.unwrap_err();
    assert!(matches!(error, StoreError::UnknownReference), "{error}");
    assert_eq!(stock(&world, coupon).await, (2, 1));
}
