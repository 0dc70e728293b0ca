//! What a provider is asked.

use std::fmt;

use martlet_domain::{
    Id,
    money::Currency,
    order::{Order, Refund},
    settings::Store,
};

/// What a provider is asked. All of it follows from the order, so a process that knows nothing of an
/// earlier one asks the same again, under the same key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PaymentRequest {
    /// Whose payment it is.
    pub store: Id<Store>,
    /// Tells it from every other request in the store.
    pub key: RequestKey,
    /// What is paid for. An order has one payment.
    pub payment: Id<Order>,
    /// How much, in minor units.
    pub amount: i64,
    /// Of what.
    pub currency: Currency,
    /// How the provider calls what it set aside; nothing while it hasn't.
    pub reference: Option<String>,
}

/// The key of a request: `ORDER:authorise`, `ORDER:capture`, `ORDER:void` or `ORDER:refund:REFUND`.
///
/// It is worked out, not stored: an order is authorised, captured and voided at most once each, and
/// each of its refunds has an id. An order whose payment is declined is over, so another try to pay
/// is another order, with other keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestKey(String);

impl PaymentRequest {
    /// To set an order's total aside.
    pub fn authorise(store: Id<Store>, order: &Order) -> Self {
        Self { reference: None, ..Self::about(store, order, RequestKey::authorise(order.id)) }
    }

    /// To take an order's total.
    pub fn capture(store: Id<Store>, order: &Order) -> Self {
        Self::about(store, order, RequestKey::capture(order.id))
    }

    /// To give up what was set aside for an order, which the order may not know of.
    pub fn void(store: Id<Store>, order: &Order, reference: String) -> Self {
        Self { reference: Some(reference), ..Self::about(store, order, RequestKey::void(order.id)) }
    }

    /// To pay a refund of an order back.
    pub fn refund(store: Id<Store>, order: &Order, refund: &Refund) -> Self {
        let key = RequestKey::refund(order.id, refund.id);
        Self { amount: refund.amount, ..Self::about(store, order, key) }
    }

    fn about(store: Id<Store>, order: &Order, key: RequestKey) -> Self {
        Self {
            store,
            key,
            payment: order.id,
            amount: order.terms.totals.total,
            currency: order.terms.currency,
            reference: order.progress.payment.reference.clone(),
        }
    }
}

impl RequestKey {
    /// Of the only authorisation of an order.
    pub fn authorise(order: Id<Order>) -> Self {
        Self(format!("{order}:authorise"))
    }

    /// Of the only capture of an order.
    pub fn capture(order: Id<Order>) -> Self {
        Self(format!("{order}:capture"))
    }

    /// Of the only void of an order.
    pub fn void(order: Id<Order>) -> Self {
        Self(format!("{order}:void"))
    }

    /// Of a refund.
    pub fn refund(order: Id<Order>, refund: Id<Refund>) -> Self {
        Self(format!("{order}:refund:{refund}"))
    }

    /// Its text, at most 80 ASCII characters.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RequestKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
