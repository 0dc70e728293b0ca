//! `/api/v1/admin/simulations/{id}`: one simulation.

use std::sync::Arc;

use axum::extract::State;
use martlet_domain::{
    Id,
    order::Order,
    simulation::{SimulatedOutcome, Simulation},
};
use martlet_store::{Db, SimulatedOrder};
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

use super::simulations::{SimulationAnswer, read};
use crate::{
    api::page::{Limit, Page, decode_cursor, encode_cursor},
    error::Error,
    extract::{Json, Path, Query, Staff},
    problem::Problem,
    simulations::{OrderResult, Simulations},
};

/// Which orders of a simulation.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct SimulatedOrderParameters {
    /// Only those of this outcome: `winner`, `loser`, `unchanged` or `failed`.
    #[param(value_type = Option<String>)]
    pub outcome: Option<OutcomeParameter>,
    /// `next_cursor` of the page before.
    pub cursor: Option<String>,
    /// Items on a page; 20 unless said.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 100)]
    pub limit: Limit,
}

/// An outcome in a query.
#[derive(Debug, Clone, Copy)]
pub struct OutcomeParameter(pub SimulatedOutcome);

impl<'de> Deserialize<'de> for OutcomeParameter {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map(Self).map_err(serde::de::Error::custom)
    }
}

/// What came of one order in a simulation.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SimulatedOrder)]
pub struct SimulatedOrderBody {
    /// The order.
    #[schema(value_type = Uuid)]
    pub order_id: Id<Order>,
    /// What people call it.
    pub number: String,
    /// `winner`: it would have been cheaper; `loser`: dearer; `unchanged`; or `failed`: it couldn't be
    /// priced, or couldn't have been placed.
    pub outcome: &'static str,
    /// What would have been otherwise.
    #[serde(flatten)]
    pub result: OrderResult,
}

/// A simulation, with what has come of it so far. One on orders, or on a cart that there is, needs the scope
/// `orders:read` as well.
#[utoipa::path(get, path = "/api/v1/admin/simulations/{id}", tag = "admin", operation_id = "admin_get_simulation",
    params(("id" = Uuid, Path, description = "Its id")), security(("api_key" = ["simulations:read"])),
    responses(
        (status = 200, description = "The simulation", body = SimulationAnswer),
        (status = 401, description = "`unauthenticated`", body = Problem),
        (status = 404, description = "`not_found`", body = Problem)))]
pub async fn get(
    staff: Staff,
    State(db): State<Db>,
    Path(id): Path<Id<Simulation>>,
) -> Result<Json<SimulationAnswer>, Error> {
    found(&db, &staff, id).await.map(Json)
}

async fn found(db: &Db, staff: &Staff, id: Id<Simulation>) -> Result<SimulationAnswer, Error> {
    let stored = db.find_simulation(staff.store.id, id).await?;
    SimulationAnswer::for_staff(stored.ok_or_else(Error::not_found::<Simulation>)?, staff)
}

/// Stops a simulation that hasn't ended. What has come of it until then stays. One on orders, or on a cart
/// that there is, needs the scope `orders:read` as well.
#[utoipa::path(post, path = "/api/v1/admin/simulations/{id}/cancel", tag = "admin",
    operation_id = "admin_cancel_simulation",
    params(("id" = Uuid, Path, description = "Its id")), security(("api_key" = ["simulations:write"])),
    responses(
        (status = 200, description = "The simulation", body = SimulationAnswer),
        (status = 401, description = "`unauthenticated`", body = Problem),
        (status = 404, description = "`not_found`", body = Problem),
        (status = 409, description = "`simulation_ended`", body = Problem)))]
pub async fn cancel(
    staff: Staff,
    State(simulations): State<Arc<Simulations>>,
    State(db): State<Db>,
    Path(id): Path<Id<Simulation>>,
) -> Result<Json<SimulationAnswer>, Error> {
    found(&db, &staff, id).await?;
    simulations.cancel(staff.store.id, id).await?;
    found(&db, &staff, id).await.map(Json)
}

/// What came of the orders that are through, in the order they were gone through: those placed last first.
/// One on orders needs the scope `orders:read` as well.
#[utoipa::path(get, path = "/api/v1/admin/simulations/{id}/orders", tag = "admin",
    operation_id = "admin_list_simulated_orders",
    params(("id" = Uuid, Path, description = "Its id"), SimulatedOrderParameters), security(("api_key" = ["simulations:read"])),
    responses(
        (status = 200, description = "A page of orders", body = Page<SimulatedOrderBody>),
        (status = 400, description = "`malformed_query` or `malformed_cursor`", body = Problem),
        (status = 401, description = "`unauthenticated`", body = Problem),
        (status = 404, description = "`not_found`", body = Problem)))]
pub async fn orders(
    staff: Staff,
    State(db): State<Db>,
    Path(id): Path<Id<Simulation>>,
    Query(parameters): Query<SimulatedOrderParameters>,
) -> Result<Json<Page<SimulatedOrderBody>>, Error> {
    let after: Option<i64> = parameters.cursor.as_deref().map(decode_cursor).transpose()?;
    let (store, limit) = (staff.store.id, parameters.limit.get());
    found(&db, &staff, id).await?;
    let outcome = parameters.outcome.map(|outcome| outcome.0);
    // One more than asked for tells whether there is a next page.
    let mut found = db.list_simulated_orders(store, id, outcome, after.unwrap_or(0), limit + 1).await?;
    let more = found.len() > limit as usize;
    found.truncate(limit as usize);
    let next = found.last().filter(|_| more).map(|last| last.place);
    let items = found.into_iter().map(|order| body(id, order)).collect::<Result<_, _>>()?;
    Ok(Json(Page { items, next_cursor: next.as_ref().map(encode_cursor).transpose()? }))
}

fn body(id: Id<Simulation>, order: SimulatedOrder) -> Result<SimulatedOrderBody, Error> {
    let SimulatedOrder { place: _, order, number, outcome, body } = order;
    Ok(SimulatedOrderBody { order_id: order, number, outcome: outcome.as_str(), result: read(id, &body)? })
}
