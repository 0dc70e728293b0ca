//! `GET /api/v1/admin/rulebooks/{number}/diff/{other}`: what changed between two rulebooks.

use axum::extract::State;
use martlet_domain::plugin::{Differences, ValueChange};
use martlet_store::Db;
use serde::Serialize;
use utoipa::ToSchema;

use super::{groups::GroupBody, installations::InstallationBody, rulebooks::find};
use crate::{
    error::Error,
    extract::{Json, Path, Staff},
    problem::Problem,
};

/// What changed from a rulebook to another.
#[derive(Debug, Serialize, ToSchema)]
pub struct RulebookDiff {
    /// Number of the first.
    pub from: i64,
    /// Number of the second.
    pub to: i64,
    /// Installations, which are the same when they have the same id.
    pub installations: Diff<InstallationBody>,
    /// Groups, which are the same when they have the same name.
    pub groups: Diff<GroupBody>,
}

/// What changed in a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct Diff<T> {
    /// In the second alone.
    pub added: Vec<T>,
    /// In the first alone.
    pub removed: Vec<T>,
    /// In both and not alike, as they are in the second.
    pub changed: Vec<Change<T>>,
}

/// What changed of one thing.
#[derive(Debug, Serialize, ToSchema)]
pub struct Change<T> {
    /// As it is in the second.
    pub now: T,
    /// Place by place.
    #[schema(value_type = Vec<ChangeOfValue>)]
    pub changes: Vec<ValueChange>,
}

/// What changed at one place.
///
/// Describes [`ValueChange`], which knows nothing of descriptions.
#[derive(Debug, ToSchema)]
pub struct ChangeOfValue {
    /// JSON Pointer (RFC 6901) to the place, such as `/config/percent`.
    pub pointer: String,
    /// What stood there; left out where there was nothing.
    pub from: Option<serde_json::Value>,
    /// What stands there; left out where there is nothing.
    pub to: Option<serde_json::Value>,
}

/// What was added, removed and changed from a rulebook to another, field by field.
#[utoipa::path(get, path = "/api/v1/admin/rulebooks/{number}/diff/{other}", tag = "admin",
    operation_id = "admin_diff_rulebooks",
    params(
        ("number" = i64, Path, description = "Number of the first"),
        ("other" = i64, Path, description = "Number of the second")),
    security(("api_key" = ["rulebooks:read"])),
    responses(
        (status = 200, description = "What changed", body = RulebookDiff),
        (status = 400, description = "`malformed_id`", body = Problem),
        (status = 401, description = "`unauthenticated`", body = Problem),
        (status = 404, description = "`not_found`", body = Problem)))]
pub async fn get(
    staff: Staff,
    State(db): State<Db>,
    Path((number, other)): Path<(i64, i64)>,
) -> Result<Json<RulebookDiff>, Error> {
    let (from, to) = (find(&db, &staff, number).await?, find(&db, &staff, other).await?);
    let diff = from.diff(&to);
    Ok(Json(RulebookDiff {
        from: from.number,
        to: to.number,
        installations: written(diff.installations)?,
        groups: written(diff.groups)?,
    }))
}

