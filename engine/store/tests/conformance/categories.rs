//! Categories.

use martlet_store::{StoreError, Unique};

use crate::{harness::World, samples};

pub(crate) async fn a_category_round_trips(world: World) {
    let mut category = samples::category(None);
    category.position = i64::MIN;
    world.db.insert_category(world.store, &category).await.unwrap();
    let found = world.db.find_category_by_handle(world.store, &category.handle).await.unwrap();
    assert_eq!(found, Some(category));
}

pub(crate) async fn categories_are_listed_by_position_then_handle(world: World) {
    let mut root = samples::category(None);
    root.position = i64::MAX;
    let (mut first, second) = (samples::category(Some(root.id)), samples::category(Some(root.id)));
    first.handle = "a".parse().unwrap();
    for category in [&root, &second, &first] {
        world.db.insert_category(world.store, category).await.unwrap();
    }
    assert_eq!(world.db.list_categories(world.store).await.unwrap(), [first, second, root]);
}

pub(crate) async fn a_taken_category_handle_is_a_conflict_in_its_store_alone(world: World) {
    let category = samples::category(None);
    world.db.insert_category(world.store, &category).await.unwrap();
    let mut second = samples::category(None);
    second.handle = category.handle.clone();
    let error = world.db.insert_category(world.store, &second).await.unwrap_err();
    assert!(matches!(error, StoreError::Conflict(Unique::CategoryHandle)), "{error}");
    world.db.insert_category(world.other, &second).await.unwrap();
}

pub(crate) async fn a_parent_of_another_store_is_refused(world: World) {
    let parent = samples::category(None);
    world.db.insert_category(world.other, &parent).await.unwrap();
    let child = samples::category(Some(parent.id));
    let error = world.db.insert_category(world.store, &child).await.unwrap_err();
    assert!(matches!(error, StoreError::UnknownReference), "{error}");
}

pub(crate) async fn another_store_sees_no_category(world: World) {
    let category = samples::category(None);
    world.db.insert_category(world.store, &category).await.unwrap();
    assert_eq!(world.db.find_category_by_handle(world.other, &category.handle).await.unwrap(), None);
    assert_eq!(world.db.list_categories(world.other).await.unwrap(), []);
}
