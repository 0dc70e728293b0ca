//! `/api/v1/admin/rulebooks`: the rules that carts are and were priced by.

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use martlet_domain::plugin::{Rulebook, SealedRulebook};
use martlet_store::{Db, RulebookSummary};
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    coupons::PageParameters,
    groups::GroupBody,
    installation::NoteRequest,
    installations::{InstallationBody, etag, note},
};
use crate::{
    api::{
        page::{Page, decode_cursor, encode_cursor},
        time::Time,
    },
    error::Error,
    extract::{IfMatch, Json, Path, Query, Staff},
    problem::Problem,
    rulebooks::published,
    rules::{RULEBOOK, Rules, damaged},
};

/// What a list says of a rulebook.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RulebookSummary)]
pub struct SummaryBody {
    /// Counts up from 1 in the store.
    pub number: i64,
    /// What changed, in the merchant's words or else in ours.
    pub note: String,
    /// When it was made.
    pub created_at: Time,
    /// Whether carts are priced by it now.
    pub active: bool,
    /// The older rulebook whose set it is, where it was made by going back.
    pub repeats: Option<i64>,
}

/// The numbered, immutable set of the store's installations at one moment.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Rulebook)]
pub struct RulebookBody {
    /// What the list says of it.
    #[serde(flatten)]
    pub summary: SummaryBody,
    /// How installations combine.
    pub groups: Vec<GroupBody>,
    /// Its installations, by sequence.
    pub installations: Vec<InstallationBody>,
}

/// All rulebooks, those made last first, page by page.
#[utoipa::path(get, path = "/api/v1/admin/rulebooks", tag = "admin", operation_id = "admin_list_rulebooks",
    params(PageParameters), security(("api_key" = ["rulebooks:read"])),
    responses(
        (status = 200, description = "A page of rulebooks", body = Page<SummaryBody>),
        (status = 400, description = "`malformed_query` or `malformed_cursor`", body = Problem),
        (status = 401, description = "`unauthenticated`", body = Problem)))]
pub async fn list(
    staff: Staff,
    State(db): State<Db>,
    Query(parameters): Query<PageParameters>,
) -> Result<Json<Page<SummaryBody>>, Error> {
    let before: Option<i64> = parameters.cursor.as_deref().map(decode_cursor).transpose()?;
    let limit = parameters.limit.get();
    let active = db.find_active_rulebook_number(staff.store.id).await?;
    // One more than asked for tells whether there is a next page.
    let mut found = db.list_rulebooks(staff.store.id, before, limit + 1).await?;
    let more = found.len() > limit as usize;
    found.truncate(limit as usize);
    let next = found.last().filter(|_| more).map(|last| last.number);
    let items = found.into_iter().map(|rulebook| summary(rulebook, active)).collect();
    Ok(Json(Page { items, next_cursor: next.as_ref().map(encode_cursor).transpose()? }))
}

/// The rulebook that carts are priced by now.
#[utoipa::path(get, path = "/api/v1/admin/rulebooks/active", tag = "admin",
    operation_id = "admin_get_active_rulebook", security(("api_key" = ["rulebooks:read"])),
    responses(
        (status = 200, description = "The active rulebook", body = RulebookBody,
            headers(("ETag" = String, description = "Its number"))),
        (status = 401, description = "`unauthenticated`", body = Problem),
        (status = 404, description = "`no_rulebook`", body = Problem),
        (status = 409, description = "`rulebook_damaged`", body = Problem)))]
pub async fn active(staff: Staff, State(db): State<Db>) -> Result<Response, Error> {
    let number = db.find_active_rulebook_number(staff.store.id).await?.ok_or(Error::NoRulebook)?;
    answer(&db, &staff, SealedRulebook::clone(&*find(&db, &staff, number).await?)).await
}

/// The rulebook with a number.
#[utoipa::path(get, path = "/api/v1/admin/rulebooks/{number}", tag = "admin", operation_id = "admin_get_rulebook",
    params(("number" = i64, Path, description = "Its number")), security(("api_key" = ["rulebooks:read"])),
    responses(
        (status = 200, description = "The rulebook", body = RulebookBody,
            headers(("ETag" = String, description = "Its number"))),
        (status = 400, description = "`malformed_id`", body = Problem),
        (status = 401, description = "`unauthenticated`", body = Problem),
        (status = 404, description = "`not_found`", body = Problem),
        (status = 409, description = "`rulebook_damaged`", body = Problem)))]
pub async fn get(staff: Staff, State(db): State<Db>, Path(number): Path<i64>) -> Result<Response, Error> {
    answer(&db, &staff, SealedRulebook::clone(&*find(&db, &staff, number).await?)).await
}

