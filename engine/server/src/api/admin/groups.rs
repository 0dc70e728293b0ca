//! `/api/v1/admin/groups`: how installations combine.

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use martlet_domain::{
    plugin::{Group, GroupClass, GroupMode},
    quote::Class,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::installations::{etag, note};
use crate::{
    error::Error,
    extract::{IfMatch, Json, Staff},
    problem::Problem,
    rules::{RuleRequest, Rules},
};

/// Installations whose discounts compete or add up.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Group)]
pub struct GroupBody {
    /// Unique in the rulebook.
    #[schema(min_length = 1, max_length = 64)]
    pub name: String,
    /// What its discounts act on.
    pub class: GroupClassBody,
    /// Lower goes first.
    #[serde(default)]
    #[schema(minimum = -1_000_000, maximum = 1_000_000)]
    pub rank: i32,
    /// How they combine: `stack`, `best`, `first` or `stop`.
    #[schema(value_type = String)]
    pub mode: GroupMode,
    /// Whether percentages are taken on list amounts instead of what is left.
    #[serde(default)]
    pub on_list_amounts: bool,
}

/// What the discounts of a group act on. `pricing` are unit prices.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = GroupClass)]
#[expect(missing_docs, reason = "they are the classes of candidates, and unit prices")]
pub enum GroupClassBody {
    Pricing,
    Line,
    Order,
    Shipping,
    Total,
    Gift,
}

/// All groups of the active rulebook.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Groups)]
pub struct GroupsBody {
    /// In no particular order: their ranks say whose turn it is.
    pub groups: Vec<GroupBody>,
    /// Number of that rulebook; 0 where there is none yet.
    pub rulebook: i64,
}

/// All groups there are to be.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GroupsRequest {
    /// At most 100. One that an installation names has to be among them.
    pub groups: Vec<GroupBody>,
    /// Why, for the list of rulebooks.
    #[schema(max_length = 500)]
    pub note: Option<String>,
}

impl From<Group> for GroupBody {
    fn from(group: Group) -> Self {
        let class = match group.class {
            GroupClass::Pricing => GroupClassBody::Pricing,
            GroupClass::Candidates(Class::Line) => GroupClassBody::Line,
            GroupClass::Candidates(Class::Order) => GroupClassBody::Order,
            GroupClass::Candidates(Class::Shipping) => GroupClassBody::Shipping,
            GroupClass::Candidates(Class::Total) => GroupClassBody::Total,
            GroupClass::Candidates(Class::Gift) => GroupClassBody::Gift,
        };
        let Group { name, rank, mode, on_list_amounts, .. } = group;
        Self { name, class, rank, mode, on_list_amounts }
    }
}

impl From<GroupBody> for Group {
    fn from(body: GroupBody) -> Self {
        let class = match body.class {
            GroupClassBody::Pricing => GroupClass::Pricing,
            GroupClassBody::Line => GroupClass::Candidates(Class::Line),
            GroupClassBody::Order => GroupClass::Candidates(Class::Order),
            GroupClassBody::Shipping => GroupClass::Candidates(Class::Shipping),
            GroupClassBody::Total => GroupClass::Candidates(Class::Total),
            GroupClassBody::Gift => GroupClass::Candidates(Class::Gift),
        };
        let GroupBody { name, rank, mode, on_list_amounts, .. } = body;
        Self { name, class, rank, mode, on_list_amounts }
    }
}

/// The groups of the active rulebook.
#[utoipa::path(get, path = "/api/v1/admin/groups", tag = "admin", operation_id = "admin_list_groups",
    security(("api_key" = ["rulebooks:read"])),
    responses(
        (status = 200, description = "The groups", body = GroupsBody,
            headers(("ETag" = String, description = "Number of the active rulebook; 0 where there is none"))),
        (status = 401, description = "`unauthenticated`", body = Problem),
        (status = 409, description = "`rulebook_damaged`", body = Problem)))]
pub async fn list(staff: Staff, State(rules): State<Rules>) -> Result<Response, Error> {
    let active = rules.active(staff.store.id).await?;
    Ok(answer(active.number, &active.groups))
}

/// Replaces all groups. That makes the next rulebook, which is active at once.
#[utoipa::path(put, path = "/api/v1/admin/groups", tag = "admin", operation_id = "admin_replace_groups",
    params(("If-Match" = String, Header, description = "ETag of the groups the change is based on")),
    request_body = GroupsRequest, security(("api_key" = ["rulebooks:write"])),
    responses(
        (status = 200, description = "The groups, and the rulebook that has them", body = GroupsBody,
            headers(("ETag" = String, description = "Number of that rulebook"))),
        (status = 401, description = "`unauthenticated`", body = Problem),
        (status = 412, description = "`version_conflict`: another change came first", body = Problem),
        (status = 409, description = "`rulebook_damaged`", body = Problem),
        (status = 422, description = "`invalid_body` or `rules_unusable`", body = Problem),
        (status = 428, description = "`precondition_required`", body = Problem)))]
