//! What has to happen after an order's transaction is committed.

use serde::{Deserialize, Serialize};

use super::Refund;
use crate::Id;

/// Something that happened to an order, for those who act on it afterwards. Written with the order,
/// delivered at least once, in order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case", deny_unknown_fields)]
pub enum OrderEvent {
    /// It is paid: the money is to be captured, the customer's facts count it.
    Paid,
    /// It came to nothing before the money was ours; what the provider may have set aside is given up.
    Abandoned,
    /// It was cancelled after it was paid for: the customer's facts don't count it any more.
    Cancelled,
    /// Money is to go back.
    Refunded {
        /// Which refund.
        refund: Id<Refund>,
    },
}

impl OrderEvent {
    /// Its name.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Paid => "paid",
            Self::Abandoned => "abandoned",
            Self::Cancelled => "cancelled",
            Self::Refunded { .. } => "refunded",
        }
    }
}
