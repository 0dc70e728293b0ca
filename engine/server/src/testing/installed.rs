//! The real plugins, as `cargo xtask wasm` builds them, at work in an app's store.

use martlet_domain::{
    money::Money,
    plugin::{FailurePolicy, Installation, InstallationStage, Plugin, PluginVersion, World},
    settings::Store,
};

use super::{NOW, TestApp};

/// A plugin at work in the app's store.
#[derive(Debug, Clone)]
pub struct Installed {
    /// Name of the plugin, which is its component's file too.
    pub plugin: &'static str,
    /// Its configuration.
    pub config: String,
    /// Higher goes first.
    pub priority: i32,
    /// What happens when it fails.
    pub policy: FailurePolicy,
    /// What it may give in all.
    pub budget: Option<Money>,
}

impl Installed {
    /// A plugin that is skipped when it fails, and has no budget.
    pub fn new(plugin: &'static str, config: &str) -> Self {
        Self { plugin, config: config.to_owned(), priority: 0, policy: FailurePolicy::Skip, budget: None }
    }
}

impl TestApp {
    /// Installs plugins from the components of `cargo xtask wasm`, and makes them all there is.
    pub async fn publish(&self, plugins: &[Installed]) -> Vec<Installation> {
        self.publish_in(&self.store, plugins).await
    }

    /// The same in another store.
    pub async fn publish_in(&self, store: &Store, plugins: &[Installed]) -> Vec<Installation> {
        let mut installations = Vec::new();
        for plugin in plugins {
            installations.push(self.install_in(store, plugin).await);
        }
        let draft = martlet_store::RulebookDraft {
            note: String::new(),
            created_at: NOW,
            groups: Vec::new(),
            installations: installations.clone(),
        };
        self.state.db.publish_rulebook(store.id, draft).await.expect("a rulebook");
        installations
    }

    /// Installs a plugin in the app's own store, in no rulebook yet.
    pub async fn install_plugin(&self, installed: &Installed) -> Installation {
        self.install_in(&self.store, installed).await
    }

    /// Installs a plugin in a store, in no rulebook yet.
    pub async fn install_in(&self, store: &Store, installed: &Installed) -> Installation {
        let (db, store) = (&self.state.db, store.id);
        let bytes = component(installed.plugin);
        let component = self.state.selling.pricer.host().load(&bytes).expect("a component");
        let description = component.describe().expect("a description");
        if db.find_plugin_version(store, component.digest()).await.expect("a read").is_none() {
            let plugin = Plugin {
                id: self.state.world.ids.next(NOW),
                name: installed.plugin.to_owned(),
                world: component.world(),
            };
            db.insert_plugin(store, &plugin).await.expect("a plugin");
            let version = PluginVersion {
                plugin: plugin.id,
                digest: component.digest(),
                description: description.clone(),
                wit_version: component.wit_version().to_owned(),
                size: i64::try_from(bytes.len()).expect("a size"),
                created_at: NOW,
            };
            db.insert_plugin_version(store, &version, &bytes).await.expect("a version");
        }
        let classes = match component.world() {
            World::Coupon => Vec::new(),
            _ => component.validate_config(&installed.config).expect("a configuration"),
        };
        let installation = Installation {
            id: self.state.world.ids.next(NOW),
            sequence: 0,
            plugin: installed.plugin.to_owned(),
            version: description.version,
            component: component.digest(),
            world: component.world(),
            config: installed.config.clone(),
            classes,
            stage: InstallationStage::Active,
            priority: installed.priority,
            group: None,
            failure_policy: installed.policy,
            gift_skus: Vec::new(),
            budget: installed.budget,
            daily_budget: None,
            customer_budget: None,
            starts_at: None,
            ends_at: None,
            exclusivity_tags: Vec::new(),
            quarantine: None,
            templates: description.templates,
        };
        db.insert_installation(store, &installation).await.expect("an installation")
    }
}

/// The bytes of a plugin's component.
pub fn component(name: &str) -> Vec<u8> {
    let folder = std::env::var_os("MARTLET_TEST_PLUGINS").map_or_else(
        || {
            let test = std::env::current_exe().expect("a test knows where it is");
            test.ancestors().nth(3).expect("a test is in target/debug/deps").join("plugins")
        },
        std::path::PathBuf::from,
    );
    let file = folder.join(format!("{name}.wasm"));
    std::fs::read(&file).unwrap_or_else(|error| panic!("{}: {error}: run `cargo xtask wasm`", file.display()))
}
