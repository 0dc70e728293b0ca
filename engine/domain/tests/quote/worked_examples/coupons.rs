//! Coupons that can't be used: their plugins are never asked, and the quote says why.

use martlet_domain::{
    Timestamp,
    coupon::Coupon,
    plugin::InstallationStage,
    quote::{Class, Stage, Standing},
};

use crate::support::*;

fn priced(change: impl FnOnce(&mut (Coupon, Standing)), signed_in: bool) -> Priced {
    let cart = krw().line(1, 1_000).with(special_code("SAVE", across(100), change));
    if signed_in { cart.customer().price() } else { cart.price() }
}

fn refused(reason: &str, change: impl FnOnce(&mut (Coupon, Standing)), signed_in: bool) {
    priced(change, signed_in).comes_to(&[1_000], 1_000).says(&[&format!("SAVE {reason}")]);
}

fn accepted(change: impl FnOnce(&mut (Coupon, Standing)), signed_in: bool) {
    priced(change, signed_in).comes_to(&[900], 900).says(&["SAVE.a 100 [0:100]"]);
}

/// 100 off 1,000.
#[test]
fn a_coupon_that_is_good() {
    accepted(|_| {}, false);
}

/// A window begins at its start and is over at its end.
#[test]
fn windows_are_half_open() {
    let after = Timestamp::from_millis(NOW.as_millis() + 1);
    accepted(|(coupon, _)| coupon.starts_at = Some(NOW), false);
    refused("coupon_not_started", |(coupon, _)| coupon.starts_at = Some(after), false);
    accepted(|(coupon, _)| coupon.ends_at = Some(after), false);
    refused("coupon_expired", |(coupon, _)| coupon.ends_at = Some(NOW), false);
}

/// Of ten uses nine leave one, ten leave none.
#[test]
fn a_total_limit_is_used_up() {
    let used = |used| {
        move |(coupon, standing): &mut (Coupon, Standing)| {
            coupon.total_limit = Some(10);
            standing.used = used;
        }
    };
    accepted(used(9), false);
    refused("coupon_used_up", used(10), false);
    refused("coupon_used_up", used(11), false);
}

/// One use each: a customer's first is good, the second isn't, and a guest's can't be counted.
#[test]
fn a_customers_limit_is_used_up() {
    let used = |used| {
        move |(coupon, standing): &mut (Coupon, Standing)| {
            coupon.per_customer_limit = Some(1);
            standing.used_by_customer = used;
        }
    };
    accepted(used(0), true);
    refused("coupon_used_up_by_customer", used(1), true);
    refused("coupon_needs_customer", used(0), false);
}

#[test]
fn a_coupon_can_be_switched_off() {
    refused("coupon_disabled", |(coupon, _)| coupon.enabled = false, false);
}

/// An installation that isn't live is as good as none.
#[test]
fn a_coupon_needs_its_plugin() {
    for stage in [
        InstallationStage::Draft,
        InstallationStage::Shadow,
        InstallationStage::Quarantined,
        InstallationStage::Canary(0),
    ] {
        let cart = krw().line(1, 1_000).with(code("SAVE", [across(100)]).stage(stage));
        cart.price().comes_to(&[1_000], 1_000).says(&["SAVE unavailable"]);
    }
}

/// A refusal stands in the stage that the coupon would have joined first.
#[test]
fn a_refusal_has_a_stage() {
    let free = across(100).class(Class::Shipping);
    let plugin = special_code("SAVE", free, |(coupon, _)| coupon.enabled = false);
    let priced = krw().line(1, 1_000).shipping(500).with(plugin).price();
    let priced = priced.comes_to(&[1_000, 500], 1_500).says(&["SAVE coupon_disabled"]);
    assert_eq!(priced.quote.verdicts[0].stage, Stage::Shipping);
}

/// Several codes stand on one cart: 10 % of 1,000 is 100, then 50, and the third is switched off.
#[test]
fn several_codes_on_one_cart() {
    let off = special_code("OFF", across(1), |(coupon, _)| coupon.enabled = false);
    let cart = krw().line(1, 1_000).with(code("TEN", [order_percent(10)])).with(code("FIFTY", [across(50)]));
    cart.with(off).price().comes_to(&[850], 850).says(&[
        "OFF coupon_disabled",
        "TEN.a 100 [0:100]",
        "FIFTY.a 50 [0:50]",
    ]);
}
