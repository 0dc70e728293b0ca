//! Who gets what there isn't enough of: whoever comes first, all or nothing.

use std::collections::{BTreeMap, HashMap};

use crate::{Id, catalog::Variant, coupon::Coupon, customer::Customer, plugin::Installation};

/// What an order needs of what others want too.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ask {
    /// Units by variant, gifts among them.
    pub stock: BTreeMap<Id<Variant>, i64>,
    /// Coupons it uses.
    pub coupons: Vec<CouponAsk>,
    /// What it takes of budgets.
    pub budgets: Vec<BudgetAsk>,
}

/// One use of a coupon.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CouponAsk {
    /// The coupon.
    pub coupon: Id<Coupon>,
    /// Who uses it.
    pub customer: Option<Id<Customer>>,
    /// Orders that may use it.
    pub total_limit: Option<i64>,
    /// Orders of one customer that may.
    pub per_customer_limit: Option<i64>,
}

/// A part of a budget.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BudgetAsk {
    /// Whose budget.
    pub installation: Id<Installation>,
    /// How much of it, in minor units.
    pub amount: i64,
    /// All of it.
    pub limit: i64,
}

/// What there is, while it is given away.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Levels {
    /// Units that are free. A variant that isn't here has none.
    pub available: HashMap<Id<Variant>, i64>,
    /// Uses of coupons so far.
    pub used: HashMap<Id<Coupon>, i64>,
    /// Uses by customers so far.
    pub used_by_customer: HashMap<(Id<Coupon>, Id<Customer>), i64>,
    /// What was given of budgets so far.
    pub granted: HashMap<Id<Installation>, i64>,
}

/// What isn't there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shortage {
    /// Units.
    Stock(StockShortage),
    /// Uses of a coupon, by all or by this customer.
    Coupon(Id<Coupon>),
    /// Money of a budget.
    Budget(Id<Installation>),
}

/// Units that aren't there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StockShortage {
    /// Of which variant.
    pub variant: Id<Variant>,
    /// Units asked for.
    pub requested: i64,
    /// Units there are.
    pub available: i64,
}

impl Levels {
    /// Gives an order all it asks for, or says what is short and gives it nothing.
    pub fn allot(&mut self, ask: &Ask) -> Result<(), Shortage> {
        self.check(ask)?;
        for (variant, quantity) in &ask.stock {
            *self.available.entry(*variant).or_default() -= quantity;
        }
        for coupon in &ask.coupons {
            *self.used.entry(coupon.coupon).or_default() += 1;
            if let Some(customer) = coupon.customer {
                *self.used_by_customer.entry((coupon.coupon, customer)).or_default() += 1;
            }
        }
        for budget in &ask.budgets {
            *self.granted.entry(budget.installation).or_default() += budget.amount;
        }
        Ok(())
    }

    fn check(&self, ask: &Ask) -> Result<(), Shortage> {
        for (&variant, &requested) in &ask.stock {
            let available = self.available.get(&variant).copied().unwrap_or(0).max(0);
            if requested > available {
                return Err(Shortage::Stock(StockShortage { variant, requested, available }));
            }
        }
        for coupon in &ask.coupons {
            let used = self.used.get(&coupon.coupon).copied().unwrap_or(0);
            let by_customer = coupon
                .customer
                .and_then(|customer| self.used_by_customer.get(&(coupon.coupon, customer)).copied());
            let reached = |limit: Option<i64>, used: i64| limit.is_some_and(|limit| used >= limit);
            if reached(coupon.total_limit, used)
                || reached(coupon.per_customer_limit, by_customer.unwrap_or(0))
            {
                return Err(Shortage::Coupon(coupon.coupon));
            }
        }
        for budget in &ask.budgets {
            let granted = self.granted.get(&budget.installation).copied().unwrap_or(0);
            if granted.checked_add(budget.amount).is_none_or(|sum| sum > budget.limit) {
                return Err(Shortage::Budget(budget.installation));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    fn id<T>(number: u8) -> Id<T> {
        Id::new(Uuid::from_u128(u128::from(number)))
    }

    fn any_ask() -> impl Strategy<Value = Ask> {
        let stock = prop::collection::btree_map((0_u8..4).prop_map(id), 1_i64..4, 1..4);
        let coupon = (0_u8..2, prop::option::of(0_u8..3)).prop_map(|(coupon, customer)| CouponAsk {
            coupon: id(coupon),
            customer: customer.map(id),
            total_limit: Some(5),
            per_customer_limit: customer.map(|_| 2),
        });
        let budget = (1_i64..40).prop_map(|amount| BudgetAsk { installation: id(9), amount, limit: 100 });
        (stock, prop::option::of(coupon), prop::option::of(budget)).prop_map(|(stock, coupon, budget)| Ask {
            stock,
            coupons: coupon.into_iter().collect(),
            budgets: budget.into_iter().collect(),
        })
    }

    proptest! {
        #[test]
        fn nothing_is_given_twice_and_whoever_is_refused_changes_nothing(
            asks in prop::collection::vec(any_ask(), 0..40)
        ) {
            let available = (0_u8..4).map(|variant| (id(variant), 12)).collect();
            let mut levels = Levels { available, ..Levels::default() };
            let mut given = Vec::new();
            for ask in &asks {
                let before = levels.clone();
                match levels.allot(ask) {
                    Ok(()) => given.push(ask),
                    Err(_) => prop_assert_eq!(&before, &levels),
                }
            }
            for variant in 0_u8..4 {
                let sold: i64 = given.iter().filter_map(|ask| ask.stock.get(&id(variant))).sum();
                prop_assert_eq!(sold, 12 - levels.available[&id(variant)]);
                prop_assert!(sold <= 12);
            }
            prop_assert!(levels.used.values().all(|used| *used <= 5));
            prop_assert!(levels.used_by_customer.values().all(|used| *used <= 2));
            let spent: i64 = given.iter().flat_map(|ask| &ask.budgets).map(|budget| budget.amount).sum();
            prop_assert!(spent <= 100);
        }
    }

    #[test]
    fn whoever_comes_first_gets_the_last_unit() {
        let mut levels = Levels { available: [(id(1), 1)].into(), ..Levels::default() };
        let ask = Ask { stock: [(id(1), 1)].into(), ..Ask::default() };
        assert_eq!(levels.allot(&ask), Ok(()));
        let short = StockShortage { variant: id(1), requested: 1, available: 0 };
        assert_eq!(levels.allot(&ask), Err(Shortage::Stock(short)));
    }
}
