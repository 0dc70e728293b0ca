//! Carts that become orders, and those that don't: alone and in groups.

use martlet_domain::{
    cart::Cart,
    order::{Shortage, StockShortage},
    quote::Standing,
};
use martlet_store::{Committed, Placement, StoreError, Update};

use crate::{
    harness::{World, id},
    ledger::assert_balanced,
    ordering::*,
    samples,
};

/// Asserts that nothing of a placement is there, and its cart is as it was.
pub(crate) async fn nothing_is_left(world: &World, placement: &Placement, before: &Cart) {
    assert_eq!(world.db.find_order(placement.store, placement.order.id).await.unwrap(), None);
    let cart = world.db.find_cart(world.store, before.id).await.unwrap();
    assert_eq!(cart.as_ref(), Some(before));
    assert_balanced(world).await;
}

pub(crate) fn short(
    variant: martlet_domain::Id<martlet_domain::catalog::Variant>,
    requested: i64,
    available: i64,
) -> Committed {
    Committed::Short(Shortage::Stock(StockShortage { variant, requested, available }))
}

pub(crate) async fn an_order_holds_all_it_needs(world: World) {
    let (db, store) = (&world.db, world.store);
    let (one, two, customer) =
        (stocked(&world, 9).await, stocked(&world, 9).await, stored_customer(&world).await);
    let coupon = limited(&world, Some(5), Some(2)).await;
    let cart = cart_of(&world, customer, &[(two, 2), (one, 3)]).await;
    let placement = placement(store, &cart).using(&coupon).drawing(coupon.installation, 500, 1_000);
    let order = placed(&world, placement.clone()).await;
    assert_eq!((stock(&world, one).await, stock(&world, two).await), ((9, 3), (9, 2)));
    let standing = db.coupon_standings(store, &[coupon.id], Some(customer)).await.unwrap()[&coupon.id];
    assert_eq!(standing, Standing { used: 1, used_by_customer: 1, budget_left: None });
    let granted = db.budget_usage(store, &[coupon.installation]).await.unwrap();
    assert_eq!(granted[&coupon.installation], 500);
    let receipt = db.find_receipt(store, order.id).await.unwrap().unwrap();
    assert_eq!((receipt.bytes.as_slice(), receipt.fuel), (placement.receipt.bytes(), 7));
    let ordered = db.find_cart(store, cart.id).await.unwrap().unwrap();
    let version = cart.version + 1;
    assert_eq!(ordered, Cart { version, order: Some(order.id), updated_at: PLACED, ..cart.clone() });
    let saved = db.save_cart(store, &cart, cart.version).await.unwrap();
    assert_eq!(saved, Update::Stale { current: version }, "whoever knew the cart from before is stale");
    assert_balanced(&world).await;
}

pub(crate) async fn a_cart_that_was_changed_is_refused(world: World) {
    let variant = stocked(&world, 9).await;
    let priced = cart(&world, &[(variant, 1)]).await;
    let update = world.db.save_cart(world.store, &priced, 1).await.unwrap();
    assert_eq!(update, Update::Done { version: 2 });
    let changed = Cart { version: 2, ..priced.clone() };
    let stale = placement(world.store, &priced);
    assert_eq!(commit(&world, [place(stale.clone())]).await, [Committed::CartChanged]);
    nothing_is_left(&world, &stale, &changed).await;
    let early = placement(world.store, &Cart { version: 3, ..priced.clone() });
    assert_eq!(commit(&world, [place(early.clone())]).await, [Committed::CartChanged]);
    nothing_is_left(&world, &early, &changed).await;
    placed(&world, placement(world.store, &changed)).await;
    assert_balanced(&world).await;
}

pub(crate) async fn a_cart_is_ordered_once(world: World) {
    let variant = stocked(&world, 9).await;
    let priced = cart(&world, &[(variant, 1)]).await;
    placed(&world, placement(world.store, &priced)).await;
    for version in [1, 2] {
        let again = placement(world.store, &Cart { version, ..priced.clone() });
        assert_eq!(commit(&world, [place(again)]).await, [Committed::CartChanged], "{version}");
    }
    assert_eq!(stock(&world, variant).await, (9, 1));
    assert_balanced(&world).await;
}

