//! `/api/v1/admin/plugins`: the store's plugins, and the upload of their versions.

use std::sync::Arc;

use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use martlet_domain::{
    Digest, Entity as _, Id,
    plugin::{Plugin, World},
};
use martlet_plugin_host::GateReport;
use martlet_store::{Db, UploadedVersion};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::{
    api::{
        page::{Limit, Page, decode_cursor, encode_cursor},
        time::Time,
    },
    clock::Clock,
    error::Error,
    extract::{ComponentBytes, Json, Path, Query, Staff},
    ids::Ids,
    inspector::Inspector,
    uploads::Uploads,
};

/// A version of a plugin.
#[derive(Debug, Serialize, ToSchema)]
pub struct PluginVersionBody {
    /// Name of the plugin, as its component says it.
    pub name: String,
    /// The version, as its component says it.
    pub version: String,
    /// What a merchant calls it.
    pub title: String,
    /// One sentence on what it does.
    pub summary: String,
    /// SHA-256 of the component, which names it.
    #[schema(value_type = String)]
    pub digest: Digest,
    /// The kind of question it answers: `pricing`, `coupon`, `promotion`, `shipping-rates`, `tax` or
    /// `checkout-validation`.
    #[schema(value_type = String)]
    pub world: World,
    /// The `martlet:commerce` it was built for.
    pub wit_version: String,
    /// Bytes of the component.
    pub size: i64,
    /// When it was stored.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Time,
    /// JSON Schema of its configurations.
    #[schema(value_type = Object)]
    pub config_schema: Value,
    /// What was found when it was uploaded; nothing where it came otherwise.
    #[schema(value_type = Option<Object>)]
    pub report: Option<Report>,
}

/// What was found in a component.
#[derive(Debug, Serialize)]
pub struct Report {
    /// What it imports.
    pub imports: Vec<String>,
    /// What it exports.
    pub exports: Vec<String>,
    /// Each thing that was looked at.
    pub checks: Value,
    /// What calls cost, on carts of 1, 50 and 500 lines.
    pub fuel: Value,
    /// The classes it announces for what it was tried with.
    pub classes: Value,
    /// The configuration that it was tried with.
    pub tried_with: Value,
    /// The messages of its answers.
    pub messages: Value,
    /// What it logged.
    pub logs: Value,
}

/// A plugin of the store.
#[derive(Debug, Serialize, ToSchema)]
pub struct PluginBody {
    /// Its id.
    #[schema(value_type = Uuid)]
    pub id: Id<Plugin>,
    /// Its name.
    pub name: String,
    /// The world that all its versions implement.
    #[schema(value_type = String)]
    pub world: World,
    /// The version that was stored last.
    pub newest: Option<PluginVersionBody>,
}

/// A plugin with all its versions.
#[derive(Debug, Serialize, ToSchema)]
pub struct PluginWithVersionsBody {
    /// Its id.
    #[schema(value_type = Uuid)]
    pub id: Id<Plugin>,
    /// Its name.
    pub name: String,
    /// The world that all its versions implement.
    #[schema(value_type = String)]
    pub world: World,
    /// Its versions, those stored last first.
    pub versions: Vec<PluginVersionBody>,
}

impl PluginVersionBody {
    /// A version of a plugin as merchants see it.
    pub fn new(plugin: &Plugin, uploaded: UploadedVersion) -> Result<Self, Error> {
        let UploadedVersion { version, report } = uploaded;
        let corrupt = |what: &str, error: serde_json::Error| {
            Error::Internal(format!("the {what} of the component {}: {error}", version.digest))
        };
        let report = report.map(|report| {
            let report: GateReport =
                serde_json::from_str(&report).map_err(|error| corrupt("report", error))?;
            Report::try_from(report)
        });
        let config_schema = serde_json::from_str(&version.description.config_schema)
            .map_err(|error| corrupt("schema", error))?;
        Ok(Self {
            name: plugin.name.clone(),
            report: report.transpose()?,
            config_schema,
            version: version.description.version,
            title: version.description.title,
            summary: version.description.summary,
            digest: version.digest,
            world: plugin.world,
            wit_version: version.wit_version,
            size: version.size,
            created_at: Time(version.created_at),
        })
    }
}

impl TryFrom<GateReport> for Report {
    type Error = Error;

    fn try_from(report: GateReport) -> Result<Self, Error> {
        let written = |error| Error::Internal(format!("a report can't be written: {error}"));
        let value = |value: serde_json::Result<Value>| value.map_err(written);
        Ok(Self {
            checks: value(serde_json::to_value(&report.checks))?,
            fuel: value(serde_json::to_value(&report.fuel))?,
            classes: value(serde_json::to_value(&report.classes))?,
            tried_with: value(serde_json::to_value(&report.tried_with))?,
            messages: value(serde_json::to_value(&report.messages))?,
            logs: value(serde_json::to_value(&report.logs))?,
            imports: report.imports,
            exports: report.exports,
        })
    }
}

