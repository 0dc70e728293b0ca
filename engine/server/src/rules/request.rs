//! What a merchant says of an installation, and the installation that comes of it.

use std::sync::Arc;

use martlet_domain::{
    Digest, Id,
    catalog::Sku,
    money::Money,
    plugin::{FailurePolicy, Installation, InstallationStage, MAX_GIFT_SKUS, Plugin, PluginVersion, World},
    settings::Store,
};
use martlet_plugin_host::Component;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::{Checked, Rules};
use crate::{
    api::{money::MoneyBody, text::Violations, time::Time},
    error::{Error, Violation},
    plugins, rulebooks,
};

/// Most bytes of a configuration: each list in the schemas of our own plugins can be as long as it may.
pub(crate) const MAX_CONFIG: usize = 64 << 10;
/// Coupons at most whose configurations a new version of their plugin is asked about.
const MOST_COUPONS: u32 = 200;
/// Coupons at most that are named when it refuses them.
const MOST_REFUSED: usize = 10;
/// The configuration of a coupon plugin, whose coupons have their own.
const NO_CONFIG: &str = "{}";

/// What a merchant says of an installation. What is left out stays as it is, and null takes away what
/// needn't be there.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct InstallationRequest {
    /// Name of the plugin. A new installation needs it or a `digest`; of another it can't change.
    pub plugin: Option<String>,
    /// Which version of it; the one stored last unless said.
    pub version: Option<String>,
    /// The same by the SHA-256 of its component, in hexadecimal.
    #[schema(value_type = Option<String>)]
    pub digest: Option<Digest>,
    /// Its configuration, as the plugin's schema describes it: 64 KiB at most. Coupons have their own, so
    /// a coupon plugin takes none.
    #[schema(value_type = Option<Object>)]
    pub config: Option<Map<String, Value>>,
    /// How far it has got; a draft to begin with.
    pub stage: Option<StageRequest>,
    /// Of a canary, how many per cent of carts it is asked for.
    #[schema(minimum = 1, maximum = 99)]
    pub canary_percent: Option<u8>,
    /// Higher goes first; 0 to begin with.
    #[schema(minimum = -1_000_000, maximum = 1_000_000)]
    pub priority: Option<i32>,
    /// Name of its stacking group.
    #[serde(deserialize_with = "nullable")]
    #[schema(value_type = Option<String>)]
    pub group: Option<Option<String>>,
    /// Tags that each of its discounts has: of two with a tag in common one applies. At most 16 of 1 to 64
    /// characters.
    pub exclusivity_tags: Option<Vec<String>>,
    /// What happens when it fails: `skip`, `reject`, `base-price` or `block`. Which of them there are, and
    /// which it is to begin with, depends on the plugin's world.
    #[schema(value_type = Option<String>)]
    pub failure_policy: Option<FailurePolicy>,
    /// Not asked before.
    #[serde(deserialize_with = "nullable")]
    #[schema(value_type = Option<Time>)]
    pub starts_at: Option<Option<Time>>,
    /// Not asked from then on.
    #[serde(deserialize_with = "nullable")]
    #[schema(value_type = Option<Time>)]
    pub ends_at: Option<Option<Time>>,
    /// What it may give in all.
    #[serde(deserialize_with = "nullable")]
    #[schema(value_type = Option<MoneyBody>)]
    pub budget: Option<Option<MoneyBody>>,
    /// What it may give in a day, which is one of UTC.
    #[serde(deserialize_with = "nullable")]
    #[schema(value_type = Option<MoneyBody>)]
    pub daily_budget: Option<Option<MoneyBody>>,
    /// What it may give a customer. Guests get nothing then.
    #[serde(deserialize_with = "nullable")]
    #[schema(value_type = Option<MoneyBody>)]
    pub customer_budget: Option<Option<MoneyBody>>,
    /// The variants it may give away, at most 100.
    #[schema(value_type = Option<Vec<String>>)]
    pub gift_skus: Option<Vec<Sku>>,
    /// Why, for the list of rulebooks.
    #[schema(max_length = 500)]
    pub note: Option<String>,
}

/// How far an installation is to get. In quarantine nobody is put by hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum StageRequest {
    /// Stored, not asked.
    Draft,
    /// Asked beside live traffic, never applied.
    Shadow,
    /// Asked for `canary_percent` of all carts.
    Canary,
    /// Asked for every cart.
    Active,
}

/// Tells a member that is null from one that isn't there.
fn nullable<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

