//! `GET /api/v1/admin/audit`: who changed what.

use axum::extract::State;
use martlet_domain::{Id, access::Role};
use martlet_store::{Actor, ActorFilter, ApiKey, AuditEntry, AuditQuery, Db};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::{
    api::{
        page::{Limit, Page, decode_cursor, encode_cursor},
        time::Time,
    },
    error::Error,
    extract::{Json, Query, Staff},
    problem::Problem,
};

/// A change on the merchants' side, made or tried.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AuditEntry)]
pub struct AuditEntryBody {
    /// Its id.
    #[schema(value_type = Uuid)]
    pub id: Id<AuditEntry>,
    /// When it was asked for.
    pub at: Time,
    /// By whom.
    pub actor: ActorBody,
    /// What was asked for: the operation's id in the API's description, such as `admin_create_product`.
    pub action: String,
    /// The path it was asked at, with the ids in it.
    pub target: String,
    /// The request's id, as in its `X-Request-Id`.
    pub request_id: Option<String>,
    /// The HTTP status of the answer; null while the change is under way, or where the engine ended before
    /// it knew what came of it.
    pub outcome: Option<u16>,
    /// The request's body, where it was JSON of at most 4 KiB, without secrets.
    #[schema(value_type = Option<Object>)]
    pub detail: Option<Value>,
}

/// Who makes a change.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AuditActor)]
pub struct ActorBody {
    /// `api_key`, `engine` or `command_line`.
    pub kind: &'static str,
    /// Id of the key.
    #[schema(value_type = Option<Uuid>)]
    pub id: Option<Id<ApiKey>>,
    /// What the key was called.
    pub name: Option<String>,
    /// The key's role.
    #[schema(value_type = Option<String>)]
    pub role: Option<Role>,
}

/// Which entries.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct AuditParameters {
    /// Only those of this action, such as `admin_create_product`.
    pub action: Option<String>,
    /// Only those of this actor: the id of an API key, `engine` or `command_line`.
    #[param(value_type = Option<String>)]
    pub actor: Option<ActorName>,
    /// Only those from this time on.
    #[param(value_type = Option<String>, format = DateTime)]
    pub since: Option<Time>,
    /// Only those before this time.
    #[param(value_type = Option<String>, format = DateTime)]
    pub until: Option<Time>,
    /// `next_cursor` of the page before.
    pub cursor: Option<String>,
    /// Items on a page; 20 unless said.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 100)]
    pub limit: Limit,
}

/// What names an actor in a query.
#[derive(Debug, Clone, Copy)]
pub struct ActorName(ActorFilter);

const ENGINE: &str = "engine";
const COMMAND_LINE: &str = "command_line";

impl<'de> Deserialize<'de> for ActorName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let filter = match text.as_str() {
            ENGINE => ActorFilter::Engine,
            COMMAND_LINE => ActorFilter::CommandLine,
            id => ActorFilter::Key(id.parse().map_err(|_| {
                serde::de::Error::custom("is the id of an API key, `engine` or `command_line`")
            })?),
        };
        Ok(Self(filter))
    }
}

impl From<Actor> for ActorBody {
    fn from(actor: Actor) -> Self {
        let nobody = |kind| Self { kind, id: None, name: None, role: None };
        match actor {
            Actor::Key { id, name, role } => {
                Self { kind: "api_key", id: Some(id), name: Some(name), role: Some(role) }
            }
            Actor::Engine => nobody(ENGINE),
            Actor::CommandLine => nobody(COMMAND_LINE),
        }
    }
}

impl From<AuditEntry> for AuditEntryBody {
    fn from(entry: AuditEntry) -> Self {
        let AuditEntry { id, at, actor, action, target, request_id, outcome, detail } = entry;
        Self { id, at: Time(at), actor: actor.into(), action, target, request_id, outcome, detail }
    }
}

/// The audit log: every request that changes something on the merchants' side, refused ones too, newest
/// first, page by page.
#[utoipa::path(get, path = "/api/v1/admin/audit", tag = "admin", operation_id = "admin_list_audit",
    params(AuditParameters), security(("api_key" = ["audit:read"])),
    responses(
        (status = 200, description = "A page of entries", body = Page<AuditEntryBody>),
        (status = 400, description = "`malformed_query` or `malformed_cursor`", body = Problem),
        (status = 401, description = "`unauthenticated`", body = Problem)))]
