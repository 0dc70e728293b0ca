//! `/api/v1/admin/plugins/{name}/versions/{digest}`: one version of a plugin, and its component.

use axum::{
    extract::State,
    http::header,
    response::{IntoResponse, Response},
};
use martlet_domain::Digest;
use martlet_store::{Db, UploadedVersion};

use super::plugins::{self, PluginVersionBody};
use crate::{
    error::Error,
    extract::{COMPONENT_TYPE, Json, Path, Staff},
};

/// A version of a plugin.
#[utoipa::path(get, path = "/api/v1/admin/plugins/{name}/versions/{digest}", tag = "admin",
    operation_id = "admin_get_plugin_version",
    params(
        ("name" = String, Path, description = "Name of the plugin"),
        ("digest" = String, Path, description = "SHA-256 of the component, in hexadecimal")),
    security(("api_key" = ["plugins:read"])),
    responses(
        (status = 200, description = "The version", body = PluginVersionBody),
        (status = 400, description = "`malformed_id`", body = crate::problem::Problem),
        (status = 401, description = "`unauthenticated`", body = crate::problem::Problem),
        (status = 404, description = "`not_found`", body = crate::problem::Problem)))]
pub async fn get(
    staff: Staff,
    State(db): State<Db>,
    Path((name, digest)): Path<(String, Digest)>,
) -> Result<Json<PluginVersionBody>, Error> {
    let plugin = plugins::find(&db, &staff, &name).await?;
    let version = find(&db, &staff, &plugin, digest).await?;
    PluginVersionBody::new(&plugin, version).map(Json)
}

/// The bytes of a version's component.
#[utoipa::path(get, path = "/api/v1/admin/plugins/{name}/versions/{digest}/component", tag = "admin",
    operation_id = "admin_get_plugin_component",
    params(
        ("name" = String, Path, description = "Name of the plugin"),
        ("digest" = String, Path, description = "SHA-256 of the component, in hexadecimal")),
    security(("api_key" = ["plugins:read"])),
    responses(
        (status = 200, description = "The component", body = Vec<u8>, content_type = "application/wasm"),
        (status = 400, description = "`malformed_id`", body = crate::problem::Problem),
        (status = 401, description = "`unauthenticated`", body = crate::problem::Problem),
        (status = 404, description = "`not_found`", body = crate::problem::Problem)))]
pub async fn component(
    staff: Staff,
    State(db): State<Db>,
    Path((name, digest)): Path<(String, Digest)>,
) -> Result<Response, Error> {
    let plugin = plugins::find(&db, &staff, &name).await?;
    find(&db, &staff, &plugin, digest).await?;
    let bytes = db.find_component(digest).await?;
    let bytes =
        bytes.ok_or_else(|| Error::Internal(format!("the component {digest} is not in the database")))?;
    Ok(([(header::CONTENT_TYPE, COMPONENT_TYPE)], bytes).into_response())
}

async fn find(
    db: &Db,
    staff: &Staff,
    plugin: &martlet_domain::plugin::Plugin,
    digest: Digest,
) -> Result<UploadedVersion, Error> {
    let found = db.find_uploaded_version(staff.store.id, digest).await?;
    let found = found.filter(|found| found.version.plugin == plugin.id);
    found.ok_or(Error::NotFound { entity: "plugin version" })
}
