//! `/api/v1/admin/simulations`: what other rules would do, before shoppers meet them.

use std::sync::Arc;

use axum::{
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use martlet_domain::{
    Id,
    access::{Area, Scope},
    simulation::Simulation,
};
use martlet_store::{Db, StoredSimulation};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::coupons::PageParameters;
use crate::{
    api::{
        page::{Page, decode_cursor, encode_cursor},
        time::Time,
    },
    error::Error,
    extract::{Json, Query, Sent, Staff},
    problem::Problem,
    rules::Rules,
    simulations::{ProblemBody, ResultBody, SimulationRequest, Simulations},
};

/// A simulation.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Simulation)]
pub struct SimulationBody {
    /// Its id.
    #[schema(value_type = Uuid)]
    pub id: Id<Simulation>,
    /// How far it has got: `queued`, `running`, `done`, `failed`, `cancelled`, or `interrupted`, where the
    /// instance that worked on it is gone: ask for it again.
    pub state: &'static str,
    /// Carts or orders that are through.
    pub done: u32,
    /// Carts or orders in all.
    pub total: u32,
    /// Number of the rulebook that was active when it was asked for.
    pub active_rulebook: i64,
    /// Why it failed, where it did.
    pub problem: Option<ProblemBody>,
    /// When it was asked for.
    pub created_at: Time,
    /// When its turn came.
    pub started_at: Option<Time>,
    /// When it ended.
    pub ended_at: Option<Time>,
}

/// Bytes of a request at most.
const MOST_ASKED: usize = 64 << 10;

/// A simulation, with what was asked for and what has come of it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SimulationAnswer)]
pub struct SimulationAnswer {
    /// The simulation.
    #[serde(flatten)]
    pub simulation: SimulationBody,
    /// The request.
    #[schema(value_type = Object)]
    pub asked: Value,
    /// What has come of it so far; null before its first step.
    pub result: Option<ResultBody>,
}

impl TryFrom<&StoredSimulation> for SimulationBody {
    type Error = Error;

    fn try_from(stored: &StoredSimulation) -> Result<Self, Error> {
        Ok(Self {
            id: stored.id,
            state: stored.state.as_str(),
            done: stored.done,
            total: stored.total,
            active_rulebook: stored.rulebook,
            problem: stored.problem.as_deref().map(|problem| read(stored.id, problem)).transpose()?,
            created_at: Time(stored.created_at),
            started_at: stored.started_at.map(Time),
            ended_at: stored.ended_at.map(Time),
        })
    }
}

impl TryFrom<StoredSimulation> for SimulationAnswer {
    type Error = Error;

    fn try_from(stored: StoredSimulation) -> Result<Self, Error> {
        let simulation = SimulationBody::try_from(&stored)?;
        let asked = read(stored.id, stored.asked.as_deref().unwrap_or("null"))?;
        let result = stored.result.as_deref().map(|result| read(stored.id, result)).transpose()?;
        Ok(Self { simulation, asked, result })
    }
}

impl SimulationAnswer {
    /// The simulation, for a key that may see what it was tried on: what shoppers ordered, and the carts
    /// that they have, is for those who may look at orders.
    pub(super) fn for_staff(stored: StoredSimulation, staff: &Staff) -> Result<Self, Error> {
        let answer = Self::try_from(stored)?;
        if answer.asked["on"]["given_cart"].is_null() {
            staff.needs(Scope::read(Area::Orders))?;
        }
        Ok(answer)
    }
}

/// What was stored of a simulation.
pub fn read<T: serde::de::DeserializeOwned>(id: Id<Simulation>, text: &str) -> Result<T, Error> {
    serde_json::from_str(text)
        .map_err(|error| Error::Internal(format!("what is stored of simulation {id}: {error}")))
}

/// All simulations that are kept, those asked for last first, without what was asked for
/// and what has come of it.
#[utoipa::path(get, path = "/api/v1/admin/simulations", tag = "admin", operation_id = "admin_list_simulations",
    params(PageParameters), security(("api_key" = ["simulations:read"])),
    responses(
        (status = 200, description = "A page of simulations", body = Page<SimulationBody>),
        (status = 400, description = "`malformed_query` or `malformed_cursor`", body = Problem),
        (status = 401, description = "`unauthenticated`", body = Problem)))]
pub async fn list(
    staff: Staff,
    State(db): State<Db>,
    Query(parameters): Query<PageParameters>,
) -> Result<Json<Page<SimulationBody>>, Error> {
    let before: Option<Id<Simulation>> = parameters.cursor.as_deref().map(decode_cursor).transpose()?;
    let limit = parameters.limit.get();
    // One more than asked for tells whether there is a next page.
    let mut found = db.list_simulations(staff.store.id, before, limit + 1).await?;
    let more = found.len() > limit as usize;
    found.truncate(limit as usize);
    let next = found.last().filter(|_| more).map(|last| last.id);
    let items = found.iter().map(SimulationBody::try_from).collect::<Result<_, _>>()?;
    Ok(Json(Page { items, next_cursor: next.as_ref().map(encode_cursor).transpose()? }))
}

/// Tries rules on one cart, or on the last orders: a job, which goes on in the background. Nothing that
/// shoppers meet changes by it. Two of a store run at a time, and twenty may wait.
///
/// Of an order all is taken as it was then: the moment, prices, taxes, the customer's facts, shipping,
/// coupons, what was left of budgets that are the same, and gifts that its rulebook named. Other gifts are
/// as they are now, and other budgets are untouched. Each order is priced by itself. Cancelled orders are
/// left out.
///
/// Orders, and a cart that there is, need the scope `orders:read` as well, here and wherever the simulation
/// is looked at. The request has at most 64 KiB.
#[utoipa::path(post, path = "/api/v1/admin/simulations", tag = "admin", operation_id = "admin_create_simulation",
    request_body = SimulationRequest, security(("api_key" = ["simulations:write"])),
    responses(
        (status = 202, description = "The job", body = SimulationAnswer,
            headers(("Location" = String, description = "Where to look how far it has got"))),
        (status = 401, description = "`unauthenticated`", body = Problem),
        (status = 404, description = "`not_found`: no such installation", body = Problem),
        (status = 409, description = "`too_many_simulations`, `line_unavailable` or `installation_quarantined`",
            body = Problem),
        (status = 413, description = "`body_too_large`", body = Problem),
        (status = 422, description = "`invalid_body`, `config_refused`, `plugin_failed` or `rules_unusable`",
            body = Problem)))]
pub async fn create(
    staff: Staff,
    State(simulations): State<Arc<Simulations>>,
    State(rules): State<Rules>,
    State(db): State<Db>,
    Sent { body, text }: Sent<SimulationRequest>,
) -> Result<Response, Error> {
    let store = staff.store.id;
    if text.len() > MOST_ASKED {
        return Err(Error::BodyTooLarge { limit: MOST_ASKED });
    }
    if body.on.is_of_shoppers() {
        staff.needs(Scope::read(Area::Orders))?;
    }
    let plan = simulations.plan(&rules, store, body, &text).await?;
    let id = simulations.begin(store, plan).await?;
    let location = format!("/api/v1/admin/simulations/{id}");
    let stored = db.find_simulation(store, id).await?.ok_or_else(Error::not_found::<Simulation>)?;
    let body = Json(SimulationAnswer::try_from(stored)?);
    Ok((StatusCode::ACCEPTED, [(header::LOCATION, location)], body).into_response())
}

#[cfg(test)]
mod tests;
