//! `GET /api/v1/admin/rulebooks/active`: the rules that carts are priced by.

use axum::extract::State;
use martlet_domain::plugin::{Group, GroupClass, GroupMode, Rulebook};
use martlet_domain::quote::Class;
use martlet_store::Db;
use serde::Serialize;
use utoipa::ToSchema;

use super::installations::InstallationBody;
use crate::{
    api::time::Time,
    error::Error,
    extract::{Json, Staff},
};

/// The numbered, immutable set of the store's installations at one moment.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Rulebook)]
pub struct RulebookBody {
    /// Counts up from 1 in the store.
    pub number: i64,
    /// What changed, in the merchant's words.
    pub note: String,
    /// When it was made.
    pub created_at: Time,
    /// How installations combine.
    pub groups: Vec<GroupBody>,
    /// Its installations, by sequence.
    pub installations: Vec<InstallationBody>,
}

/// Installations whose discounts compete or add up.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Group)]
pub struct GroupBody {
    /// Unique in the rulebook.
    pub name: String,
    /// What its discounts act on: `pricing`, `line`, `order`, `shipping`, `total` or `gift`.
    pub class: &'static str,
    /// Lower goes first.
    pub rank: i32,
    /// How they combine: `stack`, `best`, `first` or `stop`.
    #[schema(value_type = String)]
    pub mode: GroupMode,
    /// Whether percentages are taken on list amounts instead of what is left.
    pub on_list_amounts: bool,
}

impl From<Group> for GroupBody {
    fn from(group: Group) -> Self {
        let class = match group.class {
            GroupClass::Pricing => "pricing",
            GroupClass::Candidates(Class::Line) => "line",
            GroupClass::Candidates(Class::Order) => "order",
            GroupClass::Candidates(Class::Shipping) => "shipping",
            GroupClass::Candidates(Class::Total) => "total",
            GroupClass::Candidates(Class::Gift) => "gift",
        };
        let Group { name, rank, mode, on_list_amounts, .. } = group;
        Self { name, class, rank, mode, on_list_amounts }
    }
}

/// The rulebook that carts are priced by now.
#[utoipa::path(get, path = "/api/v1/admin/rulebooks/active", tag = "admin",
    operation_id = "admin_get_active_rulebook", security(("api_key" = ["rulebooks:read"])),
    responses(
        (status = 200, description = "The active rulebook", body = RulebookBody),
        (status = 401, description = "`unauthenticated`", body = crate::problem::Problem),
        (status = 404, description = "`no_rulebook`", body = crate::problem::Problem)))]
pub async fn active(staff: Staff, State(db): State<Db>) -> Result<Json<RulebookBody>, Error> {
    let rulebook = db.find_active_rulebook(staff.store.id).await?.ok_or(Error::NoRulebook)?;
    let Rulebook { number, note, created_at, groups, installations } = rulebook.into_rulebook();
    Ok(Json(RulebookBody {
        number,
        note,
        created_at: Time(created_at),
        groups: groups.into_iter().map(Into::into).collect(),
        installations: installations.into_iter().map(InstallationBody::try_from).collect::<Result<_, _>>()?,
    }))
}

#[cfg(test)]
mod tests {
    use martlet_domain::plugin::World;
    use martlet_store::RulebookDraft;
    use serde_json::json;

    use super::*;
    use crate::testing::{NOW, TestApp};

    const PATH: &str = "/api/v1/admin/rulebooks/active";

    #[tokio::test]
    async fn the_active_rulebook_is_shown_once_there_is_one() {
        let app = TestApp::new().await;
        app.admin_get(PATH).await.expect_problem(404, "no_rulebook");
        let installation = app.install(World::Promotion).await;
        let group = Group {
            name: "main".to_owned(),
            class: GroupClass::Candidates(Class::Order),
            rank: 1,
            mode: GroupMode::Best,
            on_list_amounts: false,
        };
        let draft = RulebookDraft {
            note: "The first".to_owned(),
            created_at: NOW,
            groups: vec![group],
            installations: vec![installation.clone()],
        };
        app.state.db.publish_rulebook(app.store.id, draft).await.unwrap();
        let body = app.admin_get(PATH).await.expect_status(200).body;
        assert_eq!((&body["number"], &body["note"]), (&json!(1), &json!("The first")));
        assert_eq!(body["created_at"], "2026-03-01T12:00:00Z");
        let group =
            json!({"name": "main", "class": "order", "rank": 1, "mode": "best", "on_list_amounts": false});
        assert_eq!(body["groups"], json!([group]));
        assert_eq!(body["installations"][0]["id"], json!(installation.id));
    }
}