pub async fn list(
    staff: Staff,
    State(db): State<Db>,
    Query(parameters): Query<AuditParameters>,
) -> Result<Json<Page<AuditEntryBody>>, Error> {
    let AuditParameters { action, actor, since, until, cursor, limit } = parameters;
    let query = AuditQuery {
        action,
        actor: actor.map(|ActorName(filter)| filter),
        since: since.map(|Time(since)| since),
        until: until.map(|Time(until)| until),
        after: cursor.as_deref().map(decode_cursor).transpose()?,
    };
    let page = db.list_audit(staff.store.id, &query, limit.get()).await?;
    let items = page.entries.into_iter().map(Into::into).collect();
    Ok(Json(Page { items, next_cursor: page.next.as_ref().map(encode_cursor).transpose()? }))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use axum::http::Method;
    use martlet_domain::access::Role;
    use martlet_store::AuditEntry;
    use serde_json::{Value, json};

    use crate::testing::TestApp;

    const PATH: &str = "/api/v1/admin/audit";
    const CATEGORIES: &str = "/api/v1/admin/categories";

    async fn found(app: &TestApp, query: &str) -> Vec<Value> {
        let page = app.admin_get(&format!("{PATH}{query}")).await.expect_status(200).body;
        page["items"].as_array().unwrap().clone()
    }

    /// A category's handle in the detail of each entry.
    fn handles(entries: &[Value]) -> Vec<&str> {
        entries.iter().map(|entry| entry["detail"]["handle"].as_str().unwrap_or("-")).collect()
    }

    async fn category(app: &TestApp, key: &str, handle: &str) {
        let request = app.request(Method::POST, CATEGORIES).key(key);
        request.json(&json!({"handle": handle, "name": "x"})).send().await.expect_status(201);
        app.clock.advance(Duration::from_secs(1));
    }

    #[tokio::test]
    async fn an_entry_says_who_did_what_and_what_came_of_it() {
        let app = TestApp::new().await;
        let request = app.request(Method::POST, CATEGORIES).key(&app.key).header("x-request-id", "r-1");
        request.json(&json!({"handle": "hats", "name": "Hats"})).send().await.expect_status(201);
        let [entry, first] = &found(&app, "").await[..] else { panic!("two entries") };
        let key = app.state.db.list_api_keys(app.store.id).await.unwrap()[0].id;
        assert_eq!(
            *entry,
            json!({
                "id": entry["id"], "at": "2026-03-01T12:00:00Z",
                "actor": {"kind": "api_key", "id": key, "name": "test", "role": "owner"},
                "action": "admin_create_category", "target": CATEGORIES, "request_id": "r-1", "outcome": 201,
                "detail": {"handle": "hats", "name": "Hats"},
            })
        );
        let nobody = json!({"kind": "command_line", "id": null, "name": null, "role": null});
        assert_eq!((&first["actor"], &first["action"]), (&nobody, &json!("admin_create_api_key")));
    }

    #[tokio::test]
    async fn entries_come_newest_first_and_can_be_narrowed() {
        let app = TestApp::new().await;
        let staff = app.key_with(Role::Staff, &[]).await;
        category(&app, &app.key, "a").await;
        category(&app, &staff, "b").await;
        category(&app, &app.key, "c").await;
        let (now, ids) = (app.clock.now(), &app.state.world.ids);
        let entry = AuditEntry::by_engine(ids.next(now), now, "quarantine", "/x", None);
        app.state.db.insert_audit(app.store.id, &entry).await.unwrap();

        let all = found(&app, "").await;
        assert_eq!(handles(&all), ["-", "c", "b", "a", "-"]);
        let page = app.admin_get(&format!("{PATH}?limit=2")).await.expect_status(200).body;
        let cursor = page["next_cursor"].as_str().unwrap();
        assert_eq!(handles(&found(&app, &format!("?limit=100&cursor={cursor}")).await), ["b", "a", "-"]);
        assert_eq!(handles(&found(&app, "?action=admin_create_category").await), ["c", "b", "a"]);
        let key = all[2]["actor"]["id"].as_str().unwrap();
        assert_eq!(handles(&found(&app, &format!("?actor={key}")).await), ["b"]);
        let by_engine = found(&app, "?actor=engine").await;
        assert_eq!((by_engine.len(), &by_engine[0]["action"]), (1, &json!("quarantine")));
        assert_eq!(found(&app, "?actor=command_line").await, all[4..]);
        let since = "?since=2026-03-01T12:00:01Z&until=2026-03-01T12:00:03Z";
        assert_eq!(handles(&found(&app, since).await), ["c", "b"]);
        let (_, key) = app.add_store("other", &[]).await;
        let other = app.request(Method::GET, PATH).key(&key).header("martlet-store", "other").send().await;
        assert_eq!(other.expect_status(200).body["items"].as_array().unwrap().len(), 1);
    }

    #[tokio::test]
    async fn what_cannot_be_asked_for_is_said() {
        let app = TestApp::new().await;
        for query in ["actor=me", "since=yesterday", "until=", "limit=0", "target=x"] {
            app.admin_get(&format!("{PATH}?{query}")).await.expect_problem(400, "malformed_query");
        }
        let page = app.admin_get(&format!("{PATH}?cursor=e30")).await;
        page.expect_problem(400, "malformed_cursor");
    }
}
