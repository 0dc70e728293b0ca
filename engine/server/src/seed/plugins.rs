//! Plugins, their installations, coupons and the rulebook.

use std::path::Path;

use anyhow::Context as _;
use martlet_domain::{
    Digest, Id,
    coupon::Coupon,
    plugin::{
        Description, Group, Installation, InstallationStage, Plugin, PluginVersion, RuleChange, Rulebook,
        SealedRulebook, World,
    },
    settings::Store,
};
use martlet_plugin_host::Component;
use martlet_store::Published;

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
        let active = self.db.find_active_rulebook(store.id).await?;
        let mut rules = active.map_or_else(Rulebook::without_rules, SealedRulebook::into_rulebook);
        let mut changes = Vec::new();
        for wanted in &content.installations {
            let known = rules.installations.iter().find(|known| known.plugin == wanted.plugin);
            let installation = self.installation(store, wanted, known, folder, progress).await?;
            changes.extend(installation.map(|installation| RuleChange::Put(Box::new(installation))));
        }
        let named = |group: &Group| rules.groups.iter().any(|known| known.name == group.name);
        let new: Vec<Group> = content.groups.iter().filter(|group| !named(group)).cloned().collect();
        if rules.number == 0 || !changes.is_empty() {
            // Groups that a merchant has changed stay as they are.
            changes.push(RuleChange::Groups(rules.groups.iter().cloned().chain(new).collect()));
            let counted = self.db.budget_currencies(store.id).await?;
            let next = rules.changed("Seeded".to_owned(), self.clock.now(), changes, &counted);
            let next =
                next.map_err(|problems| anyhow::anyhow!("the demo's rules are refused: {problems:?}"))?;
            match self.db.publish_change(store.id, &next, None, None).await? {
                Published::Done(rulebook) => rules = rulebook.into_rulebook(),
                Published::Stale { .. } => anyhow::bail!("somebody else changed the rules: seed again"),
            }
            progress(&format!("rulebook {} is active", rules.number));
        }
        let coupons = rules.installations.iter().find(|installation| installation.world == World::Coupon);
        for coupon in &content.coupons {
            let installation = coupons.context("the demo's coupons need an installed coupon plugin")?;
            self.coupon(store, installation, coupon).await?;
        }
        Ok(())
    }

    /// The installation, where anything about it is new.
    async fn installation(
        &self,
        store: &Store,
        wanted: &InstallationContent,
        known: Option<&Installation>,
        folder: &Path,
        progress: &mut (dyn FnMut(&str) + Send),
    ) -> anyhow::Result<Option<Installation>> {
        let file = folder.join(format!("{}.wasm", wanted.plugin));
        let bytes = std::fs::read(&file).with_context(|| {
            format!(
                "{} can't be read; `cargo xtask wasm` builds the plugins, --plugins names their folder",
                file.display()
            )
        })?;
        let digest = Digest::of(&bytes);
        if known.is_some_and(|known| known.component == digest && known.config == wanted.config) {
            return Ok(None);
        }
        let component = self.host.load(&bytes).with_context(|| format!("{} is refused", file.display()))?;
        let description = component.describe()?;
        self.version(store, wanted, &component, &description, &bytes).await?;
        let id = known.map_or_else(|| self.ids.next(self.clock.now()), |known| known.id);
        let sequence = known.map_or(0, |known| known.sequence);
        let installation = installation(id, wanted, &component, description)?;
        progress(&format!("{} {} installed, {} bytes", wanted.plugin, installation.version, bytes.len()));
        Ok(Some(Installation { sequence, ..installation }))
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
