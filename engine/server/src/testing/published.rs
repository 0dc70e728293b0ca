//! Rulebooks of any installations, broken ones among them.

use martlet_domain::{
    Digest,
    plugin::{Description, Installation, Plugin, PluginVersion, World},
};
use martlet_store::RulebookDraft;

use super::{NOW, TestApp};

impl TestApp {
    /// Makes some installations all there is.
    pub async fn publish_installations(&self, installations: Vec<Installation>) {
        let note = String::new();
        let draft = RulebookDraft { note, created_at: NOW, groups: Vec::new(), installations };
        self.state.db.publish_rulebook(self.store.id, draft).await.expect("a rulebook");
    }

    /// The plugin `broken`, installed: its component is none.
    pub async fn install_broken(&self) -> Installation {
        let (db, ids, store) = (&self.state.db, &self.state.world.ids, self.store.id);
        let sound = self.install(World::Promotion).await;
        let bytes = b"no component";
        let plugin = Plugin { id: ids.next(NOW), name: "broken".to_owned(), world: World::Promotion };
        db.insert_plugin(store, &plugin).await.expect("a plugin");
        let version = PluginVersion {
            plugin: plugin.id,
            digest: Digest::of(bytes),
            description: Description {
                name: plugin.name.clone(),
                version: "1.0.0".to_owned(),
                title: "Broken".to_owned(),
                summary: "It doesn't work.".to_owned(),
                config_schema: "{}".to_owned(),
                templates: Vec::new(),
            },
            wit_version: "0.1.0".to_owned(),
            size: 12,
            created_at: NOW,
        };
        db.insert_plugin_version(store, &version, bytes).await.expect("a version");
        let installation =
            Installation { id: ids.next(NOW), plugin: plugin.name, component: version.digest, ..sound };
        db.insert_installation(store, &installation).await.expect("an installation")
    }
}
