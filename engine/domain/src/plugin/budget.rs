//! What an installation may give in all.

use super::Installation;
use crate::money::Currency;

impl Installation {
    /// What is left of its budget for a cart in some currency, once it has given so much; nothing
    /// where it has none. A budget in another currency gives the cart nothing: what an amount is
    /// worth there isn't known here.
    pub fn budget_left(&self, currency: Currency, granted: i64) -> Option<i64> {
        let budget = self.budget?;
        let left = if budget.currency == currency { budget.minor_units.saturating_sub(granted) } else { 0 };
        Some(left.max(0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Digest, Id,
        money::Money,
        plugin::{FailurePolicy, InstallationStage, World},
    };

    fn budget(minor_units: i64, currency: &str) -> Money {
        Money { minor_units, currency: currency.parse().unwrap() }
    }

    fn installation(budget: Option<Money>) -> Installation {
        Installation {
            id: Id::new(uuid::Uuid::nil()),
            sequence: 1,
            plugin: "percentage-off".to_owned(),
            version: "1.0.0".to_owned(),
            component: Digest::of(&[]),
            world: World::Promotion,
            config: "{}".to_owned(),
            classes: Vec::new(),
            stage: InstallationStage::Active,
            priority: 0,
            group: None,
            failure_policy: FailurePolicy::Skip,
            gift_skus: Vec::new(),
            budget,
            daily_budget: None,
            customer_budget: None,
            starts_at: None,
            ends_at: None,
            exclusivity_tags: Vec::new(),
            quarantine: None,
            templates: Vec::new(),
        }
    }

    #[test]
    fn a_budget_is_left_as_far_as_it_is_not_granted() {
        let usd = "USD".parse().unwrap();
        let left = |budget, granted| installation(budget).budget_left(usd, granted);
        assert_eq!(left(None, 7), None);
        for (minor_units, granted, expected) in
            [(500, 0, 500), (500, 180, 320), (500, 500, 0), (500, 501, 0), (0, 0, 0), (i64::MIN, i64::MAX, 0)]
        {
            assert_eq!(left(Some(budget(minor_units, "USD")), granted), Some(expected));
        }
        assert_eq!(left(Some(budget(500, "KRW")), 0), Some(0));
    }

    #[test]
    fn installations_stored_before_there_were_budgets_have_none() {
        let json = serde_json::to_string(&installation(None)).unwrap();
        assert!(!json.contains("budget"), "{json}");
        assert_eq!(serde_json::from_str::<Installation>(&json).unwrap(), installation(None));
        let bounded = installation(Some(budget(500, "KRW")));
        let json = serde_json::to_string(&bounded).unwrap();
        assert_eq!(serde_json::from_str::<Installation>(&json).unwrap(), bounded);
    }
}
