//! Simulations: jobs that one instance works on, and what came of them. Nothing else is touched.
//!
//! The instance that took a job holds it by a lease of the database's clock. All that it writes is written
//! only while the lease holds and nobody has stopped the job, so that one which is shown as interrupted or
//! cancelled stays that.

use std::time::Duration;

use martlet_domain::{
    Id, Timestamp,
    order::Order,
    settings::Store,
    simulation::{MAX_QUEUED, MAX_RUNNING, SimulatedOutcome, Simulation, SimulationState},
};
use sqlx::QueryBuilder;
use uuid::Uuid;

use crate::{Db, StoreError, Tx, codec::RowOf, dialect::Statement};

/// Simulations that are pruned at a time.
const PRUNED: i64 = 100;

/// A simulation that is to be worked out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewSimulation {
    /// Who works on it.
    pub hold: SimulationHold,
    /// The request, as JSON.
    pub asked: String,
    /// Number of the rulebook that was active.
    pub rulebook: i64,
    /// Carts or orders that it goes through.
    pub total: u32,
    /// When it was asked for.
    pub created_at: Timestamp,
}

/// A simulation and the instance that works on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SimulationHold {
    /// The store.
    pub store: Id<Store>,
    /// The simulation.
    pub id: Id<Simulation>,
    /// The instance, for as long as its process lives.
    pub holder: Uuid,
    /// How long it may be silent.
    pub lease: Duration,
}

/// Whether a simulation was queued.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "with a full queue nothing was stored"]
pub enum Queued {
    /// It was.
    Done,
    /// As many wait as may.
    Full,
}

/// Whether it is a simulation's turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "it may only be worked on where it is its turn"]
pub enum SimulationTurn {
    /// It runs.
    Now,
    /// Others are before it.
    Later,
    /// It was stopped, or its instance was silent for too long.
    Gone,
}

/// A simulation as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredSimulation {
    /// Its id.
    pub id: Id<Simulation>,
    /// How far it has got.
    pub state: SimulationState,
    /// The request, as JSON. Lists leave it out.
    pub asked: Option<String>,
    /// Number of the rulebook that was active when it was asked for.
    pub rulebook: i64,
    /// Carts or orders that are through.
    pub done: u32,
    /// Carts or orders in all.
    pub total: u32,
    /// What has come of it so far, as JSON. Lists leave it out.
    pub result: Option<String>,
    /// Why it failed, as JSON.
    pub problem: Option<String>,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// When its turn came.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
}

/// What came of one order in a simulation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SimulatedOrder {
    /// Its place among the orders of the simulation, from 1.
    pub place: i64,
    /// The order.
    pub order: Id<Order>,
    /// What people call it.
    pub number: String,
    /// Who would have won or lost.
    pub outcome: SimulatedOutcome,
    /// The rest, as JSON.
    pub body: String,
}

/// How a simulation ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SimulationEnd {
    /// How.
    pub state: SimulationState,
    /// Why it failed, as JSON.
    pub problem: Option<String>,
    /// When.
    pub at: Timestamp,
}

#[derive(sqlx::FromRow)]
struct SimulationRow {
    id: Uuid,
    state: String,
    overdue: i64,
    asked: Option<String>,
    rulebook: i64,
    done: i64,
    total: i64,
    result: Option<String>,
    problem: Option<String>,
    created_at: i64,
    started_at: Option<i64>,
    ended_at: Option<i64>,
}

#[derive(sqlx::FromRow)]
struct OrderRow {
    place: i64,
    order_id: Uuid,
    number: String,
    outcome: String,
    body: String,
}

const WITH_RESULT: &str = "SELECT id, state, asked, rulebook, done, total, result, problem, created_at, \
     started_at, ended_at, CASE WHEN lease_until <= ";
const WITHOUT_RESULT: &str = "SELECT id, state, NULL AS asked, rulebook, done, total, NULL AS result, \
     problem, created_at, started_at, ended_at, CASE WHEN lease_until <= ";
const FROM: &str = " THEN 1 ELSE 0 END AS overdue FROM simulations WHERE store_id = ";