/// Values are compared as merchants see them.
fn written<T, B>(differences: Differences<'_, T>) -> Result<Diff<B>, Error>
where
    T: Clone,
    B: TryFrom<T, Error: Into<Error>> + Serialize,
{
    let body = |item: &T| B::try_from(item.clone()).map_err(Into::into);
    let value = |body: &B| {
        serde_json::to_value(body).map_err(|error| Error::Internal(format!("a rulebook is no JSON: {error}")))
    };
    let change = |(before, after): (&T, &T)| {
        let (before, now) = (body(before)?, body(after)?);
        let changes = ValueChange::between(&value(&before)?, &value(&now)?);
        Ok::<_, Error>(Change { now, changes })
    };
    Ok(Diff {
        added: differences.added.into_iter().map(body).collect::<Result<_, _>>()?,
        removed: differences.removed.into_iter().map(body).collect::<Result<_, _>>()?,
        changed: differences.changed.into_iter().map(change).collect::<Result<_, _>>()?,
    })
}

#[cfg(test)]
mod tests {
    use axum::http::Method;
    use martlet_domain::plugin::World;
    use serde_json::json;

    use crate::testing::TestApp;

    const INSTALLATIONS: &str = "/api/v1/admin/installations";

    #[tokio::test]
    async fn a_diff_tells_what_came_went_and_changed_field_by_field() {
        let app = TestApp::new().await;
        app.uploaded(World::Promotion).await;
        app.uploaded(World::Coupon).await;
        let body = json!({"plugin": "small-promotion", "config": {"percent": 10, "of": ["a", "b"]}});
        let promotion = app.admin_post(INSTALLATIONS, body).await.expect_status(201).body;
        let groups = json!({"groups": [{"name": "orders", "class": "order", "mode": "best"}]});
        app.request(Method::PUT, "/api/v1/admin/groups")
            .key(&app.key)
            .header("if-match", "*")
            .json(&groups)
            .send()
            .await
            .expect_status(200);
        let coupon =
            app.admin_post(INSTALLATIONS, json!({"plugin": "small-coupon"})).await.expect_status(201).body;
        let path = format!("{INSTALLATIONS}/{}", promotion["id"].as_str().unwrap());
        let change = json!({
            "config": {"percent": 20, "of": ["a"]}, "stage": "canary", "canary_percent": 5, "group": "orders",
            "budget": {"amount": 500, "currency": "USD"},
        });
        let request = app.request(Method::PATCH, &path).key(&app.key).json(&change);
        assert_eq!(request.send().await.expect_status(200).body["rulebook"], 4);

        let diff = app.admin_get("/api/v1/admin/rulebooks/1/diff/4").await.expect_status(200).body;
        assert_eq!((&diff["from"], &diff["to"]), (&json!(1), &json!(4)));
        let installations = &diff["installations"];
        assert_eq!(installations["added"][0]["id"], coupon["id"]);
        assert_eq!(
            (installations["added"].as_array().unwrap().len(), &installations["removed"]),
            (1, &json!([]))
        );
        let changed = &installations["changed"][0];
        assert_eq!((&changed["now"]["id"], &changed["now"]["stage"]), (&promotion["id"], &json!("canary")));
        assert_eq!(
            changed["changes"],
            json!([
                {"pointer": "/budget", "from": null, "to": {"amount": 500, "currency": "USD"}},
                {"pointer": "/canary_percent", "from": null, "to": 5},
                {"pointer": "/config/of/1", "from": "b"},
                {"pointer": "/config/percent", "from": 10, "to": 20},
                {"pointer": "/group", "from": null, "to": "orders"},
                {"pointer": "/stage", "from": "draft", "to": "canary"},
            ])
        );
        assert_eq!(diff["groups"]["added"][0]["name"], "orders");
        let back = app.admin_get("/api/v1/admin/rulebooks/4/diff/1").await.expect_status(200).body;
        assert_eq!(back["installations"]["removed"], installations["added"]);
        assert_eq!(back["groups"]["removed"], diff["groups"]["added"]);
        let same = app.admin_get("/api/v1/admin/rulebooks/4/diff/4").await.expect_status(200).body;
        let nothing = json!({"added": [], "removed": [], "changed": []});
        assert_eq!((&same["installations"], &same["groups"]), (&nothing, &nothing));
        app.admin_get("/api/v1/admin/rulebooks/4/diff/5").await.expect_problem(404, "not_found");
        app.admin_get("/api/v1/admin/rulebooks/0/diff/4").await.expect_problem(404, "not_found");
        app.admin_get("/api/v1/admin/rulebooks/x/diff/4").await.expect_problem(400, "malformed_id");
    }
}
