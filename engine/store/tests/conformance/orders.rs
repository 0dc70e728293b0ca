//! Orders, read back: by id, by number, in lists.

use martlet_domain::{
    Id,
    order::{Cancellation, Fulfillment, LineQuantity, Order, OrderStatus, Refund, RefundStatus},
    quote::{QuotedShipping, Tax},
};
use martlet_store::{OrderPage, OrderQuery, Placement};

use crate::{
    corrupt::{assert_named, damage},
    harness::{World, id},
    ledger::assert_balanced,
    ordering::*,
    samples::{self, ODD_TEXT, at},
};

/// An order in which everything is there that can be.
async fn full(world: &World) -> Placement {
    let customer = stored_customer(world).await;
    let (one, two) = (stocked(world, 9).await, stocked(world, 9).await);
    let cart = martlet_domain::cart::Cart {
        email: Some(ODD_TEXT.to_owned()),
        shipping_address: Some(samples::address()),
        ..cart_of(world, customer, &[(one, 2), (two, 9)]).await
    };
    let coupon = limited(world, None, Some(2)).await;
    let mut placement =
        placement(world.store, &cart).using(&coupon).drawing(coupon.installation, 77, i64::MAX);
    let tax = Tax { rate: martlet_domain::money::Ppm::ONE, amount: i64::MAX };
    placement.terms().shipping = Some(QuotedShipping {
        method: "post".parse().unwrap(),
        subtotal: i64::MAX,
        discount: 0,
        total: i64::MAX,
        tax,
    });
    placement.terms().as_of = at(i64::MIN);
    let order = &mut placement.order;
    (order.placed_at, order.updated_at, order.pending_until) = (at(i64::MIN), at(-1), Some(at(i64::MAX)));
    placement
}

pub(crate) async fn an_order_round_trips_at_its_extremes(world: World) {
    let (db, store) = (&world.db, world.store);
    let order = placed(&world, full(&world).await).await;
    assert_eq!(db.find_order(store, order.id).await.unwrap().as_ref(), Some(&order));
    assert_eq!(db.find_order_by_number(store, &order.number).await.unwrap().as_ref(), Some(&order));
    let page = db.list_orders(store, &OrderQuery::default(), 9).await.unwrap();
    assert_eq!(page, OrderPage { orders: vec![order.clone()], next: None });
    let of_cart = db.list_orders_of_cart(store, order.terms.cart).await.unwrap();
    assert_eq!(of_cart, std::slice::from_ref(&order));
    assert_eq!(db.find_order(store, id()).await.unwrap(), None);
    assert_eq!(db.find_order_by_number(store, &"ZZZZ-ZZZZ".parse().unwrap()).await.unwrap(), None);
    assert_eq!(db.list_orders_of_cart(store, id()).await.unwrap(), []);
    settled(&world, &[order.id]).await;
    assert_balanced(&world).await;
}

/// Takes orders out of the sight of those who go through all stores.
async fn settled(world: &World, orders: &[Id<Order>]) {
    for order in orders {
        damage(world, "orders", "pending_until", "NULL", "id", *order).await;
    }
}

pub(crate) async fn progress_round_trips_at_its_extremes(world: World) {
    let mut order = placed(&world, full(&world).await).await;
    let lines = vec![LineQuantity { position: u32::MAX, quantity: 0 }];
    let progress = &mut order.progress;
    progress.cancelled = Some(Cancellation::Merchant(ODD_TEXT.to_owned()));
    progress.payment.reference = Some(ODD_TEXT.to_owned());
    let tracking = Some(ODD_TEXT.to_owned());
    progress.fulfillments.push(Fulfillment { id: id(), lines: lines.clone(), tracking, at: at(i64::MIN) });
    progress.refunds.push(Refund {
        id: id(),
        amount: i64::MAX,
        reason: ODD_TEXT.to_owned(),
        lines,
        status: RefundStatus::Pending,
        at: at(i64::MAX),
    });
    (order.status, order.updated_at, order.pending_until) = (OrderStatus::Paid, at(i64::MAX), None);
    advanced(&world, &mut order, Default::default()).await;
    assert_eq!(world.db.find_order(world.store, order.id).await.unwrap(), Some(order));
}

pub(crate) async fn a_large_order_round_trips(world: World) {
    let variant = stocked(&world, 9).await;
    let cart = cart(&world, &[(variant, 1)]).await;
    let mut placement = placement(world.store, &cart);
    let line = placement.terms().lines[0].clone();
    // As large as 500 lines with long words in four bytes a character.
    placement.terms().lines[0].title = "\u{1D518}".repeat(300_000);
    let order = placed(&world, placement).await;
    assert_ne!(order.terms.lines[0].title, line.title);
    assert_eq!(world.db.find_order(world.store, order.id).await.unwrap(), Some(order));
    assert_balanced(&world).await;
}

/// Five orders, the second and the fifth of one customer, the last two paid for. The first comes first.
async fn five(world: &World) -> (Vec<Order>, Id<martlet_domain::customer::Customer>) {
    let (variant, customer) = (stocked(world, 99).await, stored_customer(world).await);
    let mut orders = Vec::new();
    for place in 0..5 {
        let customer = Some(customer).filter(|_| place % 3 == 1);
        let cart = cart_of(world, customer, &[(variant, 1)]).await;
        let placement = placement(world.store, &cart);
        orders.push(if place > 2 { paid(world, placement).await } else { placed(world, placement).await });
    }
    (orders, customer)
}