/// Makes an older set active again, under a new number. What is in quarantine, and would run as it did
/// when it failed, stays there. Installations that aren't in the older set are in no rulebook then; a
/// change puts them back.
#[utoipa::path(post, path = "/api/v1/admin/rulebooks/{number}/activate", tag = "admin",
    operation_id = "admin_activate_rulebook",
    params(
        ("number" = i64, Path, description = "Number of the older rulebook"),
        ("If-Match" = Option<String>, Header, description = "Only while the rulebook of this number is active")),
    request_body = Option<NoteRequest>, security(("api_key" = ["rulebooks:write"])),
    responses(
        (status = 200, description = "The rulebook that is active now", body = RulebookBody,
            headers(("ETag" = String, description = "Its number"))),
        (status = 400, description = "`malformed_id`", body = Problem),
        (status = 401, description = "`unauthenticated`", body = Problem),
        (status = 404, description = "`not_found` or `no_rulebook`", body = Problem),
        (status = 409, description = "`rulebook_active`", body = Problem),
        (status = 412, description = "`version_conflict`: another change came first", body = Problem),
        (status = 422, description = "`invalid_body`, or `rules_unusable`: it can't be worked with any more",
            body = Problem)))]
pub async fn activate(
    staff: Staff,
    State(rules): State<Rules>,
    State(db): State<Db>,
    Path(number): Path<i64>,
    if_match: Option<IfMatch>,
    asked: Option<Json<NoteRequest>>,
) -> Result<Response, Error> {
    let note = note(asked.and_then(|Json(asked)| asked.note))?;
    let made = rules.go_back_to(staff.store.id, if_match.as_ref(), note, number).await?;
    answer(&db, &staff, made).await
}

/// Makes the set before the active one active again, under a new number. Done once more, it goes back one
/// further.
#[utoipa::path(post, path = "/api/v1/admin/rulebooks/rollback", tag = "admin",
    operation_id = "admin_roll_rulebook_back",
    params(("If-Match" = Option<String>, Header, description = "Only while the rulebook of this number is active")),
    request_body = Option<NoteRequest>, security(("api_key" = ["rulebooks:write"])),
    responses(
        (status = 200, description = "The rulebook that is active now", body = RulebookBody,
            headers(("ETag" = String, description = "Its number"))),
        (status = 401, description = "`unauthenticated`", body = Problem),
        (status = 404, description = "`no_rulebook`", body = Problem),
        (status = 409, description = "`no_earlier_rulebook`", body = Problem),
        (status = 412, description = "`version_conflict`: another change came first", body = Problem),
        (status = 422, description = "`invalid_body`, or `rules_unusable`: it can't be worked with any more",
            body = Problem)))]
pub async fn roll_back(
    staff: Staff,
    State(rules): State<Rules>,
    State(db): State<Db>,
    if_match: Option<IfMatch>,
    asked: Option<Json<NoteRequest>>,
) -> Result<Response, Error> {
    let note = note(asked.and_then(|Json(asked)| asked.note))?;
    let made = rules.roll_back(staff.store.id, if_match.as_ref(), note).await?;
    answer(&db, &staff, made).await
}

/// A rulebook that must be there.
pub async fn find(db: &Db, staff: &Staff, number: i64) -> Result<std::sync::Arc<SealedRulebook>, Error> {
    let store = staff.store.id;
    if db.find_rulebook_summary(store, number).await?.is_none() {
        return Err(Error::NotFound { entity: RULEBOOK });
    }
    published(db, store, number).await.map_err(damaged)
}

async fn answer(db: &Db, staff: &Staff, rulebook: SealedRulebook) -> Result<Response, Error> {
    let store = staff.store.id;
    let active = db.find_active_rulebook_number(store).await?;
    let known = db.find_rulebook_summary(store, rulebook.number).await?;
    let Rulebook { number, note, created_at, groups, installations } = rulebook.into_rulebook();
    let repeats = known.and_then(|known| known.repeats);
    let body = RulebookBody {
        summary: summary(RulebookSummary { number, note, created_at, repeats }, active),
        groups: groups.into_iter().map(Into::into).collect(),
        installations: installations.into_iter().map(InstallationBody::try_from).collect::<Result<_, _>>()?,
    };
    Ok((etag(number), Json(body)).into_response())
}

fn summary(rulebook: RulebookSummary, active: Option<i64>) -> SummaryBody {
    let RulebookSummary { number, note, created_at, repeats } = rulebook;
    SummaryBody { number, note, created_at: Time(created_at), active: active == Some(number), repeats }
}

#[cfg(test)]
mod tests;
