//! What merchants do to orders.

use martlet_domain::{
    Entity as _, Id, Timestamp,
    order::{Effects, LineQuantity, NewRefund, Order, StepError},
    settings::Store,
};
use martlet_store::{Answering, Claim, StoreError, StoredAnswer, Unique, fault};

use super::{Orders, TRIES, Taken, settle::answering};
use crate::{api, error::Error, extract::IfMatch};

/// One step that a merchant takes.
#[derive(Debug, Clone)]
pub enum StepRequest {
    /// Ships units: those named, or all that are left.
    Fulfil {
        /// Which.
        lines: Option<Vec<LineQuantity>>,
        /// The carrier's number.
        tracking: Option<String>,
    },
    /// Calls it off.
    Cancel {
        /// Why.
        reason: String,
    },
    /// Pays money back.
    Refund {
        /// Minor units; all that is left where nothing is said.
        amount: Option<i64>,
        /// Why.
        reason: String,
        /// Units that come back, or won't be shipped.
        lines: Vec<LineQuantity>,
        /// Whether units that come back can be sold again.
        restock: bool,
    },
    /// Is through with it.
    Complete,
}

/// What came of a step.
#[derive(Debug)]
pub enum StepTaken {
    /// The order after it.
    Now(Box<Order>),
    /// The answer to a request that has a key.
    Kept(StoredAnswer),
}

impl Orders {
    /// Takes a step on an order, once for each claim. Without `if_match` it is taken on the newest
    /// version.
    pub async fn take_step(
        &self,
        store: Id<Store>,
        id: Id<Order>,
        if_match: Option<&IfMatch>,
        claim: Option<&Claim>,
        request: &StepRequest,
    ) -> Result<StepTaken, Error> {
        if let Some(claim) = claim
            && let Some(answer) = self.answer_of(claim.id, claim.request).await?
        {
            return Ok(StepTaken::Kept(answer));
        }
        match (self.try_step(store, id, if_match, claim, request).await, claim) {
            (Err(error), Some(claim)) => self.keep_refusal(claim, error).await.map(StepTaken::Kept),
            (taken, _) => taken,
        }
    }

    async fn try_step(
        &self,
        store: Id<Store>,
        id: Id<Order>,
        if_match: Option<&IfMatch>,
        claim: Option<&Claim>,
        request: &StepRequest,
    ) -> Result<StepTaken, Error> {
        let mut order = self.find(store, id).await?;
        for _ in 0..TRIES {
            if let Some(if_match) = if_match {
                if_match.check(Order::NAME, order.version)?;
            }
            let now = self.clock.now();
            let mut stepped = order.clone();
            let effects = self.step(&mut stepped, request, now)?;
            fault::point("step.taken");
            let stored = Order { version: order.version + 1, ..stepped.clone() };
            // A checkout that waits for the order hears of it too.
            let mut answers: Vec<Answering> = answering(&order, &stepped).into_iter().collect();
            answers.extend(
                claim.map(|claim| Answering::New {
                    claim: claim.clone(),
                    answer: api::order::stepped(&stored),
                }),
            );
            match self.store(store, Taken { answers, ..Taken::new(stepped, effects) }).await {
                Ok(true) => {
                    fault::point("step.stored");
                    return Ok(StepTaken::Now(Box::new(stored)));
                }
                Ok(false) => order = self.find(store, id).await?,
                Err(Error::Store(StoreError::Conflict(Unique::IdempotencyKey))) => {
                    return self.kept(claim).await;
                }
                Err(error) => return Err(error),
            }
        }
        Err(Error::Busy)
    }

    async fn kept(&self, claim: Option<&Claim>) -> Result<StepTaken, Error> {
        let Some(claim) = claim else { return Err(Error::InFlight) };
        let answer = self.answer_of(claim.id, claim.request).await?;
        answer.map(StepTaken::Kept).ok_or(Error::InFlight)
    }

    fn step(&self, order: &mut Order, request: &StepRequest, now: Timestamp) -> Result<Effects, StepError> {
        match request.clone() {
            StepRequest::Fulfil { lines, tracking } => order.fulfil(self.ids.next(now), lines, tracking, now),
            StepRequest::Cancel { reason } => order.cancel(self.ids.next(now), reason, now),
            StepRequest::Refund { amount, reason, lines, restock } => {
                order.refund(NewRefund { id: self.ids.next(now), amount, reason, lines, restock }, now)
            }
            StepRequest::Complete => order.complete(now),
        }
    }
}
