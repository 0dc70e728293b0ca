//! `/api/v1/admin/installations/{installation}`: one installation.

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use martlet_domain::{Id, plugin::Installation};
use martlet_store::Db;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::installations::{InstallationAnswer, answer, etag, note};
use crate::{
    error::Error,
    extract::{IfMatch, Json, Path, Query, Staff},
    problem::Problem,
    rules::{InstallationRequest, RuleRequest, Rules},
};

/// Why something is done, for the list of rulebooks.
#[derive(Debug, Default, Deserialize, ToSchema, utoipa::IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct NoteRequest {
    /// In the merchant's words.
    #[schema(max_length = 500)]
    pub note: Option<String>,
}

/// The rulebook that a change made.
#[derive(Debug, Serialize, ToSchema)]
pub struct RulebookMade {
    /// Its number.
    pub rulebook: i64,
}

/// An installation: as the active rulebook has it, or as the last one had that did.
#[utoipa::path(get, path = "/api/v1/admin/installations/{installation}", tag = "admin",
    operation_id = "admin_get_installation",
    params(("installation" = Uuid, Path, description = "Its id")), security(("api_key" = ["installations:read"])),
    responses(
        (status = 200, description = "The installation", body = InstallationAnswer,
            headers(("ETag" = String, description = "Number of the active rulebook; 0 where there is none"))),
        (status = 401, description = "`unauthenticated`", body = Problem),
        (status = 404, description = "`not_found`", body = Problem)))]
pub async fn get(
    staff: Staff,
    State(rules): State<Rules>,
    State(db): State<Db>,
    Path(id): Path<Id<Installation>>,
) -> Result<Response, Error> {
    let active = rules.active(staff.store.id).await?;
    let body = match active.installation(id).cloned() {
        Some(installation) => {
            InstallationAnswer { installation: installation.try_into()?, rulebook: Some(active.number) }
        }
        None => {
            let known = db.find_installation(staff.store.id, id).await?;
            let outside = known.map(Installation::outside).ok_or_else(Error::not_found::<Installation>)?;
            InstallationAnswer { installation: outside.try_into()?, rulebook: None }
        }
    };
    Ok((etag(active.number), Json(body)).into_response())
}

/// Changes an installation. What is left out stays as it is, and null takes away what needn't be there.
/// That makes the next rulebook, which is active at once. One that is in no rulebook any more is put back,
/// as a draft unless a stage is asked for.
#[utoipa::path(patch, path = "/api/v1/admin/installations/{installation}", tag = "admin",
    operation_id = "admin_update_installation",
    params(
        ("installation" = Uuid, Path, description = "Its id"),
        ("If-Match" = Option<String>, Header, description = "Only while the rulebook of this number is active")),
    request_body = InstallationRequest, security(("api_key" = ["installations:write"])),
    responses(
        (status = 200, description = "The installation, and the rulebook that has it", body = InstallationAnswer,
            headers(("ETag" = String, description = "Number of that rulebook"))),
        (status = 401, description = "`unauthenticated`", body = Problem),
        (status = 404, description = "`not_found`", body = Problem),
        (status = 409, description = "`installation_quarantined`: its stage changes by its release alone",
            body = Problem),
        (status = 412, description = "`version_conflict`: another change came first", body = Problem),
        (status = 422, description = "`invalid_body`, `config_refused`, `plugin_failed` or `rules_unusable`",
            body = Problem)))]
pub async fn update(
    staff: Staff,
    State(rules): State<Rules>,
    Path(id): Path<Id<Installation>>,
    if_match: Option<IfMatch>,
    Json(mut asked): Json<InstallationRequest>,
) -> Result<Response, Error> {
    let note = note(asked.note.take())?;
    let request = RuleRequest::Change(id, Box::new(asked));
    answer(&rules.change(staff.store.id, if_match.as_ref(), note, request).await?)
}

/// Takes an installation out of the rulebook; its coupons are unavailable then. What names it keeps it,
/// and a change puts it back.
#[utoipa::path(delete, path = "/api/v1/admin/installations/{installation}", tag = "admin",
    operation_id = "admin_delete_installation",
    params(
        ("installation" = Uuid, Path, description = "Its id"),
        NoteRequest,
        ("If-Match" = Option<String>, Header, description = "Only while the rulebook of this number is active")),
    security(("api_key" = ["installations:write"])),
    responses(
        (status = 200, description = "The rulebook without it", body = RulebookMade,
            headers(("ETag" = String, description = "Number of that rulebook"))),
        (status = 401, description = "`unauthenticated`", body = Problem),
        (status = 404, description = "`not_found`", body = Problem),
        (status = 412, description = "`version_conflict`: another change came first", body = Problem),
        (status = 422, description = "`invalid_body` or `rules_unusable`", body = Problem)))]
pub async fn delete(
    staff: Staff,
    State(rules): State<Rules>,
    Path(id): Path<Id<Installation>>,
    Query(asked): Query<NoteRequest>,
    if_match: Option<IfMatch>,
) -> Result<Response, Error> {
    let note = note(asked.note)?;
    let changed = rules.change(staff.store.id, if_match.as_ref(), note, RuleRequest::Remove(id)).await?;
    let rulebook = changed.rulebook.number;
    Ok((etag(rulebook), Json(RulebookMade { rulebook })).into_response())
}

/// Calls an installation back from quarantine, to where it was.
#[utoipa::path(post, path = "/api/v1/admin/installations/{installation}/release", tag = "admin",
    operation_id = "admin_release_installation",
    params(
        ("installation" = Uuid, Path, description = "Its id"),
        ("If-Match" = Option<String>, Header, description = "Only while the rulebook of this number is active")),
    request_body = Option<NoteRequest>, security(("api_key" = ["installations:write"])),
    responses(
        (status = 200, description = "The installation, and the rulebook that has it", body = InstallationAnswer,
            headers(("ETag" = String, description = "Number of that rulebook"))),
        (status = 401, description = "`unauthenticated`", body = Problem),
        (status = 404, description = "`not_found`", body = Problem),
        (status = 409, description = "`not_quarantined`", body = Problem),
        (status = 412, description = "`version_conflict`: another change came first", body = Problem),
        (status = 422, description = "`invalid_body` or `rules_unusable`", body = Problem)))]
pub async fn release(
    staff: Staff,
    State(rules): State<Rules>,
    Path(id): Path<Id<Installation>>,
    if_match: Option<IfMatch>,
    asked: Option<Json<NoteRequest>>,
) -> Result<Response, Error> {
    let note = note(asked.and_then(|Json(asked)| asked.note))?;
    answer(&rules.change(staff.store.id, if_match.as_ref(), note, RuleRequest::Release(id)).await?)
}

#[cfg(test)]
mod tests;
