//! The provider `manual`: the merchant settles payments outside of the engine, as with cash on
//! delivery or a bank transfer. It agrees to everything and keeps no books: the order says what is
//! to be done, and the merchant does it.

use super::{Authorisation, PaymentRequest, Settlement};

/// Always approved. The reference is what the merchant finds the payment by.
pub(super) fn authorise(request: &PaymentRequest) -> Authorisation {
    Authorisation::Approved { reference: format!("manual-{}", request.payment) }
}

/// Always done, by the merchant.
pub(super) fn settle(request: &PaymentRequest) -> Settlement {
    let PaymentRequest { key, amount, currency, .. } = request;
    tracing::info!(%key, amount, %currency, "the merchant settles this payment outside of the engine");
    Settlement::Done
}
