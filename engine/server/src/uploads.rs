//! Components that merchants upload: looked at, then stored as versions of their plugins. Nothing is
//! installed by it.

use std::sync::Arc;

use axum::body::Bytes;
use martlet_domain::{
    Digest, Id,
    plugin::{Plugin, PluginVersion},
    settings::Store,
};
use martlet_plugin_host::{Check, GateReport};
use martlet_store::{Db, Upload, UploadedVersion};

use crate::{
    clock::Clock,
    error::Error,
    ids::Ids,
    inspector::{Inspected, Inspector},
    plugins::blocking,
};

/// Takes uploads.
#[derive(Debug, Clone)]
pub struct Uploads {
    /// Where they are stored.
    pub db: Db,
    /// Looks at them.
    pub inspector: Arc<Inspector>,
    /// Tells the time.
    pub clock: Clock,
    /// Makes ids.
    pub ids: Ids,
}

/// A stored upload.
#[derive(Debug, Clone, PartialEq)]
pub struct Uploaded {
    /// The version it is, with what was found.
    pub version: UploadedVersion,
    /// The plugin it belongs to.
    pub plugin: Plugin,
    /// Whether the store didn't have it before.
    pub is_new: bool,
}

impl Uploads {
    /// Looks at a component and stores it. What the store has already, with what was found in it, isn't
    /// looked at again.
    pub async fn store(&self, store: Id<Store>, bytes: Bytes) -> Result<Uploaded, Error> {
        let hashed = bytes.clone();
        let digest = blocking(move || Digest::of(&hashed)).await?;
        if let Some(known) = self.find(store, digest).await?
            && known.version.report.is_some()
        {
            return Ok(known);
        }
        let report = match self.inspector.inspect(store, bytes.clone()).await? {
            Inspected::Report(report) => *report,
            Inspected::Stopped(check) => return Err(Error::ComponentRefused { checks: vec![check] }),
        };
        if !report.passed() {
            let checks: Vec<Check> = report.failures().cloned().collect();
            return Err(Error::ComponentRefused { checks });
        }
        self.insert(store, report, digest, &bytes).await
    }

    async fn insert(
        &self,
        store: Id<Store>,
        mut report: GateReport,
        digest: Digest,
        bytes: &[u8],
    ) -> Result<Uploaded, Error> {
        // The description stands in a column of its own, with its schema.
        report.config_schema = None;
        let parts = (report.description.take(), report.world, report.wit_version.clone());
        let (Some(description), Some(world), Some(wit_version)) = parts else {
            return Err(Error::Internal("a component passed that doesn't say what it is".to_owned()));
        };
        let written = serde_json::to_string(&report)
            .map_err(|error| Error::Internal(format!("a report can't be written: {error}")))?;
        let now = self.clock.now();
        let (name, version) = (description.name.clone(), description.version.clone());
        let plugin = Plugin { id: self.ids.next(now), name: name.clone(), world };
        let version_of_it = PluginVersion {
            plugin: plugin.id,
            digest,
            description,
            wit_version,
            size: i64::try_from(bytes.len())
                .map_err(|_| Error::Internal("a component too large to be counted".to_owned()))?,
            created_at: now,
        };
        let is_new = match self.db.store_upload(store, &plugin, &version_of_it, &written, bytes).await? {
            Upload::Stored => true,
            Upload::Known => false,
            Upload::OtherWorld(world) => return Err(Error::PluginNameTaken { name, world }),
            Upload::VersionTaken(digest) => return Err(Error::VersionTaken { name, version, digest }),
        };
        // What was there already says when it came.
        let known = self.find(store, digest).await?;
        let mut uploaded = known.unwrap_or(Uploaded {
            version: UploadedVersion { version: version_of_it, report: None },
            plugin,
            is_new,
        });
        uploaded.version.report = Some(written);
        uploaded.is_new = is_new;
        Ok(uploaded)
    }

    async fn find(&self, store: Id<Store>, digest: Digest) -> Result<Option<Uploaded>, Error> {
        let Some(version) = self.db.find_uploaded_version(store, digest).await? else { return Ok(None) };
        let plugin = self.db.find_plugin(store, version.version.plugin).await?;
        Ok(plugin.map(|plugin| Uploaded { version, plugin, is_new: false }))
    }
}
