//! Plugin versions as merchants upload them and look at them, each with what was found in it.

use std::collections::HashMap;

use martlet_domain::{
    Digest, Id,
    plugin::{Plugin, PluginVersion, World},
    settings::Store,
};
use sqlx::QueryBuilder;
use uuid::Uuid;

use crate::{
    Db, StoreError, Tx, Unique, components,
    dialect::Statement as _,
    plugins::{self, PluginRow, SELECT_PLUGIN, VersionRow},
};

/// A plugin version, with what was found when it was uploaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UploadedVersion {
    /// The version.
    pub version: PluginVersion,
    /// What was found, as JSON. Nothing where it wasn't uploaded.
    pub report: Option<String>,
}

/// What came of an upload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Upload {
    /// It is stored.
    Stored,
    /// The store had that component already.
    Known,
    /// The store has the plugin's name under another world.
    OtherWorld(World),
    /// The plugin has that version with other bytes: those of this digest.
    VersionTaken(Digest),
}

/// A page of a store's plugins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PluginPage {
    /// The plugins, by name, each with the version stored last.
    pub items: Vec<(Plugin, Option<UploadedVersion>)>,
    /// The name after which the next page begins, if there is more.
    pub next: Option<String>,
}

#[derive(sqlx::FromRow)]
struct UploadedRow {
    #[sqlx(flatten)]
    version: VersionRow,
    report: Option<String>,
}

const SELECT: &str = "SELECT v.plugin_id, v.digest, v.description, v.wit_version, v.size, v.created_at, \
     r.report FROM plugin_versions v \
     LEFT JOIN plugin_reports r ON r.store_id = v.store_id AND r.digest = v.digest WHERE v.store_id = ";

impl Db {
    /// Stores an uploaded component as a version of its plugin, which is made where the store has none
    /// of its name, under the id that `plugin` comes with. The version's own plugin is not looked at. The
    /// same bytes again change nothing, but that a version which came without a report gets it.
    pub async fn store_upload(
        &self,
        store: Id<Store>,
        plugin: &Plugin,
        version: &PluginVersion,
        report: &str,
        component: &[u8],
    ) -> Result<Upload, StoreError> {
        components::check(version.digest, version.size, component).await?;
        transaction!(self, |tx| {
            let found = lock_or_insert(tx, store, plugin).await?;
            if found.world != plugin.world {
                return Ok(Upload::OtherWorld(found.world));
            }
            for known in versions(tx, store, found.id).await? {
                if known.digest == version.digest {
                    add_report(tx, store, version.digest, report).await?;
                    return Ok(Upload::Known);
                }
                if known.description.version == version.description.version {
                    return Ok(Upload::VersionTaken(known.digest));
                }
            }
            components::insert_if_new(tx, version.digest, component).await?;
            let version = PluginVersion { plugin: found.id, ..version.clone() };
            match plugins::insert_version(tx, store, &version).await {
                // Under another name: nothing says twice what it is, so this is the same answer.
                Err(StoreError::Conflict(Unique::PluginVersion)) => return Ok(Upload::Known),
                inserted => inserted?,
            }
            add_report(tx, store, version.digest, report).await?;
            Ok(Upload::Stored)
        })
    }

    /// The plugin version that a digest names, with what was found in it.
    pub async fn find_uploaded_version(
        &self,
        store: Id<Store>,
        digest: Digest,
    ) -> Result<Option<UploadedVersion>, StoreError> {
        let row: Option<UploadedRow> = read!(self, |c| {
            let mut query = QueryBuilder::new(SELECT);
            query.id(store.uuid()).part(" AND v.digest = ").bytes(digest.as_bytes());
            query.build_query_as().fetch_optional(c).await
        })?;
        row.map(UploadedRow::decode).transpose()
    }

    /// The versions of a plugin with what was found in each, those stored last first.
    pub async fn list_uploaded_versions(
        &self,
        store: Id<Store>,
        plugin: Id<Plugin>,
    ) -> Result<Vec<UploadedVersion>, StoreError> {
        let rows: Vec<UploadedRow> = read!(self, |c| {
            let mut query = QueryBuilder::new(SELECT);
            query.id(store.uuid()).part(" AND v.plugin_id = ").id(plugin.uuid());
            query.part(" ORDER BY v.created_at DESC, v.digest");
            query.build_query_as().fetch_all(c).await
        })?;
        rows.into_iter().map(UploadedRow::decode).collect()
    }

