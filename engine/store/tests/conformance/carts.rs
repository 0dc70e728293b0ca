//! Carts.

use martlet_domain::cart::{Cart, MAX_LINES, MAX_QUANTITY};
use martlet_store::{StoreError, Unique, Update};

use crate::{
    harness::{World, id},
    ordering::*,
    samples::{self, at},
};

/// A stored cart with two lines, a coupon, a customer and all else a cart can have.
async fn full_cart(world: &World) -> Cart {
    let (db, store) = (&world.db, world.store);
    let customer = samples::customer();
    db.insert_customer(store, &customer).await.unwrap();
    let (first, second) =
        (samples::stored_variant(db, store).await, samples::stored_variant(db, store).await);
    let (one, two) = (samples::stored_coupon(db, store).await, samples::stored_coupon(db, store).await);
    let mut cart =
        samples::cart(vec![samples::line(second.id, MAX_QUANTITY), samples::line(first.id, u32::MAX)]);
    cart.lines[0].added_at = at(i64::MAX);
    cart.lines[1].added_at = at(i64::MIN);
    // Neither lines nor coupons stand in the order of their ids.
    (cart.lines[0].id, cart.lines[1].id) = (cart.lines[1].id, cart.lines[0].id);
    cart.coupons = vec![two.id, one.id];
    cart.customer = Some(customer.id);
    cart.email = Some("guest@example.com".to_owned());
    cart.shipping_address = Some(samples::address());
    cart.shipping_method = Some("standard".parse().unwrap());
    (cart.created_at, cart.updated_at) = (at(i64::MIN), at(i64::MAX));
    db.insert_cart(store, &cart).await.unwrap();
    cart
}

pub(crate) async fn an_empty_cart_round_trips(world: World) {
    let cart = samples::cart(Vec::new());
    world.db.insert_cart(world.store, &cart).await.unwrap();
    assert_eq!(world.db.find_cart(world.store, cart.id).await.unwrap(), Some(cart.clone()));
    let error = world.db.insert_cart(world.store, &cart).await.unwrap_err();
    assert!(matches!(error, StoreError::Conflict(Unique::Cart)), "{error}");
}

pub(crate) async fn a_full_cart_round_trips_in_order(world: World) {
    let cart = full_cart(&world).await;
    assert_eq!(world.db.find_cart(world.store, cart.id).await.unwrap(), Some(cart));
}

pub(crate) async fn a_saved_cart_replaces_lines_and_coupons(world: World) {
    let mut cart = full_cart(&world).await;
    cart.lines.remove(0);
    cart.lines.push(samples::line(samples::stored_variant(&world.db, world.store).await.id, 3));
    cart.coupons.pop();
    (cart.customer, cart.email, cart.shipping_address, cart.shipping_method) = (None, None, None, None);
    cart.updated_at = at(77);
    let save = world.db.save_cart(world.store, &cart, 1).await.unwrap();
    assert_eq!(save, Update::Done { version: 2 });
    cart.version = 2;
    assert_eq!(world.db.find_cart(world.store, cart.id).await.unwrap(), Some(cart.clone()));

    cart.lines.clear();
    cart.coupons.clear();
    let save = world.db.save_cart(world.store, &cart, 2).await.unwrap();
    assert_eq!(save, Update::Done { version: 3 });
    cart.version = 3;
    assert_eq!(world.db.find_cart(world.store, cart.id).await.unwrap(), Some(cart));
}

pub(crate) async fn a_stale_cart_is_refused_and_unchanged(world: World) {
    let cart = full_cart(&world).await;
    let mut changed = cart.clone();
    changed.lines.clear();
    for stale in [0, 2] {
        let save = world.db.save_cart(world.store, &changed, stale).await.unwrap();
        assert_eq!(save, Update::Stale { current: 1 });
    }
    assert_eq!(world.db.find_cart(world.store, cart.id).await.unwrap(), Some(cart));
}

pub(crate) async fn a_missing_cart_is_not_saved(world: World) {
    let cart = samples::cart(Vec::new());
    assert_eq!(world.db.save_cart(world.store, &cart, 1).await.unwrap(), Update::Missing);
    assert_eq!(world.db.find_cart(world.store, cart.id).await.unwrap(), None);
}

