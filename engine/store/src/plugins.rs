//! Plugins and their versions.

use martlet_domain::{
    Digest, Id, Timestamp,
    plugin::{Plugin, PluginVersion},
    settings::Store,
};
use sqlx::QueryBuilder;
use uuid::Uuid;

use crate::{
    Db, StoreError, Tx, Unique,
    codec::{RowOf, to_json},
    components,
    dialect::Statement as _,
};

#[derive(sqlx::FromRow)]
pub(crate) struct PluginRow {
    id: Uuid,
    name: String,
    world: String,
}

#[derive(sqlx::FromRow)]
pub(crate) struct VersionRow {
    plugin_id: Uuid,
    digest: Vec<u8>,
    description: String,
    wit_version: String,
    size: i64,
    created_at: i64,
}

pub(crate) const SELECT_PLUGIN: &str = "SELECT id, name, world FROM plugins WHERE store_id = ";
const SELECT_VERSION: &str = "SELECT plugin_id, digest, description, wit_version, size, created_at FROM plugin_versions WHERE store_id = ";

impl Db {
    /// Stores a plugin without versions. [`Unique::PluginName`] when the name is taken.
    pub async fn insert_plugin(&self, store: Id<Store>, plugin: &Plugin) -> Result<(), StoreError> {
        transaction!(self, |tx| insert_plugin(tx, store, plugin).await)
    }

    /// The plugin with an id.
    pub async fn find_plugin(&self, store: Id<Store>, id: Id<Plugin>) -> Result<Option<Plugin>, StoreError> {
        let row: Option<PluginRow> = read!(self, |c| {
            let mut query = QueryBuilder::new(SELECT_PLUGIN);
            query.id(store.uuid()).part(" AND id = ").id(id.uuid());
            query.build_query_as().fetch_optional(c).await
        })?;
        row.map(PluginRow::decode).transpose()
    }

    /// The plugin with a name.
    pub async fn find_plugin_by_name(
        &self,
        store: Id<Store>,
        name: &str,
    ) -> Result<Option<Plugin>, StoreError> {
        let row: Option<PluginRow> = read!(self, |c| {
            let mut query = QueryBuilder::new(SELECT_PLUGIN);
            query.id(store.uuid()).part(" AND name = ").text(name);
            query.build_query_as().fetch_optional(c).await
        })?;
        row.map(PluginRow::decode).transpose()
    }

    /// All plugins of a store, by name.
    pub async fn list_plugins(&self, store: Id<Store>) -> Result<Vec<Plugin>, StoreError> {
        let rows: Vec<PluginRow> = read!(self, |c| {
            let mut query = QueryBuilder::new(SELECT_PLUGIN);
            query.id(store.uuid()).part(" ORDER BY name");
            query.build_query_as().fetch_all(c).await
        })?;
        rows.into_iter().map(PluginRow::decode).collect()
    }

    /// Stores a version of a plugin and its component, whose bytes have the version's digest and
    /// size. [`Unique::PluginVersion`] when the store has that component already.
    pub async fn insert_plugin_version(
        &self,
        store: Id<Store>,
        version: &PluginVersion,
        component: &[u8],
    ) -> Result<(), StoreError> {
        components::check(version.digest, version.size, component).await?;
        transaction!(self, |tx| {
            components::insert_if_new(tx, version.digest, component).await?;
            insert_version(tx, store, version).await
        })
    }

    /// The plugin version that a digest names.
    pub async fn find_plugin_version(
        &self,
        store: Id<Store>,
        digest: Digest,
    ) -> Result<Option<PluginVersion>, StoreError> {
        const SQL: &str = "SELECT plugin_id, digest, description, wit_version, size, created_at \
             FROM plugin_versions WHERE store_id = ? AND digest = ?";
        let row: Option<VersionRow> = read!(self, |c| sqlx::query_as(SQL)
            .bind(store.uuid())
            .bind(digest.as_bytes().as_slice())
            .fetch_optional(c)
            .await)?;
        row.map(VersionRow::decode).transpose()
    }

    /// The versions of a plugin, those stored last first.
    pub async fn list_plugin_versions(
        &self,
        store: Id<Store>,
        plugin: Id<Plugin>,
    ) -> Result<Vec<PluginVersion>, StoreError> {
        let rows: Vec<VersionRow> = read!(self, |c| {
            let mut query = QueryBuilder::new(SELECT_VERSION);
            query.id(store.uuid()).part(" AND plugin_id = ").id(plugin.uuid());
            query.part(" ORDER BY created_at DESC, digest");
            query.build_query_as().fetch_all(c).await
        })?;
        rows.into_iter().map(VersionRow::decode).collect()
    }
}

impl PluginRow {
    pub(crate) fn decode(self) -> Result<Plugin, StoreError> {
        let id = Id::new(self.id);
        let world = RowOf::entity("plugins", id).parse("world", &self.world)?;
        Ok(Plugin { id, name: self.name, world })
    }
}

impl VersionRow {
    pub(crate) fn decode(self) -> Result<PluginVersion, StoreError> {
        let plugin = Id::new(self.plugin_id);
        let digest = RowOf::entity("plugin_versions", plugin).digest("digest", &self.digest)?;
        Ok(PluginVersion {
            plugin,
            digest,
            description: RowOf::named("plugin_versions", digest).json("description", &self.description)?,
            wit_version: self.wit_version,
            size: self.size,
            created_at: Timestamp::from_millis(self.created_at),
        })
    }
}

pub(crate) async fn insert_plugin(tx: &mut Tx, store: Id<Store>, plugin: &Plugin) -> Result<(), StoreError> {
    const SQL: &str = "INSERT INTO plugins (store_id, id, name, world) VALUES (?, ?, ?, ?)";
    run!(tx, |c| sqlx::query(SQL)
        .bind(store.uuid())
        .bind(plugin.id.uuid())
        .bind(&plugin.name)
        .bind(plugin.world.as_str())
        .execute(c)
        .await
        .map(drop))
    .map_err(|error| Unique::PluginName.or(error))
}

pub(crate) async fn insert_version(
    tx: &mut Tx,
    store: Id<Store>,
    version: &PluginVersion,
) -> Result<(), StoreError> {
    const SQL: &str = "INSERT INTO plugin_versions (store_id, digest, plugin_id, description, wit_version, \
         size, created_at) VALUES (?, ?, ?, ?, ?, ?, ?)";
    let description = to_json(&version.description)?;
    run!(tx, |c| sqlx::query(SQL)
        .bind(store.uuid())
        .bind(version.digest.as_bytes().as_slice())
        .bind(version.plugin.uuid())
        .bind(description)
        .bind(&version.wit_version)
        .bind(version.size)
        .bind(version.created_at.as_millis())
        .execute(c)
        .await
        .map(drop))
    .map_err(|error| Unique::PluginVersion.or(error))
}
