//! The more is spent, the more comes off.
//!
//! Every tier is a candidate with its minimum as the threshold, the highest first, and all share a
//! tag: the host applies the highest that is reached at its turn, after whatever came before, and
//! the quote says how much is missing to the others.

use martlet_plugin_sdk::{
    CandidateBuilder, Money, Plugin, Problems, Promotion, amount, argument, decline, in_english_and_korean,
    message, minimum_spend, percent,
    types::{Candidate, Cart, Class, ConfigProblem, Description, Proposal, Standing, Value},
};
use serde::Deserialize;

martlet_plugin_sdk::export!(promotion, SpendTiers, "../../wit/1.0.0");

const TAG: &str = "spend-tiers";
const MAX_TIERS: usize = 20;

/// The plugin.
#[derive(Debug)]
pub struct SpendTiers;

/// The tiers.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    currency: String,
    tiers: Vec<Tier>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Tier {
    minimum: i64,
    percent_ppm: Option<u32>,
    amount: Option<i64>,
}

impl Plugin for SpendTiers {
    type Config = Config;

    fn describe() -> Description {
        Description {
            name: "spend-tiers".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            title: "Spend tiers".to_owned(),
            summary: "The more is spent, the more comes off the order.".to_owned(),
            config_schema: include_str!("../config.schema.json").to_owned(),
            templates: in_english_and_korean([
                ("percent", "{percent} % off from {minimum}", "{minimum} 이상 구매 시 {percent} % 할인"),
                ("amount", "{amount} off from {minimum}", "{minimum} 이상 구매 시 {amount} 할인"),
            ]),
        }
    }

    fn check(config: &Config) -> Vec<ConfigProblem> {
        let mut problems = Problems::default();
        problems.length("/tiers", &config.tiers, MAX_TIERS);
        problems.currency("/currency", &config.currency);
        for (index, tier) in config.tiers.iter().enumerate() {
            let pointer = format!("/tiers/{index}");
            if let Some(wrong) = tier.check() {
                problems.refuse_if(true, &pointer, wrong);
            }
            problems.amount(&format!("{pointer}/minimum"), tier.minimum.max(0));
            problems.amount(&format!("{pointer}/amount"), tier.amount.unwrap_or(0).max(0));
            let is_twice = config.tiers[..index].iter().any(|other| other.minimum == tier.minimum);
            problems.refuse_if(is_twice, &format!("{pointer}/minimum"), "stands twice");
        }
        problems.found
    }
}

impl Promotion for SpendTiers {
    fn classes(_: &Config) -> Vec<Class> {
        vec![Class::Order]
    }

    fn propose(cart: &Cart, _: Standing, config: &Config) -> Proposal {
        let currency = Money { amount: 0, currency: config.currency.clone() };
        if let Err(reason) = currency.of(cart) {
            return Proposal { candidates: Vec::new(), declined: vec![decline("tiers", reason)] };
        }
        let mut tiers: Vec<&Tier> = config.tiers.iter().collect();
        tiers.sort_by_key(|tier| core::cmp::Reverse(tier.minimum));
        Proposal { candidates: tiers.iter().map(|tier| tier.candidate(cart)).collect(), declined: Vec::new() }
    }
}

impl Tier {
    fn check(&self) -> Option<&'static str> {
        match (self.percent_ppm, self.amount) {
            _ if self.minimum < 0 => Some("the minimum must not be negative"),
            (Some(1..=1_000_000), None) | (None, Some(1..)) => None,
            (Some(_), None) => Some("percent_ppm must be 1 to 1000000, which is all of it"),
            (None, Some(_)) => Some("the amount must be at least 1"),
            _ => Some("needs either percent_ppm or amount"),
        }
    }

    fn candidate(&self, cart: &Cart) -> Candidate {
        let minimum = argument("minimum", amount(self.minimum, cart));
        let (value, words) = match (self.amount, self.percent_ppm) {
            (Some(off), _) => {
                (Value::Across(off), message("amount", [argument("amount", amount(off, cart)), minimum]))
            }
            (None, ppm) => {
                let ppm = ppm.unwrap_or(0);
                (Value::Percent(ppm), message("percent", [argument("percent", percent(ppm)), minimum]))
            }
        };
        CandidateBuilder::new(&format!("from-{}", self.minimum), Class::Order, value, words)
            .threshold(Some(minimum_spend(self.minimum)))
            .tag(TAG)
            .build()
    }
}

#[cfg(test)]
mod tests {
    use martlet_plugin_sdk::{
        guest,
        testing::{CartBuilder, LineBuilder, expect_complete_description, problems_at, unused},
        types::Minimum,
    };

    use super::*;

    const TIERS: &str = r#"{"currency": "USD", "tiers": [
        {"minimum": 10000, "percent_ppm": 50000}, {"minimum": 20000, "amount": 2500}]}"#;

    fn cart(currency: &str) -> Cart {
        CartBuilder::new(currency, 2).line(LineBuilder::new("MUG", 1, 1_600)).build()
    }

    #[test]
    fn the_highest_tier_comes_first_and_all_share_a_tag() {
        let proposal =
            SpendTiers::propose(&cart("USD"), unused(), &guest::check::<SpendTiers>(TIERS).unwrap());
        let [high, low] = &proposal.candidates[..] else { panic!("two candidates") };
        assert_eq!((high.value.clone(), low.value.clone()), (Value::Across(2_500), Value::Percent(50_000)));
        assert_eq!(high.threshold.as_ref().unwrap().minimum, Minimum::Spend(20_000));
        assert_eq!(high.exclusivity_tags, low.exclusivity_tags);
        assert_eq!(high.message.arguments[1].value, "200.00");
        assert_ne!(high.key, low.key);
    }

    #[test]
    fn another_currency_is_declined_with_the_reason() {
        let proposal =
            SpendTiers::propose(&cart("EUR"), unused(), &guest::check::<SpendTiers>(TIERS).unwrap());
        assert_eq!(proposal.declined[0].message.key, "sdk-other-currency");
    }

    #[test]
    fn refuses_what_makes_no_sense() {
        let places = |tiers: &str| -> Vec<String> {
            let json = format!(r#"{{"currency": "USD", "tiers": {tiers}}}"#);
            problems_at::<SpendTiers>(&json)
        };
        assert_eq!(places("[]"), ["/tiers"]);
        assert_eq!(places(r#"[{"minimum": 1}]"#), ["/tiers/0"]);
        assert_eq!(places(r#"[{"minimum": 1, "amount": 1, "percent_ppm": 1}]"#), ["/tiers/0"]);
        assert_eq!(places(r#"[{"minimum": -1, "amount": 1}]"#), ["/tiers/0"]);
        assert_eq!(
            places(r#"[{"minimum": 1, "amount": 1}, {"minimum": 1, "amount": 2}]"#),
            ["/tiers/1/minimum"]
        );
    }

    #[test]
    fn its_description_is_complete() {
        expect_complete_description::<SpendTiers>();
    }
}
