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

/// A part of the budgets of an installation. Amounts are minor units of their currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BudgetAsk {
    /// Whose budgets.
    pub installation: Id<Installation>,
    /// How much of each.
    pub amount: i64,
    /// What it may give in all.
    pub limit: Option<i64>,
    /// What it may give in a day.
    pub day: Option<DayLimit>,
    /// What it may give a customer.
    pub customer: Option<CustomerLimit>,
}

/// What an installation may give in a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DayLimit {
    /// Which day, see [`Timestamp::day`](crate::Timestamp::day).
    pub day: i64,
    /// All of it.
    pub limit: i64,
}

/// What an installation may give a customer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CustomerLimit {
    /// Who gets it. A guest gets nothing.
    pub customer: Option<Id<Customer>>,
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
    /// What was given of budgets a day, on each.
    pub granted_by_day: HashMap<(Id<Installation>, i64), i64>,
    /// What was given of budgets a customer, to each.
    pub granted_to: HashMap<(Id<Installation>, Id<Customer>), i64>,
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
            let &BudgetAsk { installation, amount, day, customer, .. } = budget;
            *self.granted.entry(installation).or_default() += amount;
            if let Some(day) = day {
                *self.granted_by_day.entry((installation, day.day)).or_default() += amount;
            }
            if let Some(customer) = customer.and_then(|limit| limit.customer) {
                *self.granted_to.entry((installation, customer)).or_default() += amount;
            }
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
            if !self.is_left(budget) {
                return Err(Shortage::Budget(budget.installation));
            }
        }
        Ok(())
    }

    /// Whether as much is left of all budgets of an installation. What is given is counted in all even
    /// where that isn't bounded, so the sum has to be a number.
    fn is_left(&self, ask: &BudgetAsk) -> bool {
        let &BudgetAsk { installation, amount, limit, day, customer } = ask;
        let fits = |granted: Option<&i64>, limit: i64| {
            granted.copied().unwrap_or(0).checked_add(amount).is_some_and(|sum| sum <= limit)
        };
        let today = |day: DayLimit| fits(self.granted_by_day.get(&(installation, day.day)), day.limit);
        let to_customer = |CustomerLimit { customer, limit }: CustomerLimit| {
            customer.is_some_and(|customer| fits(self.granted_to.get(&(installation, customer)), limit))
        };
        fits(self.granted.get(&installation), limit.unwrap_or(i64::MAX))
            && day.is_none_or(today)
            && customer.is_none_or(to_customer)
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
        let day = prop::option::of((0_i64..3).prop_map(|day| DayLimit { day, limit: 60 }));
        let customer =
            (0_u8..3).prop_map(|customer| CustomerLimit { customer: Some(id(customer)), limit: 50 });
        let budget = (1_i64..40, prop::option::of(Just(100)), day, prop::option::of(customer)).prop_map(
            |(amount, limit, day, customer)| BudgetAsk { installation: id(9), amount, limit, day, customer },
        );
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
            let budgets = || given.iter().flat_map(|ask| &ask.budgets);
            // Who asks with a limit in all is refused from 100 on, whoever took it.
            let bounded = budgets().zip(1..).filter(|(budget, _)| budget.limit.is_some());
            let until = bounded.map(|(_, count)| count).max().unwrap_or(0);
            let spent: i64 = budgets().take(until).map(|budget| budget.amount).sum();
            prop_assert!(spent <= 100);
            let sum = |counts: &dyn Fn(&BudgetAsk) -> bool| -> i64 {
                budgets().filter(|budget| counts(budget)).map(|budget| budget.amount).sum()
            };
            for key in 0_u8..3 {
                let on_day = sum(&|budget| budget.day.is_some_and(|day| day.day == i64::from(key)));
                prop_assert!(on_day <= 60);
                let counted = levels.granted_by_day.get(&(id(9), i64::from(key))).copied().unwrap_or(0);
                prop_assert_eq!(on_day, counted);
                let to = sum(&|budget| budget.customer.is_some_and(|limit| limit.customer == Some(id(key))));
                prop_assert!(to <= 50);
                prop_assert_eq!(to, levels.granted_to.get(&(id(9), id(key))).copied().unwrap_or(0));
            }
        }
    }

    /// 100 in all, 60 a day, 50 a customer. Another day has another 60, another customer another 50, and
    /// a guest has nothing.
    #[test]
    fn each_budget_of_an_installation_is_one_that_runs_out() {
        let ask = |amount, day, customer: Option<u8>| Ask {
            budgets: vec![BudgetAsk {
                installation: id(9),
                amount,
                limit: Some(100),
                day: Some(DayLimit { day, limit: 60 }),
                customer: Some(CustomerLimit { customer: customer.map(id), limit: 50 }),
            }],
            ..Ask::default()
        };
        let mut levels = Levels::default();
        let short = Err(Shortage::Budget(id(9)));
        for (amount, day, customer, expected) in [
            (50, 1, Some(1), Ok(())),
            (1, 1, Some(1), short.clone()),
            (1, 2, Some(1), short.clone()),
            (11, 1, Some(2), short.clone()),
            (10, 1, Some(2), Ok(())),
            (1, 1, Some(3), short.clone()),
            (0, 2, None, short.clone()),
            (41, 2, Some(3), short.clone()),
            (40, 2, Some(3), Ok(())),
            (1, 3, Some(4), short),
        ] {
            assert_eq!(levels.allot(&ask(amount, day, customer)), expected, "{amount} {day} {customer:?}");
        }
        assert_eq!(levels.granted[&id(9)], 100);
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
