//! Tax rates that components find.

use martlet_domain::{
    money::Ppm,
    plugin::{FailurePolicy, World},
    quote::{Failure, Message, Outcome, TaxRate, TaxScope, Taxes},
};

use crate::support::*;

fn rate(key: &str, scope: TaxScope, ppm: u32) -> TaxRate {
    let name = Message { key: key.to_owned(), arguments: Vec::new() };
    TaxRate { key: key.to_owned(), scope, rate: Ppm(ppm), name }
}

fn taxes<const N: usize>(included: bool, rates: [TaxRate; N]) -> Plugin {
    let answer = Outcome::Taxed(Taxes { included, rates: rates.to_vec(), declined: Vec::new() });
    plugin(World::Tax, Vec::new()).answers(Answers::Is(answer))
}

/// 6 % and 1.25 % on 1,000 are 72.5, so 73 on top; rounded each they would be 60 and 13 too, but on
/// 1,010 they are 73.225: 73, and not 61 and 13.
#[test]
fn rates_that_meet_are_added_up_and_the_tax_is_rounded_once() {
    let cart = |amount| {
        let rates = [rate("state", TaxScope::All, 60_000), rate("county", TaxScope::Lines(vec![0]), 12_500)];
        krw().line(1, amount).with(taxes(false, rates)).price()
    };
    cart(1_000).comes_to_with_tax(&[1_000], &[73], 1_073);
    cart(1_010)
        .comes_to_with_tax(&[1_010], &[73], 1_083)
        .says(&["p1.state taxes 60000 on top", "p1.county taxes 12500 on top"]);
}

/// Prices without tax are taken for ones that include it, because the component says so: 1,100 less
/// 1,100 / 1.1.
#[test]
fn a_component_decides_whether_tax_is_in_the_prices() {
    let cart = krw().line(1, 1_100).exclusive().with(taxes(true, [rate("vat", TaxScope::All, 100_000)]));
    let priced = cart.price().comes_to_with_tax(&[1_100], &[100], 1_100);
    assert!(priced.quote.totals.tax_included);
}

/// The second line and shipping have the store's own 10 %: 100 and 50.
#[test]
fn what_no_rate_is_for_has_the_stores_own() {
    let cart = krw().line(1, 1_000).line(1, 1_000).shipping(500).tax(100_000).exclusive();
    let cart = cart.with(taxes(false, [rate("food", TaxScope::Lines(vec![0]), 50_000)]));
    cart.price().comes_to_with_tax(&[1_000, 1_000, 500], &[50, 100, 50], 2_700);
}

#[test]
fn the_first_component_with_a_rate_decides_for_the_whole_cart() {
    let cart = krw()
        .line(1, 1_000)
        .with(taxes(false, [rate("low", TaxScope::All, 10_000)]))
        .with(taxes(true, [rate("bad", TaxScope::Lines(vec![7]), 10_000)]).priority(2))
        .with(taxes(false, [rate("high", TaxScope::All, 200_000)]).priority(1));
    cart.price().comes_to_with_tax(&[1_000], &[200], 1_200).says(&[
        "p2.bad invalid_candidate",
        "p3.high taxes 200000 on top",
        "p1.low lost_to p3",
    ]);
}

#[test]
fn rates_above_all_of_it_are_refused() {
    let rates = [rate("a", TaxScope::All, 600_000), rate("b", TaxScope::Shipping, 600_000)];
    krw().line(1, 1_000).with(taxes(false, rates)).price().comes_to_with_tax(&[1_000], &[600], 1_600).says(
        &[
            "p1.a taxes 600000 on top",
            "p1.b invalid_candidate tax rates of 1200000 ppm together are more than all of it",
        ],
    );
}

/// Sixty per cent hold and sixty more don't: what the merchant wanted blocked isn't sold under-taxed.
#[test]
fn a_rate_that_is_refused_blocks_as_a_failure_does() {
    let cart = |policy| {
        let rates = [rate("a", TaxScope::All, 600_000), rate("b", TaxScope::All, 600_000)];
        krw().line(1, 1_000).with(taxes(false, rates).policy(policy)).price()
    };
    let blocked = cart(FailurePolicy::Block).comes_to_with_tax(&[1_000], &[600], 1_600);
    assert_eq!(blocked.quote.blocked_by.len(), 1);
    assert!(cart(FailurePolicy::Skip).quote.blocked_by.is_empty());
    let sound = taxes(false, [rate("a", TaxScope::All, 600_000)]).policy(FailurePolicy::Block);
    assert!(krw().line(1, 1_000).with(sound).price().quote.blocked_by.is_empty());
}

/// Ten per cent of the store's own, and the order is blocked only if the merchant wants it so.
#[test]
fn a_component_that_fails_leaves_the_stores_own_rates() {
    let cart = |policy| {
        let failing = taxes(false, []).policy(policy).fails(Failure::OutOfFuel);
        krw().line(1, 1_100).tax(100_000).with(failing).price()
    };
    let priced =
        cart(FailurePolicy::Skip).comes_to_with_tax(&[1_100], &[100], 1_100).says(&["p1 out_of_fuel"]);
    assert!(priced.quote.blocked_by.is_empty());
    assert_eq!(cart(FailurePolicy::Block).quote.blocked_by.len(), 1);
}
