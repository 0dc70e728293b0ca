//! The providers over real books, each time asked as by a process that was just started.

mod at_once;
mod authorise;
mod request;
mod settle;

use std::{str::FromStr as _, sync::Arc, time::Duration};

use martlet_domain::{
    Digest, Id,
    order::{Order, OrderNumber, OrderStatus, Payment, PaymentStatus, Progress, Refund, RefundStatus, Terms},
    payment::{
        DeclineReason,
        ProviderName::{Manual, Test},
    },
    quote::Totals,
};
use martlet_store::TestBalance;
use uuid::Uuid;

use super::*;
use crate::testing::{NOW, TestApp, logged};

const TOTAL: i64 = 10_000;

/// An engine, and an order in it that is to be paid.
struct Till {
    app: TestApp,
    order: Order,
}

impl Till {
    async fn new() -> Self {
        let app = TestApp::new().await;
        let order = order(app.state.world.ids.next(NOW));
        Self { app, order }
    }

    /// Providers as a process that was started just now has them.
    fn payments(&self) -> Payments {
        self.payments_within(Duration::from_secs(20))
    }

    fn payments_within(&self, timeout: Duration) -> Payments {
        let timeout_ms = u64::try_from(timeout.as_millis()).unwrap();
        let config = PaymentsConfig { timeout_ms, ..PaymentsConfig::default() };
        Payments::new(self.app.state.db.clone(), self.app.state.world.clock.clone(), &config)
    }

    async fn authorise(&self, token: &str) -> Result<Authorisation, PaymentError> {
        let request = PaymentRequest::authorise(self.app.store.id, &self.order);
        self.payments().authorise(Test, &request, token).await
    }

    /// An order whose payment is authorised.
    async fn authorised(token: &str) -> Self {
        let mut till = Self::new().await;
        let reference = approved(till.authorise(token).await);
        till.order.progress.payment.reference = Some(reference);
        till
    }

    async fn captured(token: &str) -> Self {
        let till = Self::authorised(token).await;
        assert_eq!(till.capture(TOTAL).await.unwrap(), Settlement::Done);
        till
    }

    async fn capture(&self, amount: i64) -> Result<Settlement, PaymentError> {
        let request = PaymentRequest { amount, ..PaymentRequest::capture(self.app.store.id, &self.order) };
        self.payments().capture(Test, &request).await
    }

    async fn void(&self) -> Result<Settlement, PaymentError> {
        let reference = self.order.progress.payment.reference.clone().unwrap_or_default();
        let request = PaymentRequest::void(self.app.store.id, &self.order, reference);
        self.payments().void(Test, &request).await
    }

    async fn refund(&self, number: u128, amount: i64) -> Result<Settlement, PaymentError> {
        let request = PaymentRequest::refund(self.app.store.id, &self.order, &refund(number, amount));
        self.payments().refund(Test, &request).await
    }

    /// Authorised, captured, voided and refunded.
    async fn balance(&self) -> [i64; 4] {
        let (db, payment) = (&self.app.state.db, self.order.id.to_string());
        let TestBalance { authorised, captured, voided, refunded } =
            db.test_payment_balance(self.app.store.id, &payment).await.unwrap();
        [authorised, captured, voided, refunded]
    }

    async fn entries(&self) -> usize {
        let payment = self.order.id.to_string();
        self.app.state.db.list_test_payments(self.app.store.id, &payment).await.unwrap().len()
    }
}

fn order(id: Id<Order>) -> Order {
    let totals = Totals {
        goods_subtotal: TOTAL,
        goods_discount: 0,
        shipping_subtotal: 0,
        shipping_discount: 0,
        tax: 0,
        tax_included: true,
        total: TOTAL,
    };
    let terms = Terms {
        cart: Id::new(Uuid::from_u128(1)),
        cart_version: 1,
        customer: None,
        email: None,
        shipping_address: None,
        currency: "KRW".parse().unwrap(),
        as_of: NOW,
        rulebook: 0,
        receipt: Digest::of(b""),
        lines: Vec::new(),
        shipping: None,
        discounts: Vec::new(),
        totals,
        coupons: Vec::new(),
        budgets: Vec::new(),
    };
    let payment =
        Payment { provider: Test, token: String::new(), status: PaymentStatus::Pending, reference: None };
    let progress = Progress {
        lines: Vec::new(),
        payment,
        fulfillments: Vec::new(),
        refunds: Vec::new(),
        cancelled: None,
        given_back: false,
        awaited_by: None,
    };
    Order {
        id,
        number: OrderNumber::from_random([0; 5]),
        version: 1,
        status: OrderStatus::PendingPayment,
        terms: Arc::new(terms),
        progress,
        placed_at: NOW,
        updated_at: NOW,
        pending_until: None,
    }
}

fn refund(number: u128, amount: i64) -> Refund {
    let (id, reason) = (Id::new(Uuid::from_u128(number)), String::new());
    Refund { id, amount, reason, lines: Vec::new(), status: RefundStatus::Pending, at: NOW }
}

#[track_caller]
fn approved(answer: Result<Authorisation, PaymentError>) -> String {
    match answer {
        Ok(Authorisation::Approved { reference }) => reference,
        other => panic!("expected it to be approved, not {other:?}"),
    }
}

fn declined(reason: DeclineReason) -> Authorisation {
    Authorisation::Declined { reason }
}

#[track_caller]
fn assert_refused(answer: Result<Settlement, PaymentError>, expected: &str) {
    assert_eq!(answer.unwrap(), Settlement::Refused { reason: expected.to_owned() });
}
