//! The first-party plugins, as `cargo xtask wasm` builds them.

use std::sync::LazyLock;

use martlet_domain::{
    money::Ppm,
    plugin::World,
    quote::{Candidate, Class, Outcome, Value},
};
use martlet_plugin_host::{ComponentError, Host};

use crate::support::*;

/// One for all tests, so that each plugin is compiled once.
static HOST: LazyLock<Host> = LazyLock::new(host);

const PLUGINS: [(&str, World); 5] = [
    ("volume-pricing", World::Pricing),
    ("coupon-standard", World::Coupon),
    ("percentage-off", World::Promotion),
    ("buy-x-get-y", World::Promotion),
    ("spend-tiers", World::Promotion),
];

#[test]
fn they_say_what_they_are() {
    let host = &*HOST;
    for (name, world) in PLUGINS {
        let component = host.load(&built(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(component.world(), world);
        let description = component.describe().unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(description.name, name);
        assert!(description.templates.iter().any(|template| template.language == "en"));
    }
}

#[test]
fn they_refuse_what_is_no_configuration() {
    let host = &*HOST;
    for (name, _) in PLUGINS {
        let component = host.load(&built(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
        for config in ["", "7", "{\"surprise\":true}"] {
            let error = component.validate_config(config).expect_err("it is no configuration");
            assert!(matches!(error, ComponentError::ConfigRefused(_)), "{name} on {config:?}: {error}");
        }
    }
}

/// Asks a plugin about a cart of three lines, after it has accepted the configuration.
fn proposes(name: &str, config: &str) -> Vec<Candidate> {
    let host = &*HOST;
    let component = host.load(&built(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
    let classes = component.validate_config(config).unwrap_or_else(|error| panic!("{name}: {error}"));
    let evaluated =
        host.evaluate(&host.prepare(&cart(3)), &call(&component, config)).expect("the call is made");
    let Outcome::Proposed(proposal) = evaluated.evaluation.outcome else {
        panic!("{:?}", evaluated.evaluation)
    };
    if component.world() != World::Pricing {
        assert!(proposal.candidates.iter().all(|candidate| classes.contains(&candidate.class)), "{name}");
    }
    proposal.candidates
}

#[test]
fn percentage_off_takes_its_share() {
    let candidates = proposes("percentage-off", PERCENTAGE_OFF);
    assert_eq!(candidates.len(), 1);
    assert_eq!((candidates[0].class, &candidates[0].value), (Class::Order, &Value::Percent(Ppm(100_000))));
}

#[test]
fn volume_pricing_makes_unit_prices() {
    let config = r#"{"breaks":[{"goods":{"categories":["shirts"]},"from":2,"percent_ppm":100000}]}"#;
    let candidates = proposes("volume-pricing", config);
    assert_eq!(candidates.len(), 3);
    assert!(candidates.iter().all(|candidate| candidate.value == Value::UnitPrice(900)));
}

#[test]
fn coupon_standard_gives_what_it_says() {
    let candidates = proposes("coupon-standard", r#"{"gives":{"percent_ppm":250000}}"#);
    assert_eq!(candidates.len(), 1);
    assert_eq!(candidates[0].value, Value::Percent(Ppm(250_000)));
}

#[test]
fn buy_x_get_y_leaves_the_choice_of_units_to_the_host() {
    let config = r#"{"buy":{"categories":["shirts"]},"buy_count":2,"get_count":1}"#;
    let candidates = proposes("buy-x-get-y", config);
    assert_eq!(candidates.len(), 1);
    let Value::BuyXGetY(value) = &candidates[0].value else { panic!("{:?}", candidates[0]) };
    assert_eq!((value.buy_count, value.get_count, value.percent), (2, 1, Ppm::ONE));
}

#[test]
fn spend_tiers_propose_every_tier() {
    let config = r#"{"currency":"USD","tiers":[{"minimum":1000,"percent_ppm":50000},{"minimum":200000,"amount":2500}]}"#;
    let candidates = proposes("spend-tiers", config);
    assert_eq!(candidates.len(), 2);
    assert!(candidates.iter().all(|candidate| candidate.threshold.is_some()));
}

#[test]
fn they_answer_large_carts_within_their_fuel() {
    let host = &*HOST;
    for (name, config) in [
        ("percentage-off", PERCENTAGE_OFF),
        (
            "volume-pricing",
            r#"{"breaks":[{"goods":{"categories":["shirts"]},"from":2,"percent_ppm":100000}]}"#,
        ),
        ("coupon-standard", r#"{"gives":{"percent_ppm":250000},"goods":{"categories":["shirts"]}}"#),
    ] {
        let evaluated = ask_about(host, &built(name), &cart(500), config);
        assert!(
            matches!(evaluated.evaluation.outcome, Outcome::Proposed(_)),
            "{name}: {:?}",
            evaluated.evaluation
        );
        assert!(evaluated.evaluation.fuel * 4 < host.config().fuel_for_call(500), "{name} nears its limit");
    }
}