pub(crate) async fn a_variant_stands_on_one_line_only(world: World) {
    let cart = full_cart(&world).await;
    let mut changed = cart.clone();
    changed.lines.push(samples::line(cart.lines[0].variant, 1));
    let error = world.db.save_cart(world.store, &changed, 1).await.unwrap_err();
    assert!(matches!(error, StoreError::Conflict(Unique::Cart)), "{error}");
    assert_eq!(world.db.find_cart(world.store, cart.id).await.unwrap(), Some(cart));
}

pub(crate) async fn a_variant_of_another_store_is_refused(world: World) {
    let foreign = samples::stored_variant(&world.db, world.other).await;
    let cart = samples::cart(vec![samples::line(foreign.id, 1)]);
    let error = world.db.insert_cart(world.store, &cart).await.unwrap_err();
    assert!(matches!(error, StoreError::UnknownReference), "{error}");
    assert_eq!(world.db.find_cart(world.store, cart.id).await.unwrap(), None);
}

pub(crate) async fn of_sixteen_parallel_saves_one_wins(world: World) {
    let cart = full_cart(&world).await;
    let tasks: Vec<_> = (1..=16)
        .map(|quantity| {
            let (db, store, mut cart) = (world.db.clone(), world.store, cart.clone());
            cart.lines[0].quantity = quantity;
            tokio::spawn(async move { (quantity, db.save_cart(store, &cart, 1).await.unwrap()) })
        })
        .collect();
    let mut winners = Vec::new();
    for task in tasks {
        match task.await.unwrap() {
            (quantity, Update::Done { version: 2 }) => winners.push(quantity),
            (_, other) => assert_eq!(other, Update::Stale { current: 2 }),
        }
    }
    assert_eq!(winners.len(), 1);
    let found = world.db.find_cart(world.store, cart.id).await.unwrap().unwrap();
    assert_eq!((found.version, found.lines[0].quantity), (2, winners[0]));
}

pub(crate) async fn a_reader_never_sees_half_a_cart(world: World) {
    let mut cart = full_cart(&world).await;
    let (db, store, id) = (world.db.clone(), world.store, cart.id);
    // The quantity is the version: a mix of two moments would show.
    cart.lines[0].quantity = 2;
    let first = db.save_cart(store, &cart, 1).await.unwrap();
    assert_eq!(first, Update::Done { version: 2 });
    let writer = tokio::spawn(async move {
        for version in 2..40 {
            cart.lines[0].quantity = version + 1;
            let save = db.save_cart(store, &cart, i64::from(version)).await.unwrap();
            assert_eq!(save, Update::Done { version: i64::from(version) + 1 });
        }
    });
    while !writer.is_finished() {
        let found = world.db.find_cart(store, id).await.unwrap().unwrap();
        assert_eq!((found.lines.len(), found.coupons.len()), (2, 2));
        assert_eq!(i64::from(found.lines[0].quantity), found.version);
    }
    writer.await.unwrap();
}

pub(crate) async fn five_hundred_lines_round_trip(world: World) {
    let product = samples::product();
    world.db.insert_product(world.store, &product).await.unwrap();
    let mut lines = Vec::new();
    for _ in 0..MAX_LINES {
        let variant = samples::variant(product.id);
        world.db.insert_variant(world.store, &variant).await.unwrap();
        lines.push(samples::line(variant.id, 1));
    }
    let cart = samples::cart(lines);
    world.db.insert_cart(world.store, &cart).await.unwrap();
    assert_eq!(world.db.find_cart(world.store, cart.id).await.unwrap(), Some(cart.clone()));
    let ids: Vec<_> = cart.lines.iter().map(|line| line.variant).collect();
    assert_eq!(world.db.list_offers(world.store, &ids).await.unwrap().len(), MAX_LINES);
}

