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

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    const START: i64 = 1_000;
    const END: i64 = 2_000;

    fn coupon() -> Coupon {
        Coupon {
            id: Id::new(Uuid::from_u128(1)),
            code: " summer10 ".parse().unwrap(),
            installation: Id::new(Uuid::from_u128(2)),
            config: "{}".to_owned(),
            classes: Vec::new(),
            enabled: true,
            starts_at: Some(Timestamp::from_millis(START)),
            ends_at: Some(Timestamp::from_millis(END)),
            total_limit: Some(3),
            per_customer_limit: Some(1),
            version: 1,
        }
    }

    fn refusal(as_of: i64, used: u64, used_by_customer: u64, has_customer: bool) -> Option<CouponRefusal> {
        let standing = Standing { used, used_by_customer, budget_left: None };
        coupon().refusal(Timestamp::from_millis(as_of), standing, has_customer)
    }

    #[test]
    fn a_window_holds_its_start_and_not_its_end() {
        assert_eq!(refusal(START - 1, 0, 0, true), Some(CouponRefusal::NotStarted));
        assert_eq!(refusal(START, 0, 0, true), None);
        assert_eq!(refusal(END - 1, 0, 0, true), None);
        assert_eq!(refusal(END, 0, 0, true), Some(CouponRefusal::Expired));
    }

    #[test]
    fn limits_are_reached_when_as_many_have_used_it() {
        assert_eq!(refusal(START, 2, 0, true), None);
        assert_eq!(refusal(START, 3, 0, true), Some(CouponRefusal::UsedUp));
        assert_eq!(refusal(START, u64::MAX, 0, true), Some(CouponRefusal::UsedUp));
        assert_eq!(refusal(START, 2, 1, true), Some(CouponRefusal::UsedUpByCustomer));
        assert_eq!(refusal(START, 2, 0, false), Some(CouponRefusal::NeedsCustomer));
    }

    #[test]
    fn a_coupon_without_limits_is_for_everybody_always() {
        let limits = (None, None, None, None);
        let mut coupon = coupon();
        (coupon.starts_at, coupon.ends_at, coupon.total_limit, coupon.per_customer_limit) = limits;
        let standing = Standing { used: u64::MAX, used_by_customer: u64::MAX, budget_left: None };
        for moment in [i64::MIN, 0, i64::MAX] {
            assert_eq!(coupon.refusal(Timestamp::from_millis(moment), standing, false), None);
        }
        coupon.enabled = false;
        assert_eq!(coupon.refusal(Timestamp::from_millis(0), standing, false), Some(CouponRefusal::Disabled));
    }

    #[test]
    fn codes_are_normalised_wherever_they_come_from() {
        assert_eq!(coupon().code.as_str(), "SUMMER10");
        assert_eq!(serde_json::from_str::<CouponCode>("\"ｓummer10\"").unwrap(), coupon().code);
        assert!(serde_json::from_str::<CouponCode>("\" \"").is_err());
    }
}
