//! Stores and settings.

use martlet_store::{StoreError, Unique, Update, Versioned};

use crate::{harness::World, samples};

pub(crate) async fn a_store_is_found_by_id_handle_and_host(world: World) {
    let mut store = samples::store();
    store.hosts = vec![format!("Z{}.Example", store.handle), format!("a{}.example", store.handle)];
    world.db.insert_store(&store).await.unwrap();
    store.hosts[0] = store.hosts[0].to_lowercase();

    assert_eq!(world.db.find_store(store.id).await.unwrap().as_ref(), Some(&store));
    assert_eq!(world.db.find_store_by_handle(&store.handle).await.unwrap().as_ref(), Some(&store));
    let shouted = store.hosts[1].to_uppercase();
    assert_eq!(world.db.find_store_by_host(&shouted).await.unwrap().as_ref(), Some(&store));
    assert_eq!(world.db.find_store_by_host("nobody.example").await.unwrap(), None);
}

pub(crate) async fn a_taken_handle_is_a_conflict(world: World) {
    let mut store = samples::store();
    store.handle = world.db.find_store(world.store).await.unwrap().unwrap().handle;
    let error = world.db.insert_store(&store).await.unwrap_err();
    assert!(matches!(error, StoreError::Conflict(Unique::Store)), "{error}");
}

pub(crate) async fn a_taken_host_is_a_conflict_and_nothing_of_the_store_stays(world: World) {
    let mut store = samples::store();
    store.hosts.push(world.db.find_store(world.store).await.unwrap().unwrap().hosts[0].clone());
    let error = world.db.insert_store(&store).await.unwrap_err();
    assert!(matches!(error, StoreError::Conflict(Unique::Store)), "{error}");
    assert_eq!(world.db.find_store(store.id).await.unwrap(), None);
}

pub(crate) async fn stores_are_listed_by_handle_with_their_hosts(world: World) {
    let all = world.db.list_stores().await.unwrap();
    assert!(all.is_sorted_by_key(|store| store.handle.clone()));
    for id in [world.store, world.other] {
        let listed = all.iter().find(|store| store.id == id).cloned();
        assert_eq!(listed, world.db.find_store(id).await.unwrap());
        assert_eq!(listed.unwrap().hosts.len(), 2);
    }
}

pub(crate) async fn settings_are_absent_until_they_are_put(world: World) {
    assert_eq!(world.db.find_settings(world.store).await.unwrap(), None);
}

pub(crate) async fn settings_round_trip_and_count_their_changes(world: World) {
    let mut settings = samples::settings();
    let put = world.db.put_settings(world.store, &settings, 0).await.unwrap();
    assert_eq!(put, Update::Done { version: 1 });
    settings.prices_include_tax = false;
    let put = world.db.put_settings(world.store, &settings, 1).await.unwrap();
    assert_eq!(put, Update::Done { version: 2 });
    let found = world.db.find_settings(world.store).await.unwrap();
    assert_eq!(found, Some(Versioned { version: 2, value: settings }));
    assert_eq!(world.db.find_settings(world.other).await.unwrap(), None);
}

pub(crate) async fn stale_settings_are_refused(world: World) {
    let settings = samples::settings();
    let absent = world.db.put_settings(world.store, &settings, 3).await.unwrap();
    assert_eq!(absent, Update::Missing);
    assert_eq!(world.db.put_settings(world.store, &settings, 0).await.unwrap(), Update::Done { version: 1 });
    for stale in [0, 2] {
        let put = world.db.put_settings(world.store, &settings, stale).await.unwrap();
        assert_eq!(put, Update::Stale { current: 1 });
    }
}

pub(crate) async fn of_two_first_settings_one_wins(world: World) {
    let settings = samples::settings();
    let (one, two) = tokio::join!(
        world.db.put_settings(world.store, &settings, 0),
        world.db.put_settings(world.store, &settings, 0),
    );
    let outcomes = [one.unwrap(), two.unwrap()];
    assert!(outcomes.contains(&Update::Done { version: 1 }), "{outcomes:?}");
    assert!(outcomes.contains(&Update::Stale { current: 1 }), "{outcomes:?}");
}

pub(crate) async fn settings_of_an_unknown_store_are_refused(world: World) {
    let error = world.db.put_settings(crate::harness::id(), &samples::settings(), 0).await.unwrap_err();
    assert!(matches!(error, StoreError::UnknownReference), "{error}");
}