impl InstallationRequest {
    /// The new installation that comes of it.
    pub(super) async fn install(
        &self,
        rules: &Rules,
        store: Id<Store>,
        checked: &mut Checked,
    ) -> Result<Installation, Error> {
        if self.plugin.is_none() && self.digest.is_none() {
            return Err(Error::invalid("/plugin", "is missing"));
        }
        let (plugin, version) = self.version(rules, store, self.plugin.as_deref()).await?;
        let base = Installation {
            id: rules.ids.next(rules.now()),
            sequence: 0,
            plugin: plugin.name,
            version: String::new(),
            component: version.digest,
            world: plugin.world,
            config: NO_CONFIG.to_owned(),
            classes: Vec::new(),
            stage: InstallationStage::Draft,
            priority: 0,
            group: None,
            failure_policy: plugin.world.default_failure_policy(),
            gift_skus: Vec::new(),
            budget: None,
            daily_budget: None,
            customer_budget: None,
            starts_at: None,
            ends_at: None,
            exclusivity_tags: Vec::new(),
            quarantine: None,
            templates: Vec::new(),
        };
        self.applied(rules, store, base, Some(version), checked).await
    }

    /// What an installation becomes by it.
    pub(super) async fn change(
        &self,
        rules: &Rules,
        store: Id<Store>,
        before: &Installation,
        checked: &mut Checked,
    ) -> Result<Installation, Error> {
        if self.plugin.as_ref().is_some_and(|name| *name != before.plugin) {
            let words = format!("must be {}: another plugin is another installation", before.plugin);
            return Err(Error::invalid("/plugin", words));
        }
        let moves = self.version.is_some() || self.digest.is_some();
        let version = if moves {
            Some(self.version(rules, store, Some(&before.plugin)).await?.1)
        } else if self.config.is_some() {
            // The schema of what it runs now.
            let version = rules.db.find_plugin_version(store, before.component).await?;
            Some(version.ok_or_else(|| Error::Internal("an installation's version is gone".to_owned()))?)
        } else {
            None
        };
        self.applied(rules, store, before.clone(), version, checked).await
    }

    /// A version says what it runs and that its configuration is to be checked.
    async fn applied(
        &self,
        rules: &Rules,
        store: Id<Store>,
        before: Installation,
        version: Option<PluginVersion>,
        checked: &mut Checked,
    ) -> Result<Installation, Error> {
        let mut wrong = Violations::default();
        let stage = self.stage(&before, &mut wrong)?;
        let money = |asked: Option<Option<MoneyBody>>, now| asked.map_or(now, |asked| asked.map(Money::from));
        let time = |asked: Option<Option<Time>>, now| asked.map_or(now, |asked| asked.map(|time| time.0));
        let mut after = Installation {
            stage,
            priority: self.priority.unwrap_or(before.priority),
            group: self.group.clone().unwrap_or(before.group),
            failure_policy: self.failure_policy.unwrap_or(before.failure_policy),
            gift_skus: self.gift_skus.clone().unwrap_or(before.gift_skus),
            budget: money(self.budget, before.budget),
            daily_budget: money(self.daily_budget, before.daily_budget),
            customer_budget: money(self.customer_budget, before.customer_budget),
            starts_at: time(self.starts_at, before.starts_at),
            ends_at: time(self.ends_at, before.ends_at),
            exclusivity_tags: self.exclusivity_tags.clone().unwrap_or(before.exclusivity_tags),
            ..before
        };
        if let Some(config) = &self.config {
            after.config = Value::Object(config.clone()).to_string();
            let own = after.world == World::Coupon && !config.is_empty();
            wrong.expect(!own, "/config", "must be left out: each coupon has a configuration of its own");
            let fits = after.config.len() <= MAX_CONFIG;
            wrong.expect(fits, "/config", format!("must be at most {MAX_CONFIG} bytes"));
        }
        self.check_gifts(rules, store, &mut wrong).await?;
        wrong.finish()?;
        if let Some(version) = version {
            run(rules, store, &mut after, version, checked).await?;
        }
        Ok(after)
    }

    fn stage(&self, before: &Installation, wrong: &mut Violations) -> Result<InstallationStage, Error> {
        let now = before.stage;
        if self.stage.is_none() && self.canary_percent.is_none() {
            return Ok(now);
        }
        if now == InstallationStage::Quarantined {
            return Err(Error::InstallationQuarantined);
        }
        let percent = match (self.canary_percent, now) {
            (None, InstallationStage::Canary(percent)) => Some(percent),
            (asked, _) => asked,
        };
        let canary = match (self.stage, now) {
            (Some(stage), _) => stage == StageRequest::Canary,
            (None, now) => matches!(now, InstallationStage::Canary(_)),
        };
        wrong.expect(
            canary || self.canary_percent.is_none(),
            "/canary_percent",
            "goes with the stage canary alone",
        );
        wrong.expect(!canary || percent.is_some(), "/canary_percent", "is missing");
        Ok(match (self.stage, percent) {
            (Some(StageRequest::Draft), _) => InstallationStage::Draft,
            (Some(StageRequest::Shadow), _) => InstallationStage::Shadow,
            (Some(StageRequest::Active), _) => InstallationStage::Active,
            (Some(StageRequest::Canary) | None, Some(percent)) => InstallationStage::Canary(percent),
            // Noted above.
            (Some(StageRequest::Canary) | None, None) => now,
        })
    }

