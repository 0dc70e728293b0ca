//! Stock.

use serde::{Deserialize, Serialize};

/// What a store has of a variant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct StockLevel {
    /// Units that are physically there.
    pub on_hand: i64,
    /// Units of those that are promised to orders.
    pub reserved: i64,
}

impl StockLevel {
    /// Units that can still be sold.
    pub const fn available(self) -> i64 {
        let free = self.on_hand.saturating_sub(self.reserved);
        if free < 0 { 0 } else { free }
    }
}
