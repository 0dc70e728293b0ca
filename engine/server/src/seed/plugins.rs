//! Plugins, their installations, coupons and the rulebook.

use std::path::Path;

use anyhow::Context as _;
use martlet_domain::{
    Digest, Id,
    coupon::Coupon,
    plugin::{Description, Installation, InstallationStage, Plugin, PluginVersion, World},
    settings::Store,
};
use martlet_plugin_host::Component;
use martlet_store::RulebookDraft;

use super::{
    Seeder,
    content::{Content, CouponContent, InstallationContent},
};

impl Seeder<'_> {
    /// Installs what the content names, from components in a folder, and publishes a rulebook when
    /// anything is new.
    pub(super) async fn plugins(
        &self,
        store: &Store,
        content: &Content,
        folder: &Path,
        progress: &mut (dyn FnMut(&str) + Send),
    ) -> anyhow::Result<()> {
        let mut changed = self.db.find_active_rulebook_number(store.id).await?.is_none();
        for wanted in &content.installations {
            changed |= self.installation(store, wanted, folder, progress).await?;
        }
        let installations = self.db.list_installations(store.id).await?;
        let coupons = installations.iter().find(|installation| installation.world == World::Coupon);
        for coupon in &content.coupons {
            let installation = coupons.context("the demo's coupons need an installed coupon plugin")?;
            self.coupon(store, installation, coupon).await?;
        }
        if changed {
            let draft = RulebookDraft {
                note: "Seeded".to_owned(),
                created_at: self.clock.now(),
                groups: content.groups.clone(),
                installations,
            };
            let rulebook = self.db.publish_rulebook(store.id, draft).await?;
            progress(&format!("rulebook {} is active", rulebook.number));
        }
        Ok(())
    }

    /// Whether anything about it is new.
    async fn installation(
        &self,
        store: &Store,
        wanted: &InstallationContent,
        folder: &Path,
        progress: &mut (dyn FnMut(&str) + Send),
    ) -> anyhow::Result<bool> {
        let file = folder.join(format!("{}.wasm", wanted.plugin));
        let bytes = std::fs::read(&file).with_context(|| {
            format!(
                "{} can't be read; `cargo xtask wasm` builds the plugins, --plugins names their folder",
                file.display()
            )
        })?;
        let digest = Digest::of(&bytes);
        let known = self.db.list_installations(store.id).await?;
        let known = known.into_iter().find(|installation| installation.plugin == wanted.plugin);
        if known.as_ref().is_some_and(|known| known.component == digest && known.config == wanted.config) {
            return Ok(false);
        }
        let component = self.host.load(&bytes).with_context(|| format!("{} is refused", file.display()))?;
        let description = component.describe()?;
        self.version(store, wanted, &component, &description, &bytes).await?;
        let id = known.as_ref().map_or_else(|| self.ids.next(self.clock.now()), |known| known.id);
        let installation = installation(id, wanted, &component, description)?;
        match known {
            Some(_) => self.db.update_installation(store.id, &installation).await.map(|_| ())?,
            None => self.db.insert_installation(store.id, &installation).await.map(|_| ())?,
        }
        progress(&format!("{} {} installed, {} bytes", wanted.plugin, installation.version, bytes.len()));
        Ok(true)
    }

    async fn version(
        &self,
        store: &Store,
        wanted: &InstallationContent,
        component: &Component,
        description: &Description,
        bytes: &[u8],
    ) -> anyhow::Result<()> {
        if self.db.find_plugin_version(store.id, component.digest()).await?.is_some() {
            return Ok(());
        }
        let now = self.clock.now();
        let plugin = match self.db.find_plugin_by_name(store.id, &wanted.plugin).await? {
            Some(plugin) => plugin,
            None => {
                let plugin =
                    Plugin { id: self.ids.next(now), name: wanted.plugin.clone(), world: component.world() };
                self.db.insert_plugin(store.id, &plugin).await?;
                plugin
            }
        };
        let version = PluginVersion {
            plugin: plugin.id,
            digest: component.digest(),
            description: description.clone(),
            wit_version: component.wit_version().to_owned(),
            size: i64::try_from(bytes.len())?,
            created_at: now,
        };
        self.db.insert_plugin_version(store.id, &version, bytes).await?;
        Ok(())
    }

    async fn coupon(
        &self,
        store: &Store,
        installation: &Installation,
        content: &CouponContent,
    ) -> anyhow::Result<()> {
        if self.db.find_coupon_by_code(store.id, &content.code).await?.is_some() {
            return Ok(());
        }
        let component = crate::plugins::component(self.db, self.host, installation.component).await?;
        let classes = component
            .validate_config(&content.config)
            .with_context(|| format!("the configuration of the coupon {} is refused", content.code))?;
        let coupon = Coupon {
            id: self.ids.next(self.clock.now()),
            code: content.code.clone(),
            installation: installation.id,
            config: content.config.clone(),
            classes,
            enabled: true,
            starts_at: None,
            ends_at: None,
            total_limit: content.total_limit,
            per_customer_limit: content.per_customer_limit,
            version: 1,
        };
        self.db.insert_coupon(store.id, &coupon).await?;
        Ok(())
    }
}

fn installation(
    id: Id<Installation>,
    wanted: &InstallationContent,
    component: &Component,
    description: Description,
) -> anyhow::Result<Installation> {
    // A coupon plugin's configuration is each coupon's own.
    let classes = match component.world() {
        World::Coupon => Vec::new(),
        _ => component
            .validate_config(&wanted.config)
            .with_context(|| format!("the configuration of {} is refused", wanted.plugin))?,
    };
    Ok(Installation {
        id,
        sequence: 0,
        plugin: wanted.plugin.clone(),
        version: description.version,
        component: component.digest(),
        world: component.world(),
        config: wanted.config.clone(),
        classes,
        stage: InstallationStage::Active,
        priority: wanted.priority,
        group: wanted.group.clone(),
        failure_policy: wanted.failure_policy,
        gift_skus: Vec::new(),
        budget: None,
        daily_budget: None,
        customer_budget: None,
        starts_at: None,
        ends_at: None,
        exclusivity_tags: Vec::new(),
        quarantine: None,
        templates: description.templates,
    })
}
