//! Plugins, their versions and components, and installations.

use martlet_domain::Digest;
use martlet_store::{StoreError, Unique};

use crate::{
    harness::{World, id},
    samples::{self, ODD_TEXT, at},
};

pub(crate) async fn a_plugin_is_found_by_id_and_name(world: World) {
    let mut plugin = samples::plugin();
    plugin.name = ODD_TEXT.to_owned();
    world.db.insert_plugin(world.store, &plugin).await.unwrap();
    assert_eq!(world.db.find_plugin(world.store, plugin.id).await.unwrap(), Some(plugin.clone()));
    assert_eq!(world.db.find_plugin_by_name(world.store, ODD_TEXT).await.unwrap(), Some(plugin));
    assert_eq!(world.db.find_plugin_by_name(world.store, "unknown").await.unwrap(), None);
}

pub(crate) async fn plugins_are_listed_by_name(world: World) {
    let (mut one, mut two) = (samples::plugin(), samples::plugin());
    (one.name, two.name) = ("b".to_owned(), "a".to_owned());
    world.db.insert_plugin(world.store, &one).await.unwrap();
    world.db.insert_plugin(world.store, &two).await.unwrap();
    assert_eq!(world.db.list_plugins(world.store).await.unwrap(), [two, one]);
}

pub(crate) async fn a_taken_plugin_name_is_a_conflict_in_its_store_alone(world: World) {
    let mut plugin = samples::plugin();
    world.db.insert_plugin(world.store, &plugin).await.unwrap();
    plugin.id = id();
    let error = world.db.insert_plugin(world.store, &plugin).await.unwrap_err();
    assert!(matches!(error, StoreError::Conflict(Unique::PluginName)), "{error}");
    world.db.insert_plugin(world.other, &plugin).await.unwrap();
}

pub(crate) async fn a_version_round_trips_with_its_component(world: World) {
    let plugin = samples::plugin();
    world.db.insert_plugin(world.store, &plugin).await.unwrap();
    for bytes in [samples::component(), format!("\0{ODD_TEXT}\0{}", plugin.name).into_bytes(), Vec::new()] {
        let version = samples::version(&plugin, &bytes);
        world.db.insert_plugin_version(world.store, &version, &bytes).await.unwrap();
        let found = world.db.find_plugin_version(world.store, version.digest).await.unwrap();
        assert_eq!(found.as_ref(), Some(&version));
        assert_eq!(world.db.find_component(version.digest).await.unwrap(), Some(bytes));
    }
    assert_eq!(world.db.find_component(Digest::of(b"unknown")).await.unwrap(), None);
}

pub(crate) async fn a_component_larger_than_a_packet_round_trips(world: World) {
    let plugin = samples::plugin();
    world.db.insert_plugin(world.store, &plugin).await.unwrap();
    let bytes: Vec<u8> = (0..17 * 1024 * 1024_u32).map(|number| (number % 251) as u8).collect();
    let version = samples::version(&plugin, &bytes);
    world.db.insert_plugin_version(world.store, &version, &bytes).await.unwrap();
    let found = world.db.find_component(version.digest).await.unwrap();
    assert!(found.is_some_and(|found| found == bytes));
}

pub(crate) async fn a_component_is_shared_but_its_version_is_not(world: World) {
    let bytes = samples::component();
    for store in [world.store, world.other] {
        let plugin = samples::plugin();
        let version = samples::version(&plugin, &bytes);
        world.db.insert_plugin(store, &plugin).await.unwrap();
        assert_eq!(world.db.find_plugin_version(store, version.digest).await.unwrap(), None);
        world.db.insert_plugin_version(store, &version, &bytes).await.unwrap();
        assert_eq!(world.db.find_plugin_version(store, version.digest).await.unwrap(), Some(version));
    }
    assert_eq!(world.db.find_component(Digest::of(&bytes)).await.unwrap(), Some(bytes));
}

pub(crate) async fn a_component_stored_twice_is_a_conflict(world: World) {
    let (plugin, bytes) = (samples::plugin(), samples::component());
    let version = samples::version(&plugin, &bytes);
    world.db.insert_plugin(world.store, &plugin).await.unwrap();
    world.db.insert_plugin_version(world.store, &version, &bytes).await.unwrap();
    let error = world.db.insert_plugin_version(world.store, &version, &bytes).await.unwrap_err();
    assert!(matches!(error, StoreError::Conflict(Unique::PluginVersion)), "{error}");
}

