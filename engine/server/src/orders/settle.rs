//! Asking the provider, and what its answer makes of the order. Checkouts and the reconciler come
//! through here alike: both may ask, and whoever is first decides.

use martlet_domain::{
    Id,
    order::{Cancellation, Order, OrderStatus, PaymentStatus},
    settings::Store,
};
use martlet_store::{Answering, Claim, StoredAnswer, fault};

use super::{Orders, TRIES, Taken};
use crate::{
    api,
    error::Error,
    idempotency,
    payments::{Authorisation, PaymentError},
};

impl Orders {
    /// Settles an order that was just placed, and answers the request that placed it.
    pub(super) async fn pay(
        &self,
        store: Id<Store>,
        order: Order,
        claim: &Claim,
    ) -> Result<StoredAnswer, Error> {
        match self.authorise(store, &order).await {
            Ok(outcome) => {
                fault::point("payment.asked");
                self.settle(store, order, &outcome).await?;
            }
            Err(error) => {
                tracing::warn!(order = %order.id, %error, "the payment's outcome isn't known yet");
                return Err(Error::PaymentUnknown);
            }
        }
        fault::point("checkout.settled");
        // Kept by whoever settled it. Freed where the order was called off meanwhile.
        self.answer_of(claim.id, claim.request).await?.ok_or(Error::OrderCalledOff)
    }

    /// What the provider says. Asked again with the same key, it says the same.
    pub(super) async fn authorise(
        &self,
        store: Id<Store>,
        order: &Order,
    ) -> Result<Authorisation, PaymentError> {
        if order.terms.totals.total == 0 {
            return Ok(Authorisation::Approved { reference: String::new() });
        }
        let payment = &order.progress.payment;
        let request = crate::payments::PaymentRequest::authorise(store, order);
        self.payments.authorise(payment.provider, &request, &payment.token).await
    }

    /// Makes of an order what the provider said, unless somebody else has settled it.
    pub(super) async fn settle(
        &self,
        store: Id<Store>,
        mut order: Order,
        outcome: &Authorisation,
    ) -> Result<(), Error> {
        for _ in 0..TRIES {
            if order.status != OrderStatus::PendingPayment {
                return Ok(());
            }
            let now = self.clock.now();
            let mut settled = order.clone();
            let effects = match outcome {
                Authorisation::Approved { reference } => {
                    let reference = Some(reference.clone()).filter(|reference| !reference.is_empty());
                    settled.pay(reference, now)?
                }
                Authorisation::Declined { reason } => settled.decline(*reason, now)?,
            };
            let answers = answering(&order, &settled).into_iter().collect();
            if self.store(store, Taken { answers, ..Taken::new(settled, effects) }).await? {
                if let (Authorisation::Approved { .. }, Some(counters)) = (outcome, self.pricer.counters()) {
                    counters.count_order(store, &order);
                }
                return Ok(());
            }
            order = self.find(store, order.id).await?;
        }
        Err(Error::Busy)
    }
}

/// What becomes of the request that waits for an order: the order, the refusal, or its key back, so
/// that it can be made again.
pub(super) fn answering(before: &Order, after: &Order) -> Option<Answering> {
    let awaiting = before.progress.awaited_by.as_ref()?;
    let claim = awaiting.claim;
    Some(match (&after.progress.cancelled, after.progress.payment.status) {
        (None, _) => {
            let stored = Order { version: after.version + 1, ..after.clone() };
            Answering::Claimed { claim, answer: api::order::placed(&stored) }
        }
        (Some(Cancellation::Declined), PaymentStatus::Declined(reason)) => {
            let error = Error::PaymentDeclined { reason, order: after.number.clone() };
            Answering::Claimed { claim, answer: idempotency::render(&error, &awaiting.request_id) }
        }
        _ => Answering::Released(claim),
    })
}
