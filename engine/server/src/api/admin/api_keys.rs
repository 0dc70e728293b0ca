//! `/api/v1/admin/api-keys`: the keys to the merchants' side.

use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse as _, Response},
};
use martlet_domain::{
    Id,
    access::{Grant, Role, Scope},
};
use martlet_store::{ApiKey, Db, Revocation};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    access::make_key,
    api::{page::Page, text::Violations, time::Time},
    clock::Clock,
    error::Error,
    extract::{Json, Path, Staff},
    ids::Ids,
    problem::Problem,
};

/// An API key as its store sees it. Its secret is known to whoever was given it, and to nobody else.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ApiKey)]
pub struct ApiKeyBody {
    /// Its id.
    #[schema(value_type = Uuid)]
    pub id: Id<ApiKey>,
    /// What it is called.
    pub name: String,
    /// `owner`, `staff` or `developer`.
    #[schema(value_type = String)]
    pub role: Role,
    /// All that it may do: what its role has, or the part of it that the key was narrowed to.
    #[schema(value_type = Vec<String>)]
    pub scopes: Vec<Scope>,
    /// When it was made.
    pub created_at: Time,
    /// When it was made useless; null while it is good.
    pub revoked_at: Option<Time>,
}

/// A key that has just been made.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = NewApiKey)]
pub struct NewApiKeyBody {
    /// What is known of it.
    #[serde(flatten)]
    pub key: ApiKeyBody,
    /// What goes into `Authorization: Bearer`. It is shown once: only a hash of it is kept.
    pub secret: String,
}

/// A key that is wanted.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ApiKeyRequest {
    /// What it is for.
    #[schema(min_length = 1, max_length = 100)]
    name: String,
    /// `owner`, `staff` or `developer`.
    #[schema(value_type = String)]
    role: Role,
    /// No more than these of the role's scopes, such as `catalog:read`; all of them where nothing is said.
    #[schema(value_type = Option<Vec<String>>, min_items = 1)]
    scopes: Option<Vec<Scope>>,
}

impl From<ApiKey> for ApiKeyBody {
    fn from(key: ApiKey) -> Self {
        let ApiKey { id, name, grant, created_at, revoked_at } = key;
        let (role, scopes) = (grant.role(), grant.scopes().collect());
        Self { id, name, role, scopes, created_at: Time(created_at), revoked_at: revoked_at.map(Time) }
    }
}

impl ApiKeyRequest {
    fn checked(self) -> Result<(String, Grant), Error> {
        let Self { name, role, scopes } = self;
        let mut wrong = Violations::default();
        let name = wrong.line("/name", &name, 1, 100);
        for (index, scope) in scopes.iter().flatten().enumerate() {
            wrong.expect(
                role.has(*scope),
                format!("/scopes/{index}"),
                format!("must be a scope that the role {role} has"),
            );
        }
        if scopes.as_ref().is_some_and(Vec::is_empty) {
            wrong.add("/scopes", "must have at least one, or be left out");
        }
        wrong.finish()?;
        let grant = match scopes {
            None => Grant::of(role),
            Some(scopes) => Grant::narrowed(role, scopes.into_iter().collect())
                .map_err(|error| Error::invalid("/scopes", error.to_string()))?,
        };
        Ok((name, grant))
    }
}

/// All keys, in one page: those made first first, revoked ones too.
#[utoipa::path(get, path = "/api/v1/admin/api-keys", tag = "admin", operation_id = "admin_list_api_keys",
    security(("api_key" = ["keys:read"])),
    responses(
        (status = 200, description = "The keys, without their secrets", body = Page<ApiKeyBody>),
        (status = 401, description = "`unauthenticated`", body = Problem)))]
pub async fn list(staff: Staff, State(db): State<Db>) -> Result<Json<Page<ApiKeyBody>>, Error> {
    let keys = db.list_api_keys(staff.store.id).await?;
    Ok(Json(Page { items: keys.into_iter().map(Into::into).collect(), next_cursor: None }))
}

/// Makes a key, which can do no more than the one it is made with: not now, and not when a later release
/// adds scopes to roles. So one that has a list of scopes makes keys that have one.
///
/// The secret is in the answer and nowhere else, so an `Idempotency-Key` is ignored: if the answer is
/// lost, revoke the key and make another.
#[utoipa::path(post, path = "/api/v1/admin/api-keys", tag = "admin", operation_id = "admin_create_api_key",
    request_body = ApiKeyRequest, security(("api_key" = ["keys:write"])),
    responses(
        (status = 201, description = "The key and its secret", body = NewApiKeyBody),
        (status = 401, description = "`unauthenticated`", body = Problem),
        (status = 422, description = "`invalid_body`", body = Problem)))]