impl Db {
    /// Puts a simulation at the end of the queue, unless that is full.
    pub async fn queue_simulation(&self, new: &NewSimulation) -> Result<Queued, StoreError> {
        let NewSimulation { hold, asked, rulebook, total, created_at } = new;
        transaction!(self, |tx| {
            lock_queue(tx, hold.store).await?;
            if count_live(tx, hold.store, SimulationState::Queued, None).await? >= MAX_QUEUED {
                return Ok(Queued::Full);
            }
            run!(tx, |c| {
                let mut query = QueryBuilder::new(
                    "INSERT INTO simulations (store_id, id, holder, state, asked, rulebook, done, total, \
                     created_at, lease_until) VALUES (",
                );
                query.id(hold.store.uuid()).part(", ").id(hold.id.uuid()).part(", ").id(hold.holder);
                query.part(", 'queued', ").text(asked).part(", ").int(*rulebook).part(", 0, ");
                query.int(i64::from(*total)).part(", ").int(created_at.as_millis()).part(", ");
                query.lease(hold.lease).part(")");
                query.build().execute(c).await.map(drop)
            })?;
            Ok(Queued::Done)
        })
    }

    /// Begins with a simulation if it is its turn: of those of its store that wait it is among the first,
    /// and few enough run. Else nothing is written, and the lease stays as it is.
    pub async fn start_simulation(
        &self,
        hold: &SimulationHold,
        at: Timestamp,
    ) -> Result<SimulationTurn, StoreError> {
        transaction!(self, |tx| {
            lock_queue(tx, hold.store).await?;
            let running = count_live(tx, hold.store, SimulationState::Running, None).await?;
            let earlier = count_live(tx, hold.store, SimulationState::Queued, Some(hold.id)).await?;
            if running + earlier >= MAX_RUNNING {
                let waits: i64 = run!(tx, |c| {
                    let mut query = QueryBuilder::new("SELECT COUNT(*) FROM simulations WHERE ");
                    query.part("state = 'queued' AND ").held(hold);
                    query.build_query_scalar().fetch_one(c).await
                })?;
                return Ok(if waits == 0 { SimulationTurn::Gone } else { SimulationTurn::Later });
            }
            let changed = run!(tx, |c| {
                let mut query = QueryBuilder::new("UPDATE simulations SET lease_until = ");
                query.lease(hold.lease).part(", state = 'running', started_at = ").int(at.as_millis());
                query.part(" WHERE state = 'queued' AND ").held(hold);
                query.build().execute(c).await.map(|done| done.rows_affected())
            })?;
            Ok(if changed == 0 { SimulationTurn::Gone } else { SimulationTurn::Now })
        })
    }

    /// Says that a simulation is still being worked on. Whether it may be.
    pub async fn keep_simulation(&self, hold: &SimulationHold) -> Result<bool, StoreError> {
        transaction!(self, |tx| {
            let changed = run!(tx, |c| {
                let mut query = QueryBuilder::new("UPDATE simulations SET lease_until = ");
                query.lease(hold.lease).part(" WHERE state IN ('queued', 'running') AND ").held(hold);
                query.build().execute(c).await.map(|done| done.rows_affected())
            })?;
            Ok(changed == 1)
        })
    }

    /// Stores what one step came to: how much is through, the result so far as JSON, and the orders of the
    /// step. False, and nothing is stored, where the simulation may not be worked on any more.
    pub async fn store_simulation_step(
        &self,
        hold: &SimulationHold,
        done: u32,
        result: &str,
        orders: &[SimulatedOrder],
    ) -> Result<bool, StoreError> {
        transaction!(self, |tx| {
            let changed = run!(tx, |c| {
                let mut query = QueryBuilder::new("UPDATE simulations SET lease_until = ");
                query.lease(hold.lease).part(", done = ").int(i64::from(done));
                query.part(", result = ").text(result).part(" WHERE state = 'running' AND ").held(hold);
                query.build().execute(c).await.map(|done| done.rows_affected())
            })?;
            if changed == 1 && !orders.is_empty() {
                insert_orders(tx, hold, orders).await?;
            }
            Ok(changed == 1)
        })
    }

    /// Ends a simulation. False, and nothing is stored, where somebody else ended it or its instance was
    /// silent for too long.
    pub async fn end_simulation(
        &self,
        hold: &SimulationHold,
        end: &SimulationEnd,
    ) -> Result<bool, StoreError> {
        transaction!(self, |tx| {
            let changed = run!(tx, |c| {
                let mut query = QueryBuilder::new("UPDATE simulations SET state = ");
                query.text(end.state.as_str()).part(", ended_at = ").int(end.at.as_millis());
                if let Some(problem) = &end.problem {
                    query.part(", problem = ").text(problem);
                }
                query.part(" WHERE state IN ('queued', 'running') AND ").held(hold);
                query.build().execute(c).await.map(|done| done.rows_affected())
            })?;
            Ok(changed == 1)
        })
    }

