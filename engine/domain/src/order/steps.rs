//! What each step does to an order, and what it moves besides.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{
    Cancellation, Fulfillment, LineProgress, Order, OrderEvent, OrderStatus, PaymentStatus, Refund,
    RefundStatus, Step,
};
use crate::{
    Id, Timestamp,
    catalog::{Sku, Variant},
    payment::DeclineReason,
};

/// Units of one line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LineQuantity {
    /// The line's place in the order, from 0.
    pub position: u32,
    /// How many.
    pub quantity: u32,
}

/// What a step moves besides the order. Carried out with it, or not at all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[must_use = "stock, coupons and budgets have to follow the order"]
pub struct Effects {
    /// Units that are free again: off the reservation.
    pub release: BTreeMap<Id<Variant>, i64>,
    /// Units that leave: off the reservation and off the shelf.
    pub take: BTreeMap<Id<Variant>, i64>,
    /// Units that came back onto the shelf.
    pub restock: BTreeMap<Id<Variant>, i64>,
    /// Whether coupons and budgets get back what the order took.
    pub gives_back: bool,
    /// Whether the cart can be changed and ordered again.
    pub reopens_cart: bool,
    /// What has to happen afterwards.
    pub events: Vec<OrderEvent>,
}

/// A refund that is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRefund {
    /// Its id.
    pub id: Id<Refund>,
    /// How much, in minor units; all that is left where nothing is said.
    pub amount: Option<i64>,
    /// Why.
    pub reason: String,
    /// Units that come back, or won't be shipped.
    pub lines: Vec<LineQuantity>,
    /// Whether units that come back can be sold again.
    pub restock: bool,
}

/// Why a step isn't taken. Nothing has changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StepError {
    /// It doesn't lead anywhere from here.
    #[error("an order that is {status} can't be {}", participle(*.step))]
    NotAllowed {
        /// Where the order is.
        status: OrderStatus,
        /// What was asked for.
        step: Step,
    },
    /// There is no such line.
    #[error("the order has no line at position {position}")]
    UnknownLine {
        /// Its place.
        position: u32,
    },
    /// A line doesn't have as many units for this.
    #[error("{available} units of {sku} are left for this, and {requested} were asked for")]
    TooManyUnits {
        /// What.
        sku: Sku,
        /// Units asked for.
        requested: u32,
        /// Units there are.
        available: u32,
    },
    /// No units were named, or a line with none of them.
    #[error("at least one unit is needed")]
    NoUnits,
    /// More than was paid and not asked back.
    #[error("{refundable} can still be paid back, and {requested} were asked for (minor units)")]
    RefundExceedsPayment {
        /// Minor units asked for.
        requested: i64,
        /// Minor units there are.
        refundable: i64,
    },
    /// The provider refused to hand the money over, or it was given up.
    #[error("the payment was not captured: cancel the order")]
    NotPaid,
    /// A refund of nothing, or less.
    #[error("a refund needs an amount above 0, or units that come back")]
    NothingToRefund,
}

const fn participle(step: Step) -> &'static str {
    match step {
        Step::Pay => "paid",
        Step::Decline => "declined",
        Step::Expire => "left to expire",
        Step::Cancel => "cancelled",
        Step::FulfilSome | Step::FulfilRest => "fulfilled",
        Step::Complete => "completed",
        Step::RefundSome | Step::RefundRest | Step::RefundRefused => "refunded",
    }
}

impl Order {
    /// The provider has set the money aside.
    pub fn pay(&mut self, reference: Option<String>, now: Timestamp) -> Result<Effects, StepError> {
        self.step(Step::Pay, now)?;
        self.settle();
        self.progress.payment.status = PaymentStatus::Authorised;
        self.progress.payment.reference = reference;
        Ok(Effects { events: vec![OrderEvent::Paid], ..Effects::default() })
    }

    /// The provider has said no.
    pub fn decline(&mut self, reason: DeclineReason, now: Timestamp) -> Result<Effects, StepError> {
        self.step(Step::Decline, now)?;
        self.progress.payment.status = PaymentStatus::Declined(reason);
        Ok(self.call_off(Cancellation::Declined, Vec::new()))
    }

    /// It wasn't paid in time.
    pub fn expire(&mut self, now: Timestamp) -> Result<Effects, StepError> {
        self.step(Step::Expire, now)?;
        Ok(self.call_off(Cancellation::Expired, vec![OrderEvent::Abandoned]))
    }