    async fn check_gifts(
        &self,
        rules: &Rules,
        store: Id<Store>,
        wrong: &mut Violations,
    ) -> Result<(), Error> {
        let Some(skus) = self.gift_skus.as_deref().filter(|skus| !skus.is_empty()) else { return Ok(()) };
        // Databases take so many values and no more.
        if skus.len() > MAX_GIFT_SKUS {
            wrong.expect(false, "/gift_skus", format!("must be at most {MAX_GIFT_SKUS}, each once"));
            return Ok(());
        }
        let offers = rules.db.list_offers_by_sku(store, skus).await?;
        for (index, sku) in skus.iter().enumerate() {
            let known = offers.iter().any(|offer| offer.variant.sku == *sku);
            wrong.expect(known, format!("/gift_skus/{index}"), format!("must be a SKU; there is no {sku}"));
        }
        Ok(())
    }

    /// The version that is asked for, and its plugin.
    async fn version(
        &self,
        rules: &Rules,
        store: Id<Store>,
        plugin: Option<&str>,
    ) -> Result<(Plugin, PluginVersion), Error> {
        let unknown = |member: &str, what: &str| {
            Error::invalid(format!("/{member}"), format!("must be {what} in this store"))
        };
        let (plugin, version) = if let Some(digest) = self.digest {
            let of = plugin.map_or_else(|| "a plugin".to_owned(), |name| format!("`{name}`"));
            let unknown = || unknown("digest", &format!("the component of a version of {of}"));
            let version = rules.db.find_plugin_version(store, digest).await?.ok_or_else(unknown)?;
            let found = rules.db.find_plugin(store, version.plugin).await?;
            let found = found.filter(|found| plugin.is_none_or(|name| found.name == name));
            (found.ok_or_else(unknown)?, version)
        } else {
            let name = plugin.unwrap_or_default();
            let found = rules.db.find_plugin_by_name(store, name).await?;
            let found = found.ok_or_else(|| unknown("plugin", "the name of a plugin"))?;
            let versions = rules.db.list_plugin_versions(store, found.id).await?;
            let asked = |version: &PluginVersion| {
                self.version.as_ref().is_none_or(|asked| version.description.version == *asked)
            };
            let version = versions.into_iter().find(asked);
            let version = version.ok_or_else(|| unknown("version", &format!("a version of `{name}`")))?;
            (found, version)
        };
        match &self.version {
            Some(asked) if version.description.version != *asked => {
                let words = format!("must be {}, which has this digest", version.description.version);
                Err(Error::invalid("/version", words))
            }
            _ => Ok((plugin, version)),
        }
    }
}

/// Lets an installation run a version, which has the last word on its configuration.
async fn run(
    rules: &Rules,
    store: Id<Store>,
    installation: &mut Installation,
    version: PluginVersion,
    checked: &mut Checked,
) -> Result<(), Error> {
    let moves = version.digest != installation.component;
    let description = version.description;
    installation.component = version.digest;
    installation.version = description.version;
    installation.templates = description.templates;
    let component = plugins::component(&rules.db, &rules.host, version.digest).await;
    let component = component.map_err(|error| {
        super::unusable(rulebooks::unloadable(version.digest, &installation.plugin, error))
    })?;
    if installation.world == World::Coupon && moves {
        check_coupons(rules, store, installation.id, component, description.config_schema, checked).await?;
    } else if installation.world != World::Coupon {
        let key = (version.digest, installation.config.clone());
        let classes = match checked.get(&key) {
            Some(classes) => classes.clone(),
            None => {
                let (turns, config) = (&rules.turns, key.1.clone());
                plugins::check_config(turns, store, component, description.config_schema, config).await?
            }
        };
        checked.insert(key, classes.clone());
        installation.classes = classes;
    }
    Ok(())
}

/// Refuses a version that doesn't accept what the coupons of an installation are configured with. Those made
/// last are looked at, [`MOST_COUPONS`] of them.
async fn check_coupons(
    rules: &Rules,
    store: Id<Store>,
    installation: Id<Installation>,
    component: Arc<Component>,
    schema: String,
    checked: &mut Checked,
) -> Result<(), Error> {
    let mut refused = Vec::new();
    for coupon in rules.db.list_coupons_of(store, installation, MOST_COUPONS).await? {
        let key = (component.digest(), coupon.config);
        if checked.contains_key(&key) {
            continue;
        }
        let (schema, config) = (schema.clone(), key.1.clone());
        let problem =
            match plugins::check_config(&rules.turns, store, Arc::clone(&component), schema, config).await {
                Ok(classes) => {
                    checked.insert(key, classes);
                    continue;
                }
                Err(error @ (Error::ConfigRefused { .. } | Error::PluginFailed { .. })) => error,
                Err(error) => return Err(error),
            };
        let words =
            format!("must take what the coupon {} is configured with: {problem}", coupon.code.as_str());
        refused.push(Violation::new("/version", words));
        if refused.len() == MOST_REFUSED {
            break;
        }
    }
    if refused.is_empty() { Ok(()) } else { Err(Error::ConfigRefused { violations: refused }) }
}