    /// Stops a simulation that waits or runs. Whether there was such a one. Who works on it finds out at
    /// its next step.
    pub async fn cancel_simulation(
        &self,
        store: Id<Store>,
        id: Id<Simulation>,
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        transaction!(self, |tx| {
            let changed = run!(tx, |c| {
                let mut query = QueryBuilder::new("UPDATE simulations SET state = 'cancelled', ended_at = ");
                query.int(at.as_millis()).part(" WHERE state IN ('queued', 'running') AND store_id = ");
                query.id(store.uuid()).part(" AND id = ").id(id.uuid()).part(" AND lease_until > ").now();
                query.build().execute(c).await.map(|done| done.rows_affected())
            })?;
            Ok(changed == 1)
        })
    }

    /// A simulation, with its result so far.
    pub async fn find_simulation(
        &self,
        store: Id<Store>,
        id: Id<Simulation>,
    ) -> Result<Option<StoredSimulation>, StoreError> {
        let row: Option<SimulationRow> = read!(self, |c| {
            let mut query = QueryBuilder::new(WITH_RESULT);
            query.now().part(FROM).id(store.uuid()).part(" AND id = ").id(id.uuid());
            query.build_query_as().fetch_optional(c).await
        })?;
        row.map(SimulationRow::decode).transpose()
    }

    /// Simulations of a store, those asked for last first, before one of them where it is given, at most
    /// `limit`. Requests and results are left out.
    pub async fn list_simulations(
        &self,
        store: Id<Store>,
        before: Option<Id<Simulation>>,
        limit: u32,
    ) -> Result<Vec<StoredSimulation>, StoreError> {
        let rows: Vec<SimulationRow> = read!(self, |c| {
            let mut query = QueryBuilder::new(WITHOUT_RESULT);
            query.now().part(FROM).id(store.uuid());
            if let Some(before) = before {
                query.part(" AND id < ").id(before.uuid());
            }
            // Ids count up with time.
            query.part(" ORDER BY id DESC LIMIT ").int(i64::from(limit));
            query.build_query_as().fetch_all(c).await
        })?;
        rows.into_iter().map(SimulationRow::decode).collect()
    }

    /// What came of the orders of a simulation, after a place, of one outcome or of all, at most `limit`.
    pub async fn list_simulated_orders(
        &self,
        store: Id<Store>,
        id: Id<Simulation>,
        outcome: Option<SimulatedOutcome>,
        after: i64,
        limit: u32,
    ) -> Result<Vec<SimulatedOrder>, StoreError> {
        let rows: Vec<OrderRow> = read!(self, |c| {
            let mut query = QueryBuilder::new(
                "SELECT place, order_id, number, outcome, body FROM simulation_orders WHERE store_id = ",
            );
            query.id(store.uuid()).part(" AND simulation_id = ").id(id.uuid());
            if let Some(outcome) = outcome {
                query.part(" AND outcome = ").text(outcome.as_str());
            }
            query.part(" AND place > ").int(after).part(" ORDER BY place LIMIT ").int(i64::from(limit));
            query.build_query_as().fetch_all(c).await
        })?;
        rows.into_iter().map(|row| row.decode(id)).collect()
    }

    /// Deletes simulations of a store that have ended, with what came of their orders, but the newest
    /// `keep` of all. How many went.
    pub async fn prune_simulations(&self, store: Id<Store>, keep: u32) -> Result<usize, StoreError> {
        const OLDEST: &str =
            "SELECT id FROM simulations WHERE store_id = ? ORDER BY id DESC LIMIT 1 OFFSET ?";
        let offset = i64::from(keep.max(1)) - 1;
        let oldest: Option<Uuid> = read!(self, |c| sqlx::query_scalar(OLDEST)
            .bind(store.uuid())
            .bind(offset)
            .fetch_optional(c)
            .await)?;
        let Some(oldest) = oldest else { return Ok(0) };
        let old: Vec<Uuid> = read!(self, |c| {
            let mut query = QueryBuilder::new("SELECT id FROM simulations WHERE store_id = ");
            query.id(store.uuid()).part(" AND id < ").id(oldest);
            query.part(" AND (state NOT IN ('queued', 'running') OR lease_until <= ").now();
            query.part(") ORDER BY id LIMIT ").int(PRUNED);
            query.build_query_scalar().fetch_all(c).await
        })?;
        for id in &old {
            transaction!(self, |tx| delete(tx, store, *id).await)?;
        }
        Ok(old.len())
    }
}

