//! Products.

use martlet_domain::catalog::Attribute;
use martlet_store::{StoreError, Unique, Update};

use crate::{
    harness::World,
    samples::{self, ODD_TEXT, at},
};

pub(crate) async fn a_product_round_trips_at_its_extremes(world: World) {
    let (one, two) = (samples::category(None), samples::category(None));
    world.db.insert_category(world.store, &one).await.unwrap();
    world.db.insert_category(world.store, &two).await.unwrap();
    let mut full = samples::product();
    full.title = ODD_TEXT.to_owned();
    full.description = "𝔘".repeat(70_000);
    full.published = false;
    full.tags = vec![String::new(), ODD_TEXT.to_owned()];
    full.attributes = vec![Attribute { name: ODD_TEXT.to_owned(), value: ODD_TEXT.to_owned() }];
    full.categories = vec![two.id, one.id];
    full.version = i64::MAX;
    full.created_at = at(i64::MIN);
    full.updated_at = at(i64::MAX);
    let mut bare = samples::product();
    (bare.title, bare.tax_category) = (String::new(), String::new());
    bare.options.clear();

    for product in [full, bare] {
        world.db.insert_product(world.store, &product).await.unwrap();
        assert_eq!(world.db.find_product(world.store, product.id).await.unwrap(), Some(product));
    }
}

pub(crate) async fn a_product_is_found_by_its_handle(world: World) {
    let product = samples::product();
    world.db.insert_product(world.store, &product).await.unwrap();
    let found = world.db.find_product_by_handle(world.store, &product.handle).await.unwrap();
    assert_eq!(found, Some(product));
    let unknown = "unknown".parse().unwrap();
    assert_eq!(world.db.find_product_by_handle(world.store, &unknown).await.unwrap(), None);
}

pub(crate) async fn an_update_replaces_everything_but_id_and_birth(world: World) {
    let category = samples::category(None);
    world.db.insert_category(world.store, &category).await.unwrap();
    let old = samples::product();
    world.db.insert_product(world.store, &old).await.unwrap();

    let mut new = samples::product();
    new.id = old.id;
    new.title = ODD_TEXT.to_owned();
    new.description = "new".to_owned();
    new.published = false;
    new.tags = vec!["new".to_owned()];
    new.attributes = vec![Attribute { name: "a".to_owned(), value: "b".to_owned() }];
    new.options.clear();
    new.tax_category = "books".to_owned();
    new.categories = vec![category.id];
    new.created_at = at(99);
    new.updated_at = at(2_000);
    let update = world.db.update_product(world.store, &new, 1).await.unwrap();
    assert_eq!(update, Update::Done { version: 2 });

    (new.version, new.created_at) = (2, old.created_at);
    assert_eq!(world.db.find_product(world.store, old.id).await.unwrap(), Some(new));
}

pub(crate) async fn a_stale_product_is_refused_and_unchanged(world: World) {
    let product = samples::product();
    world.db.insert_product(world.store, &product).await.unwrap();
    let mut changed = product.clone();
    changed.title = "changed".to_owned();
    let update = world.db.update_product(world.store, &changed, 7).await.unwrap();
    assert_eq!(update, Update::Stale { current: 1 });
    assert_eq!(world.db.find_product(world.store, product.id).await.unwrap(), Some(product));
}

pub(crate) async fn a_missing_product_is_not_updated(world: World) {
    let update = world.db.update_product(world.store, &samples::product(), 1).await.unwrap();
    assert_eq!(update, Update::Missing);
}

pub(crate) async fn a_taken_product_handle_is_a_conflict(world: World) {
    let (first, mut second) = (samples::product(), samples::product());
    world.db.insert_product(world.store, &first).await.unwrap();
    world.db.insert_product(world.store, &second).await.unwrap();
    second.handle = first.handle.clone();
    let error = world.db.update_product(world.store, &second, 1).await.unwrap_err();
    assert!(matches!(error, StoreError::Conflict(Unique::ProductHandle)), "{error}");
    second.id = crate::harness::id();
    let error = world.db.insert_product(world.store, &second).await.unwrap_err();
    assert!(matches!(error, StoreError::Conflict(Unique::ProductHandle)), "{error}");
    world.db.insert_product(world.other, &second).await.unwrap();
}

pub(crate) async fn a_category_of_another_store_is_refused_and_nothing_stays(world: World) {
    let category = samples::category(None);
    world.db.insert_category(world.other, &category).await.unwrap();
    let mut product = samples::product();
    product.categories = vec![category.id];
    let error = world.db.insert_product(world.store, &product).await.unwrap_err();
    assert!(matches!(error, StoreError::UnknownReference), "{error}");
    assert_eq!(world.db.find_product(world.store, product.id).await.unwrap(), None);
}

pub(crate) async fn a_title_that_is_too_long_is_out_of_bounds(world: World) {
    let mut product = samples::product();
    product.title = "𝔘".repeat(500);
    world.db.insert_product(world.store, &product).await.unwrap();
    product.title.push('x');
    let error = world.db.update_product(world.store, &product, 1).await.unwrap_err();
    assert!(matches!(error, StoreError::OutOfBounds), "{error}");
}

pub(crate) async fn another_store_sees_no_product(world: World) {
    let product = samples::product();
    world.db.insert_product(world.store, &product).await.unwrap();
    assert_eq!(world.db.find_product(world.other, product.id).await.unwrap(), None);
    assert_eq!(world.db.find_product_by_handle(world.other, &product.handle).await.unwrap(), None);
    assert_eq!(world.db.list_products_by_id(world.other, &[product.id]).await.unwrap(), []);
    let update = world.db.update_product(world.other, &product, 1).await.unwrap();
    assert_eq!(update, Update::Missing);
}

pub(crate) async fn of_parallel_updates_of_one_version_one_wins(world: World) {
    let product = samples::product();
    world.db.insert_product(world.store, &product).await.unwrap();
    let tasks: Vec<_> = (0..8)
        .map(|task| {
            let (db, store, mut product) = (world.db.clone(), world.store, product.clone());
            product.title = format!("from task {task}");
            tokio::spawn(async move { db.update_product(store, &product, 1).await.unwrap() })
        })
        .collect();
    let mut won = 0;
    for task in tasks {
        match task.await.unwrap() {
            Update::Done { version: 2 } => won += 1,
            other => assert_eq!(other, Update::Stale { current: 2 }),
        }
    }
    assert_eq!(won, 1);
}