/// What a list of plugins can be asked for.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PluginParameters {
    /// Where the page begins: `next_cursor` of the page before.
    pub cursor: Option<String>,
    /// Items on a page; 20 unless said.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 100)]
    pub limit: Limit,
}

/// The store's plugins by name, page by page, each with its newest version.
#[utoipa::path(get, path = "/api/v1/admin/plugins", tag = "admin", operation_id = "admin_list_plugins",
    params(PluginParameters), security(("api_key" = ["plugins:read"])),
    responses(
        (status = 200, description = "A page of plugins", body = Page<PluginBody>),
        (status = 400, description = "`malformed_query` or `malformed_cursor`", body = crate::problem::Problem),
        (status = 401, description = "`unauthenticated`", body = crate::problem::Problem)))]
pub async fn list(
    staff: Staff,
    State(db): State<Db>,
    Query(parameters): Query<PluginParameters>,
) -> Result<Json<Page<PluginBody>>, Error> {
    let after: Option<String> = parameters.cursor.as_deref().map(decode_cursor).transpose()?;
    let page = db.list_plugin_page(staff.store.id, after.as_deref(), parameters.limit.get()).await?;
    let item = |(plugin, newest): (Plugin, Option<UploadedVersion>)| {
        let newest = newest.map(|newest| PluginVersionBody::new(&plugin, newest)).transpose()?;
        Ok(PluginBody { id: plugin.id, name: plugin.name, world: plugin.world, newest })
    };
    let items = page.items.into_iter().map(item).collect::<Result<_, Error>>()?;
    Ok(Json(Page { items, next_cursor: page.next.as_ref().map(encode_cursor).transpose()? }))
}

/// A plugin with all its versions.
#[utoipa::path(get, path = "/api/v1/admin/plugins/{name}", tag = "admin", operation_id = "admin_get_plugin",
    params(("name" = String, Path, description = "Name of the plugin")), security(("api_key" = ["plugins:read"])),
    responses(
        (status = 200, description = "The plugin", body = PluginWithVersionsBody),
        (status = 401, description = "`unauthenticated`", body = crate::problem::Problem),
        (status = 404, description = "`not_found`", body = crate::problem::Problem)))]
pub async fn get(
    staff: Staff,
    State(db): State<Db>,
    Path(name): Path<String>,
) -> Result<Json<PluginWithVersionsBody>, Error> {
    let plugin = find(&db, &staff, &name).await?;
    let versions = db.list_uploaded_versions(staff.store.id, plugin.id).await?;
    let versions = versions.into_iter().map(|version| PluginVersionBody::new(&plugin, version));
    let versions = versions.collect::<Result<_, _>>()?;
    Ok(Json(PluginWithVersionsBody { id: plugin.id, name: plugin.name, world: plugin.world, versions }))
}

/// Takes the bytes of a component, looks at them, and stores them as a version of the plugin that they
/// say they are. Nothing is installed by it. The same bytes again answer the same version.
#[utoipa::path(post, path = "/api/v1/admin/plugins", tag = "admin", operation_id = "admin_upload_plugin",
    request_body(content = Vec<u8>, content_type = "application/wasm", description = "The bytes of the component: at most 32 MiB"),
    security(("api_key" = ["plugins:write"])),
    responses(
        (status = 200, description = "The store had this component already", body = PluginVersionBody),
        (status = 201, description = "It is stored, with what was found in it", body = PluginVersionBody),
        (status = 401, description = "`unauthenticated`", body = crate::problem::Problem),
        (status = 409, description = "`plugin_name_taken` or `version_taken`", body = crate::problem::Problem),
        (status = 413, description = "`body_too_large`", body = crate::problem::Problem),
        (status = 415, description = "`unsupported_media_type`", body = crate::problem::Problem),
        (status = 422, description = "`component_refused`: `checks` has what to mend", body = crate::problem::Problem),
        (status = 503, description = "`busy`", body = crate::problem::Problem)))]
pub async fn upload(
    staff: Staff,
    State(db): State<Db>,
    State(inspector): State<Arc<Inspector>>,
    State(clock): State<Clock>,
    State(ids): State<Ids>,
    ComponentBytes(bytes): ComponentBytes,
) -> Result<Response, Error> {
    let uploads = Uploads { db, inspector, clock, ids };
    let uploaded = uploads.store(staff.store.id, bytes).await?;
    let status = if uploaded.is_new { StatusCode::CREATED } else { StatusCode::OK };
    let body = PluginVersionBody::new(&uploaded.plugin, uploaded.version)?;
    tracing::info!(plugin = body.name, version = body.version, digest = %body.digest, "uploaded");
    Ok((status, Json(body)).into_response())
}

/// The plugin of a name.
pub(super) async fn find(db: &Db, staff: &Staff, name: &str) -> Result<Plugin, Error> {
    let found = db.find_plugin_by_name(staff.store.id, name).await?;
    found.ok_or(Error::NotFound { entity: Plugin::NAME })
}

#[cfg(test)]
mod tests;