pub(crate) async fn a_cart_that_isnt_there_is_refused(world: World) {
    let variant = stocked(&world, 9).await;
    let missing = placement(world.store, &samples::cart(vec![samples::line(variant, 1)]));
    let cart = cart(&world, &[(variant, 1)]).await;
    let strange = placement(world.other, &cart);
    let outcomes = commit(&world, [place(missing), place(strange.clone())]).await;
    assert_eq!(outcomes, [Committed::CartChanged, Committed::CartChanged]);
    nothing_is_left(&world, &strange, &cart).await;
}

pub(crate) async fn the_same_cart_twice_in_a_group_is_ordered_once(world: World) {
    let variant = stocked(&world, 9).await;
    let priced = cart(&world, &[(variant, 1)]).await;
    let (one, two) = (placement(world.store, &priced), placement(world.store, &priced));
    let outcomes = commit(&world, [place(one.clone()), place(two)]).await;
    assert_eq!(outcomes, [Committed::Done, Committed::CartChanged]);
    let found = world.db.find_cart(world.store, priced.id).await.unwrap().unwrap();
    assert_eq!((found.order, found.version), (Some(one.order.id), 2));
    assert_balanced(&world).await;
}

/// Who is refused hasn't taken the cart from whoever comes next.
pub(crate) async fn a_refused_try_leaves_the_cart_to_the_next(world: World) {
    let variant = stocked(&world, 9).await;
    let coupon = limited(&world, Some(0), None).await;
    let priced = cart(&world, &[(variant, 1)]).await;
    let stale = placement(world.store, &Cart { version: 7, ..priced.clone() });
    let short = placement(world.store, &priced).using(&coupon);
    let (fine, late) = (placement(world.store, &priced), placement(world.store, &priced));
    let outcomes = commit(&world, [place(stale), place(short), place(fine), place(late)]).await;
    let short = Committed::Short(Shortage::Coupon(coupon.id));
    assert_eq!(outcomes, [Committed::CartChanged, short, Committed::Done, Committed::CartChanged]);
    assert_balanced(&world).await;
}

pub(crate) async fn an_order_that_wants_too_much_is_short_by_name(world: World) {
    let (plenty, few) = (stocked(&world, 99).await, stocked(&world, 3).await);
    ordered(&world, &[(few, 1)]).await;
    let cart = cart(&world, &[(plenty, 5), (few, 3)]).await;
    let placement = placement(world.store, &cart);
    assert_eq!(commit(&world, [place(placement.clone())]).await, [short(few, 3, 2)]);
    assert_eq!((stock(&world, plenty).await, stock(&world, few).await), ((99, 0), (3, 1)));
    nothing_is_left(&world, &placement, &cart).await;
}

pub(crate) async fn a_variant_of_another_store_is_out_of_stock(world: World) {
    let (own, strange) = (stocked(&world, 9).await, stocked_in(&world, world.other, 9).await);
    let cart = cart(&world, &[(own, 1)]).await;
    let mut placement = placement(world.store, &cart);
    placement.ask.stock = [(strange, 1)].into();
    assert_eq!(commit(&world, [place(placement.clone())]).await, [short(strange, 1, 0)]);
    nothing_is_left(&world, &placement, &cart).await;
}

/// Ten units: four, seven, six, one. The seven don't fit and leave the six their place.
pub(crate) async fn in_a_group_whoever_comes_first_is_served_first(world: World) {
    let variant = stocked(&world, 10).await;
    let mut work = Vec::new();
    for quantity in [4, 7, 6, 1] {
        work.push(place(placement(world.store, &cart(&world, &[(variant, quantity)]).await)));
    }
    let outcomes = world.db.commit(&work).await.unwrap();
    assert_eq!(outcomes, [Committed::Done, short(variant, 7, 6), Committed::Done, short(variant, 1, 0)]);
    assert_eq!(stock(&world, variant).await, (10, 10));
    assert_balanced(&world).await;
}

pub(crate) async fn no_work_is_done_at_once(world: World) {
    assert_eq!(world.db.commit(&[]).await.unwrap(), []);
    // Nobody makes such a cart, and it would have nothing to reserve.
    let empty = cart(&world, &[]).await;
    placed(&world, placement(world.store, &empty)).await;
    assert_balanced(&world).await;
}