    /// The merchant calls it off. What was paid goes back, as the refund of this id; what the provider
    /// set aside and didn't hand over is given up.
    pub fn cancel(
        &mut self,
        refund: Id<Refund>,
        reason: String,
        now: Timestamp,
    ) -> Result<Effects, StepError> {
        let paid = self.status == OrderStatus::Paid;
        self.step(Step::Cancel, now)?;
        let mut events = vec![if paid { OrderEvent::Cancelled } else { OrderEvent::Abandoned }];
        let amount = self.refundable();
        if paid && amount > 0 {
            let lines = Vec::new();
            let status = RefundStatus::Pending;
            self.progress.refunds.push(Refund {
                id: refund,
                amount,
                reason: reason.clone(),
                lines,
                status,
                at: now,
            });
            events.push(OrderEvent::Refunded { refund });
        } else if paid && self.progress.payment.status == PaymentStatus::CaptureRefused {
            events.push(OrderEvent::Abandoned);
        }
        let effects = self.call_off(Cancellation::Merchant(reason), events);
        // A cart that was paid for once stays what it was.
        Ok(Effects { reopens_cart: !paid, ..effects })
    }

    /// Units are shipped: those named, or all that are left.
    pub fn fulfil(
        &mut self,
        id: Id<Fulfillment>,
        lines: Option<Vec<LineQuantity>>,
        tracking: Option<String>,
        now: Timestamp,
    ) -> Result<Effects, StepError> {
        use PaymentStatus::{CaptureRefused, VoidRefused, Voided};
        let lines = lines.unwrap_or_else(|| self.all_open());
        self.status.after(Step::FulfilSome).ok_or(self.not_allowed(Step::FulfilSome))?;
        if matches!(self.progress.payment.status, CaptureRefused | Voided | VoidRefused) {
            return Err(StepError::NotPaid);
        }
        let mut changed = self.clone();
        let mut effects = Effects::default();
        if lines.is_empty() {
            return Err(StepError::NoUnits);
        }
        for line in &lines {
            let sku_and_open = changed.units(*line, |order, position| order.open_units(position))?;
            changed.progress.lines[sku_and_open.0].fulfilled += line.quantity;
            *effects.take.entry(sku_and_open.1).or_default() += i64::from(line.quantity);
        }
        let rest = changed.all_open().is_empty();
        changed.step(if rest { Step::FulfilRest } else { Step::FulfilSome }, now)?;
        changed.progress.fulfillments.push(Fulfillment { id, lines, tracking, at: now });
        *self = changed;
        Ok(effects)
    }

    /// The merchant is through with it.
    pub fn complete(&mut self, now: Timestamp) -> Result<Effects, StepError> {
        self.step(Step::Complete, now)?;
        Ok(Effects::default())
    }

    /// Money goes back. Units named come back with it, at once: first those that aren't shipped yet,
    /// then those that are. With the last of the money everything else that isn't shipped is free again,
    /// and so are coupons and budgets, but not before it is back: see [`Order::note_refund`]. Where there
    /// is no money, the last unit that comes back ends the order.
    pub fn refund(&mut self, new: NewRefund, now: Timestamp) -> Result<Effects, StepError> {
        let requested = self.requested(&new)?;
        let rest = requested == self.refundable();
        let mut changed = self.clone();
        let mut effects = Effects::default();
        for line in &new.lines {
            changed.take_back(*line, new.restock, &mut effects)?;
        }
        let rest = rest && (requested > 0 || changed.nothing_is_out());
        changed.step(if rest { Step::RefundRest } else { Step::RefundSome }, now)?;
        if requested > 0 {
            effects.events.push(OrderEvent::Refunded { refund: new.id });
        }
        let NewRefund { id, reason, lines, .. } = new;
        let status = if requested > 0 { RefundStatus::Pending } else { RefundStatus::Succeeded };
        changed.progress.refunds.push(Refund { id, amount: requested, reason, lines, status, at: now });
        changed.end_refunded(&mut effects);
        *self = changed;
        Ok(effects)
    }

    /// How much a refund asks for, if it can be asked for here.
    fn requested(&self, new: &NewRefund) -> Result<i64, StepError> {
        let refundable = self.refundable();
        let requested = new.amount.unwrap_or(refundable);
        // Both steps of refunds lead on from the same places.
        self.status.after(Step::RefundSome).ok_or(self.not_allowed(Step::RefundSome))?;
        if requested < 0 || (requested == 0 && new.lines.is_empty()) {
            return Err(StepError::NothingToRefund);
        }
        if requested > refundable {
            return Err(StepError::RefundExceedsPayment { requested, refundable });
        }
        Ok(requested)
    }

