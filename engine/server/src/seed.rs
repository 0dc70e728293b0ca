//! The demo store: what `martlet seed` puts into a database.
//!
//! Everything is put in unless it is there, so that a seed that broke off is finished by the next,
//! and a plugin that was built anew replaces the one that is installed.

mod catalogue;
mod content;
mod plugins;

use std::{path::Path, sync::Arc};

use anyhow::{Context as _, bail};
use martlet_domain::{
    catalog::Handle,
    money::Ppm,
    settings::{Store, StoreSettings, TaxRates},
};
use martlet_plugin_host::Host;
use martlet_store::{Db, Update};

use self::content::Content;
use crate::{clock::Clock, ids::Ids};

const DEMO: &str = include_str!("../seed/demo.toml");

/// Fills the demo store.
#[derive(Debug)]
pub struct Seeder<'a> {
    /// Where to.
    pub db: &'a Db,
    /// Checks the plugins.
    pub host: &'a Arc<Host>,
    /// Tells the time.
    pub clock: &'a Clock,
    /// Makes ids.
    pub ids: &'a Ids,
}

impl Seeder<'_> {
    /// Puts the demo store in under a handle, with plugins from a folder of components. `progress`
    /// is told what goes on.
    pub async fn seed(
        &self,
        handle: &Handle,
        components: &Path,
        progress: &mut (dyn FnMut(&str) + Send),
    ) -> anyhow::Result<()> {
        let content: Content = toml::from_str(DEMO).context("the demo store's data can't be read")?;
        let store = self.store(handle, &content).await?;
        self.settings(&store, &content).await?;
        self.catalogue(&store, &content, progress).await?;
        self.plugins(&store, &content, components, progress).await
    }

    async fn store(&self, handle: &Handle, content: &Content) -> anyhow::Result<Store> {
        if let Some(store) = self.db.find_store_by_handle(handle).await? {
            return Ok(store);
        }
        let now = self.clock.now();
        let store = Store {
            id: self.ids.next(now),
            handle: handle.clone(),
            name: content.store.name.clone(),
            hosts: Vec::new(),
            created_at: now,
        };
        self.db.insert_store(&store).await?;
        Ok(store)
    }

    async fn settings(&self, store: &Store, content: &Content) -> anyhow::Result<()> {
        if self.db.find_settings(store.id).await?.is_some() {
            return Ok(());
        }
        let rates = content.store.tax_ppm.iter().map(|(category, ppm)| (category.clone(), Ppm(*ppm)));
        let settings = StoreSettings {
            default_currency: content.store.default_currency,
            prices_include_tax: content.store.prices_include_tax,
            tax: TaxRates { standard: Ppm(content.store.standard_tax_ppm), by_category: rates.collect() },
            shipping_methods: content.shipping_methods.clone(),
        };
        match self.db.put_settings(store.id, &settings, 0).await? {
            Update::Done { .. } => Ok(()),
            Update::Stale { .. } | Update::Missing => {
                bail!("the settings were changed meanwhile; seed again")
            }
        }
    }
}