/// What the statements here have in common.
trait Lease: Statement {
    /// When a lease from now on ends.
    fn lease(&mut self, lease: Duration) -> &mut Self {
        self.now().part(" + ").int(i64::try_from(lease.as_millis()).unwrap_or(i64::MAX))
    }

    /// That a simulation is held by who says so.
    fn held(&mut self, hold: &SimulationHold) -> &mut Self {
        self.part("store_id = ").id(hold.store.uuid()).part(" AND id = ").id(hold.id.uuid());
        self.part(" AND holder = ").id(hold.holder).part(" AND lease_until > ").now()
    }
}

impl<T: Statement> Lease for T {}

impl SimulationRow {
    fn decode(self) -> Result<StoredSimulation, StoreError> {
        let id = Id::<Simulation>::new(self.id);
        let row = RowOf::entity("simulations", id);
        let state: SimulationState = row.parse("state", &self.state)?;
        let silent = !state.has_ended() && self.overdue != 0;
        Ok(StoredSimulation {
            id,
            state: if silent { SimulationState::Interrupted } else { state },
            asked: self.asked,
            rulebook: self.rulebook,
            done: row.number("done", self.done)?,
            total: row.number("total", self.total)?,
            result: self.result,
            problem: self.problem,
            created_at: Timestamp::from_millis(self.created_at),
            started_at: self.started_at.map(Timestamp::from_millis),
            ended_at: self.ended_at.map(Timestamp::from_millis),
        })
    }
}

impl OrderRow {
    fn decode(self, simulation: Id<Simulation>) -> Result<SimulatedOrder, StoreError> {
        let row = RowOf::named("simulation_orders", format!("{} of {simulation:?}", self.place));
        Ok(SimulatedOrder {
            place: self.place,
            order: Id::new(self.order_id),
            outcome: row.parse("outcome", &self.outcome)?,
            number: self.number,
            body: self.body,
        })
    }
}

/// Locks the store's counters, so that those who are counted are still as many afterwards.
async fn lock_queue(tx: &mut Tx, store: Id<Store>) -> Result<(), StoreError> {
    let locked: Option<i64> = run!(tx, |c| {
        let mut query = QueryBuilder::new("SELECT rulebooks FROM store_counters WHERE store_id = ");
        query.id(store.uuid()).for_update();
        query.build_query_scalar().fetch_optional(c).await
    })?;
    locked.map(drop).ok_or(StoreError::UnknownReference)
}

/// Those of a store in a state whose instances aren't silent, before one of them where it is given.
async fn count_live(
    tx: &mut Tx,
    store: Id<Store>,
    state: SimulationState,
    before: Option<Id<Simulation>>,
) -> Result<i64, StoreError> {
    let count: i64 = run!(tx, |c| {
        let mut query = QueryBuilder::new("SELECT COUNT(*) FROM simulations WHERE store_id = ");
        query.id(store.uuid()).part(" AND state = ").text(state.as_str());
        if let Some(before) = before {
            query.part(" AND id < ").id(before.uuid());
        }
        query.part(" AND lease_until > ").now();
        query.build_query_scalar().fetch_one(c).await
    })?;
    Ok(count)
}

async fn insert_orders(
    tx: &mut Tx,
    hold: &SimulationHold,
    orders: &[SimulatedOrder],
) -> Result<(), StoreError> {
    run!(tx, |c| {
        let mut query = QueryBuilder::new(
            "INSERT INTO simulation_orders (store_id, simulation_id, place, order_id, number, outcome, body) \
             VALUES ",
        );
        for (index, order) in orders.iter().enumerate() {
            query.part(if index == 0 { "(" } else { ", (" });
            query.id(hold.store.uuid()).part(", ").id(hold.id.uuid()).part(", ").int(order.place);
            query.part(", ").id(order.order.uuid()).part(", ").text(&order.number);
            query.part(", ").text(order.outcome.as_str()).part(", ").text(&order.body).part(")");
        }
        query.build().execute(c).await.map(drop)
    })?;
    Ok(())
}

async fn delete(tx: &mut Tx, store: Id<Store>, id: Uuid) -> Result<(), StoreError> {
    for sql in [
        "DELETE FROM simulation_orders WHERE store_id = ? AND simulation_id = ?",
        "DELETE FROM simulations WHERE store_id = ? AND id = ?",
    ] {
        run!(tx, |c| sqlx::query(sql).bind(store.uuid()).bind(id).execute(c).await.map(drop))?;
    }
    Ok(())
}
