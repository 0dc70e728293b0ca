//! Variants, prices and offers.

use martlet_domain::{catalog::Price, stock::StockLevel};
use martlet_store::{ProductSort, StoreError, Unique, Update};

use crate::{
    harness::{World, id},
    samples::{self, ODD_TEXT, krw, price, usd},
};

pub(crate) async fn a_variant_round_trips_at_its_extremes(world: World) {
    let product = samples::product();
    world.db.insert_product(world.store, &product).await.unwrap();
    let mut full = samples::variant(product.id);
    full.sku = "🧶".repeat(64).parse().unwrap();
    full.title = ODD_TEXT.to_owned();
    full.options[0].value = ODD_TEXT.to_owned();
    full.prices = vec![Price { currency: krw(), amount: i64::MAX, floor: i64::MAX }, price(usd(), 0)];
    full.stock = StockLevel { on_hand: i64::MAX, reserved: i64::MAX };
    full.position = i64::MIN;
    full.version = i64::MAX;
    let mut bare = samples::variant(product.id);
    bare.title.clear();
    bare.options.clear();
    bare.prices.clear();
    bare.stock = StockLevel { on_hand: 0, reserved: 0 };

    for variant in [full, bare] {
        world.db.insert_variant(world.store, &variant).await.unwrap();
        assert_eq!(world.db.find_variant(world.store, variant.id).await.unwrap(), Some(variant));
    }
}

pub(crate) async fn a_variant_is_found_by_its_sku(world: World) {
    let variant = samples::stored_variant(&world.db, world.store).await;
    let found = world.db.find_variant_by_sku(world.store, &variant.sku).await.unwrap();
    assert_eq!(found, Some(variant));
    let unknown = "UNKNOWN".parse().unwrap();
    assert_eq!(world.db.find_variant_by_sku(world.store, &unknown).await.unwrap(), None);
}

pub(crate) async fn variants_are_listed_by_position(world: World) {
    let product = samples::product();
    world.db.insert_product(world.store, &product).await.unwrap();
    let mut variants = Vec::new();
    for position in [i64::MAX, -1, 0, 0] {
        let mut variant = samples::variant(product.id);
        variant.position = position;
        world.db.insert_variant(world.store, &variant).await.unwrap();
        variants.push(variant);
    }
    samples::stored_variant(&world.db, world.store).await;
    variants.sort_by_key(|variant| (variant.position, variant.id));
    assert_eq!(world.db.list_variants(world.store, product.id).await.unwrap(), variants);
}

pub(crate) async fn an_update_replaces_prices_but_not_stock(world: World) {
    let old = samples::stored_variant(&world.db, world.store).await;
    let mut new = samples::variant(id());
    (new.id, new.position, new.title) = (old.id, 5, ODD_TEXT.to_owned());
    new.prices = vec![price(krw(), 5)];
    new.stock = StockLevel { on_hand: 77, reserved: 7 };
    let update = world.db.update_variant(world.store, &new, 1).await.unwrap();
    assert_eq!(update, Update::Done { version: 2 });
    (new.version, new.product, new.stock) = (2, old.product, old.stock);
    assert_eq!(world.db.find_variant(world.store, old.id).await.unwrap(), Some(new));
}

pub(crate) async fn a_stale_variant_is_refused_and_unchanged(world: World) {
    let variant = samples::stored_variant(&world.db, world.store).await;
    let mut changed = variant.clone();
    changed.prices.clear();
    let update = world.db.update_variant(world.store, &changed, 2).await.unwrap();
    assert_eq!(update, Update::Stale { current: 1 });
    assert_eq!(world.db.find_variant(world.store, variant.id).await.unwrap(), Some(variant.clone()));
    changed.id = id();
    assert_eq!(world.db.update_variant(world.store, &changed, 1).await.unwrap(), Update::Missing);
}

pub(crate) async fn a_taken_sku_is_a_conflict_in_its_store_alone(world: World) {
    let first = samples::stored_variant(&world.db, world.store).await;
    let mut second = samples::stored_variant(&world.db, world.store).await;
    second.sku = first.sku.clone();
    let error = world.db.update_variant(world.store, &second, 1).await.unwrap_err();
    assert!(matches!(error, StoreError::Conflict(Unique::Sku)), "{error}");
    second.id = id();
    let error = world.db.insert_variant(world.store, &second).await.unwrap_err();
    assert!(matches!(error, StoreError::Conflict(Unique::Sku)), "{error}");

    let product = samples::product();
    world.db.insert_product(world.other, &product).await.unwrap();
    second.product = product.id;
    world.db.insert_variant(world.other, &second).await.unwrap();
}

pub(crate) async fn a_variant_of_an_unknown_product_is_refused(world: World) {
    let product = samples::product();
    world.db.insert_product(world.other, &product).await.unwrap();
    let error = world.db.insert_variant(world.store, &samples::variant(product.id)).await.unwrap_err();
    assert!(matches!(error, StoreError::UnknownReference), "{error}");
}