pub async fn create(
    staff: Staff,
    State(db): State<Db>,
    State(clock): State<Clock>,
    State(ids): State<Ids>,
    Json(wanted): Json<ApiKeyRequest>,
) -> Result<Response, Error> {
    let (name, grant) = wanted.checked()?;
    if let Some(required) = staff.key.grant.lacks(&grant) {
        return Err(Error::Forbidden { required });
    }
    if staff.key.grant.is_outgrown_by(&grant) {
        let words = "must be there, since the key that makes this one has a list of scopes itself";
        return Err(Error::invalid("/scopes", words));
    }
    let made = make_key(&db, &clock, &ids, staff.store.id, name, grant).await?;
    let secret = made.secret.reveal().to_owned();
    Ok((StatusCode::CREATED, Json(NewApiKeyBody { key: made.key.into(), secret })).into_response())
}

/// Makes a key useless, for good. Revoking twice is no error. The last key that may do everything stays.
#[utoipa::path(delete, path = "/api/v1/admin/api-keys/{id}", tag = "admin",
    operation_id = "admin_revoke_api_key",
    params(("id" = Uuid, Path, description = "Id of the key")), security(("api_key" = ["keys:write"])),
    responses(
        (status = 204, description = "It is useless"),
        (status = 401, description = "`unauthenticated`", body = Problem),
        (status = 404, description = "`not_found`", body = Problem),
        (status = 409, description = "`last_owner_key`", body = Problem)))]
pub async fn revoke(
    staff: Staff,
    State(db): State<Db>,
    State(clock): State<Clock>,
    Path(id): Path<Id<ApiKey>>,
) -> Result<StatusCode, Error> {
    match db.revoke_api_key(staff.store.id, id, clock.now()).await? {
        Revocation::Done | Revocation::Already => Ok(StatusCode::NO_CONTENT),
        Revocation::LastOwner => Err(Error::LastOwnerKey),
        Revocation::Missing => Err(Error::not_found::<ApiKey>()),
    }
}

#[cfg(test)]
mod tests {
    use axum::http::Method;
    use martlet_domain::access::{Area, Role, Scope};
    use serde_json::{Value, json};

    use crate::testing::{Answer, TestApp};

    const PATH: &str = "/api/v1/admin/api-keys";

    async fn make(app: &TestApp, key: &str, body: Value) -> Answer {
        app.request(Method::POST, PATH).key(key).json(&body).send().await
    }

    async fn revoke(app: &TestApp, key: &str, id: &Value) -> Answer {
        app.request(Method::DELETE, &format!("{PATH}/{}", id.as_str().unwrap())).key(key).send().await
    }

    #[tokio::test]
    async fn a_key_is_made_shown_once_and_does_what_it_may() {
        let app = TestApp::new().await;
        let body = json!({"name": " till ", "role": "staff", "scopes": ["orders:read", "catalog:read"]});
        let mut made = make(&app, &app.key, body).await.expect_status(201).body;
        let secret = made["secret"].as_str().unwrap().to_owned();
        assert!(secret.starts_with("mk_") && secret.len() == 46, "{secret}");
        made.as_object_mut().unwrap().remove("secret");
        assert_eq!(
            made,
            json!({
                "id": made["id"], "name": "till", "role": "staff", "scopes": ["catalog:read", "orders:read"],
                "created_at": "2026-03-01T12:00:00Z", "revoked_at": null,
            })
        );
        let listed = app.admin_get(PATH).await.expect_status(200);
        assert_eq!(listed.body["items"][1], made);
        assert_eq!(listed.body["items"][0]["scopes"].as_array().unwrap().len(), Scope::all().count());
        assert!(!String::from_utf8_lossy(&listed.bytes).contains(&secret[3..]));
        let get = async |path| app.request(Method::GET, path).key(&secret).send().await;
        get("/api/v1/admin/orders").await.expect_status(200);
        let refused = get("/api/v1/admin/coupons").await.expect_problem(403, "forbidden");
        assert_eq!(refused.body["required_scope"], "coupons:read");
    }

    #[tokio::test]
    async fn an_answer_with_a_secret_is_not_kept() {
        let app = TestApp::new().await;
        let make = async || {
            let request = app.request(Method::POST, PATH).key(&app.key).header("idempotency-key", "k");
            request.json(&json!({"name": "x", "role": "staff"})).send().await.expect_status(201).body
        };
        let (one, two) = (make().await, make().await);
        assert!(one["id"] != two["id"] && one["secret"] != two["secret"]);
    }