    /// Once all of the money is back, everything that isn't shipped is free again, and so are coupons
    /// and budgets. While the provider may still refuse, the goods are kept.
    pub(super) fn end_refunded(&mut self, effects: &mut Effects) {
        if self.status != OrderStatus::Refunded || self.refund_pending() {
            return;
        }
        self.release_open(effects);
        effects.gives_back = self.give_back();
        if self.progress.payment.status == PaymentStatus::CaptureRefused {
            effects.events.push(OrderEvent::Abandoned);
        }
    }

    fn step(&mut self, step: Step, now: Timestamp) -> Result<(), StepError> {
        self.status = self.status.after(step).ok_or(self.not_allowed(step))?;
        self.updated_at = now;
        Ok(())
    }

    const fn not_allowed(&self, step: Step) -> StepError {
        StepError::NotAllowed { status: self.status, step }
    }

    /// Nobody waits for it any more.
    fn settle(&mut self) {
        self.pending_until = None;
        self.progress.awaited_by = None;
    }

    fn call_off(&mut self, why: Cancellation, events: Vec<OrderEvent>) -> Effects {
        let mut effects = Effects { reopens_cart: true, events, ..Effects::default() };
        self.settle();
        self.progress.cancelled = Some(why);
        self.release_open(&mut effects);
        effects.gives_back = self.give_back();
        effects
    }

    /// Whether coupons and budgets are to have it back now: the first time only.
    fn give_back(&mut self) -> bool {
        !std::mem::replace(&mut self.progress.given_back, true)
    }

    fn release_open(&mut self, effects: &mut Effects) {
        for LineQuantity { position, quantity } in self.all_open() {
            let position = position as usize;
            self.progress.lines[position].released += quantity;
            *effects.release.entry(self.terms.lines[position].variant).or_default() += i64::from(quantity);
        }
    }

    fn all_open(&self) -> Vec<LineQuantity> {
        let open = (0_u32..)
            .zip(&self.terms.lines)
            .map(|(position, _)| LineQuantity { position, quantity: self.open_units(position as usize) });
        open.filter(|line| line.quantity > 0).collect()
    }

    /// Whether the provider is still asked to pay something back.
    pub(super) fn refund_pending(&self) -> bool {
        self.progress.refunds.iter().any(|refund| refund.status == RefundStatus::Pending)
    }

    /// Whether no unit is to be shipped, nor shipped and kept.
    fn nothing_is_out(&self) -> bool {
        let kept = |progress: &LineProgress| progress.fulfilled > progress.returned;
        self.all_open().is_empty() && !self.progress.lines.iter().any(kept)
    }

    /// Takes units of a line back: first open ones, then shipped ones.
    fn take_back(
        &mut self,
        line: LineQuantity,
        restock: bool,
        effects: &mut Effects,
    ) -> Result<(), StepError> {
        let kept = |order: &Self, position: usize| {
            let progress = order.progress.lines[position];
            order.open_units(position) + (progress.fulfilled - progress.returned)
        };
        let (position, variant) = self.units(line, kept)?;
        let open = self.open_units(position).min(line.quantity);
        let shipped = line.quantity - open;
        let progress = &mut self.progress.lines[position];
        progress.released += open;
        progress.returned += shipped;
        if open > 0 {
            *effects.release.entry(variant).or_default() += i64::from(open);
        }
        if shipped > 0 && restock {
            *effects.restock.entry(variant).or_default() += i64::from(shipped);
        }
        Ok(())
    }

    /// A line and its variant, if as many units are there as `available` says.
    fn units(
        &self,
        line: LineQuantity,
        available: impl Fn(&Self, usize) -> u32,
    ) -> Result<(usize, Id<Variant>), StepError> {
        let LineQuantity { position, quantity } = line;
        let index = position as usize;
        let sold = self.terms.lines.get(index).ok_or(StepError::UnknownLine { position })?;
        let available = available(self, index);
        match quantity {
            0 => Err(StepError::NoUnits),
            requested if requested > available => {
                Err(StepError::TooManyUnits { sku: sold.sku.clone(), requested, available })
            }
            _ => Ok((index, sold.variant)),
        }
    }
}
