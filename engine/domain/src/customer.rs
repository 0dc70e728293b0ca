//! Customers.

use serde::{Deserialize, Serialize};

use crate::{Entity, Id, Timestamp, cart::Address, coupon::Coupon};

/// Most addresses a customer may have.
pub const MAX_ADDRESSES: usize = 20;

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

/// An address that a customer keeps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CustomerAddress {
    /// Its id.
    pub id: Id<CustomerAddress>,
    /// Where goods go.
    pub address: Address,
    /// Whether it is the one that is used where none is named. A customer with addresses has one such.
    pub is_default: bool,
    /// Counts changes, from 1.
    pub version: i64,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

impl Entity for CustomerAddress {
    const NAME: &'static str = "address";
}

/// A coupon that a customer has claimed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CouponClaim {
    /// The coupon.
    pub coupon: Id<Coupon>,
    /// When it was claimed.
    pub claimed_at: Timestamp,
}
