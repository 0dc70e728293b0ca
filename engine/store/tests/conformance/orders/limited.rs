//! What only so many orders may have: keys, numbers, uses of coupons, parts of budgets.

use martlet_domain::{
    Digest,
    order::{BudgetAsk, CustomerLimit, DayLimit, Shortage},
    payment::DeclineReason,
    plugin::{Granted, Installation},
};
use martlet_store::{Claim, ClaimState, Committed, StoreError, Unique};

use crate::{
    harness::World,
    ledger::assert_balanced,
    ordering::*,
    orders_placed::{nothing_is_left, short},
    samples::{self, at},
};

pub(crate) async fn a_key_is_taken_by_the_first_order_under_it(world: World) {
    let variant = stocked(&world, 9).await;
    let claim = claim();
    let mut placements = Vec::new();
    for _ in 0..3 {
        let cart = cart(&world, &[(variant, 1)]).await;
        placements.push(placement(world.store, &cart).under(&claim));
    }
    let [one, two, three] = placements.try_into().unwrap();
    let outcomes = commit(&world, [place(one), place(two)]).await;
    assert_eq!(outcomes, [Committed::Done, Committed::KeyTaken], "in a group");
    assert_eq!(commit(&world, [place(three.clone())]).await, [Committed::KeyTaken], "and across groups");
    let since = claim.created_at;
    let state = world.db.find_claim(claim.id, claim.request, LATER).await.unwrap();
    assert_eq!(state, ClaimState::InFlight { since });
    assert_eq!(stock(&world, variant).await, (9, 1));
    // Once it has expired the key is free.
    let later = Claim { created_at: claim.expires_at, expires_at: at(i64::MAX), ..claim };
    placed(&world, three.under(&later)).await;
    assert_balanced(&world).await;
}

/// A request that is sent twice at once: the second hears that the first has the key, not that the
/// cart is gone.
pub(crate) async fn a_request_that_comes_twice_in_a_group_is_told_so(world: World) {
    let variant = stocked(&world, 9).await;
    let (claim, cart) = (claim(), cart(&world, &[(variant, 1)]).await);
    let again = || place(placement(world.store, &cart).under(&claim));
    assert_eq!(commit(&world, [again(), again()]).await, [Committed::Done, Committed::KeyTaken]);
    assert_balanced(&world).await;
}

/// Who is refused has no key either: nobody has it until somebody is served.
pub(crate) async fn a_refused_try_leaves_the_key_to_the_next(world: World) {
    let variant = stocked(&world, 1).await;
    let claim = claim();
    let mut work = Vec::new();
    for quantity in [2, 1, 1] {
        work.push(place(placement(world.store, &cart(&world, &[(variant, quantity)]).await).under(&claim)));
    }
    let outcomes = world.db.commit(&work[..1]).await.unwrap();
    assert_eq!(outcomes, [short(variant, 2, 1)]);
    assert_eq!(world.db.find_claim(claim.id, claim.request, PLACED).await.unwrap(), ClaimState::Free);
    let outcomes = world.db.commit(&work).await.unwrap();
    assert_eq!(outcomes, [short(variant, 2, 1), Committed::Done, Committed::KeyTaken]);
    assert_balanced(&world).await;
}

pub(crate) async fn a_coupons_limit_holds_in_a_group_and_across(world: World) {
    let variant = stocked(&world, 99).await;
    let (coupon, customer) = (limited(&world, Some(3), None).await, stored_customer(&world).await);
    let mut work = Vec::new();
    // The second is short of stock and leaves its use to others.
    for (quantity, customer) in [(1, None), (100, None), (1, Some(customer)), (1, Some(customer)), (1, None)]
    {
        let cart = cart_of(&world, customer, &[(variant, quantity)]).await;
        work.push(place(placement(world.store, &cart).using(&coupon)));
    }
    let spent = Committed::Short(Shortage::Coupon(coupon.id));
    let outcomes = world.db.commit(&work).await.unwrap();
    let expected =
        [Committed::Done, short(variant, 100, 98), Committed::Done, Committed::Done, spent.clone()];
    assert_eq!(outcomes, expected);
    assert_eq!(world.db.commit(&work[4..]).await.unwrap(), [spent]);
    assert_balanced(&world).await;
}