pub(crate) async fn orders_are_listed_from_the_last_by_status_and_customer(world: World) {
    let (orders, customer) = five(&world).await;
    for status in
        [None, Some(OrderStatus::PendingPayment), Some(OrderStatus::Paid), Some(OrderStatus::Refunded)]
    {
        for customer in [None, Some(customer), Some(id())] {
            let expected: Vec<&Order> = orders
                .iter()
                .rev()
                .filter(|order| status.is_none_or(|status| order.status == status))
                .filter(|order| customer.is_none_or(|customer| order.terms.customer == Some(customer)))
                .collect();
            for limit in [1, 2, 5, 6] {
                let (mut found, mut query) = (Vec::new(), OrderQuery { status, customer, before: None });
                loop {
                    let page = world.db.list_orders(world.store, &query, limit).await.unwrap();
                    assert!(page.orders.len() <= limit as usize);
                    assert!(page.next.is_none() || page.orders.len() == limit as usize);
                    found.extend(page.orders);
                    assert!(found.len() <= expected.len());
                    let Some(next) = page.next else { break };
                    query.before = Some(next);
                }
                assert!(found.iter().eq(expected.iter().copied()), "{status:?} {customer:?} by {limit}");
            }
        }
    }
    let none = world.db.list_orders(world.store, &OrderQuery::default(), 0).await.unwrap();
    assert_eq!((none.orders.len(), none.next), (1, Some(orders[4].id)), "a page holds one at least");
    let all = world.db.list_orders(world.store, &OrderQuery::default(), u32::MAX).await.unwrap();
    assert_eq!((all.orders.len(), all.next), (5, None));
    assert_balanced(&world).await;
}

pub(crate) async fn a_cart_lists_the_orders_it_became_from_the_last(world: World) {
    let variant = stocked(&world, 9).await;
    let mut cart = cart(&world, &[(variant, 1)]).await;
    let mut first = placed(&world, placement(world.store, &cart)).await;
    let effects = first.expire(LATER).unwrap();
    advanced(&world, &mut first, effects).await;
    cart = world.db.find_cart(world.store, cart.id).await.unwrap().unwrap();
    let second = placed(&world, placement(world.store, &cart)).await;
    let found = world.db.list_orders_of_cart(world.store, cart.id).await.unwrap();
    assert_eq!(found, [second, first]);
    assert_balanced(&world).await;
}

pub(crate) async fn unsettled_orders_of_all_stores_come_by_their_end(world: World) {
    let world = alone(world).await;
    let mut expected = Vec::new();
    for (placed_at, until) in [(5, 900), (6, 700), (7, 800), (8, 600)] {
        let store = if placed_at == 7 { world.other } else { world.store };
        let variant = stocked_in(&world, store, 9).await;
        let cart = samples::cart(vec![samples::line(variant, 1)]);
        world.db.insert_cart(store, &cart).await.unwrap();
        let mut placement = placement(store, &cart);
        (placement.order.placed_at, placement.order.pending_until) = (at(placed_at), Some(at(until)));
        expected.push((store, placed(&world, placement).await));
    }
    let settled = stocked(&world, 9).await;
    let cart = cart(&world, &[(settled, 1)]).await;
    paid(&world, placement(world.store, &cart)).await;
    expected.sort_by_key(|(_, order)| order.pending_until);
    let found = world.db.list_unsettled_orders(at(i64::MAX), None, 9).await.unwrap().orders;
    assert_eq!(found, expected);
    assert_eq!(world.db.list_unsettled_orders(at(i64::MAX), None, 2).await.unwrap().orders, expected[..2]);
    expected.retain(|(_, order)| order.placed_at <= at(6));
    assert_eq!(world.db.list_unsettled_orders(at(6), None, 9).await.unwrap().orders, expected);
    assert_eq!(world.db.list_unsettled_orders(at(4), None, 9).await.unwrap().orders, []);
    assert_balanced(&world).await;
}

pub(crate) async fn a_corrupt_order_is_named(world: World) {
    let variant = stocked(&world, 9).await;
    for (column, value) in [("status", "'lost'"), ("number", "'?'"), ("terms", "'{}'"), ("progress", "'[]'")]
    {
        let order = ordered(&world, &[(variant, 1)]).await;
        settled(&world, &[order.id]).await;
        damage(&world, "orders", column, value, "id", order.id).await;
        let read = world.db.find_order(world.store, order.id).await;
        assert_named(read, ("orders", column), &order.id.to_string());
    }
}

/// One store's damaged row must not keep the orders of others from being settled.
pub(crate) async fn a_corrupt_order_hides_no_other_that_is_unsettled(world: World) {
    let world = alone(world).await;
    let variant = stocked(&world, 9).await;
    let mut orders = Vec::new();
    for _ in 0..3 {
        orders.push(ordered(&world, &[(variant, 1)]).await);
    }
    damage(&world, "orders", "progress", "'{}'", "id", orders[1].id).await;
    let found = world.db.list_unsettled_orders(at(i64::MAX), None, 9).await.unwrap().orders;
    let found: Vec<Id<Order>> = found.into_iter().map(|(_, order)| order.id).collect();
    assert_eq!(found, [orders[0].id, orders[2].id]);
}

pub(crate) async fn another_store_sees_no_order(world: World) {
    let (db, other) = (&world.db, world.other);
    let (orders, customer) = five(&world).await;
    let order = &orders[1];
    assert_eq!(db.find_order(other, order.id).await.unwrap(), None);
    assert_eq!(db.find_order_by_number(other, &order.number).await.unwrap(), None);
    assert_eq!(db.list_orders_of_cart(other, order.terms.cart).await.unwrap(), []);
    for customer in [None, Some(customer)] {
        let query = OrderQuery { customer, ..OrderQuery::default() };
        assert_eq!(db.list_orders(other, &query, 9).await.unwrap(), OrderPage { orders: vec![], next: None });
    }
    assert_balanced(&world).await;
}
