//! What has to happen after a commit. Who takes events takes those of all stores, so each behaviour
//! has a database of its own.

use std::collections::BTreeSet;

use martlet_domain::{
    Id, Timestamp,
    order::{Effects, Order, OrderEvent},
    settings::Store,
};
use martlet_store::{Advance, Committed, Db, DueEvent, FactsChange};

use crate::{
    corrupt::damage,
    harness::{World, id},
    ledger::assert_balanced,
    ordering::*,
    samples::at,
};

/// Takes what is due at a moment until half a minute later.
async fn taken(world: &World, now: Timestamp) -> Vec<DueEvent> {
    let again = at(now.as_millis() + 30_000);
    world.db.take_due_events(now, again, 100).await.unwrap()
}

/// Stores that an event was delivered.
async fn delivered(world: &World, order: &mut Order, event: &DueEvent) {
    let mut done = advance(world.store, order, Effects::default());
    done.delivered = Some(event.sequence);
    assert_eq!(commit(world, [step(done)]).await, [Committed::Done]);
    order.version += 1;
}

async fn paid_order(world: &World) -> Order {
    let variant = stocked(world, 9).await;
    let cart = cart(world, &[(variant, 1)]).await;
    paid(world, placement(world.store, &cart)).await
}

pub(crate) async fn an_orders_events_come_one_after_another(world: World) {
    let world = alone(world).await;
    let mut order = paid_order(&world).await;
    let effects = order.cancel(id(), String::new(), LATER).unwrap();
    advanced(&world, &mut order, effects).await;
    let refund = order.progress.refunds[0].id;
    assert_eq!(world.db.count_events().await.unwrap(), 3);
    let mut last = 0;
    for expected in [OrderEvent::Paid, OrderEvent::Cancelled, OrderEvent::Refunded { refund }] {
        let events = taken(&world, LATER).await;
        let [event] = &events[..] else { panic!("{events:?}") };
        assert_eq!((event.store, event.order, event.attempts), (world.store, order.id, 1));
        assert!(event.sequence > last);
        assert_eq!(event.event, expected);
        assert_eq!(taken(&world, LATER).await, [], "those after it wait until it is delivered");
        last = event.sequence;
        delivered(&world, &mut order, event).await;
    }
    assert_eq!(
        (taken(&world, at(i64::MAX - 30_000)).await, world.db.count_events().await.unwrap()),
        (vec![], 0)
    );
    assert_balanced(&world).await;
}

/// A step that is the outcome of one event may lead to the next.
pub(crate) async fn a_delivery_may_leave_another_event(world: World) {
    let world = alone(world).await;
    let mut order = paid_order(&world).await;
    let event = taken(&world, LATER).await.remove(0);
    order.note_capture(true, LATER);
    let refund = martlet_domain::order::NewRefund {
        id: id(),
        amount: Some(1),
        reason: String::new(),
        lines: Vec::new(),
        restock: false,
    };
    let effects = order.refund(refund, LATER).unwrap();
    let mut both = advance(world.store, &order, effects);
    both.delivered = Some(event.sequence);
    assert_eq!(commit(&world, [step(both)]).await, [Committed::Done]);
    let next = taken(&world, LATER).await;
    assert!(matches!(next[..], [DueEvent { event: OrderEvent::Refunded { .. }, .. }]), "{next:?}");
    assert_balanced(&world).await;
}

pub(crate) async fn an_event_that_isnt_delivered_comes_back(world: World) {
    let world = alone(world).await;
    let mut order = paid_order(&world).await;
    assert_eq!(taken(&world, at(LATER.as_millis() - 1)).await, [], "it isn't due yet");
    let mut now = LATER.as_millis();
    for attempts in 1..4 {
        let event = taken(&world, at(now)).await.remove(0);
        assert_eq!(event.attempts, attempts);
        assert_eq!(taken(&world, at(now + 29_999)).await, []);
        now += 30_000;
    }
    let event = taken(&world, at(now)).await.remove(0);
    world.db.put_event_off(&event, at(now + 5)).await.unwrap();
    assert_eq!(taken(&world, at(now + 4)).await, []);
    let event = taken(&world, at(now + 5)).await.remove(0);
    assert_eq!(event.attempts, 5);
    delivered(&world, &mut order, &event).await;
    // What is delivered stays so, whoever else was late with it.
    world.db.put_event_off(&event, at(0)).await.unwrap();
    assert_eq!(taken(&world, at(now * 2)).await, []);
    assert_balanced(&world).await;
}

pub(crate) async fn a_stale_step_leaves_no_event_and_delivers_none(world: World) {
    let world = alone(world).await;
    let mut order = paid_order(&world).await;
    let event = taken(&world, LATER).await.remove(0);
    let mut late = order.clone();
    late.version -= 1;
    let effects = late.cancel(id(), String::new(), LATER).unwrap();
    let mut stale = advance(world.store, &late, effects);
    stale.delivered = Some(event.sequence);
    assert_eq!(commit(&world, [step(stale)]).await, [Committed::Stale]);
    assert_eq!(world.db.count_events().await.unwrap(), 1);
    delivered(&world, &mut order, &event).await;
    assert_eq!(world.db.count_events().await.unwrap(), 0);
    assert_balanced(&world).await;
}