pub(crate) async fn a_customers_limit_holds_in_a_group_and_across(world: World) {
    let variant = stocked(&world, 99).await;
    let coupons = [limited(&world, Some(9), Some(2)).await, limited(&world, None, Some(1)).await];
    let (one, two) = (stored_customer(&world).await, stored_customer(&world).await);
    let spent = |which: usize| Committed::Short(Shortage::Coupon(coupons[which].id));
    let mut work = Vec::new();
    for (customer, used) in
        [(one, vec![0, 1]), (one, vec![0]), (one, vec![0]), (two, vec![0]), (one, vec![1])]
    {
        let cart = cart_of(&world, customer, &[(variant, 1)]).await;
        let placement = placement(world.store, &cart);
        work.push(place(used.into_iter().fold(placement, |order, which| order.using(&coupons[which]))));
    }
    let outcomes = world.db.commit(&work).await.unwrap();
    assert_eq!(outcomes, [Committed::Done, Committed::Done, spent(0), Committed::Done, spent(1)]);
    assert_eq!(world.db.commit(&work[4..]).await.unwrap(), [spent(1)]);
    let ids = coupons.each_ref().map(|coupon| coupon.id);
    let standings = world.db.coupon_standings(world.store, &ids, Some(one)).await.unwrap();
    assert_eq!(ids.map(|id| (standings[&id].used, standings[&id].used_by_customer)), [(3, 2), (1, 1)]);
    assert_balanced(&world).await;
}

/// A budget of 100: 60, 50, 40. The 50 don't fit, the 40 fill it, and then not even 1 does.
pub(crate) async fn a_budget_holds_in_a_group_and_across(world: World) {
    let variant = stocked(&world, 99).await;
    let installation = samples::stored_installation(&world.db, world.store).await.id;
    let spent = Committed::Short(Shortage::Budget(installation));
    let mut work = Vec::new();
    for amount in [60, 50, 40, 1, i64::MAX] {
        let cart = cart(&world, &[(variant, 1)]).await;
        work.push(place(placement(world.store, &cart).drawing(installation, amount, 100)));
    }
    let outcomes = world.db.commit(&work[..3]).await.unwrap();
    assert_eq!(outcomes, [Committed::Done, spent.clone(), Committed::Done]);
    assert_eq!(world.db.commit(&work[3..]).await.unwrap(), [spent.clone(), spent]);
    assert_eq!(world.db.budget_usage(world.store, &[installation]).await.unwrap()[&installation], 100);
    assert_balanced(&world).await;
}

