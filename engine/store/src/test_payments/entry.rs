//! What stands in an entry, and what entries add up to.

use std::{fmt, str::FromStr};

use martlet_domain::{Timestamp, money::Currency};

use crate::{StoreError, codec::RowOf};

pub(super) const INSERT: &str = "INSERT INTO test_payments \
     (store_id, request_key, operation, payment, amount, currency, outcome, created_at) \
     VALUES (?, ?, ?, ?, ?, ?, ?, ?)";
pub(super) const BY_KEY: &str = "SELECT request_key, operation, payment, amount, currency, outcome, created_at \
     FROM test_payments WHERE store_id = ? AND request_key = ?";
pub(super) const OF_PAYMENT: &str = "SELECT request_key, operation, payment, amount, currency, outcome, created_at \
     FROM test_payments WHERE store_id = ? AND payment = ? ORDER BY created_at, request_key";
pub(super) const OF_STORE: &str = "SELECT request_key, operation, payment, amount, currency, outcome, created_at \
     FROM test_payments WHERE store_id = ?";

/// A request and what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TestPayment {
    /// The request's key, unique in the store.
    pub request_key: String,
    /// What was asked for.
    pub operation: TestOperation,
    /// The payment that it is about.
    pub payment: String,
    /// How much, in minor units.
    pub amount: i64,
    /// Of what.
    pub currency: Currency,
    /// What became of it.
    pub outcome: TestOutcome,
    /// When it was asked.
    pub created_at: Timestamp,
}

/// What a provider can be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TestOperation {
    /// To set money aside.
    Authorise,
    /// To hand over what was set aside.
    Capture,
    /// To give up what was set aside.
    Void,
    /// To pay back what was handed over.
    Refund,
}

/// What became of a request. Either may carry a note: how later requests are to be treated, or why
/// it was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TestOutcome {
    /// The money was moved.
    Done(String),
    /// No money was moved.
    Refused(String),
}

/// What the money of a payment adds up to, in minor units.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TestBalance {
    /// What was set aside.
    pub authorised: i64,
    /// What was handed over.
    pub captured: i64,
    /// What was given up.
    pub voided: i64,
    /// What was paid back.
    pub refunded: i64,
}

#[derive(sqlx::FromRow)]
pub(super) struct EntryRow {
    request_key: String,
    operation: String,
    payment: String,
    amount: i64,
    currency: String,
    outcome: String,
    created_at: i64,
}

impl EntryRow {
    pub(super) fn decode(self) -> Result<TestPayment, StoreError> {
        let row = RowOf::named("test_payments", &self.request_key);
        Ok(TestPayment {
            operation: row.parse("operation", &self.operation)?,
            amount: self.amount,
            currency: row.parse("currency", &self.currency)?,
            outcome: row.parse("outcome", &self.outcome)?,
            created_at: Timestamp::from_millis(self.created_at),
            request_key: self.request_key,
            payment: self.payment,
        })
    }
}

impl TestBalance {
    /// The sum of entries.
    pub fn of<'a>(entries: impl IntoIterator<Item = &'a TestPayment>) -> Self {
        let mut balance = Self::default();
        entries.into_iter().for_each(|entry| balance.add(entry));
        balance
    }

    pub(super) fn add(&mut self, entry: &TestPayment) {
        let sum = match (&entry.outcome, entry.operation) {
            (TestOutcome::Refused(_), _) => return,
            (TestOutcome::Done(_), TestOperation::Authorise) => &mut self.authorised,
            (TestOutcome::Done(_), TestOperation::Capture) => &mut self.captured,
            (TestOutcome::Done(_), TestOperation::Void) => &mut self.voided,
            (TestOutcome::Done(_), TestOperation::Refund) => &mut self.refunded,
        };
        *sum = sum.saturating_add(entry.amount);
    }
}

impl TestOperation {
    /// Its name in the books.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Authorise => "authorise",
            Self::Capture => "capture",
            Self::Void => "void",
            Self::Refund => "refund",
        }
    }
}

impl FromStr for TestOperation {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "authorise" => Ok(Self::Authorise),
            "capture" => Ok(Self::Capture),
            "void" => Ok(Self::Void),
            "refund" => Ok(Self::Refund),
            _ => Err("not authorise, capture, void or refund"),
        }
    }
}

impl fmt::Display for TestOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (word, note) = match self {
            Self::Done(note) => ("done", note),
            Self::Refused(note) => ("refused", note),
        };
        if note.is_empty() { f.write_str(word) } else { write!(f, "{word}:{note}") }
    }
}

impl FromStr for TestOutcome {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (word, note) = text.split_once(':').unwrap_or((text, ""));
        match word {
            "done" => Ok(Self::Done(note.to_owned())),
            "refused" => Ok(Self::Refused(note.to_owned())),
            _ => Err("neither done nor refused"),
        }
    }
}
