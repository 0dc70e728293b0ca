//! The one table that says which step leads where.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::Malformed;

/// How far an order has got.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OrderStatus {
    /// It holds its goods while the payment is asked for.
    PendingPayment,
    /// It is to be shipped.
    Paid,
    /// Some of it is shipped.
    PartlyFulfilled,
    /// All of it is shipped.
    Fulfilled,
    /// Nothing is left to do.
    Completed,
    /// Some of the money went back.
    PartlyRefunded,
    /// All of the money went back.
    Refunded,
    /// It came to nothing.
    Cancelled,
}

/// What can happen to an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Step {
    /// The provider sets the money aside.
    Pay,
    /// The provider says no.
    Decline,
    /// It wasn't paid in time.
    Expire,
    /// The merchant calls it off before anything is shipped.
    Cancel,
    /// Units are shipped, and others remain.
    FulfilSome,
    /// The last units are shipped.
    FulfilRest,
    /// The merchant is through with it.
    Complete,
    /// Part of the money goes back.
    RefundSome,
    /// All money that is left goes back.
    RefundRest,
    /// The provider refuses to pay back.
    RefundRefused,
}

use OrderStatus::*;
use Step::*;

/// Every step there is: from, by, to. What isn't here is refused.
pub const TRANSITIONS: &[(OrderStatus, Step, OrderStatus)] = &[
    (PendingPayment, Pay, Paid),
    (PendingPayment, Decline, Cancelled),
    (PendingPayment, Expire, Cancelled),
    (PendingPayment, Cancel, Cancelled),
    (Paid, Cancel, Cancelled),
    (Paid, FulfilSome, PartlyFulfilled),
    (Paid, FulfilRest, Fulfilled),
    (Paid, RefundSome, PartlyRefunded),
    (Paid, RefundRest, Refunded),
    (PartlyFulfilled, FulfilSome, PartlyFulfilled),
    (PartlyFulfilled, FulfilRest, Fulfilled),
    (PartlyFulfilled, RefundSome, PartlyRefunded),
    (PartlyFulfilled, RefundRest, Refunded),
    (Fulfilled, Complete, Completed),
    (Fulfilled, RefundSome, PartlyRefunded),
    (Fulfilled, RefundRest, Refunded),
    (Completed, RefundSome, PartlyRefunded),
    (Completed, RefundRest, Refunded),
    (PartlyRefunded, FulfilSome, PartlyRefunded),
    (PartlyRefunded, FulfilRest, PartlyRefunded),
    (PartlyRefunded, RefundSome, PartlyRefunded),
    (PartlyRefunded, RefundRest, Refunded),
    (PartlyRefunded, RefundRefused, PartlyRefunded),
    (Refunded, RefundRefused, PartlyRefunded),
    // Cancelling pays back at once; where the provider refuses, the merchant may try again.
    (Cancelled, RefundSome, Cancelled),
    (Cancelled, RefundRest, Cancelled),
    (Cancelled, RefundRefused, Cancelled),
];

impl OrderStatus {
    /// All of them.
    pub const ALL: [Self; 8] =
        [PendingPayment, Paid, PartlyFulfilled, Fulfilled, Completed, PartlyRefunded, Refunded, Cancelled];

    /// Where a step leads from here; nothing where it isn't one.
    pub fn after(self, step: Step) -> Option<Self> {
        TRANSITIONS.iter().find(|(from, by, _)| (*from, *by) == (self, step)).map(|(_, _, to)| *to)
    }

    /// Its name in requests and answers.
    pub const fn as_str(self) -> &'static str {
        match self {
            PendingPayment => "pending_payment",
            Paid => "paid",
            PartlyFulfilled => "partly_fulfilled",
            Fulfilled => "fulfilled",
            Completed => "completed",
            PartlyRefunded => "partly_refunded",
            Refunded => "refunded",
            Cancelled => "cancelled",
        }
    }
}

impl fmt::Display for OrderStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for OrderStatus {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let known = Self::ALL.into_iter().find(|status| status.as_str() == text);
        known.ok_or_else(|| {
            let names: Vec<&str> = Self::ALL.into_iter().map(Self::as_str).collect();
            Malformed::new("order status", format!("is one of {}", names.join(", ")))
        })
    }
}

impl Step {
    /// What it is called in messages.
    pub const fn as_str(self) -> &'static str {
        match self {
            Pay => "pay",
            Decline => "decline",
            Expire => "expire",
            Cancel => "cancel",
            FulfilSome | FulfilRest => "fulfil",
            Complete => "complete",
            RefundSome | RefundRest => "refund",
            RefundRefused => "refuse a refund of",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_leads_to_one_place() {
        for (index, (from, by, _)) in TRANSITIONS.iter().enumerate() {
            let twice = TRANSITIONS[index + 1..].iter().any(|(f, b, _)| (f, b) == (from, by));
            assert!(!twice, "{from} {by:?}");
        }
    }

    #[test]
    fn every_status_is_reached_and_none_leads_back_to_the_payment() {
        for status in OrderStatus::ALL {
            assert_eq!(status.as_str().parse::<OrderStatus>().unwrap(), status);
            assert!(TRANSITIONS.iter().all(|(_, _, to)| *to != PendingPayment));
            let reached = TRANSITIONS.iter().any(|(_, _, to)| *to == status);
            assert_eq!(reached, status != PendingPayment, "{status}");
        }
    }
}