pub(crate) async fn a_customers_open_cart_is_the_last_that_is_no_order(world: World) {
    let (db, store, customer) = (&world.db, world.store, stored_customer(&world).await);
    let open = || async { db.find_open_cart_of_customer(store, customer).await.unwrap() };
    let variant = stocked(&world, 9).await;
    // A guest's, and another customer's.
    cart(&world, &[(variant, 1)]).await;
    cart_of(&world, stored_customer(&world).await, &[(variant, 1)]).await;
    assert_eq!(open().await, None);
    let mut carts = Vec::new();
    for millis in [20, 10, 30] {
        let lines = vec![samples::line(variant, 1)];
        let cart = Cart { customer: Some(customer), created_at: at(millis), ..samples::cart(lines) };
        db.insert_cart(store, &cart).await.unwrap();
        carts.push(cart);
    }
    let [middle, first, last] = &carts[..] else { panic!("three") };
    assert_eq!(open().await.as_ref(), Some(last));
    let mut order = placed(&world, placement(store, last)).await;
    assert_eq!(open().await.as_ref(), Some(middle));
    // Whoever gets it takes it away from the customer.
    let given = Cart { customer: Some(stored_customer(&world).await), ..middle.clone() };
    assert_eq!(db.save_cart(store, &given, 1).await.unwrap(), Update::Done { version: 2 });
    assert_eq!(open().await.as_ref(), Some(first));
    let effects = order.expire(LATER).unwrap();
    advanced(&world, &mut order, effects).await;
    let reopened = open().await.unwrap();
    assert_eq!((reopened.id, reopened.order), (last.id, None));
}

pub(crate) async fn two_carts_are_saved_together_or_not_at_all(world: World) {
    let (db, store) = (&world.db, world.store);
    let (one, other) = (full_cart(&world).await, full_cart(&world).await);
    let mut joined = one.clone();
    joined.lines.extend(other.lines.clone());
    let emptied = Cart { lines: Vec::new(), coupons: Vec::new(), ..other.clone() };
    let missing = samples::cart(Vec::new());
    for stale in [
        [(&joined, 1), (&emptied, 2)],
        [(&joined, 0), (&emptied, 1)],
        [(&joined, 1), (&missing, 1)],
        [(&missing, 1), (&joined, 1)],
    ] {
        assert!(!db.save_two_carts(store, stale).await.unwrap());
    }
    assert!(!db.save_two_carts(world.other, [(&joined, 1), (&emptied, 1)]).await.unwrap());
    // One that can't be stored takes the other along.
    let mut twice = emptied.clone();
    twice.lines = vec![other.lines[0].clone(), samples::line(other.lines[0].variant, 1)];
    let error = db.save_two_carts(store, [(&joined, 1), (&twice, 1)]).await.unwrap_err();
    assert!(matches!(error, StoreError::Conflict(Unique::Cart)), "{error}");
    for cart in [&one, &other] {
        assert_eq!(db.find_cart(store, cart.id).await.unwrap().as_ref(), Some(cart));
    }
    assert!(db.save_two_carts(store, [(&joined, 1), (&emptied, 1)]).await.unwrap());
    for cart in [joined, emptied] {
        let found = db.find_cart(store, cart.id).await.unwrap();
        assert_eq!(found, Some(Cart { version: 2, ..cart }));
    }
}

pub(crate) async fn of_sixteen_who_move_a_line_at_once_one_does(world: World) {
    let (one, other) = (full_cart(&world).await, full_cart(&world).await);
    let mut joined = one.clone();
    joined.lines.push(other.lines[0].clone());
    let left = Cart { lines: other.lines[1..].to_vec(), ..other.clone() };
    let tasks: Vec<_> = (0..16)
        .map(|turn| {
            let (db, store, joined, left) = (world.db.clone(), world.store, joined.clone(), left.clone());
            // Half of them name the carts the other way round.
            tokio::spawn(async move {
                let mut carts = [(&joined, 1), (&left, 1)];
                carts.rotate_left(turn % 2);
                db.save_two_carts(store, carts).await.unwrap()
            })
        })
        .collect();
    let mut saved = 0;
    for task in tasks {
        saved += usize::from(task.await.unwrap());
    }
    assert_eq!(saved, 1);
    for cart in [joined, left] {
        let found = world.db.find_cart(world.store, cart.id).await.unwrap();
        assert_eq!(found, Some(Cart { version: 2, ..cart }));
    }
}

pub(crate) async fn another_store_sees_no_cart(world: World) {
    let cart = full_cart(&world).await;
    assert_eq!(world.db.find_cart(world.other, cart.id).await.unwrap(), None);
    assert_eq!(world.db.save_cart(world.other, &cart, 1).await.unwrap(), Update::Missing);
    assert_eq!(world.db.find_cart(world.store, id()).await.unwrap(), None);
    let customer = cart.customer.unwrap();
    assert_eq!(world.db.find_open_cart_of_customer(world.other, customer).await.unwrap(), None);
}
