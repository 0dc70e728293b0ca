//! What an installation may give: in all, in a day, and to a customer.

use super::Installation;
use crate::money::{Currency, Money};

/// What an installation has given so far, in minor units of its budgets' currency.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Granted {
    /// In all.
    pub total: i64,
    /// On the day that is asked about.
    pub today: i64,
    /// To the customer who is asked about; nothing for a guest.
    pub to_customer: Option<i64>,
}

impl Installation {
    /// Its budgets: in all, a day, a customer.
    pub fn budgets(&self) -> impl Iterator<Item = Money> {
        [self.budget, self.daily_budget, self.customer_budget].into_iter().flatten()
    }

    /// The same with the places of those that it hasn't.
    pub(crate) const fn budgets_of_each_kind(&self) -> [Option<Money>; 3] {
        [self.budget, self.daily_budget, self.customer_budget]
    }

    /// The currency of its budgets, of which it has one at most.
    pub fn budget_currency(&self) -> Option<Currency> {
        self.budgets().next().map(|budget| budget.currency)
    }

    /// Whether it has any budget.
    pub fn has_budget(&self) -> bool {
        self.budgets().next().is_some()
    }

    /// What is left of its budgets for a cart in some currency, once it has given so much: the
    /// smallest of what is left of each; nothing where it has none. A budget in another currency gives
    /// the cart nothing, since what an amount is worth there isn't known here, and one of a customer
    /// gives a guest nothing.
    pub fn budget_left(&self, currency: Currency, granted: Granted) -> Option<i64> {
        let given = [
            (self.budget, Some(granted.total)),
            (self.daily_budget, Some(granted.today)),
            (self.customer_budget, granted.to_customer),
        ];
        let left = |(budget, given): (Option<Money>, Option<i64>)| {
            let budget = budget?;
            let given = given.filter(|_| budget.currency == currency);
            Some(given.map_or(0, |given| budget.minor_units.saturating_sub(given).max(0)))
        };
        given.into_iter().filter_map(left).min()
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
        let left =
            |budget, total| installation(budget).budget_left(usd, Granted { total, ..Granted::default() });
        assert_eq!(left(None, 7), None);
        for (minor_units, granted, expected) in
            [(500, 0, 500), (500, 180, 320), (500, 500, 0), (500, 501, 0), (0, 0, 0), (i64::MIN, i64::MAX, 0)]
        {
            assert_eq!(left(Some(budget(minor_units, "USD")), granted), Some(expected));
        }
        assert_eq!(left(Some(budget(500, "KRW")), 0), Some(0));
    }

    /// 500 in all, 300 a day and 200 a customer: whichever has least left decides.
    #[test]
    fn of_several_budgets_the_one_with_least_left_decides() {
        let usd = "USD".parse().unwrap();
        let bounded = Installation {
            daily_budget: Some(budget(300, "USD")),
            customer_budget: Some(budget(200, "USD")),
            ..installation(Some(budget(500, "USD")))
        };
        for (total, today, to_customer, expected) in [
            (0, 0, Some(0), 200),
            (0, 0, None, 0),
            (0, 250, Some(0), 50),
            (490, 250, Some(0), 10),
            (490, 250, Some(195), 5),
            (490, 301, Some(0), 0),
        ] {
            let granted = Granted { total, today, to_customer };
            assert_eq!(bounded.budget_left(usd, granted), Some(expected), "{granted:?}");
        }
        let mixed = Installation { daily_budget: Some(budget(300, "KRW")), ..bounded };
        assert_eq!(mixed.budget_left(usd, Granted { to_customer: Some(0), ..Granted::default() }), Some(0));
        assert!(mixed.has_budget() && !installation(None).has_budget());
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
