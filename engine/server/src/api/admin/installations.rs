//! `/api/v1/admin/installations`: the plugins at work in the store.

use axum::{
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use martlet_domain::{
    Digest, Id,
    catalog::Sku,
    plugin::{FailurePolicy, Installation, InstallationStage, World},
    quote::Class,
};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::{
    api::{money::MoneyBody, page::Page, text::Violations, time::Time},
    error::Error,
    extract::{IfMatch, Json, Staff},
    problem::Problem,
    rules::{Changed, InstallationRequest, RuleRequest, Rules},
};

/// Most characters of a note.
const MAX_NOTE: usize = 500;

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
    /// The kind of question it answers: `pricing`, `coupon`, `promotion`, `shipping-rates`, `tax` or
    /// `checkout-validation`.
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
    /// Tags that each of its discounts has.
    pub exclusivity_tags: Vec<String>,
    /// Not asked before.
    pub starts_at: Option<Time>,
    /// Not asked from then on.
    pub ends_at: Option<Time>,
    /// What it may give in all.
    pub budget: Option<MoneyBody>,
    /// What it may give in a day of UTC.
    pub daily_budget: Option<MoneyBody>,
    /// What it may give a customer.
    pub customer_budget: Option<MoneyBody>,
    /// Why it was switched off, where it was.
    pub quarantine: Option<QuarantineBody>,
}

/// Why an installation was switched off.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Quarantine)]
pub struct QuarantineBody {
    /// What went wrong.
    pub reason: String,
    /// When.
    pub at: Time,
    /// How far it had got, and where it goes on when it is released.
    pub from_stage: &'static str,
    /// Of a canary, how many per cent of carts it was asked for.
    pub from_canary_percent: Option<u8>,
}

/// An installation and the rulebook that it is in.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = InstallationAnswer)]
pub struct InstallationAnswer {
    /// The installation.
    #[serde(flatten)]
    pub installation: InstallationBody,
    /// Number of the active rulebook, which has it; null where it is in that no more.
    pub rulebook: Option<i64>,
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
            exclusivity_tags: installation.exclusivity_tags,
            starts_at: installation.starts_at.map(Time),
            ends_at: installation.ends_at.map(Time),
            budget: installation.budget.map(Into::into),
            daily_budget: installation.daily_budget.map(Into::into),
            customer_budget: installation.customer_budget.map(Into::into),
            quarantine: installation.quarantine.map(|quarantine| {
                let (from_stage, from_canary_percent) = self::stage(quarantine.from);
                QuarantineBody {
                    reason: quarantine.reason,
                    at: Time(quarantine.at),
                    from_stage,
                    from_canary_percent,
                }
            }),
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

/// The installations of the active rulebook, in one page.
#[utoipa::path(get, path = "/api/v1/admin/installations", tag = "admin", operation_id = "admin_list_installations",
    security(("api_key" = ["installations:read"])),
    responses(
        (status = 200, description = "The installations, by sequence", body = Page<InstallationBody>,
            headers(("ETag" = String, description = "Number of the active rulebook; 0 where there is none"))),
        (status = 401, description = "`unauthenticated`", body = Problem)))]
pub async fn list(staff: Staff, State(rules): State<Rules>) -> Result<Response, Error> {
    let active = rules.active(staff.store.id).await?;
    let installations = active.installations.iter().cloned();
    let items = installations.map(InstallationBody::try_from).collect::<Result<_, _>>()?;
    Ok((etag(active.number), Json(Page { items, next_cursor: None })).into_response())
}

/// Installs a version of a plugin, as a draft unless a stage is asked for. That makes the next rulebook,
/// which is active at once.
#[utoipa::path(post, path = "/api/v1/admin/installations", tag = "admin", operation_id = "admin_create_installation",
    params(("If-Match" = Option<String>, Header, description = "Only while the rulebook of this number is active")),
    request_body = InstallationRequest, security(("api_key" = ["installations:write"])),
    responses(
        (status = 201, description = "The installation, and the rulebook that has it", body = InstallationAnswer,
            headers(("ETag" = String, description = "Number of that rulebook"), ("Location" = String, description = "Its address"))),
        (status = 401, description = "`unauthenticated`", body = Problem),
        (status = 412, description = "`version_conflict`: another change came first", body = Problem),
        (status = 422, description = "`invalid_body`, `config_refused`, `plugin_failed` or `rules_unusable`",
            body = Problem)))]
pub async fn create(
    staff: Staff,
    State(rules): State<Rules>,
    if_match: Option<IfMatch>,
    Json(mut asked): Json<InstallationRequest>,
) -> Result<Response, Error> {
    let note = note(asked.note.take())?;
    let request = RuleRequest::Install(Box::new(asked));
    let changed = rules.change(staff.store.id, if_match.as_ref(), note, request).await?;
    let location =
        changed.installation.map(|id| format!("/api/v1/admin/installations/{id}")).unwrap_or_default();
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], answer(&changed)?).into_response())
}

/// The installation that a change was about, with the rulebook that it made.
pub fn answer(changed: &Changed) -> Result<Response, Error> {
    let Changed { rulebook, installation } = changed;
    let installation = installation.and_then(|id| rulebook.installation(id)).cloned();
    let installation =
        installation.ok_or_else(|| Error::Internal("a change lost its installation".to_owned()))?;
    let body = InstallationAnswer { installation: installation.try_into()?, rulebook: Some(rulebook.number) };
    Ok((etag(rulebook.number), Json(body)).into_response())
}

/// The number of a rulebook as what changes are based on.
pub fn etag(rulebook: i64) -> [(header::HeaderName, String); 1] {
    [(header::ETAG, format!("\"{rulebook}\""))]
}

/// What a merchant says of a change; nothing where that is empty.
pub fn note(note: Option<String>) -> Result<Option<String>, Error> {
    let mut wrong = Violations::default();
    let note = note.map(|note| wrong.text("/note", &note, MAX_NOTE));
    wrong.finish()?;
    Ok(note.filter(|note| !note.is_empty()))
}

#[cfg(test)]
mod tests;
