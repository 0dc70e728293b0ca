//! What is true of every quote, whatever was proposed.

use std::collections::BTreeMap;

use martlet_domain::{
    Id,
    money::{Money, Ppm},
    plugin::Installation,
    quote::{Decision, Input, Quote, Stage, Tax, TaxRate, TaxScope},
};

/// The rates that components have found.
pub(crate) type Found = Vec<(Id<Installation>, Vec<TaxRate>)>;

/// Panics where a quote breaks an invariant.
pub(crate) fn check_invariants(input: &Input, quote: &Quote, found: &Found) {
    check_lines(input, quote, found);
    check_totals(input, quote);
    check_verdicts(input, quote);
    check_budgets(input, quote);
}

/// Every line is its units; none is below its floor; tax is that of the final amount.
fn check_lines(input: &Input, quote: &Quote, found: &Found) {
    assert_eq!(input.lines.len(), quote.lines.len());
    for (position, (before, after)) in (0..).zip(input.lines.iter().zip(&quote.lines)) {
        assert_eq!(after.units.iter().map(|run| run.count).sum::<u32>(), before.quantity);
        for run in &after.units {
            assert!(run.count >= 1 && run.left <= run.list_amount, "{run:?}");
            assert!(run.left >= before.floor && run.left >= 0, "{run:?} below {}", before.floor);
        }
        let sum = |amount: fn(&martlet_domain::quote::UnitRun) -> i64| -> i64 {
            after.units.iter().map(|run| i64::from(run.count) * amount(run)).sum()
        };
        assert_eq!(after.subtotal, sum(|run| run.list_amount));
        assert_eq!(after.total, sum(|run| run.left));
        assert_eq!(after.discount, after.subtotal - after.total);
        assert!((0..=after.subtotal).contains(&after.discount));
        assert_eq!(after.base_amount, before.unit_amount);
        let decided = decided_rate(quote, found, Some(position));
        check_tax(quote, after.tax, after.total, own_rate(input, &before.tax_category, decided));
    }
    check_shipping(input, quote, found);
}

/// An empty cart ships nothing, whatever method is chosen. A component's method is there if it is offered.
fn check_shipping(input: &Input, quote: &Quote, found: &Found) {
    let offered = quote.methods.iter().find(|offered| Some(&offered.method) == input.wanted_method.as_ref());
    let own = input.shipping.as_ref().map(|own| (&own.method, own.amount, &own.tax_category));
    let wanted = own.or(offered.map(|method| (&method.method, method.amount, &method.tax_category)));
    let wanted = wanted.filter(|_| !input.lines.is_empty());
    assert_eq!(wanted.is_some(), quote.shipping.is_some());
    for ((method, amount, category), after) in wanted.iter().zip(&quote.shipping) {
        assert_eq!((*method, after.subtotal, after.total), (&after.method, *amount, amount - after.discount));
        assert!((0..=after.subtotal).contains(&after.discount));
        let decided = decided_rate(quote, found, None);
        check_tax(quote, after.tax, after.total, own_rate(input, category, decided));
    }
}

/// The rates of the component that decides, as far as the quote says that they hold, added up for a line
/// or for shipping; nothing where none of them is for it.
fn decided_rate(quote: &Quote, found: &Found, position: Option<u32>) -> Option<Ppm> {
    let is_decided = |decision: &Decision| matches!(decision, Decision::Taxed { .. });
    let decider = quote.verdicts.iter().find(|verdict| is_decided(&verdict.decision))?.source.installation;
    let verdicts = quote
        .verdicts
        .iter()
        .filter(|verdict| verdict.stage == Stage::Tax && verdict.source.installation == decider);
    let (_, rates) = found.iter().find(|(installation, _)| *installation == decider)?;
    let is_for = |rate: &TaxRate| match (&rate.scope, position) {
        (TaxScope::All, _) | (TaxScope::Shipping, None) => true,
        (TaxScope::Lines(lines), Some(position)) => lines.contains(&position),
        (TaxScope::Lines(_), None) | (TaxScope::Shipping, Some(_)) => false,
    };
    let holding = rates.iter().zip(verdicts).filter(|(rate, verdict)| {
        assert_eq!(Some(&rate.key), verdict.key.as_ref());
        is_decided(&verdict.decision) && is_for(rate)
    });
    holding.map(|(rate, _)| rate.rate.0).reduce(|one, other| one + other).map(Ppm)
}

fn own_rate(input: &Input, category: &str, decided: Option<Ppm>) -> Ppm {
    decided.unwrap_or_else(|| input.tax.by_category.get(category).copied().unwrap_or(input.tax.standard))
}

/// `a x r` or `a - a / (1 + r)`, rounded half up: what is rounded is never negative.
fn check_tax(quote: &Quote, tax: Tax, amount: i64, rate: Ppm) {
    assert_eq!(tax.rate, rate, "{:?}", quote.verdicts);
    let (a, r) = (i128::from(amount), i128::from(rate.0));
    let expected = if quote.totals.tax_included {
        a - (2 * a * 1_000_000 + 1_000_000 + r) / (2 * (1_000_000 + r))
    } else {
        (2 * a * r + 1_000_000) / 2_000_000
    };
    assert_eq!(i128::from(tax.amount), expected, "{amount} at {rate:?}");
}

