//! Customers.

use serde::{Deserialize, Serialize};

use crate::{Entity, Id, Timestamp};

/// Someone who buys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Customer {
    /// Its id.
    pub id: Id<Customer>,
    /// Its e-mail address, in lower case. Never part of a receipt.
    pub email: String,
    /// What pricing may know of it.
    pub facts: CustomerFacts,
    /// When it was made.
    pub created_at: Timestamp,
}

impl Entity for Customer {
    const NAME: &'static str = "customer";
}

/// What pricing may know of a customer. Nothing here names a person.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CustomerFacts {
    /// Handles of its groups, sorted.
    pub groups: Vec<String>,
    /// Orders it has placed.
    pub order_count: u32,
    /// What they came to, in minor units of the store's currency.
    pub lifetime_spend: i64,
}
