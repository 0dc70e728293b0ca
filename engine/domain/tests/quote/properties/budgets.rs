//! What must hold for budgets. That nobody gives more than is left is checked on every quote of every
//! test: see `support::invariants`.

use martlet_domain::{
    plugin::World,
    quote::{Decision, Reason},
};
use proptest::prelude::*;

use super::any_case::any_case;
use crate::support::*;

/// A case in which only discounts compete, all of them without a budget. Prices are left out: one
/// that goes up gives nothing, so a budget can keep out what it would have made up for.
fn unbounded() -> impl Strategy<Value = Case> {
    any_case().prop_map(|mut case| {
        case.rulebook.installations.retain(|installation| installation.world != World::Pricing);
        case.rulebook.installations.iter_mut().for_each(|installation| installation.budget = None);
        case
    })
}

/// What everybody gives on a cart where nobody has a budget.
fn given(case: &Case) -> Vec<i64> {
    let mut generous = case.clone();
    for plugin in 1..=case.plugins.len() {
        generous = generous.left(plugin, i64::MAX);
    }
    let granted = generous.price().quote.granted();
    let by = |plugin| granted.iter().find(|(installation, _)| *installation == id(plugin));
    (1..=case.plugins.len()).map(|plugin| by(plugin).map_or(0, |(_, amount)| *amount)).collect()
}

proptest! {
    #![proptest_config(super::cases(400))]

    /// Budgets of exactly what is given change nothing on the cart.
    #[test]
    fn a_budget_that_is_enough_changes_nothing(case in unbounded()) {
        let without = case.price().quote;
        let bounded = given(&case).iter().zip(1..).fold(case, |case, (left, plugin)| case.left(plugin, *left));
        let with = bounded.price().quote;
        prop_assert_eq!((with.lines, with.totals), (without.lines, without.totals));
        prop_assert_eq!((with.shipping, with.gifts), (without.shipping, without.gifts));
    }

    /// Nor do budgets without end.
    #[test]
    fn a_budget_without_end_is_none(case in unbounded()) {
        let without = case.price().quote;
        let budgets = (1..=case.plugins.len()).fold(case, |case, plugin| case.left(plugin, i64::MAX));
        prop_assert_eq!(without.verdicts, budgets.price().quote.verdicts);
    }

    /// What is said to be left is what the candidates before have left of it.
    #[test]
    fn what_is_left_is_what_others_have_not_taken(case in any_case(), lefts in prop::collection::vec(0..3_000_000i64, 7)) {
        let mut case = lefts.iter().zip(1..).fold(case, |case, (left, plugin)| case.left(plugin, *left));
        case.rulebook.groups.clear();
        let mut lefts = lefts;
        for verdict in case.price().quote.verdicts {
            let plugin = usize::try_from(verdict.source.installation.uuid().as_u128()).unwrap();
            match verdict.decision {
                Decision::Applied(applied) => lefts[plugin - 1] -= applied.given(),
                Decision::Rejected(Reason::BudgetSpent { left }) => prop_assert_eq!(left, lefts[plugin - 1]),
                _ => {}
            }
        }
    }
}