pub async fn replace(
    staff: Staff,
    State(rules): State<Rules>,
    if_match: IfMatch,
    Json(asked): Json<GroupsRequest>,
) -> Result<Response, Error> {
    let note = note(asked.note)?;
    let request = RuleRequest::Groups(asked.groups.into_iter().map(Group::from).collect());
    let changed = rules.change(staff.store.id, Some(&if_match), note, request).await?;
    Ok(answer(changed.rulebook.number, &changed.rulebook.groups))
}

fn answer(rulebook: i64, groups: &[Group]) -> Response {
    let groups = groups.iter().cloned().map(GroupBody::from).collect();
    (etag(rulebook), Json(GroupsBody { groups, rulebook })).into_response()
}

#[cfg(test)]
mod tests {
    use axum::http::Method;
    use martlet_domain::plugin::World;
    use serde_json::{Value, json};

    use crate::testing::TestApp;

    const PATH: &str = "/api/v1/admin/groups";

    async fn put(app: &TestApp, body: &Value) -> crate::testing::Answer {
        app.request(Method::PUT, PATH).key(&app.key).header("if-match", "*").json(body).send().await
    }

    #[tokio::test]
    async fn groups_are_replaced_as_a_whole_and_make_a_rulebook() {
        let app = TestApp::new().await;
        let none = app.admin_get(PATH).await.expect_status(200);
        assert_eq!((none.header("etag"), &none.body), ("\"0\"", &json!({"groups": [], "rulebook": 0})));
        let groups = json!([
            {"name": "prices", "class": "pricing", "rank": -5, "mode": "first", "on_list_amounts": false},
            {"name": "orders", "class": "order", "rank": 5, "mode": "best", "on_list_amounts": true},
        ]);
        let made = put(&app, &json!({"groups": groups, "note": "two"})).await.expect_status(200);
        assert_eq!((made.header("etag"), &made.body), ("\"1\"", &json!({"groups": groups, "rulebook": 1})));
        assert_eq!(app.admin_get(PATH).await.body, made.body);
        let plain = json!({"groups": [{"name": "orders", "class": "order", "mode": "stop"}]});
        let made = put(&app, &plain).await.expect_status(200).body;
        let expected =
            json!({"name": "orders", "class": "order", "rank": 0, "mode": "stop", "on_list_amounts": false});
        assert_eq!(made, json!({"groups": [expected], "rulebook": 2}));
        let active = app.admin_get("/api/v1/admin/rulebooks/active").await.body;
        assert_eq!((&active["number"], &active["groups"]), (&json!(2), &made["groups"]));
    }

    #[tokio::test]
    async fn a_group_that_is_named_stays_and_what_is_refused_changes_nothing() {
        let app = TestApp::new().await;
        put(&app, &json!({"groups": [{"name": "orders", "class": "order", "mode": "best"}]})).await;
        app.uploaded(World::Promotion).await;
        let body = json!({"plugin": "small-promotion", "config": {"percent": 1}, "group": "orders"});
        app.admin_post("/api/v1/admin/installations", body).await.expect_status(201);
        let group = |class: &str| json!([{"name": "orders", "class": class, "mode": "best"}]);
        let twice = json!([group("order")[0], group("order")[0]]);
        for (groups, pointer) in [
            (json!([]), "/groups"),
            (group("line"), "/groups/0/class"),
            (group("tax"), "/groups/0/class"),
            (twice, "/groups/1/name"),
            (json!([group("order")[0], {"name": "", "class": "line", "mode": "best"}]), "/groups/1/name"),
        ] {
            let answer = put(&app, &json!({"groups": groups})).await.expect_problem(422, "invalid_body");
            assert_eq!(answer.violation().0, pointer);
        }
        let stale = app.request(Method::PUT, PATH).key(&app.key).header("if-match", "\"1\"");
        stale.json(&json!({"groups": group("order")})).send().await.expect_problem(412, "version_conflict");
        let blind = app.request(Method::PUT, PATH).key(&app.key).json(&json!({"groups": group("order")}));
        blind.send().await.expect_problem(428, "precondition_required");
        assert_eq!(app.admin_get(PATH).await.body["rulebook"], 2);
    }
}
