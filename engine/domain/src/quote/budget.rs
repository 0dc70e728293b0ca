//! Money budgets: what installations may still give.
//!
//! The host keeps them, not the plugin. A candidate is tested last, when it is known what it comes
//! to: what it takes off in all, and for a gift what that is worth. One that comes to more than is
//! left is rejected as a whole, as one below its threshold is, and those after it have their turn:
//! a shopper gets the discount that was promised or none, never a part of it. A unit price that
//! adds something counts as 0 and gives nothing back.
//!
//! In a group that competes, what doesn't fit is worth nothing to the trial: another installation
//! can win, and what lost draws on no budget. Coupons of one installation share its budget.

use std::collections::BTreeMap;

use super::{Decision, Input, Quote, Reason, verdict::Applied};
use crate::{
    Id,
    plugin::{Granted, Installation},
};

/// What is left to each installation that has a budget.
#[derive(Debug, Clone)]
pub(super) struct Budgets(BTreeMap<Id<Installation>, i64>);

impl Budgets {
    /// Those of an input. An installation without a standing has given nothing yet.
    pub(super) fn of(input: &Input) -> Self {
        let nothing = Granted { to_customer: input.customer.as_ref().map(|_| 0), ..Granted::default() };
        let untouched = input.rulebook.installations.iter().filter_map(|installation| {
            Some((installation.id, installation.budget_left(input.currency, nothing)?))
        });
        let mut left: BTreeMap<_, _> = untouched.collect();
        left.extend(input.standings.iter().filter_map(|(id, standing)| Some((*id, standing.budget_left?))));
        Self(left)
    }

    /// What is left to an installation; nothing where it has no budget.
    pub(super) fn left(&self, installation: Id<Installation>) -> Option<i64> {
        self.0.get(&installation).map(|left| (*left).max(0))
    }

    /// Takes what a candidate gives, or leaves everything as it is where there is less.
    pub(super) fn take(&mut self, installation: Id<Installation>, applied: &Applied) -> Result<(), Reason> {
        let Some(left) = self.left(installation) else { return Ok(()) };
        let given = applied.given();
        if given > left {
            return Err(Reason::BudgetSpent { left });
        }
        self.0.insert(installation, left - given);
        Ok(())
    }

    /// The installations that have a budget, by id.
    pub(super) fn installations(&self) -> Vec<Id<Installation>> {
        self.0.keys().copied().collect()
    }
}

impl Quote {
    /// What each installation with a budget gave, where it gave anything, by id: what an order has
    /// to hold of the budgets.
    pub fn granted(&self) -> Vec<(Id<Installation>, i64)> {
        let mut granted: BTreeMap<Id<Installation>, i64> = BTreeMap::new();
        for verdict in &self.verdicts {
            let Decision::Applied(applied) = &verdict.decision else { continue };
            let installation = verdict.source.installation;
            if self.budgeted.binary_search(&installation).is_ok() {
                *granted.entry(installation).or_default() += applied.given();
            }
        }
        granted.into_iter().filter(|(_, amount)| *amount > 0).collect()
    }
}