pub(crate) async fn a_component_of_another_digest_is_refused(world: World) {
    let (plugin, bytes) = (samples::plugin(), samples::component());
    let version = samples::version(&plugin, &bytes);
    world.db.insert_plugin(world.store, &plugin).await.unwrap();
    let error = world.db.insert_plugin_version(world.store, &version, b"other").await.unwrap_err();
    assert!(matches!(error, StoreError::ComponentMismatch), "{error}");
    assert_eq!(world.db.find_component(version.digest).await.unwrap(), None);
}

pub(crate) async fn versions_are_listed_newest_first(world: World) {
    let (plugin, other) = (samples::plugin(), samples::plugin());
    world.db.insert_plugin(world.store, &plugin).await.unwrap();
    world.db.insert_plugin(world.store, &other).await.unwrap();
    let mut made = Vec::new();
    for (plugin, moment) in [(&plugin, i64::MIN), (&plugin, i64::MAX), (&other, 0)] {
        let bytes = samples::component();
        let mut version = samples::version(plugin, &bytes);
        version.created_at = at(moment);
        world.db.insert_plugin_version(world.store, &version, &bytes).await.unwrap();
        made.insert(0, version);
    }
    assert_eq!(world.db.list_plugin_versions(world.store, plugin.id).await.unwrap(), made[1..]);
    assert_eq!(world.db.list_plugin_versions(world.other, plugin.id).await.unwrap(), []);
}

pub(crate) async fn installations_are_numbered_and_listed_in_sequence(world: World) {
    let (_, version) = samples::stored_version(&world.db, world.store).await;
    let mut made = Vec::new();
    for sequence in 1..=3 {
        let asked = samples::installation(version.digest);
        let installation = world.db.insert_installation(world.store, &asked).await.unwrap();
        assert_eq!(installation.sequence, sequence);
        assert_eq!(installation, martlet_domain::plugin::Installation { sequence, ..asked });
        let found = world.db.find_installation(world.store, installation.id).await.unwrap();
        assert_eq!(found.as_ref(), Some(&installation));
        made.push(installation);
    }
    assert_eq!(world.db.list_installations(world.store).await.unwrap(), made);
    let error = world.db.insert_installation(world.store, &made[0]).await.unwrap_err();
    assert!(matches!(error, StoreError::Conflict(Unique::Installation)), "{error}");
}

pub(crate) async fn parallel_installations_get_numbers_without_gaps(world: World) {
    let (_, version) = samples::stored_version(&world.db, world.store).await;
    let tasks: Vec<_> = (0..16)
        .map(|_| {
            let (db, store, digest) = (world.db.clone(), world.store, version.digest);
            tokio::spawn(async move {
                db.insert_installation(store, &samples::installation(digest)).await.unwrap().sequence
            })
        })
        .collect();
    let mut sequences = Vec::new();
    for task in tasks {
        sequences.push(task.await.unwrap());
    }
    sequences.sort_unstable();
    assert_eq!(sequences, (1..=16).collect::<Vec<i64>>());
}

pub(crate) async fn an_installation_of_an_unknown_component_is_refused(world: World) {
    let (_, foreign) = samples::stored_version(&world.db, world.other).await;
    let asked = samples::installation(foreign.digest);
    let error = world.db.insert_installation(world.store, &asked).await.unwrap_err();
    assert!(matches!(error, StoreError::UnknownReference), "{error}");
    // The number that was counted for it is given to the next.
    assert_eq!(samples::stored_installation(&world.db, world.store).await.sequence, 1);
}

pub(crate) async fn another_store_sees_no_plugin(world: World) {
    let (db, other) = (&world.db, world.other);
    let (plugin, version) = samples::stored_version(db, world.store).await;
    let installation = samples::stored_installation(db, world.store).await;
    assert_eq!(db.find_plugin(other, plugin.id).await.unwrap(), None);
    assert_eq!(db.find_plugin_by_name(other, &plugin.name).await.unwrap(), None);
    assert_eq!(db.list_plugins(other).await.unwrap(), []);
    assert_eq!(db.find_plugin_version(other, version.digest).await.unwrap(), None);
    assert_eq!(db.find_installation(other, installation.id).await.unwrap(), None);
    assert_eq!(db.list_installations(other).await.unwrap(), []);
}
