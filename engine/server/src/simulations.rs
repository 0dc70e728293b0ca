//! Simulations: what other rules would do, on one cart or on the orders of the past.
//!
//! A simulation is a job in the background of the instance that took it. It reads: no stock, coupon,
//! budget, order or figure of an installation changes by it. It goes through orders in small steps, each
//! of which is stored when it is through. Its instance holds it by a lease; one that falls silent leaves
//! it interrupted, and it has to be asked for again.
//!
//! Of an order's past everything is taken that its receipt says ([`Recorded::input_under`]), so that the
//! rules alone make the difference. Each order is priced by itself: what other rules would give one order
//! isn't missing in a budget to the next.
//!
//! [`Recorded::input_under`]: martlet_domain::quote::Recorded::input_under

mod carts;
mod orders;
mod plan;
mod report;

use std::{sync::Arc, time::Duration};

use axum::extract::FromRef;
use martlet_domain::{
    Id,
    catalog::Handle,
    plugin::SealedRulebook,
    quote::Input,
    settings::Store,
    simulation::{KEPT, Simulation, SimulationState},
};
use martlet_plugin_host::Component;
use martlet_store::{
    Db, NewSimulation, Queued, SimulatedOrder, SimulationEnd, SimulationHold, SimulationTurn, StoreError,
};
use tokio::sync::watch;
use uuid::Uuid;

pub use plan::{
    GivenCart, GivenLine, Plan, SimulatedChange, SimulatedOn, SimulatedOrders, SimulationRequest,
};
pub use report::{
    CartResult, ChangeBody, GivenBody, InstallationTally, ObjectionBody, OrderResult, ProblemBody,
    ResultBody, SideBody, SumBody,
};

use self::report::Walked;
use crate::{
    clock::Clock,
    error::Error,
    ids::Ids,
    price_cart::{Pricer, turns::Urgency},
    problem, rulebooks, rules,
    state::AppState,
};

/// How long an instance may be silent about a simulation that it works on.
const LEASE: Duration = Duration::from_secs(30);
/// How often it says that it still does.
const BEAT: Duration = Duration::from_secs(10);
/// How often one that waits looks whether its turn has come.
const LOOK: Duration = Duration::from_secs(1);
/// How often a price is worked out that this machine fails to, as when it is busy.
const TRIES: u32 = 3;

/// Works simulations out. One a process.
#[derive(Debug)]
pub struct Simulations {
    db: Db,
    pricer: Arc<Pricer>,
    clock: Clock,
    ids: Ids,
    /// Names this process to the others.
    holder: Uuid,
    /// How many are at it here. Whoever waits looks again when it changes.
    at_it: watch::Sender<usize>,
}

impl FromRef<AppState> for Arc<Simulations> {
    fn from_ref(state: &AppState) -> Self {
        state.selling.simulations.clone()
    }
}

/// What has come of a job so far, as it is stored.
struct Step {
    done: u32,
    result: ResultBody,
    orders: Vec<SimulatedOrder>,
}

/// A job isn't worked on to its end.
enum Stopped {
    /// Somebody stopped it, or took it for abandoned.
    Gone,
    /// It can't be.
    Failed(Error),
}

impl From<Error> for Stopped {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

impl From<StoreError> for Stopped {
    fn from(error: StoreError) -> Self {
        Self::Failed(error.into())
    }
}

impl Simulations {
    /// Nothing is simulated yet.
    pub fn new(db: Db, pricer: Arc<Pricer>, clock: Clock, ids: Ids) -> Self {
        let holder = ids.request();
        Self { db, pricer, clock, ids, holder, at_it: watch::Sender::new(0) }
    }

    /// Queues a job and works on it in the background.
    pub async fn begin(self: &Arc<Self>, store: Id<Store>, plan: Plan) -> Result<Id<Simulation>, Error> {
        let now = self.clock.now();
        let id = self.ids.next::<Simulation>(now);
        let hold = SimulationHold { store, id, holder: self.holder, lease: LEASE };
        let (asked, rulebook, total) = (plan.asked.clone(), plan.active.number, plan.total());
        let new = NewSimulation { hold, asked, rulebook, total, created_at: now };
        match self.db.queue_simulation(&new).await? {
            Queued::Done => {}
            Queued::Full => return Err(Error::TooManySimulations),
        }
        self.at_it.send_modify(|count| *count += 1);
        let this = Arc::clone(self);
        tokio::spawn(async move {
            let _at_it = AtIt(&this);
            this.work_on(hold, plan).await;
        });
        Ok(id)
    }