/// Totals are the sums of lines and shipping.
fn check_totals(input: &Input, quote: &Quote) {
    let (totals, shipping) = (quote.totals, quote.shipping.as_ref());
    assert_eq!(totals.goods_subtotal, quote.lines.iter().map(|line| line.subtotal).sum::<i64>());
    assert_eq!(totals.goods_discount, quote.lines.iter().map(|line| line.discount).sum::<i64>());
    assert_eq!(totals.shipping_subtotal, shipping.map_or(0, |shipping| shipping.subtotal));
    assert_eq!(totals.shipping_discount, shipping.map_or(0, |shipping| shipping.discount));
    let of_goods: i64 = quote.lines.iter().map(|line| line.tax.amount).sum();
    assert_eq!(totals.tax, of_goods + shipping.map_or(0, |shipping| shipping.tax.amount));
    let decided = quote.verdicts.iter().find_map(|verdict| match verdict.decision {
        Decision::Taxed { included, .. } => Some(included),
        _ => None,
    });
    assert_eq!(totals.tax_included, decided.unwrap_or(input.prices_include_tax));
    let net =
        totals.goods_subtotal - totals.goods_discount + totals.shipping_subtotal - totals.shipping_discount;
    assert_eq!(totals.total, if totals.tax_included { net } else { net + totals.tax });
}

/// Allocations add up to what a candidate gives; those of the pricing stage to the change from base
/// prices to list amounts, those of the other stages to the discounts.
fn check_verdicts(input: &Input, quote: &Quote) {
    let mut repriced: BTreeMap<Option<u32>, i64> = BTreeMap::new();
    let mut discounted = repriced.clone();
    let mut gifts = Vec::new();
    for verdict in &quote.verdicts {
        let Decision::Applied(applied) = &verdict.decision else { continue };
        let allocated: i64 = applied.allocations.iter().map(|allocation| allocation.amount).sum();
        assert_eq!(allocated, applied.amount, "{verdict:?}");
        assert!(
            verdict.stage == Stage::Pricing || applied.amount > 0 || applied.gift.is_some(),
            "{verdict:?}"
        );
        let ledger = if verdict.stage == Stage::Pricing { &mut repriced } else { &mut discounted };
        for allocation in &applied.allocations {
            *ledger.entry(allocation.position).or_default() += allocation.amount;
        }
        gifts.extend(applied.gift.clone());
    }
    for (position, line) in quote.lines.iter().enumerate() {
        let position = Some(u32::try_from(position).unwrap());
        let base = i64::from(line.quantity) * line.base_amount;
        assert_eq!(base - repriced.remove(&position).unwrap_or(0), line.subtotal, "{:?}", quote.verdicts);
        assert_eq!(discounted.remove(&position).unwrap_or(0), line.discount, "{:?}", quote.verdicts);
    }
    assert!(repriced.is_empty(), "{repriced:?}");
    assert_eq!(discounted.remove(&None).unwrap_or(0), quote.totals.shipping_discount);
    assert!(discounted.is_empty(), "{discounted:?}");
    assert_eq!(gifts, quote.gifts);
    for gift in &input.gifts {
        let given: i64 =
            gifts.iter().filter(|given| given.sku == gift.sku).map(|given| i64::from(given.quantity)).sum();
        assert!(given <= gift.available.max(0), "{given} of {} given", gift.sku);
    }
}

/// What an installation takes off, and what its gifts are worth, never exceeds what is left of its
/// budget; an order is told exactly that.
fn check_budgets(input: &Input, quote: &Quote) {
    let mut given: BTreeMap<Id<Installation>, i64> = BTreeMap::new();
    for verdict in &quote.verdicts {
        let Decision::Applied(applied) = &verdict.decision else { continue };
        let Some(left) = budget_left(input, verdict.source.installation) else { continue };
        let given = given.entry(verdict.source.installation).or_default();
        *given += applied.gift.as_ref().map_or(applied.amount.max(0), |gift| gift.worth);
        assert!(*given <= left, "{given} of {left}: {:?}", quote.verdicts);
    }
    given.retain(|_, given| *given > 0);
    assert_eq!(quote.granted(), given.into_iter().collect::<Vec<_>>());
}

fn budget_left(input: &Input, installation: Id<Installation>) -> Option<i64> {
    let standing = input.standings.iter().find(|(id, _)| *id == installation);
    let left = standing.and_then(|(_, standing)| standing.budget_left).or_else(|| {
        let known = input.rulebook.installations.iter().find(|known| known.id == installation)?;
        let all = |budget: &Money| if budget.currency == input.currency { budget.minor_units } else { 0 };
        // A guest gets nothing where there is a budget for each customer.
        let a_customers = known.customer_budget.as_ref().map(|budget| match input.customer {
            Some(_) => all(budget),
            None => 0,
        });
        let others = [&known.budget, &known.daily_budget].map(|budget| budget.as_ref().map(all));
        others.into_iter().chain([a_customers]).flatten().min()
    });
    left.map(|left| left.max(0))
}