pub(crate) async fn an_order_under_an_unknown_rulebook_is_refused(world: World) {
    let variant = stocked(&world, 9).await;
    let cart = cart(&world, &[(variant, 1)]).await;
    let mut placement = placement(world.store, &cart);
    placement.terms().rulebook = 5;
    let error = world.db.commit(&[place(placement.clone())]).await.unwrap_err();
    assert!(matches!(error, StoreError::UnknownReference), "{error}");
    nothing_is_left(&world, &placement, &cart).await;
}

/// Two stores in one group, in turns. What one is short of the other needn't be.
pub(crate) async fn a_group_may_be_of_two_stores(world: World) {
    let claim = claim();
    let mut work = Vec::new();
    let mut variants = Vec::new();
    for store in [world.store, world.other] {
        let variant = stocked_in(&world, store, 1).await;
        variants.push(variant);
        for _ in 0..2 {
            let cart = samples::cart(vec![samples::line(variant, 1)]);
            world.db.insert_cart(store, &cart).await.unwrap();
            work.push(place(placement(store, &cart)));
        }
        let cart = samples::cart(vec![samples::line(stocked_in(&world, store, 1).await, 1)]);
        world.db.insert_cart(store, &cart).await.unwrap();
        work.push(place(placement(store, &cart).under(&claim)));
    }
    work.swap(1, 3);
    let outcomes = world.db.commit(&work).await.unwrap();
    let expected = [
        Committed::Done,
        Committed::Done,
        // Both stores are under one key here. Which is served first is the database's business.
        outcomes[2].clone(),
        short(variants[0], 1, 0),
        short(variants[1], 1, 0),
        outcomes[5].clone(),
    ];
    assert_eq!(outcomes, expected);
    let keyed = [&outcomes[2], &outcomes[5]];
    assert!(
        keyed == [&Committed::Done, &Committed::KeyTaken]
            || keyed == [&Committed::KeyTaken, &Committed::Done]
    );
    assert_balanced(&world).await;
}

/// Forty carts with the same 500 variants: more rows, and more bytes of receipts, than one statement
/// may have.
pub(crate) async fn a_group_of_large_carts_is_stored(world: World) {
    let product = samples::product();
    world.db.insert_product(world.store, &product).await.unwrap();
    let mut units = Vec::new();
    for _ in 0..500 {
        let mut variant = samples::variant(product.id);
        variant.stock.on_hand = 39;
        world.db.insert_variant(world.store, &variant).await.unwrap();
        units.push((variant.id, 1));
    }
    let mut work = Vec::new();
    for _ in 0..40 {
        work.push(place(placement(world.store, &cart(&world, &units).await)));
    }
    let outcomes = world.db.commit(&work).await.unwrap();
    let first = units.iter().map(|(variant, _)| *variant).min().unwrap();
    assert!(outcomes[..39].iter().all(|outcome| *outcome == Committed::Done));
    assert_eq!(outcomes[39], short(first, 1, 0));
    assert_balanced(&world).await;
}

/// What is asked of a variant adds up over lines, and a gift of it.
pub(crate) async fn units_of_one_variant_on_two_lines_are_reserved_together(world: World) {
    let variant = stocked(&world, 5).await;
    let cart = cart(&world, &[(variant, 3)]).await;
    let mut placement = placement(world.store, &cart);
    let mut gift = placement.order.terms.lines[0].clone();
    (gift.line, gift.quantity) = (None, 2);
    placement.terms().lines.push(gift);
    placement.order.progress.lines.push(Default::default());
    placement.ask.stock = [(variant, 5)].into();
    let mut order = placed(&world, placement).await;
    assert_eq!(stock(&world, variant).await, (5, 5));
    let effects = order.pay(None, LATER).unwrap();
    advanced(&world, &mut order, effects).await;
    let gift = martlet_domain::order::LineQuantity { position: 1, quantity: 2 };
    let effects = order.fulfil(id(), Some(vec![gift]), None, LATER).unwrap();
    advanced(&world, &mut order, effects).await;
    assert_eq!(stock(&world, variant).await, (3, 3));
    assert_balanced(&world).await;
}
