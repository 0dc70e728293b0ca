//! Orders that take a step: what moves with it, exactly once.

use martlet_domain::{
    Id,
    catalog::Variant,
    order::{Effects, LineQuantity, NewRefund, Order, OrderStatus, Shortage},
    quote::Standing,
};
use martlet_store::{Committed, Placement, StoreError};

use crate::{
    harness::{World, id},
    ledger::assert_balanced,
    ordering::*,
    samples::ODD_TEXT,
};

fn units(position: u32, quantity: u32) -> LineQuantity {
    LineQuantity { position, quantity }
}

fn refund(amount: Option<i64>, lines: Vec<LineQuantity>, restock: bool) -> NewRefund {
    NewRefund { id: id(), amount, reason: ODD_TEXT.to_owned(), lines, restock }
}

pub(crate) async fn stored(world: &World, order: &Order) -> Order {
    world.db.find_order(world.store, order.id).await.unwrap().unwrap()
}

/// An order of 3 with a coupon and a budget, of a customer, and what there is of its variant.
pub(crate) struct Held {
    pub(crate) order: Order,
    pub(crate) variant: Id<Variant>,
    /// The same again, in another cart.
    pub(crate) again: Placement,
}

pub(crate) async fn held(world: &World, on_hand: i64) -> Held {
    let (variant, customer) = (stocked(world, on_hand).await, stored_customer(world).await);
    let coupon = limited(world, Some(1), Some(1)).await;
    let cart = cart_of(world, customer, &[(variant, 3)]).await;
    let needy = |cart| placement(world.store, cart).using(&coupon).drawing(coupon.installation, 100, 100);
    let order = placed(world, needy(&cart)).await;
    let another = cart_of(world, customer, &[(variant, 3)]).await;
    Held { order, variant, again: needy(&another) }
}

pub(crate) async fn a_step_is_stored_and_counts(world: World) {
    let variant = stocked(&world, 9).await;
    let mut order = ordered(&world, &[(variant, 2)]).await;
    let effects = order.pay(Some(ODD_TEXT.to_owned()), LATER).unwrap();
    advanced(&world, &mut order, effects).await;
    assert_eq!((order.version, order.status, order.updated_at), (2, OrderStatus::Paid, LATER));
    assert_eq!(stored(&world, &order).await, order);
    assert_eq!(stock(&world, variant).await, (9, 2), "paying moves nothing");
    assert_balanced(&world).await;
}

pub(crate) async fn of_two_steps_of_one_version_in_a_group_the_first_is_taken(world: World) {
    let variant = stocked(&world, 9).await;
    let order = ordered(&world, &[(variant, 2)]).await;
    let (mut one, mut two) = (order.clone(), order.clone());
    let (paid, expired) = (one.pay(None, LATER).unwrap(), two.expire(LATER).unwrap());
    let work = [step(advance(world.store, &one, paid)), step(advance(world.store, &two, expired))];
    assert_eq!(commit(&world, work).await, [Committed::Done, Committed::Stale]);
    assert_eq!(stored(&world, &order).await.status, OrderStatus::Paid);
    assert_eq!(stock(&world, variant).await, (9, 2));
    assert_balanced(&world).await;
}

pub(crate) async fn what_is_shipped_leaves_shelf_and_reservation(world: World) {
    let (one, two) = (stocked(&world, 9).await, stocked(&world, 9).await);
    let cart = cart(&world, &[(one, 3), (two, 2)]).await;
    let mut order = paid(&world, placement(world.store, &cart)).await;
    let some = order.fulfil(id(), Some(vec![units(0, 1), units(1, 2)]), None, LATER).unwrap();
    advanced(&world, &mut order, some).await;
    assert_eq!((stock(&world, one).await, stock(&world, two).await), ((8, 2), (7, 0)));
    assert_balanced(&world).await;
    let rest = order.fulfil(id(), None, None, LATER).unwrap();
    advanced(&world, &mut order, rest).await;
    assert_eq!((stock(&world, one).await, stock(&world, two).await), ((6, 0), (7, 0)));
    assert_eq!(stored(&world, &order).await, order);
    assert_balanced(&world).await;
}