/// 100 in all, 60 a day, 50 a customer: who is refused for one of them takes nothing of the others, and
/// what an order gives back is given back to the day and the customer it was taken from.
pub(crate) async fn budgets_a_day_and_a_customer_hold_in_a_group_and_across(world: World) {
    let variant = stocked(&world, 99).await;
    let installation = samples::stored_installation(&world.db, world.store).await.id;
    let (one, two) = (stored_customer(&world).await, stored_customer(&world).await);
    let spent = Committed::Short(Shortage::Budget(installation));
    let mut work = Vec::new();
    for (amount, day, customer) in
        [(50, 1, one), (1, 2, one), (11, 1, two), (10, 1, two), (40, 2, two), (1, 3, two)]
    {
        let cart = cart_of(&world, customer, &[(variant, 1)]).await;
        work.push(placement(world.store, &cart).drawing_on(BudgetAsk {
            installation,
            amount,
            limit: Some(100),
            day: Some(DayLimit { day, limit: 60 }),
            customer: Some(CustomerLimit { customer: Some(customer), limit: 50 }),
        }));
    }
    let first = work[0].order.clone();
    let mut work: Vec<_> = work.into_iter().map(place).collect();
    let late = work.split_off(3);
    let outcomes = world.db.commit(&work).await.unwrap();
    assert_eq!(outcomes, [Committed::Done, spent.clone(), spent.clone()], "in a group");
    let outcomes = world.db.commit(&late).await.unwrap();
    assert_eq!(outcomes, [Committed::Done, Committed::Done, spent.clone()], "and across groups");
    assert_balanced(&world).await;

    let installed = Installation {
        id: installation,
        daily_budget: samples::installation(Digest::of(b"")).budget,
        customer_budget: samples::installation(Digest::of(b"")).budget,
        ..samples::installation(Digest::of(b""))
    };
    let grants = async |day, customer| {
        let granted = world.db.budget_grants(world.store, &[&installed], day, customer).await.unwrap();
        let Granted { total, today, to_customer } = granted[&installation];
        (total, today, to_customer)
    };
    assert_eq!(grants(1, Some(one)).await, (100, 60, Some(50)));
    assert_eq!(grants(2, Some(two)).await, (100, 40, Some(50)));
    assert_eq!(grants(3, None).await, (100, 0, None));

    let mut declined = first;
    let effects = declined.decline(DeclineReason::CardDeclined, LATER).unwrap();
    advanced(&world, &mut declined, effects).await;
    assert_eq!(grants(1, Some(one)).await, (50, 10, Some(0)));
    assert_eq!(grants(2, Some(two)).await, (50, 40, Some(50)));
    assert_balanced(&world).await;
}

/// An installation that is older than budgets has no row until something draws on it.
pub(crate) async fn a_budget_without_a_row_begins_at_nothing(world: World) {
    let variant = stocked(&world, 99).await;
    let installation = samples::stored_installation(&world.db, world.store).await.id;
    let key = installation.uuid().simple();
    world.attempt(format!("DELETE FROM budget_usage WHERE installation_id = X'{key}'")).await.unwrap();
    for granted in [30, 60] {
        let cart = cart(&world, &[(variant, 1)]).await;
        placed(&world, placement(world.store, &cart).drawing(installation, 30, 60)).await;
        let usage = world.db.budget_usage(world.store, &[installation]).await.unwrap();
        assert_eq!(usage[&installation], granted);
    }
    assert_balanced(&world).await;
}

pub(crate) async fn a_taken_number_is_a_conflict_and_nothing_of_its_group_stays(world: World) {
    let variant = stocked(&world, 9).await;
    let taken = ordered(&world, &[(variant, 1)]).await.number;
    let (claim, coupon) = (claim(), limited(&world, None, None).await);
    let carts = [cart(&world, &[(variant, 1)]).await, cart(&world, &[(variant, 1)]).await];
    let fine = placement(world.store, &carts[0]).under(&claim).using(&coupon);
    let mut twin = placement(world.store, &carts[1]);
    twin.order.number = taken;
    let error = world.db.commit(&[place(fine.clone()), place(twin.clone())]).await.unwrap_err();
    assert!(matches!(error, StoreError::Conflict(Unique::OrderNumber)), "{error}");
    nothing_is_left(&world, &fine, &carts[0]).await;
    nothing_is_left(&world, &twin, &carts[1]).await;
    assert_eq!(stock(&world, variant).await, (9, 1));
    assert_eq!(world.db.find_claim(claim.id, claim.request, PLACED).await.unwrap(), ClaimState::Free);
    placed(&world, fine).await;
    assert_balanced(&world).await;
}

pub(crate) async fn a_number_is_taken_in_its_store_alone(world: World) {
    let (own, strange) = (stocked(&world, 9).await, stocked_in(&world, world.other, 9).await);
    let order = ordered(&world, &[(own, 1)]).await;
    let cart = samples::cart(vec![samples::line(strange, 1)]);
    world.db.insert_cart(world.other, &cart).await.unwrap();
    let mut placement = placement(world.other, &cart);
    placement.order.number = order.number;
    placed(&world, placement).await;
    assert_balanced(&world).await;
}
