//! What has to happen after an order's commit: the money moves, the customer's facts count it.
//!
//! Events are delivered at least once, an order's in their order. What the provider is asked carries
//! a key of its own, so that asking again moves nothing twice; what the database is told is told in
//! the transaction that deletes the event.

use std::time::Duration;

use martlet_domain::{
    Id, Timestamp,
    order::{Effects, Order, OrderEvent, Refund},
    settings::Store,
};
use martlet_store::{DueEvent, FactsChange, fault};
use tokio::task::{JoinError, JoinSet};

use super::{Orders, TRIES, Taken};
use crate::{
    error::Error,
    payments::{Authorisation, PaymentError, PaymentRequest, Settlement},
    price_cart::settings,
};

/// Events that are taken at a time: few enough to be through before others may take them.
const BATCH: u32 = 32;
/// Events that are delivered at a time.
const AT_ONCE: usize = 8;
/// Longest pause before an event is delivered again.
const LONGEST_PAUSE: Duration = Duration::from_secs(300);

/// What the outcome of an event changes.
struct Outcome {
    note: Note,
    facts: Option<(i64, i64)>,
}

/// What the order learns.
#[derive(Debug, Clone, Copy)]
enum Note {
    Nothing,
    Capture(bool),
    Void(bool),
    Refund(Id<Refund>, bool),
}

impl Orders {
    /// Delivers everything that is due now, and says how much that was.
    pub async fn deliver_due(self: &std::sync::Arc<Self>) -> Result<usize, Error> {
        let mut delivered = 0;
        loop {
            let now = self.clock.now();
            let events = self.db.take_due_events(now, now.plus(self.rules.redeliver_after), BATCH).await?;
            if events.is_empty() {
                return Ok(delivered);
            }
            fault::point("event.taken");
            delivered += events.len();
            let mut under_way = JoinSet::new();
            for event in events {
                if under_way.len() >= AT_ONCE {
                    ended(under_way.join_next().await);
                }
                let orders = std::sync::Arc::clone(self);
                under_way.spawn(async move { orders.deliver_or_put_off(event).await });
            }
            while let Some(delivery) = under_way.join_next().await {
                ended(Some(delivery));
            }
        }
    }

    /// Waits until there may be something to deliver.
    pub(super) async fn event_rings(&self) {
        self.events.notified().await;
    }

    async fn deliver_or_put_off(&self, event: DueEvent) {
        let Err(error) = self.deliver(&event).await else { return };
        let pause = Duration::from_secs(1 << event.attempts.clamp(0, 9)).min(LONGEST_PAUSE);
        tracing::warn!(order = %event.order, event = event.event.kind(), attempts = event.attempts,
            pause_s = pause.as_secs(), %error, "an event isn't delivered yet");
        let again = self.clock.now().plus(pause);
        if let Err(error) = self.db.put_event_off(&event, again).await {
            tracing::error!(order = %event.order, %error, "an event can't be put off; it comes back by itself");
        }
    }

    async fn deliver(&self, event: &DueEvent) -> Result<(), Error> {
        let mut order = self.find(event.store, event.order).await?;
        let outcome = self.act(event.store, &order, &event.event).await.map_err(Error::Payment)?;
        fault::point("event.asked");
        let facts = self.facts_change(event.store, &order, outcome.facts).await?;
        for _ in 0..TRIES {
            let mut noted = order.clone();
            let effects = note(&mut noted, outcome.note, self.clock.now());
            let delivered = Some(event.sequence);
            let taken = Taken { delivered, facts, ..Taken::new(noted, effects) };
            if self.store(event.store, taken).await? {
                fault::point("event.recorded");
                return Ok(());
            }
            order = self.find(event.store, event.order).await?;
        }
        Err(Error::Busy)
    }

    /// Does what the event asks for.
    async fn act(
        &self,
        store: Id<Store>,
        order: &Order,
        event: &OrderEvent,
    ) -> Result<Outcome, PaymentError> {
        let total = order.terms.totals.total;
        Ok(match event {
            OrderEvent::Paid => {
                let note = if total > 0 { self.capture(store, order).await? } else { Note::Nothing };
                let spent = if matches!(note, Note::Capture(false)) { 0 } else { total };
                Outcome { note, facts: Some((1, spent)) }
            }
            OrderEvent::Abandoned => Outcome { note: self.give_up(store, order).await?, facts: None },
            OrderEvent::Cancelled => Outcome { note: Note::Nothing, facts: Some((-1, 0)) },
            OrderEvent::Refunded { refund } => self.pay_back(store, order, *refund).await?,
        })
    }

    async fn capture(&self, store: Id<Store>, order: &Order) -> Result<Note, PaymentError> {
        let request = PaymentRequest::capture(store, order);
        let settlement = self.payments.capture(order.progress.payment.provider, &request).await?;
        Ok(Note::Capture(is_done(order, "capture", &settlement)))
    }

    /// Learns what became of the payment, and gives it up where the money was set aside.
    async fn give_up(&self, store: Id<Store>, order: &Order) -> Result<Note, PaymentError> {
        if order.terms.totals.total == 0 {
            return Ok(Note::Nothing);
        }
        match self.authorise(store, order).await? {
            Authorisation::Declined { .. } => Ok(Note::Nothing),
            Authorisation::Approved { reference } => {
                let request = PaymentRequest::void(store, order, reference);
                let settlement = self.payments.void(order.progress.payment.provider, &request).await?;
                Ok(Note::Void(is_done(order, "void", &settlement)))
            }
        }
    }

    async fn pay_back(
        &self,
        store: Id<Store>,
        order: &Order,
        id: Id<Refund>,
    ) -> Result<Outcome, PaymentError> {
        let Some(refund) = order.progress.refunds.iter().find(|refund| refund.id == id) else {
            return Ok(Outcome { note: Note::Nothing, facts: None });
        };
        let request = PaymentRequest::refund(store, order, refund);
        let settlement = self.payments.refund(order.progress.payment.provider, &request).await?;
        let done = is_done(order, "refund", &settlement);
        Ok(Outcome { note: Note::Refund(id, done), facts: done.then_some((0, -refund.amount)) })
    }

    /// Facts are kept in the store's own currency; orders in others count, and their money doesn't.
    async fn facts_change(
        &self,
        store: Id<Store>,
        order: &Order,
        change: Option<(i64, i64)>,
    ) -> Result<Option<FactsChange>, Error> {
        let Some((customer, (orders, spend))) = order.terms.customer.zip(change) else { return Ok(None) };
        let own = settings(&self.db, store).await?.default_currency == order.terms.currency;
        Ok(Some(FactsChange { customer, orders, spend: if own { spend } else { 0 } }))
    }
}

/// What the order learns, and what that moves.
fn note(order: &mut Order, note: Note, now: Timestamp) -> Effects {
    match note {
        Note::Nothing => {}
        Note::Capture(captured) => order.note_capture(captured, now),
        Note::Void(voided) => order.note_void(voided, now),
        Note::Refund(refund, succeeded) => return order.note_refund(refund, succeeded, now),
    }
    Effects::default()
}

/// Whether the provider did what it was asked for. A refusal is the merchant's to look at.
fn is_done(order: &Order, operation: &str, settlement: &Settlement) -> bool {
    if let Settlement::Refused { reason } = settlement {
        tracing::error!(order = %order.id, operation, reason, "the provider refused: look at the payment");
    }
    *settlement == Settlement::Done
}

/// A delivery that panicked is begun again by itself.
fn ended(delivery: Option<Result<(), JoinError>>) {
    if let Some(Err(error)) = delivery {
        tracing::error!(%error, "a delivery ended early");
    }
}