pub(crate) async fn what_came_to_nothing_is_free_again_and_so_is_its_cart(world: World) {
    let Held { mut order, variant, again } = held(&world, 3).await;
    let (store, cart) = (world.store, order.terms.cart);
    let effects = order.expire(LATER).unwrap();
    advanced(&world, &mut order, effects).await;
    assert_eq!(stock(&world, variant).await, (3, 0));
    let coupon = order.terms.coupons[0].coupon;
    let standings = world.db.coupon_standings(store, &[coupon], order.terms.customer).await.unwrap();
    assert_eq!(standings[&coupon], Standing::default());
    let cart = world.db.find_cart(store, cart).await.unwrap().unwrap();
    assert_eq!((cart.version, cart.order, cart.updated_at), (3, None, LATER));
    assert_eq!(cart.lines.len(), 1, "what was in it still is");
    assert_balanced(&world).await;
    // Everything can be had again: by another, and once that is gone too, by this cart.
    let mut other = placed(&world, again).await;
    let effects = other.expire(LATER).unwrap();
    advanced(&world, &mut other, effects).await;
    placed(&world, placement(store, &cart)).await;
    assert_balanced(&world).await;
}

/// The cart of an order that expired has become another order since: a late word on the first leaves
/// it alone.
pub(crate) async fn a_cart_that_became_another_order_isnt_reopened(world: World) {
    let variant = stocked(&world, 9).await;
    let mut first = ordered(&world, &[(variant, 1)]).await;
    let effects = first.expire(LATER).unwrap();
    advanced(&world, &mut first, effects).await;
    let cart = world.db.find_cart(world.store, first.terms.cart).await.unwrap().unwrap();
    let second = placed(&world, placement(world.store, &cart)).await;
    first.note_void(true, LATER);
    advanced(&world, &mut first, Effects { reopens_cart: true, ..Effects::default() }).await;
    let cart = world.db.find_cart(world.store, cart.id).await.unwrap().unwrap();
    assert_eq!((cart.order, cart.version), (Some(second.id), 4));
    assert_balanced(&world).await;
}

pub(crate) async fn a_paid_order_that_is_cancelled_keeps_its_cart(world: World) {
    let Held { mut order, variant, .. } = held(&world, 9).await;
    let effects = order.pay(None, LATER).unwrap();
    advanced(&world, &mut order, effects).await;
    let effects = order.cancel(id(), String::new(), LATER).unwrap();
    advanced(&world, &mut order, effects).await;
    assert_eq!(stock(&world, variant).await, (9, 0));
    let cart = world.db.find_cart(world.store, order.terms.cart).await.unwrap().unwrap();
    assert_eq!((cart.order, cart.version), (Some(order.id), 2));
    // The provider refuses, and the second try gives nothing back again.
    let pending = order.progress.refunds[0].id;
    let refused = order.note_refund(pending, false, LATER);
    advanced(&world, &mut order, refused).await;
    let effects = order.refund(refund(None, Vec::new(), true), LATER).unwrap();
    advanced(&world, &mut order, effects).await;
    assert_balanced(&world).await;
}

pub(crate) async fn what_comes_back_is_released_or_put_on_the_shelf(world: World) {
    let Held { mut order, variant, .. } = held(&world, 9).await;
    let effects = order.pay(None, LATER).unwrap();
    advanced(&world, &mut order, effects).await;
    let shipped = order.fulfil(id(), Some(vec![units(0, 2)]), None, LATER).unwrap();
    advanced(&world, &mut order, shipped).await;
    assert_eq!(stock(&world, variant).await, (7, 1));
    // One is open, one of those shipped comes back onto the shelf.
    let back = order.refund(refund(Some(10), vec![units(0, 2)], true), LATER).unwrap();
    advanced(&world, &mut order, back).await;
    assert_eq!(stock(&world, variant).await, (8, 0));
    assert_balanced(&world).await;
    // The last one is broken.
    let rest = order.refund(refund(None, vec![units(0, 1)], false), LATER).unwrap();
    advanced(&world, &mut order, rest).await;
    assert_eq!(stock(&world, variant).await, (8, 0));
    assert_balanced(&world).await;
    // Coupons and budgets wait until all of the money is back.
    for place in 0..2 {
        let succeeded = order.note_refund(order.progress.refunds[place].id, true, LATER);
        assert_eq!(succeeded.gives_back, place == 1);
        advanced(&world, &mut order, succeeded).await;
        assert_balanced(&world).await;
    }
    assert_eq!(stored(&world, &order).await.status, OrderStatus::Refunded);
    assert_balanced(&world).await;
}