    /// Stops a job that hasn't ended.
    pub async fn cancel(&self, store: Id<Store>, id: Id<Simulation>) -> Result<(), Error> {
        if self.db.cancel_simulation(store, id, self.clock.now()).await? {
            return Ok(());
        }
        let known = self.db.find_simulation(store, id).await?.ok_or_else(Error::not_found::<Simulation>)?;
        Err(Error::SimulationEnded { state: known.state })
    }

    /// Waits until nothing is simulated here.
    #[cfg(test)]
    pub(crate) async fn idle(&self) {
        let mut at_it = self.at_it.subscribe();
        at_it.wait_for(|count| *count == 0).await.expect("the sender is here");
    }

    async fn work_on(&self, hold: SimulationHold, plan: Plan) {
        let ended = tokio::select! {
            ended = self.work(&hold, plan) => ended,
            () = self.lost(&hold) => Err(Stopped::Gone),
        };
        let (state, problem) = match ended {
            Ok(()) => (SimulationState::Done, None),
            Err(Stopped::Gone) => return,
            Err(Stopped::Failed(error)) => {
                let problem = problem::describe(&error, "");
                tracing::warn!(simulation = %hold.id, code = problem.code, "a simulation failed: {error}");
                let body = ProblemBody { code: problem.code.to_owned(), detail: problem.detail };
                (SimulationState::Failed, serde_json::to_string(&body).ok())
            }
        };
        let end = SimulationEnd { state, problem, at: self.clock.now() };
        if let Err(error) = self.db.end_simulation(&hold, &end).await {
            tracing::warn!(simulation = %hold.id, "how a simulation ended isn't stored: {error}");
        }
    }

    /// Waits for the job's turn in its store, and goes through with it.
    async fn work(&self, hold: &SimulationHold, plan: Plan) -> Result<(), Stopped> {
        // Here and not at its end, which one that is stopped or lost has elsewhere.
        if let Err(error) = self.db.prune_simulations(hold.store, KEPT).await {
            tracing::warn!(store = %hold.store, "old simulations stay: {error}");
        }
        let mut at_it = self.at_it.subscribe();
        loop {
            match self.db.start_simulation(hold, self.clock.now()).await? {
                SimulationTurn::Now => break,
                SimulationTurn::Gone => return Err(Stopped::Gone),
                // Another instance's job may have been before it: those ring nobody here.
                SimulationTurn::Later => drop(tokio::time::timeout(LOOK, at_it.changed()).await),
            }
        }
        // Held until the end, so that the host doesn't forget them.
        let _components = self.load(&plan.draft).await?;
        match plan.on {
            plan::On::Cart(trials) => {
                let _components = self.load(&plan.active).await?;
                self.try_cart(hold, *trials).await
            }
            plan::On::Orders(orders) => self.try_orders(hold, &plan.draft, orders).await,
        }
    }

    async fn load(&self, rulebook: &SealedRulebook) -> Result<Vec<Arc<Component>>, Error> {
        rulebooks::load_components(&self.db, self.pricer.host(), rulebook).await.map_err(rules::unusable)
    }

    /// Says again and again that the job is being worked on, until it may not be any more.
    async fn lost(&self, hold: &SimulationHold) {
        loop {
            tokio::time::sleep(BEAT).await;
            match self.db.keep_simulation(hold).await {
                Ok(true) => {}
                Ok(false) => return,
                Err(error) => tracing::debug!(simulation = %hold.id, %error, "a heartbeat is missing"),
            }
        }
    }

    async fn store(&self, hold: &SimulationHold, step: Step) -> Result<(), Stopped> {
        let Step { done, result, orders } = step;
        let result = serde_json::to_string(&result)
            .map_err(|error| Error::Internal(format!("a result can't be written: {error}")))?;
        let stored = self.db.store_simulation_step(hold, done, &result, &orders).await?;
        if stored { Ok(()) } else { Err(Stopped::Gone) }
    }

    /// Works a price out when it is the turn of work that no shopper waits for. This is the one place where
    /// a job takes a turn and has components run, which it holds. All stores' together leave a
    /// core to shoppers, and one that waits for its turn keeps no other from theirs. `method` is the
    /// shipping method that the cart has chosen.
    async fn walk_in_turn(
        &self,
        store: Id<Store>,
        input: Input,
        method: Option<&Handle>,
    ) -> Result<Walked, Error> {
        let mut tries = 0;
        loop {
            tries += 1;
            let walked = self.pricer.evaluate(store, Urgency::Background, input.clone(), Vec::new());
            let (quote, calls) = walked.await?;
            if !quote.provisional || tries >= TRIES {
                return Ok(Walked::new(method, quote, calls));
            }
        }
    }
}

/// A job that is under way here.
struct AtIt<'a>(&'a Simulations);

impl Drop for AtIt<'_> {
    fn drop(&mut self) {
        self.0.at_it.send_modify(|count| *count -= 1);
    }
}
