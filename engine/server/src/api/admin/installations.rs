//! `GET /api/v1/admin/installations`: the plugins at work in the store.

use axum::extract::State;
use martlet_domain::{
    Digest, Id,
    catalog::Sku,
    plugin::{FailurePolicy, Installation, InstallationStage, World},
    quote::Class,
};
use martlet_store::Db;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::{
    api::page::Page,
    error::Error,
    extract::{Json, Staff},
};

/// A plugin version at work in the store.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Installation)]
pub struct InstallationBody {
    /// Its id.
    #[schema(value_type = Uuid)]
    pub id: Id<Installation>,
    /// The how-manieth installation of the store it is; decides between equal priorities.
    pub sequence: i64,
    /// Name of the plugin.
    pub plugin: String,
    /// Its version.
    pub plugin_version: String,
    /// SHA-256 of the component that runs.
    #[schema(value_type = String)]
    pub component: Digest,
    /// The kind of question it answers: `pricing`, `coupon` or `promotion`.
    #[schema(value_type = String)]
    pub world: World,
    /// Its configuration, as the plugin's schema describes it.
    #[schema(value_type = Object)]
    pub config: Value,
    /// What its discounts can act on.
    #[schema(value_type = Vec<String>)]
    pub classes: Vec<Class>,
    /// How far it has got: `draft`, `shadow`, `canary`, `active` or `quarantined`.
    pub stage: &'static str,
    /// Of a canary, how many per cent of carts it is asked for.
    pub canary_percent: Option<u8>,
    /// Higher goes first.
    pub priority: i32,
    /// Name of its stacking group.
    pub group: Option<String>,
    /// What happens when it fails: `skip`, `reject`, `base-price` or `block`.
    #[schema(value_type = String)]
    pub failure_policy: FailurePolicy,
    /// The variants it may give away.
    #[schema(value_type = Vec<String>)]
    pub gift_skus: Vec<Sku>,
}

impl TryFrom<Installation> for InstallationBody {
    type Error = Error;

    fn try_from(installation: Installation) -> Result<Self, Error> {
        let config = serde_json::from_str(&installation.config).map_err(|error| {
            Error::Internal(format!("the configuration of installation {}: {error}", installation.id))
        })?;
        let (stage, canary_percent) = stage(installation.stage);
        Ok(Self {
            id: installation.id,
            sequence: installation.sequence,
            plugin: installation.plugin,
            plugin_version: installation.version,
            component: installation.component,
            world: installation.world,
            config,
            classes: installation.classes,
            stage,
            canary_percent,
            priority: installation.priority,
            group: installation.group,
            failure_policy: installation.failure_policy,
            gift_skus: installation.gift_skus,
        })
    }
}

fn stage(stage: InstallationStage) -> (&'static str, Option<u8>) {
    match stage {
        InstallationStage::Draft => ("draft", None),
        InstallationStage::Shadow => ("shadow", None),
        InstallationStage::Canary(percent) => ("canary", Some(percent)),
        InstallationStage::Active => ("active", None),
        InstallationStage::Quarantined => ("quarantined", None),
    }
}

/// All installations, in one page.
#[utoipa::path(get, path = "/api/v1/admin/installations", tag = "admin", operation_id = "admin_list_installations",
    security(("api_key" = ["installations:read"])),
    responses(
        (status = 200, description = "The installations, by sequence", body = Page<InstallationBody>),
        (status = 401, description = "`unauthenticated`", body = crate::problem::Problem)))]
pub async fn list(staff: Staff, State(db): State<Db>) -> Result<Json<Page<InstallationBody>>, Error> {
    let installations = db.list_installations(staff.store.id).await?;
    let items = installations.into_iter().map(InstallationBody::try_from).collect::<Result<_, _>>()?;
    Ok(Json(Page { items, next_cursor: None }))
}

#[cfg(test)]
mod tests {
    use martlet_domain::plugin::World;
    use serde_json::json;

    use crate::testing::TestApp;

    #[tokio::test]
    async fn installations_are_listed_with_what_they_run() {
        let app = TestApp::new().await;
        let installation = app.install(World::Promotion).await;
        let answer = app.admin_get("/api/v1/admin/installations").await.expect_status(200);
        assert_eq!(
            answer.body,
            json!({"items": [{
                "id": installation.id, "sequence": 1, "plugin": "small-promotion", "plugin_version": "1.0.0",
                "component": installation.component, "world": "promotion", "config": {}, "classes": ["order"],
                "stage": "active", "canary_percent": null, "priority": 10, "group": "main",
                "failure_policy": "skip", "gift_skus": [],
            }], "next_cursor": null})
        );
    }
}
