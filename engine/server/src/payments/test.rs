//! The provider `test`: it moves no money, but keeps books like a provider that does, and the token
//! says how it behaves. Its books outlive the process, as those of a system outside would.

mod behaviour;
mod rules;

use martlet_domain::payment::DeclineReason;
use martlet_store::{Db, TestOperation, TestOutcome, TestPayment, transaction};

use self::behaviour::{Behaviour, FirstAnswer};
use super::{Authorisation, PaymentError, PaymentRequest, RequestKey, Settlement};
use crate::clock::Clock;

pub(super) use behaviour::TOKENS;

/// The provider, over its books.
#[derive(Debug, Clone)]
pub(super) struct TestProvider {
    db: Db,
    clock: Clock,
}

/// Whether it knows a token.
pub(super) fn knows(token: &str) -> bool {
    Behaviour::of(token).is_some()
}

impl TestProvider {
    pub(super) const fn new(db: Db, clock: Clock) -> Self {
        Self { db, clock }
    }

    /// Decides as the token says, unless it has decided before. A token that it doesn't know is
    /// declined like a card that it doesn't.
    pub(super) async fn authorise(
        &self,
        request: &PaymentRequest,
        token: &str,
    ) -> Result<Authorisation, PaymentError> {
        let (outcome, first_answer) = match Behaviour::of(token) {
            Some(Behaviour::Unreachable) => return Err(PaymentError::Unreachable),
            Some(Behaviour::Answer(outcome, first_answer)) => (outcome, first_answer),
            None => {
                (TestOutcome::Refused(DeclineReason::CardDeclined.as_str().to_owned()), FirstAnswer::AtOnce)
            }
        };
        let asked = self.entry(TestOperation::Authorise, request, outcome);
        let decided = match self.db.insert_test_payment(request.store, &asked).await? {
            // Only the one who wrote the entry is kept waiting, even if it is asked again by a process
            // that knows nothing of the first.
            None => {
                first_answer.wait().await;
                asked
            }
            Some(there) => same_request(request, &asked, there)?,
        };
        Ok(match decided.outcome {
            TestOutcome::Done(_) => Authorisation::Approved { reference: reference(request) },
            TestOutcome::Refused(reason) => {
                Authorisation::Declined { reason: reason.parse().unwrap_or(DeclineReason::CardDeclined) }
            }
        })
    }

    /// Captures, voids or refunds, unless it has answered before or a rule forbids it.
    pub(super) async fn settle(
        &self,
        operation: TestOperation,
        request: &PaymentRequest,
    ) -> Result<Settlement, PaymentError> {
        let asked = self.entry(operation, request, TestOutcome::Done(String::new()));
        let payment = asked.payment.as_str();
        let known = request.reference.as_deref() == Some(reference(request).as_str());
        let authorisation = RequestKey::authorise(request.payment);
        let decided = transaction!(&self.db, |tx| {
            // Whatever moves the money of one payment goes through here one after the other.
            tx.lock_test_payment(request.store, authorisation.as_str()).await?;
            let books = tx.list_test_payments(request.store, payment).await?;
            match books.iter().find(|entry| entry.request_key == asked.request_key) {
                Some(there) => Ok(there.clone()),
                None => {
                    let new = rules::decide(&books, asked.clone(), known);
                    Ok(tx.insert_test_payment(request.store, &new).await?.unwrap_or(new))
                }
            }
        })?;
        if decided.request_key == rules::failed_once(&asked.request_key) {
            return Err(PaymentError::Unreachable);
        }
        Ok(match same_request(request, &asked, decided)?.outcome {
            TestOutcome::Done(_) => Settlement::Done,
            TestOutcome::Refused(reason) => Settlement::Refused { reason },
        })
    }

    fn entry(&self, operation: TestOperation, request: &PaymentRequest, outcome: TestOutcome) -> TestPayment {
        TestPayment {
            request_key: request.key.as_str().to_owned(),
            operation,
            payment: request.payment.to_string(),
            amount: request.amount,
            currency: request.currency,
            outcome,
            created_at: self.clock.now(),
        }
    }
}

/// How it calls what it set aside.
fn reference(request: &PaymentRequest) -> String {
    format!("test-{}", request.payment)
}

/// The entry that is there, if it is one of the same request.
fn same_request(
    request: &PaymentRequest,
    asked: &TestPayment,
    there: TestPayment,
) -> Result<TestPayment, PaymentError> {
    let of =
        |entry: &TestPayment| (entry.operation.as_str(), entry.payment.clone(), entry.amount, entry.currency);
    if of(&there) == of(asked) {
        Ok(there)
    } else {
        Err(PaymentError::KeyReused { key: request.key.clone() })
    }
}