    #[tokio::test]
    async fn nobody_makes_a_key_that_may_more_than_their_own() {
        let app = TestApp::new().await;
        let some = [Scope::write(Area::Keys), Scope::read(Area::Catalog), Scope::read(Area::Orders)];
        let narrow = app.key_with(Role::Owner, &some).await;
        let body = |role: &str, scopes: Value| json!({"name": "x", "role": role, "scopes": scopes});
        make(&app, &narrow, body("staff", json!(["catalog:read"]))).await.expect_status(201);
        make(&app, &narrow, body("owner", json!(["keys:write"]))).await.expect_status(201);
        for (role, scopes, lacking) in [
            ("owner", Value::Null, "catalog:write"),
            ("developer", Value::Null, "coupons:read"),
            ("owner", json!(["catalog:read", "audit:read"]), "audit:read"),
        ] {
            let refused = make(&app, &narrow, body(role, scopes)).await.expect_problem(403, "forbidden");
            assert_eq!(refused.body["required_scope"], lacking);
        }
        assert_eq!(app.state.db.list_api_keys(app.store.id).await.unwrap().len(), 4);
        // One that has all there is today won't have what is added.
        let all: Vec<Scope> = Scope::all().collect();
        let listed = app.key_with(Role::Owner, &all).await;
        for role in ["owner", "staff", "developer"] {
            let made = make(&app, &listed, body(role, Value::Null)).await;
            assert_eq!(made.expect_problem(422, "invalid_body").violation().0, "/scopes", "{role}");
        }
        make(&app, &listed, body("owner", json!(all))).await.expect_status(201);
        let own = app.admin_get(PATH).await.body["items"][0]["id"].clone();
        revoke(&app, &listed, &own).await.expect_problem(409, "last_owner_key");
    }

    #[tokio::test]
    async fn what_is_no_key_is_refused_place_by_place() {
        let app = TestApp::new().await;
        let no_role = "is one of owner, staff, developer";
        for (body, pointer, detail) in [
            (json!({"name": " ", "role": "staff"}), "/name", "must be 1 to 100 characters on one line"),
            (json!({"name": "x"}), "/role", "is missing"),
            (json!({"name": "x", "role": "queen"}), "/role", no_role),
            (
                json!({"name": "x", "role": "staff", "scopes": []}),
                "/scopes",
                "must have at least one, or be left out",
            ),
            (
                json!({"name": "x", "role": "staff", "scopes": ["catalog:read", "keys:read"]}),
                "/scopes/1",
                "must be a scope that the role staff has",
            ),
        ] {
            let refused = make(&app, &app.key, body).await.expect_problem(422, "invalid_body");
            assert_eq!(refused.violation(), (pointer, detail));
        }
        let unknown =
            make(&app, &app.key, json!({"name": "x", "role": "staff", "scopes": ["moon:walk"]})).await;
        let unknown = unknown.expect_problem(422, "invalid_body");
        assert!(unknown.violation().1.starts_with("is AREA:read or AREA:write, where"), "{unknown:?}");
    }

    #[tokio::test]
    async fn a_key_is_revoked_for_good_but_not_the_last_owners() {
        let app = TestApp::new().await;
        let list = async || app.admin_get(PATH).await.expect_status(200).body["items"].clone();
        let own = list().await[0]["id"].clone();
        let made = make(&app, &app.key, json!({"name": "x", "role": "staff"})).await.expect_status(201).body;
        let last = revoke(&app, &app.key, &own).await.expect_problem(409, "last_owner_key");
        assert!(last.body["detail"].as_str().unwrap().contains("make another owner's key first"));
        for _ in 0..2 {
            revoke(&app, &app.key, &made["id"]).await.expect_status(204);
        }
        assert_eq!(list().await[1]["revoked_at"], "2026-03-01T12:00:00Z");
        let useless = app.request(Method::GET, "/api/v1/admin/orders").key(made["secret"].as_str().unwrap());
        useless.send().await.expect_problem(401, "unauthenticated");
        let nobody = json!("00000000-0000-0000-0000-000000000000");
        revoke(&app, &app.key, &nobody).await.expect_problem(404, "not_found");
        // With another owner there an owner may go, by their own hand too.
        app.key_with(Role::Owner, &[]).await;
        revoke(&app, &app.key, &own).await.expect_status(204);
        app.admin_get(PATH).await.expect_problem(401, "unauthenticated");
    }
}
