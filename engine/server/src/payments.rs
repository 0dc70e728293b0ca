//! Payment providers: who sets money aside, hands it over, gives it up and pays it back.
//!
//! Every request carries a key of its own. A provider that is asked again with the same key moves
//! nothing again and gives its first answer, so whoever doesn't know what became of a request asks
//! again, from whatever process. To add a provider: a name in `domain::payment`, a file here, and
//! what the compiler then misses.

mod manual;
mod request;
mod test;

use std::time::Duration;

use martlet_domain::payment::{DeclineReason, ProviderName};
use martlet_store::{Db, StoreError, TestOperation};

use self::test::TestProvider;
use crate::{clock::Clock, config::PaymentsConfig};

pub use request::{PaymentRequest, RequestKey};

/// All providers, as the engine asks them.
#[derive(Debug, Clone)]
pub struct Payments {
    timeout: Duration,
    offers_test: bool,
    test: TestProvider,
}

/// What a provider says to a request for money to be set aside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Authorisation {
    /// It is set aside.
    Approved {
        /// How the provider calls it: what later requests about it need.
        reference: String,
    },
    /// It isn't, and never will be for this request.
    Declined {
        /// Why.
        reason: DeclineReason,
    },
}

/// What a provider says to a request to move money that is set aside or was handed over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Settlement {
    /// It is moved.
    Done,
    /// It isn't, and never will be for this request.
    Refused {
        /// Why: a word for programs.
        reason: String,
    },
}

/// Why there is no answer from a provider.
#[derive(Debug, thiserror::Error)]
pub enum PaymentError {
    /// It took too long. The money may have been moved.
    #[error("the payment provider didn't answer in time")]
    TimedOut,
    /// It couldn't be asked, or it failed. The money may have been moved.
    #[error("the payment provider can't be reached")]
    Unreachable,
    /// The key was used for another request. Nothing was moved, and asking again is of no use.
    #[error("the key {key} was used for another request to the payment provider")]
    KeyReused {
        /// The key.
        key: RequestKey,
    },
    /// The books of `test` can't be read or written. The money may have been moved.
    #[error("the books of the payment provider `test` failed: {0}")]
    Books(#[from] StoreError),
}

/// Why a payment can't be begun like this. Nobody was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// The provider isn't offered here.
    #[error("the payment provider `{provider}` is not offered here")]
    NotOffered {
        /// Which.
        provider: ProviderName,
    },
    /// The provider doesn't know such tokens.
    #[error("the payment provider `{provider}` knows no such token{}", known(*.provider))]
    UnknownToken {
        /// Which.
        provider: ProviderName,
    },
}

impl PaymentError {
    /// Whether the money may have been moved or may yet be: asking again with the same key tells.
    pub const fn is_outcome_unknown(&self) -> bool {
        !matches!(self, Self::KeyReused { .. })
    }
}

impl Payments {
    /// The providers as they are set up. `test` keeps its books in `db`.
    pub fn new(db: Db, clock: Clock, config: &PaymentsConfig) -> Self {
        Self { timeout: config.timeout(), offers_test: config.test, test: TestProvider::new(db, clock) }
    }

    /// Whether a new payment can be begun with a provider and a token, as far as can be told without
    /// asking anybody. Payments that were begun are looked after whether the provider is still
    /// offered or not.
    pub fn check_token(&self, provider: ProviderName, token: &str) -> Result<(), TokenError> {
        match provider {
            ProviderName::Test if !self.offers_test => Err(TokenError::NotOffered { provider }),
            ProviderName::Test if !test::knows(token) => Err(TokenError::UnknownToken { provider }),
            ProviderName::Test | ProviderName::Manual => Ok(()),
        }
    }

    /// Sets money aside.
    pub async fn authorise(
        &self,
        provider: ProviderName,
        request: &PaymentRequest,
        token: &str,
    ) -> Result<Authorisation, PaymentError> {
        let answer = async {
            match provider {
                ProviderName::Test => self.test.authorise(request, token).await,
                ProviderName::Manual => Ok(manual::authorise(request)),
            }
        };
        self.await_answer(provider, request, answer).await
    }

    /// Takes what was set aside, or less; what is left of it is given up.
    pub async fn capture(
        &self,
        provider: ProviderName,
        request: &PaymentRequest,
    ) -> Result<Settlement, PaymentError> {
        self.settle(provider, TestOperation::Capture, request).await
    }

    /// Gives up all that was set aside.
    pub async fn void(
        &self,
        provider: ProviderName,
        request: &PaymentRequest,
    ) -> Result<Settlement, PaymentError> {
        self.settle(provider, TestOperation::Void, request).await
    }

    /// Pays back what was taken, or a part of it.
    pub async fn refund(
        &self,
        provider: ProviderName,
        request: &PaymentRequest,
    ) -> Result<Settlement, PaymentError> {
        self.settle(provider, TestOperation::Refund, request).await
    }

    async fn settle(
        &self,
        provider: ProviderName,
        operation: TestOperation,
        request: &PaymentRequest,
    ) -> Result<Settlement, PaymentError> {
        let answer = async {
            match provider {
                ProviderName::Test => self.test.settle(operation, request).await,
                ProviderName::Manual => Ok(manual::settle(request)),
            }
        };
        self.await_answer(provider, request, answer).await
    }

    /// Waits for an answer as long as it may take, and logs it.
    async fn await_answer<T: std::fmt::Debug>(
        &self,
        provider: ProviderName,
        request: &PaymentRequest,
        answer: impl Future<Output = Result<T, PaymentError>>,
    ) -> Result<T, PaymentError> {
        let answer = tokio::time::timeout(self.timeout, answer).await.unwrap_or(Err(PaymentError::TimedOut));
        let (key, amount, currency) = (&request.key, request.amount, request.currency);
        match &answer {
            Ok(answer) => {
                tracing::debug!(%provider, %key, amount, %currency, ?answer, "a payment provider answered");
            }
            Err(error) => {
                tracing::debug!(%provider, %key, amount, %currency, %error, "a payment provider didn't answer");
            }
        }
        answer
    }
}

/// What to send instead.
const fn known(provider: ProviderName) -> &'static str {
    match provider {
        ProviderName::Test => test::TOKENS,
        ProviderName::Manual => "",
    }
}

#[cfg(test)]
mod tests;
