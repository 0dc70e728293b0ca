//! Uploads of components, and what merchants see of them.

use martlet_domain::plugin::{Plugin, PluginVersion, World as PluginWorld};
use martlet_store::{Upload, UploadedVersion};

use crate::{
    harness::{World, id},
    samples::{self, at},
};

/// An upload of a plugin's version, whose bytes are new.
struct Sample {
    plugin: Plugin,
    version: PluginVersion,
    bytes: Vec<u8>,
}

impl Sample {
    fn new(plugin: &Plugin, version: &str, moment: i64) -> Self {
        let bytes = samples::component();
        let mut stored = samples::version(plugin, &bytes);
        version.clone_into(&mut stored.description.version);
        stored.created_at = at(moment);
        Self { plugin: plugin.clone(), version: stored, bytes }
    }

    async fn upload(&self, world: &World, report: &str) -> Upload {
        let Self { plugin, version, bytes } = self;
        world.db.store_upload(world.store, plugin, version, report, bytes).await.unwrap()
    }
}

pub(crate) async fn an_upload_is_stored_with_its_report_and_known_the_next_time(world: World) {
    let sample = Sample::new(&samples::plugin(), "1.0.0", 1);
    assert_eq!(sample.upload(&world, "{\"a\":1}").await, Upload::Stored);
    let expected =
        UploadedVersion { version: sample.version.clone(), report: Some("{\"a\":1}".to_owned()) };
    let found = world.db.find_uploaded_version(world.store, sample.version.digest).await.unwrap();
    assert_eq!(found, Some(expected.clone()));
    assert_eq!(world.db.find_component(sample.version.digest).await.unwrap(), Some(sample.bytes.clone()));
    // Under another id, as who uploads again comes with: the plugin there is stays.
    let again = Sample { plugin: Plugin { id: id(), ..sample.plugin.clone() }, ..sample };
    assert_eq!(again.upload(&world, "{\"b\":2}").await, Upload::Known);
    let listed = world.db.list_uploaded_versions(world.store, expected.version.plugin).await.unwrap();
    assert_eq!(listed, std::slice::from_ref(&expected));
    assert_eq!(world.db.find_uploaded_version(world.other, expected.version.digest).await.unwrap(), None);
    let second = Sample::new(&Plugin { id: id(), ..again.plugin.clone() }, "1.1.0", 2);
    assert_eq!(second.upload(&world, "{}").await, Upload::Stored);
    let listed = world.db.list_uploaded_versions(world.store, expected.version.plugin).await.unwrap();
    assert_eq!(listed.len(), 2);
    assert_eq!((listed[0].version.digest, &listed[1]), (second.version.digest, &expected));
}

pub(crate) async fn a_version_that_came_otherwise_gets_its_report(world: World) {
    let sample = Sample::new(&samples::plugin(), "1.0.0", 1);
    world.db.insert_plugin(world.store, &sample.plugin).await.unwrap();
    world.db.insert_plugin_version(world.store, &sample.version, &sample.bytes).await.unwrap();
    let report = async || {
        let found = world.db.find_uploaded_version(world.store, sample.version.digest).await.unwrap();
        found.unwrap().report
    };
    assert_eq!(report().await, None);
    assert_eq!(sample.upload(&world, "{\"a\":1}").await, Upload::Known);
    assert_eq!(report().await.as_deref(), Some("{\"a\":1}"));
}

pub(crate) async fn another_world_and_a_taken_version_change_nothing(world: World) {
    let sample = Sample::new(&samples::plugin(), "1.0.0", 1);
    assert_eq!(sample.upload(&world, "{}").await, Upload::Stored);
    let elsewhere = Plugin { world: PluginWorld::Pricing, ..sample.plugin.clone() };
    let other = Sample::new(&elsewhere, "2.0.0", 2);
    assert_eq!(other.upload(&world, "{}").await, Upload::OtherWorld(sample.plugin.world));
    let taken = Sample::new(&sample.plugin, "1.0.0", 3);
    assert_eq!(taken.upload(&world, "{}").await, Upload::VersionTaken(sample.version.digest));
    let listed = world.db.list_uploaded_versions(world.store, sample.plugin.id).await.unwrap();
    assert_eq!(listed.len(), 1);
    for refused in [other, taken] {
        assert_eq!(world.db.find_component(refused.version.digest).await.unwrap(), None);
    }
}

pub(crate) async fn plugins_come_in_pages_with_their_newest_version(world: World) {
    let mut names = Vec::new();
    for name in ["a", "b", "c"] {
        let plugin = Plugin { name: name.to_owned(), ..samples::plugin() };
        let (old, new) = (Sample::new(&plugin, "1.0.0", 1), Sample::new(&plugin, "1.1.0", 2));
        new.upload(&world, "{\"new\":true}").await;
        old.upload(&world, "{}").await;
        names.push((plugin.name, new.version.digest));
    }
    let bare = Plugin { name: "d".to_owned(), ..samples::plugin() };
    world.db.insert_plugin(world.store, &bare).await.unwrap();
    let (mut after, mut seen) = (None, Vec::new());
    loop {
        let page = world.db.list_plugin_page(world.store, after.as_deref(), 3).await.unwrap();
        for (plugin, newest) in page.items {
            let report = newest.as_ref().and_then(|newest| newest.report.clone());
            assert_eq!(report.is_some(), plugin.name != "d");
            assert!(report.is_none_or(|report| report.contains("new")));
            seen.push((plugin.name, newest.map(|newest| newest.version.digest)));
        }
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    let mut expected: Vec<_> = names.into_iter().map(|(name, digest)| (name, Some(digest))).collect();
    expected.push(("d".to_owned(), None));
    assert_eq!(seen, expected);
    assert_eq!(world.db.list_plugin_page(world.other, None, 3).await.unwrap().items, []);
}

pub(crate) async fn uploads_of_one_name_at_once_make_one_plugin(world: World) {
    let plugin = samples::plugin();
    let uploads: Vec<_> = (0..8)
        .map(|number| {
            // Half of them say the same version.
            let sample = Sample::new(
                &Plugin { id: id(), ..plugin.clone() },
                &format!("1.{}.0", number / 2),
                number,
            );
            let (db, store) = (world.db.clone(), world.store);
            tokio::spawn(async move {
                db.store_upload(store, &sample.plugin, &sample.version, "{}", &sample.bytes).await.unwrap()
            })
        })
        .collect();
    let mut stored = 0;
    for upload in uploads {
        match upload.await.unwrap() {
            Upload::Stored => stored += 1,
            Upload::VersionTaken(_) => {}
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(stored, 4);
    let found = world.db.find_plugin_by_name(world.store, &plugin.name).await.unwrap().unwrap();
    assert_eq!(world.db.list_uploaded_versions(world.store, found.id).await.unwrap().len(), 4);
}