/// All there is of a variant, a coupon and a budget changes hands within one group, whoever stands
/// first in it.
pub(crate) async fn what_is_given_back_others_of_the_group_may_have(world: World) {
    for first in [true, false] {
        let Held { order, variant, again } = held(&world, 3).await;
        let mut expired = order.clone();
        let effects = expired.expire(LATER).unwrap();
        let mut work = [step(advance(world.store, &expired, effects)), place(again.clone())];
        assert!(matches!(
            commit(&world, [work[1].clone()]).await[..],
            [Committed::Short(Shortage::Stock(_))]
        ));
        if first {
            work.reverse();
        }
        assert_eq!(commit(&world, work).await, [Committed::Done, Committed::Done]);
        assert_eq!(stock(&world, variant).await, (3, 3));
        assert_balanced(&world).await;
    }
}

/// Twenty steps of a kind in one group, each on a variant that others want too.
pub(crate) async fn many_orders_step_in_one_group(world: World) {
    let variants = [stocked(&world, 99).await, stocked(&world, 99).await];
    let mut work = Vec::new();
    for place in 0..20_u32 {
        let cart =
            cart(&world, &[(variants[place as usize % 2], 2), (variants[1 - place as usize % 2], 1)]).await;
        let mut order = paid(&world, placement(world.store, &cart)).await;
        let effects = match place % 3 {
            0 => order.fulfil(id(), Some(vec![units(0, 1)]), None, LATER),
            1 => order.cancel(id(), String::new(), LATER),
            _ => order.refund(refund(Some(1), vec![units(0, 2), units(1, 1)], true), LATER),
        };
        work.push(step(advance(world.store, &order, effects.unwrap())));
    }
    work.reverse();
    let outcomes = world.db.commit(&work).await.unwrap();
    assert!(outcomes.iter().all(|outcome| *outcome == Committed::Done));
    assert_balanced(&world).await;
}

/// Effects that no order has: they would release or ship what nobody reserved. Nothing is stored.
pub(crate) async fn more_than_was_reserved_never_moves(world: World) {
    let variant = stocked(&world, 9).await;
    let order = ordered(&world, &[(variant, 2)]).await;
    for effects in [
        Effects { release: [(variant, 3)].into(), ..Effects::default() },
        Effects { take: [(variant, 3)].into(), ..Effects::default() },
        Effects { take: [(stocked_in(&world, world.other, 9).await, 1)].into(), ..Effects::default() },
    ] {
        let work = [step(advance(world.store, &order, effects))];
        let error = world.db.commit(&work).await.unwrap_err();
        assert!(matches!(error, StoreError::OutOfBounds | StoreError::Corrupt { .. }), "{error}");
        assert_eq!((stored(&world, &order).await, stock(&world, variant).await), (order.clone(), (9, 2)));
        assert_balanced(&world).await;
    }
}

/// An order of another store is none, whatever its id.
pub(crate) async fn another_store_steps_no_order(world: World) {
    let Held { mut order, variant, .. } = held(&world, 9).await;
    let before = order.clone();
    let effects = order.expire(LATER).unwrap();
    let strange = step(advance(world.other, &order, effects));
    assert_eq!(commit(&world, [strange]).await, [Committed::Stale]);
    assert_eq!((stored(&world, &order).await, stock(&world, variant).await), (before, (9, 3)));
    assert_balanced(&world).await;
}
