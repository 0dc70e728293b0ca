//! Plugins that give no answer, carts without lines, and who is asked at all.

use martlet_domain::{
    plugin::{FailurePolicy, InstallationStage, World},
    quote::{Candidate, Class, Decline, Failure, Message, Proposal, Scope, ScopeLine},
};

use crate::support::*;

/// The cart is priced by the rest: 100 off 1,000.
#[test]
fn a_failed_promotion_is_skipped() {
    let cart = krw()
        .line(1, 1_000)
        .with(promotion([across(500)]).fails(Failure::OutOfFuel))
        .with(promotion([across(100)]));
    let priced = cart.price().comes_to(&[900], 900).says(&["p2.a 100 [0:100]", "p1 out_of_fuel"]);
    assert!(priced.quote.blocked_by.is_empty() && !priced.quote.provisional);
}

/// A coupon's plugin that fails gives nothing, and the rest stands.
#[test]
fn a_failed_coupon_is_refused() {
    let failure = Failure::Trapped("unreachable".to_owned());
    let cart = krw()
        .line(1, 1_000)
        .with(code("SAVE", [across(500)]).policy(FailurePolicy::Reject).fails(failure))
        .with(promotion([across(100)]));
    let priced = cart.price().comes_to(&[900], 900).says(&["p2.a 100 [0:100]", "SAVE trapped"]);
    assert!(priced.quote.blocked_by.is_empty() && !priced.quote.provisional);
}

/// The base price of 1,000 stands, and 10 % is taken on it.
#[test]
fn failed_pricing_leaves_base_prices() {
    let failure = Failure::InvalidOutput("no list".to_owned());
    let cart = krw()
        .line(1, 1_000)
        .with(pricing([unit_price(800)]).policy(FailurePolicy::BasePrice).fails(failure))
        .with(promotion([line_percent(10)]));
    let priced = cart.price().comes_to(&[900], 900).says(&["p1 invalid_output", "p2.a 100 [0:100]"]);
    assert!(priced.quote.blocked_by.is_empty());
}

/// The cart is priced at base prices, but can't be ordered, and the quote names who is to blame.
#[test]
fn failed_pricing_can_block() {
    let cart = krw()
        .line(1, 1_000)
        .with(pricing([unit_price(800)]).policy(FailurePolicy::Block).fails(Failure::OutOfFuel));
    let priced = cart.price().comes_to(&[1_000], 1_000).says(&["p1 out_of_fuel"]);
    let blocked_by: Vec<&str> = priced.quote.blocked_by.iter().map(|source| source.name()).collect();
    assert_eq!((blocked_by, priced.quote.provisional), (vec!["p1"], false));
}

/// A unit price of a line that isn't there is refused, and the cart sells at base prices: not where the
/// merchant wants it blocked. A discount that isn't sound isn't given, and blocks nothing.
#[test]
fn an_unsound_unit_price_blocks_as_a_failure_does() {
    let wrong = Scope::Lines(vec![ScopeLine { position: 7, quantity: None }]);
    let blocked_by = |plugin: Plugin| {
        let priced = krw().line(1, 1_000).with(plugin).price().comes_to(&[1_000], 1_000);
        priced.says(&["p1.a invalid_candidate"]).quote.blocked_by.len()
    };
    let price = Candidate { scope: wrong.clone(), ..unit_price(800) };
    assert_eq!(blocked_by(pricing([price.clone()]).policy(FailurePolicy::Block)), 1);
    assert_eq!(blocked_by(pricing([price]).policy(FailurePolicy::BasePrice)), 0);
    let discount = Candidate { scope: wrong, ..across(100) };
    assert_eq!(blocked_by(promotion([discount]).policy(FailurePolicy::Block)), 0);
}

/// What depends on the host makes a quote provisional, whatever the policy.
#[test]
fn failures_of_the_host_make_a_quote_provisional() {
    let host = [Failure::TimedOut, Failure::StackOverflow, Failure::HostResources];
    let policies =
        [FailurePolicy::Skip, FailurePolicy::Reject, FailurePolicy::BasePrice, FailurePolicy::Block];
    for failure in host {
        for policy in policies {
            let cart =
                krw().line(1, 1_000).with(promotion([across(500)]).policy(policy).fails(failure.clone()));
            let priced = cart.price().comes_to(&[1_000], 1_000);
            assert!(priced.quote.provisional, "{failure:?} {policy:?}");
            assert_eq!(priced.quote.blocked_by.len(), usize::from(policy == FailurePolicy::Block));
        }
    }
}

/// An answer without anything in it is told from a reasoned no.
#[test]
fn silence_and_reasons() {
    let reason = Message { key: "not-now".to_owned(), arguments: Vec::new() };
    let decline = Decline { key: "spring".to_owned(), message: reason };
    let no = Proposal { candidates: Vec::new(), declined: vec![decline] };
    let shy = || plugin(World::Promotion, Vec::new()).classes(&[Class::Line]);
    let cart = krw().line(1, 1_000).with(shy()).with(shy().answers(Answers::Always(no)));
    cart.price().comes_to(&[1_000], 1_000).says(&["p1 silent", "p2.spring declined"]);
}

/// Nothing in the cart: nobody is asked, nothing is shipped, nothing is owed.
#[test]
fn an_empty_cart_costs_nothing() {
    let cart = krw().shipping(3_000).with(promotion([across(100)])).with(code("SAVE", [across(100)]));
    cart.price().comes_to(&[], 0).says(&[]);
}

/// A canary of 10 % is asked in buckets 0 to 999 of 10,000; all of them at 100 %, none at 0 %.
#[test]
fn canaries_are_asked_in_their_buckets() {
    let cart = |percent, bucket| {
        let plugin = promotion([across(100)]).stage(InstallationStage::Canary(percent));
        krw().line(1, 1_000).bucket(bucket).with(plugin).price()
    };
    cart(10, 999).comes_to(&[900], 900);
    cart(10, 1_000).comes_to(&[1_000], 1_000).says(&[]);
    cart(100, 9_999).comes_to(&[900], 900);
    cart(0, 0).comes_to(&[1_000], 1_000).says(&[]);
}

/// Only what is live is asked.
#[test]
fn what_is_not_live_is_not_asked() {
    for stage in [InstallationStage::Draft, InstallationStage::Shadow, InstallationStage::Quarantined] {
        let cart = krw().line(1, 1_000).with(promotion([across(100)]).stage(stage));
        cart.price().comes_to(&[1_000], 1_000).says(&[]);
    }
}