    /// A page of a store's plugins, by name, after a name.
    pub async fn list_plugin_page(
        &self,
        store: Id<Store>,
        after: Option<&str>,
        limit: u32,
    ) -> Result<PluginPage, StoreError> {
        let limit = i64::from(limit.max(1));
        let rows: Vec<PluginRow> = read!(self, |c| {
            let mut query = QueryBuilder::new(SELECT_PLUGIN);
            query.id(store.uuid());
            if let Some(after) = after {
                query.part(" AND name > ").text(after);
            }
            // One more than asked for tells whether there is a next page.
            query.part(" ORDER BY name LIMIT ").int(limit + 1);
            query.build_query_as().fetch_all(c).await
        })?;
        let mut plugins = rows.into_iter().map(PluginRow::decode).collect::<Result<Vec<_>, _>>()?;
        let more = i64::try_from(plugins.len()).unwrap_or(i64::MAX) > limit;
        if more {
            plugins.pop();
        }
        let next = plugins.last().filter(|_| more).map(|plugin| plugin.name.clone());
        let mut newest = self.newest_versions(store, &plugins).await?;
        let items = plugins.into_iter().map(|plugin| {
            let version = newest.remove(&plugin.id.uuid());
            (plugin, version)
        });
        Ok(PluginPage { items: items.collect(), next })
    }

    async fn newest_versions(
        &self,
        store: Id<Store>,
        plugins: &[Plugin],
    ) -> Result<HashMap<Uuid, UploadedVersion>, StoreError> {
        if plugins.is_empty() {
            return Ok(HashMap::new());
        }
        let rows: Vec<UploadedRow> = read!(self, |c| {
            let mut query = QueryBuilder::new(SELECT);
            query.id(store.uuid()).part(" AND v.plugin_id IN ");
            query.ids(plugins.iter().map(|plugin| plugin.id.uuid()));
            query.part(
                " AND NOT EXISTS (SELECT 1 FROM plugin_versions n WHERE n.store_id = v.store_id \
                 AND n.plugin_id = v.plugin_id AND (n.created_at > v.created_at \
                 OR (n.created_at = v.created_at AND n.digest < v.digest)))",
            );
            query.build_query_as().fetch_all(c).await
        })?;
        let versions = rows.into_iter().map(|row| {
            let version = row.decode()?;
            Ok((version.version.plugin.uuid(), version))
        });
        versions.collect()
    }
}

impl UploadedRow {
    fn decode(self) -> Result<UploadedVersion, StoreError> {
        Ok(UploadedVersion { version: self.version.decode()?, report: self.report })
    }
}

/// The plugin of a name, made where there is none. Until the transaction ends no other upload of the
/// name goes on.
async fn lock_or_insert(tx: &mut Tx, store: Id<Store>, plugin: &Plugin) -> Result<Plugin, StoreError> {
    if let Some(found) = lock(tx, store, &plugin.name).await? {
        return Ok(found);
    }
    match plugins::insert_plugin(tx, store, plugin).await {
        Ok(()) => Ok(plugin.clone()),
        // Somebody was faster, and has committed.
        Err(StoreError::Conflict(Unique::PluginName)) => {
            lock(tx, store, &plugin.name).await?.ok_or(StoreError::Conflict(Unique::PluginName))
        }
        Err(error) => Err(error),
    }
}

async fn lock(tx: &mut Tx, store: Id<Store>, name: &str) -> Result<Option<Plugin>, StoreError> {
    let row: Option<PluginRow> = run!(tx, |c| {
        let mut query = QueryBuilder::new(SELECT_PLUGIN);
        query.id(store.uuid()).part(" AND name = ").text(name).for_update();
        query.build_query_as().fetch_optional(c).await
    })?;
    row.map(PluginRow::decode).transpose()
}

async fn versions(
    tx: &mut Tx,
    store: Id<Store>,
    plugin: Id<Plugin>,
) -> Result<Vec<PluginVersion>, StoreError> {
    const SQL: &str = "SELECT plugin_id, digest, description, wit_version, size, created_at \
         FROM plugin_versions WHERE store_id = ? AND plugin_id = ?";
    let rows: Vec<VersionRow> =
        run!(tx, |c| sqlx::query_as(SQL).bind(store.uuid()).bind(plugin.uuid()).fetch_all(c).await)?;
    rows.into_iter().map(VersionRow::decode).collect()
}

/// Adds a report to a version that has none. The plugin's row is locked, so nobody else does so meanwhile.
async fn add_report(tx: &mut Tx, store: Id<Store>, digest: Digest, report: &str) -> Result<(), StoreError> {
    const KNOWN: &str = "SELECT digest FROM plugin_reports WHERE store_id = ? AND digest = ?";
    const INSERT: &str = "INSERT INTO plugin_reports (store_id, digest, report) VALUES (?, ?, ?)";
    let known: Option<Vec<u8>> = run!(tx, |c| sqlx::query_scalar(KNOWN)
        .bind(store.uuid())
        .bind(digest.as_bytes().as_slice())
        .fetch_optional(c)
        .await)?;
    if known.is_some() {
        return Ok(());
    }
    run!(tx, |c| sqlx::query(INSERT)
        .bind(store.uuid())
        .bind(digest.as_bytes().as_slice())
        .bind(report)
        .execute(c)
        .await
        .map(drop))?;
    Ok(())
}