/// Two deliver the same event, the second with the newest version of the order. What came of it is
/// stored once: a customer's facts would count it twice.
pub(crate) async fn what_came_of_an_event_is_stored_once(world: World) {
    let world = alone(world).await;
    let customer = stored_customer(&world).await;
    let variant = stocked(&world, 9).await;
    let cart = cart_of(&world, customer, &[(variant, 1)]).await;
    let mut order = paid(&world, placement(world.store, &cart)).await;
    let event = taken(&world, LATER).await.remove(0);
    let outcome = |order: &Order| {
        let facts = Some(FactsChange { customer, orders: 1, spend: 1_000 });
        let done = advance(world.store, order, Effects::default());
        step(Advance { delivered: Some(event.sequence), facts, ..done })
    };
    let twice = [outcome(&order), outcome(&order)];
    assert_eq!(commit(&world, twice).await, [Committed::Done, Committed::Stale]);
    order.version += 1;
    assert_eq!(commit(&world, [outcome(&order)]).await, [Committed::Delivered]);
    assert_eq!(world.db.find_order(world.store, order.id).await.unwrap(), Some(order));
    let facts = world.db.find_customer(world.store, customer).await.unwrap().unwrap().facts;
    assert_eq!((facts.order_count, facts.lifetime_spend), (1, 1_000));
    assert_balanced(&world).await;
}

/// Ten engines took the same event, because it was slow to deliver. Each tries until it is told.
pub(crate) async fn of_ten_who_deliver_an_event_one_stores_it(world: World) {
    let world = alone(world).await;
    let order = paid_order(&world).await;
    let sequence = taken(&world, LATER).await.remove(0).sequence;
    let deliver = |_| tokio::spawn(deliver_until_told(world.db.clone(), world.store, order.id, sequence));
    let tasks: Vec<_> = (0..10).map(deliver).collect();
    let mut stored = 0;
    for task in tasks {
        stored += u32::from(task.await.unwrap() == Committed::Done);
    }
    let version = world.db.find_order(world.store, order.id).await.unwrap().unwrap().version;
    assert_eq!((stored, version, world.db.count_events().await.unwrap()), (1, order.version + 1, 0));
    assert_balanced(&world).await;
}

async fn deliver_until_told(db: Db, store: Id<Store>, order: Id<Order>, sequence: i64) -> Committed {
    loop {
        let order = db.find_order(store, order).await.unwrap().unwrap();
        let done = advance(store, &order, Effects::default());
        let work = [step(Advance { delivered: Some(sequence), ..done })];
        match db.commit(&work).await.unwrap().swap_remove(0) {
            Committed::Stale => {}
            told => return told,
        }
    }
}

/// Of three orders, the one that was paid last failed; those due first come first, as many as are
/// wanted.
pub(crate) async fn those_due_first_come_first(world: World) {
    let world = alone(world).await;
    let mut orders = Vec::new();
    for moment in [300, 100, 200] {
        let variant = stocked(&world, 9).await;
        let mut order = ordered(&world, &[(variant, 1)]).await;
        let effects = order.pay(None, at(moment)).unwrap();
        advanced(&world, &mut order, effects).await;
        orders.push(order.id);
    }
    let (now, again) = (at(1_000), at(1_000));
    let ids = |events: &[DueEvent]| -> Vec<Id<Order>> { events.iter().map(|event| event.order).collect() };
    let first = world.db.take_due_events(at(200), again, 9).await.unwrap();
    assert_eq!(ids(&first), [orders[1], orders[2]]);
    let then = world.db.take_due_events(at(300), again, 9).await.unwrap();
    assert_eq!(ids(&then), [orders[0]]);
    assert_eq!(world.db.take_due_events(now, at(2_000), 2).await.unwrap().len(), 2);
    assert_eq!(world.db.take_due_events(now, at(2_000), 2).await.unwrap().len(), 1);
    assert_eq!(world.db.take_due_events(now, at(2_000), 2).await.unwrap(), []);
    assert_balanced(&world).await;
}

pub(crate) async fn of_several_takers_one_gets_an_event(world: World) {
    let world = alone(world).await;
    for _ in 0..20 {
        paid_order(&world).await;
    }
    let tasks: Vec<_> = (0..8)
        .map(|_| {
            let db = world.db.clone();
            tokio::spawn(async move {
                let mut found = Vec::new();
                for _ in 0..10 {
                    found.extend(db.take_due_events(LATER, at(i64::MAX), 3).await.unwrap());
                }
                found
            })
        })
        .collect();
    let mut all = Vec::new();
    for task in tasks {
        all.extend(task.await.unwrap());
    }
    let orders: BTreeSet<Id<Order>> = all.iter().map(|event| event.order).collect();
    assert_eq!((all.len(), orders.len()), (20, 20));
    assert!(all.iter().all(|event| event.attempts == 1));
    assert_balanced(&world).await;
}

/// One that can't be read keeps nobody else's from being delivered, and isn't lost itself.
pub(crate) async fn a_corrupt_event_hides_no_other(world: World) {
    let world = alone(world).await;
    let orders = [paid_order(&world).await, paid_order(&world).await, paid_order(&world).await];
    damage(&world, "outbox", "body", "'{}'", "aggregate_id", orders[1].id).await;
    let found: BTreeSet<Id<Order>> = taken(&world, LATER).await.iter().map(|event| event.order).collect();
    assert_eq!(found, [orders[0].id, orders[2].id].into());
    assert_eq!(world.db.count_events().await.unwrap(), 3);
}
