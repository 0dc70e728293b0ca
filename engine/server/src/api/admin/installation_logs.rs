//! `GET /api/v1/admin/installations/{installation}/logs`: what a plugin at work has logged.

use std::sync::Arc;

use axum::extract::State;
use martlet_domain::{
    Id,
    plugin::{Installation, LogEntry, LogLevel},
    quote::Stage,
};
use martlet_store::{Db, LogQuery};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    api::{
        page::{Limit, Page, decode_cursor, encode_cursor},
        time::Time,
    },
    error::Error,
    extract::{Json, Path, Query, Staff},
    figures::Counters,
};

/// A line that a plugin logged while a cart was priced.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = LogEntry)]
pub struct LogEntryBody {
    /// Its id.
    #[schema(value_type = Uuid)]
    pub id: Id<LogEntry>,
    /// When.
    pub at: Time,
    /// How much it matters: `debug`, `info`, `warn` or `error`.
    #[schema(value_type = String)]
    pub level: LogLevel,
    /// In which stage of pricing, such as `line`.
    #[schema(value_type = String)]
    pub stage: Stage,
    /// What it says. Control characters are escaped.
    pub message: String,
}

/// Which lines.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct LogParameters {
    /// Only those that matter at least so much: `debug`, `info`, `warn` or `error`.
    #[param(value_type = Option<String>)]
    pub level: Option<LogLevel>,
    /// `next_cursor` of the page before.
    pub cursor: Option<String>,
    /// Items on a page; 20 unless said.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 100)]
    pub limit: Limit,
}

/// What a plugin has logged, the newest first, page by page. The newest 1,000 lines are kept.
#[utoipa::path(get, path = "/api/v1/admin/installations/{installation}/logs", tag = "admin",
    operation_id = "admin_list_installation_logs",
    params(("installation" = Uuid, Path, description = "Id of the installation"), LogParameters),
    security(("api_key" = ["installations:read"])),
    responses(
        (status = 200, description = "A page of lines", body = Page<LogEntryBody>),
        (status = 400, description = "`malformed_query` or `malformed_cursor`", body = crate::problem::Problem),
        (status = 401, description = "`unauthenticated`", body = crate::problem::Problem),
        (status = 404, description = "`not_found`", body = crate::problem::Problem)))]
pub async fn list(
    staff: Staff,
    State(db): State<Db>,
    State(counters): State<Arc<Counters>>,
    Path(id): Path<Id<Installation>>,
    Query(parameters): Query<LogParameters>,
) -> Result<Json<Page<LogEntryBody>>, Error> {
    let store = staff.store.id;
    let before = parameters.cursor.as_deref().map(decode_cursor).transpose()?;
    db.find_installation(store, id).await?.ok_or_else(Error::not_found::<Installation>)?;
    let query = LogQuery { least: parameters.level.unwrap_or(LogLevel::Debug), before };
    let limit = parameters.limit.get();
    let mut entries = counters.log(store, id, query, limit + 1).await?;
    let more = entries.len() > limit as usize;
    entries.truncate(limit as usize);
    let next = entries.last().filter(|_| more).map(|entry| encode_cursor(&entry.id)).transpose()?;
    Ok(Json(Page { items: entries.into_iter().map(LogEntryBody::from).collect(), next_cursor: next }))
}

impl From<LogEntry> for LogEntryBody {
    fn from(entry: LogEntry) -> Self {
        let LogEntry { id, at, level, stage, message } = entry;
        Self { id, at: Time(at), level, stage, message }
    }
}
