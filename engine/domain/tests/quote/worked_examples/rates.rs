//! Shipping methods that components offer.

use martlet_domain::{
    money::Ppm,
    plugin::World,
    quote::{Class, DeliveryDays, Message, Outcome, Rates, ShippingRate, Value},
};

use crate::support::*;

fn rate(method: &str, amount: i64) -> ShippingRate {
    ShippingRate {
        key: method.to_owned(),
        method: method.parse().unwrap(),
        amount,
        tax_category: None,
        delivery: None,
        name: Message { key: method.to_owned(), arguments: Vec::new() },
    }
}

fn offers<const N: usize>(rates: [ShippingRate; N]) -> Plugin {
    let answer = Outcome::Rated(Rates { rates: rates.to_vec(), declined: Vec::new() });
    plugin(World::ShippingRates, Vec::new()).answers(Answers::Is(answer))
}

/// 300 is chosen; half of it comes off: 150. Goods of 1,000.
#[test]
fn the_wanted_method_is_shipped_by_and_discounted() {
    let half = candidate(Class::Shipping, Value::Percent(Ppm(500_000)));
    let cart = krw().line(1, 1_000).with(offers([rate("slow", 100), rate("fast", 300)]));
    let cart = cart.with(promotion([half])).wants("fast");
    cart.price().comes_to(&[1_000, 150], 1_150).says(&[
        "p1.slow offers slow 100",
        "p1.fast offers fast 300",
        "p2.a 150 [s:150]",
    ]);
}

/// Nothing is chosen, or what isn't offered: nothing is shipped, and both methods are offered.
#[test]
fn a_method_that_nobody_offers_ships_nothing() {
    let cart = || krw().line(1, 1_000).with(offers([rate("slow", 100)]));
    let priced = cart().price().comes_to(&[1_000], 1_000);
    assert_eq!(priced.quote.methods.len(), 1);
    cart().wants("fast").price().comes_to(&[1_000], 1_000).says(&["p1.slow offers slow 100"]);
}

/// The higher priority comes first; the store's own come before all.
#[test]
fn of_two_methods_with_one_handle_the_first_is_offered() {
    let cart = krw()
        .line(1, 1_000)
        .own_method("pickup")
        .with(offers([rate("slow", 100), rate("pickup", 0)]))
        .with(offers([rate("slow", 90)]).priority(1));
    cart.wants("slow").price().comes_to(&[1_000, 90], 1_090).says(&[
        "p2.slow offers slow 90",
        "p1.slow method_taken p2",
        "p1.pickup method_taken store",
    ]);
}

#[test]
fn rates_that_make_no_sense_are_refused_one_by_one() {
    let days = ShippingRate { delivery: Some(DeliveryDays { earliest: 3, latest: 2 }), ..rate("days", 1) };
    let again = rate("slow", 5);
    let keyless = ShippingRate { key: "A b".to_owned(), ..rate("keyless", 5) };
    let uncategorised = ShippingRate { tax_category: Some(String::new()), ..rate("uncategorised", 5) };
    let rates = [rate("negative", -1), days, rate("slow", 7), again, keyless, uncategorised];
    krw().line(1, 1_000).with(offers(rates)).wants("slow").price().comes_to(&[1_000, 7], 1_007).says(&[
        "p1.negative invalid_candidate",
        "p1.days invalid_candidate",
        "p1.slow offers slow 7",
        "p1.slow invalid_candidate",
        "p1.A b invalid_candidate",
        "p1.uncategorised invalid_candidate",
    ]);
}

/// Shipping of 1,100 at 10 % included has 100 of tax, if its category says so.
#[test]
fn a_method_is_taxed_by_its_category() {
    let express = ShippingRate { tax_category: Some("reduced".to_owned()), ..rate("express", 1_100) };
    let cart = krw().line(1, 1_000).rate("reduced", 100_000).with(offers([express])).wants("express");
    cart.price().comes_to_with_tax(&[1_000, 1_100], &[0, 100], 2_100);
}

#[test]
fn an_empty_cart_is_offered_nothing() {
    assert!(krw().with(offers([rate("slow", 1)])).wants("slow").price().quote.methods.is_empty());
}
