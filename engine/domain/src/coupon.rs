//! Coupons.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize};

use crate::{
    Entity, Id, Malformed, Timestamp, catalog::normalise_code, plugin::Installation, quote::Standing,
};

/// A coupon's code: trimmed, NFKC, upper case, 1 to 64 characters.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct CouponCode(String);

impl CouponCode {
    /// Its text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for CouponCode {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        normalise_code("coupon code", text).map(Self)
    }
}

impl fmt::Display for CouponCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for CouponCode {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// A code that shoppers can put on a cart. What it gives is decided by the plugin of its
/// installation, from its configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Coupon {
    /// Its id.
    pub id: Id<Coupon>,
    /// Unique in the store.
    pub code: CouponCode,
    /// The installation of a coupon plugin.
    pub installation: Id<Installation>,
    /// JSON, checked by that plugin.
    pub config: String,
    /// The classes its candidates can have, as the plugin said when it checked the configuration.
    pub classes: Vec<crate::quote::Class>,
    /// Whether it can be used at all.
    pub enabled: bool,
    /// Not before.
    pub starts_at: Option<Timestamp>,
    /// Not from then on.
    pub ends_at: Option<Timestamp>,
    /// Most orders in all.
    pub total_limit: Option<i64>,
    /// Most orders of one customer.
    pub per_customer_limit: Option<i64>,
    /// Counts changes, from 1.
    pub version: i64,
}

impl Entity for Coupon {
    const NAME: &'static str = "coupon";
}

/// Why a coupon can't be used, before its plugin is even asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CouponRefusal {
    /// The merchant has switched it off.
    Disabled,
    /// Its window hasn't begun.
    NotStarted,
    /// Its window is over.
    Expired,
    /// As many orders as it allows have used it.
    UsedUp,
    /// As many orders of this customer as it allows have used it.
    UsedUpByCustomer,
    /// It allows so many orders a customer, and there is no customer to count for.
    NeedsCustomer,
}

impl Coupon {
    /// Why it can't be used at a moment, by a customer where there is one.
    pub fn refusal(&self, as_of: Timestamp, standing: Standing, has_customer: bool) -> Option<CouponRefusal> {
        let reached =
            |limit: Option<i64>, used: u64| limit.is_some_and(|limit| i128::from(used) >= i128::from(limit));
        if !self.enabled {
            Some(CouponRefusal::Disabled)
        } else if self.starts_at.is_some_and(|start| as_of < start) {
            Some(CouponRefusal::NotStarted)
        } else if self.ends_at.is_some_and(|end| as_of >= end) {
            Some(CouponRefusal::Expired)
        } else if reached(self.total_limit, standing.used) {
            Some(CouponRefusal::UsedUp)
        } else if self.per_customer_limit.is_some() && !has_customer {
            Some(CouponRefusal::NeedsCustomer)
        } else if reached(self.per_customer_limit, standing.used_by_customer) {
            Some(CouponRefusal::UsedUpByCustomer)
        } else {
            None
        }
    }
}