pub(crate) async fn prices_are_replaced_under_the_expected_version(world: World) {
    let variant = samples::stored_variant(&world.db, world.store).await;
    let prices = [price(krw(), 1), price(usd(), 2)];
    let set = world.db.set_prices(world.store, variant.id, &prices, 1).await.unwrap();
    assert_eq!(set, Update::Done { version: 2 });
    let set = world.db.set_prices(world.store, variant.id, &[], 1).await.unwrap();
    assert_eq!(set, Update::Stale { current: 2 });
    assert_eq!(world.db.set_prices(world.store, id(), &[], 1).await.unwrap(), Update::Missing);
    let found = world.db.find_variant(world.store, variant.id).await.unwrap().unwrap();
    assert_eq!(found.prices, prices);
}

pub(crate) async fn a_price_below_its_floor_is_out_of_bounds(world: World) {
    let variant = samples::stored_variant(&world.db, world.store).await;
    let below = Price { currency: usd(), amount: 1, floor: 2 };
    let error = world.db.set_prices(world.store, variant.id, &[below], 1).await.unwrap_err();
    assert!(matches!(error, StoreError::OutOfBounds), "{error}");
    assert_eq!(world.db.find_variant(world.store, variant.id).await.unwrap(), Some(variant));
}

pub(crate) async fn offers_carry_products_and_all_categories_above(world: World) {
    let root = samples::category(None);
    let (child, beside) = (samples::category(Some(root.id)), samples::category(None));
    for category in [&root, &child, &beside] {
        world.db.insert_category(world.store, category).await.unwrap();
    }
    let mut product = samples::product();
    product.categories = vec![child.id];
    world.db.insert_product(world.store, &product).await.unwrap();
    let (one, two) = (samples::variant(product.id), samples::variant(product.id));
    world.db.insert_variant(world.store, &one).await.unwrap();
    world.db.insert_variant(world.store, &two).await.unwrap();
    let bare = samples::stored_variant(&world.db, world.store).await;

    let mut handles = vec![root.handle, child.handle];
    handles.sort();
    let offers = world.db.list_offers(world.store, &[one.id, two.id, bare.id, id()]).await.unwrap();
    assert_eq!(offers.len(), 3);
    for offer in offers {
        let (variant, categories) = match offer.variant.id {
            id if id == one.id => (&one, handles.as_slice()),
            id if id == two.id => (&two, handles.as_slice()),
            _ => (&bare, [].as_slice()),
        };
        assert_eq!((&offer.variant, &*offer.categories), (variant, categories));
        assert_eq!(offer.product.id, variant.product);
    }
    assert_eq!(world.db.list_offers(world.store, &[]).await.unwrap(), []);
}

pub(crate) async fn offers_are_found_by_sku(world: World) {
    let variant = samples::stored_variant(&world.db, world.store).await;
    let skus = [variant.sku.clone(), "UNKNOWN".parse().unwrap()];
    let offers = world.db.list_offers_by_sku(world.store, &skus).await.unwrap();
    assert_eq!(offers.len(), 1);
    assert_eq!(offers[0].variant, variant);
    assert_eq!(world.db.list_offers_by_sku(world.store, &[]).await.unwrap(), []);
}

pub(crate) async fn another_store_sees_no_variant(world: World) {
    let variant = samples::stored_variant(&world.db, world.store).await;
    assert_eq!(world.db.find_variant(world.other, variant.id).await.unwrap(), None);
    assert_eq!(world.db.find_variant_by_sku(world.other, &variant.sku).await.unwrap(), None);
    assert_eq!(world.db.list_variants(world.other, variant.product).await.unwrap(), []);
    assert_eq!(world.db.list_offers(world.other, &[variant.id]).await.unwrap(), []);
    assert_eq!(world.db.update_variant(world.other, &variant, 1).await.unwrap(), Update::Missing);
    assert_eq!(world.db.set_prices(world.other, variant.id, &[], 1).await.unwrap(), Update::Missing);
}

pub(crate) async fn parallel_price_changes_leave_the_lowest_price_right(world: World) {
    let product = samples::product();
    world.db.insert_product(world.store, &product).await.unwrap();
    let mut tasks = Vec::new();
    for number in 0..12 {
        let variant = samples::variant(product.id);
        world.db.insert_variant(world.store, &variant).await.unwrap();
        let (db, store) = (world.db.clone(), world.store);
        tasks.push(tokio::spawn(async move {
            let prices = [price(usd(), 5_000 + number)];
            let set = db.set_prices(store, variant.id, &prices, 1).await.unwrap();
            assert_eq!(set, Update::Done { version: 2 });
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
    let query = samples::products(9, ProductSort::PriceAscending);
    let page = world.db.list_products(world.store, &query).await.unwrap();
    assert_eq!(page.items[0].lowest_price.unwrap().minor_units, 5_000);
}
