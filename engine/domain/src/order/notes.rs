//! What the provider says afterwards, and what an order makes of it. What is said twice, or of
//! something that isn't waited for, changes nothing.

use super::{Effects, Order, OrderEvent, OrderStatus, PaymentStatus, Refund, RefundStatus, Step};
use crate::{Id, Timestamp};

impl Order {
    /// The provider has handed the money over, or refuses to.
    pub fn note_capture(&mut self, captured: bool, now: Timestamp) {
        if self.progress.payment.status == PaymentStatus::Authorised {
            self.progress.payment.status =
                if captured { PaymentStatus::Captured } else { PaymentStatus::CaptureRefused };
            self.updated_at = now;
        }
    }

    /// The provider has given up what it had set aside, or refuses to.
    pub fn note_void(&mut self, voided: bool, now: Timestamp) {
        use PaymentStatus::{CaptureRefused, Pending, VoidRefused, Voided};
        if matches!(self.progress.payment.status, Pending | CaptureRefused) {
            self.progress.payment.status = if voided { Voided } else { VoidRefused };
            self.updated_at = now;
        }
    }

    /// The provider has paid back, or refuses to. With the last of the money back, everything that isn't
    /// shipped is free, and so are coupons and budgets; money that is refused is still ours, and the goods
    /// that it paid for are still to be shipped.
    pub fn note_refund(&mut self, id: Id<Refund>, succeeded: bool, now: Timestamp) -> Effects {
        let mut effects = Effects::default();
        let pending = |refund: &&mut Refund| refund.id == id && refund.status == RefundStatus::Pending;
        let Some(refund) = self.progress.refunds.iter_mut().find(pending) else { return effects };
        refund.status = if succeeded { RefundStatus::Succeeded } else { RefundStatus::Refused };
        self.updated_at = now;
        // Where the capture was refused too, no money is ours, and all that was asked back is back.
        if !succeeded
            && self.refundable() > 0
            && let Some(status) = self.status.after(Step::RefundRefused)
        {
            self.status = status;
        }
        self.end_refunded(&mut effects);
        let never_ours = !succeeded && self.progress.payment.status == PaymentStatus::CaptureRefused;
        if never_ours && self.status == OrderStatus::Cancelled && !self.refund_pending() {
            effects.events.push(OrderEvent::Abandoned);
        }
        effects
    }
}
