//! Takes a share off lines or off the order.

use martlet_plugin_sdk::{
    CandidateBuilder, Money, Plugin, Problems, Promotion, Selector, argument, in_english_and_korean, message,
    minimum_quantity, minimum_spend, percent, propose_one,
    types::{Cart, Class, ConfigProblem, Description, Message, Proposal, Scope, Standing, Threshold, Value},
};
use serde::Deserialize;

martlet_plugin_sdk::export!(promotion, PercentageOff, "../../wit/1.0.0");

/// The plugin.
#[derive(Debug)]
pub struct PercentageOff;

/// How much, off what, and when.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    percent_ppm: u32,
    #[serde(default)]
    on: On,
    #[serde(default)]
    goods: Selector,
    cap: Option<Money>,
    minimum_spend: Option<Money>,
    minimum_quantity: Option<u32>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum On {
    #[default]
    Lines,
    Order,
}

impl Plugin for PercentageOff {
    type Config = Config;

    fn describe() -> Description {
        Description {
            name: "percentage-off".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            title: "Percentage off".to_owned(),
            summary: "Takes a share off lines, each rounded on its own, or off the order.".to_owned(),
            config_schema: include_str!("../config.schema.json").to_owned(),
            templates: in_english_and_korean([("percent-off", "{percent} % off", "{percent} % 할인")]),
        }
    }

    fn check(config: &Config) -> Vec<ConfigProblem> {
        let mut problems = Problems::default();
        problems.share("/percent_ppm", config.percent_ppm);
        problems.at_least_one("/minimum_quantity", config.minimum_quantity.unwrap_or(1));
        problems.some_money("/cap", config.cap.as_ref());
        problems.some_money("/minimum_spend", config.minimum_spend.as_ref());
        problems.refuse_if(
            config.minimum_spend.is_some() && config.minimum_quantity.is_some(),
            "/minimum_quantity",
            "goes without minimum_spend: a candidate has one threshold",
        );
        problems.found
    }
}

impl Promotion for PercentageOff {
    fn classes(config: &Config) -> Vec<Class> {
        vec![config.class()]
    }

    fn propose(cart: &Cart, _: Standing, config: &Config) -> Proposal {
        propose_one("percent-off", config.candidate(cart))
    }
}

impl Config {
    fn class(&self) -> Class {
        match self.on {
            On::Lines => Class::Line,
            On::Order => Class::Order,
        }
    }

    fn candidate(&self, cart: &Cart) -> Result<CandidateBuilder, Message> {
        let scope = self.goods.scope_or_reason(cart)?;
        let words = message("percent-off", [argument("percent", percent(self.percent_ppm))]);
        let cap = self.cap.as_ref().map(|cap| cap.of(cart)).transpose()?;
        let threshold = self.threshold(cart, &scope)?;
        Ok(CandidateBuilder::new("percent-off", self.class(), Value::Percent(self.percent_ppm), words)
            .on(scope)
            .cap(cap)
            .threshold(threshold))
    }

    /// A minimum spend counts all goods, a minimum quantity the goods that it is for.
    fn threshold(&self, cart: &Cart, scope: &Scope) -> Result<Option<Threshold>, Message> {
        let spend = self.minimum_spend.as_ref().map(|minimum| minimum.of(cart)).transpose()?;
        let quantity = self.minimum_quantity.map(|count| minimum_quantity(count, scope.clone()));
        Ok(spend.map(minimum_spend).or(quantity))
    }
}

#[cfg(test)]
mod tests {
    use martlet_plugin_sdk::{
        guest,
        testing::{expect_complete_description, mugs_and_socks, problems_at, unused},
        types::{Minimum, ScopeLine},
    };

    use super::*;

    fn config(json: &str) -> Config {
        guest::check::<PercentageOff>(json).unwrap()
    }

    fn cart() -> Cart {
        mugs_and_socks(2, 3).build()
    }

    #[test]
    fn takes_the_share_off_the_lines_it_is_for() {
        let config = config(r#"{"percent_ppm": 150000, "goods": {"categories": ["socks"]}}"#);
        assert_eq!(PercentageOff::classes(&config), [Class::Line]);
        let proposal = PercentageOff::propose(&cart(), unused(), &config);
        let [candidate] = &proposal.candidates[..] else { panic!("one candidate") };
        assert_eq!(candidate.value, Value::Percent(150_000));
        assert_eq!(candidate.scope, Scope::Lines(vec![ScopeLine { position: 1, quantity: None }]));
        assert_eq!(candidate.message.arguments[0].value, "15");
    }

    #[test]
    fn a_minimum_travels_as_a_threshold() {
        let spend =
            r#"{"percent_ppm": 1, "on": "order", "minimum_spend": {"amount": 5000, "currency": "USD"}}"#;
        let proposal = PercentageOff::propose(&cart(), unused(), &config(spend));
        assert_eq!(proposal.candidates[0].threshold.as_ref().unwrap().minimum, Minimum::Spend(5_000));
        let quantity = r#"{"percent_ppm": 1, "minimum_quantity": 4, "goods": {"skus": ["MUG"]}}"#;
        let proposal = PercentageOff::propose(&cart(), unused(), &config(quantity));
        let threshold = proposal.candidates[0].threshold.as_ref().unwrap();
        assert_eq!(threshold.minimum, Minimum::Quantity(4));
        assert_eq!(threshold.scope, Scope::Lines(vec![ScopeLine { position: 0, quantity: None }]));
    }

    #[test]
    fn says_why_it_gives_nothing() {
        let reason = |json: &str| {
            let proposal = PercentageOff::propose(&cart(), unused(), &config(json));
            assert!(proposal.candidates.is_empty());
            proposal.declined[0].message.key.clone()
        };
        assert_eq!(reason(r#"{"percent_ppm": 1, "goods": {"tags": ["linen"]}}"#), "sdk-no-goods");
        let won = r#"{"percent_ppm": 1, "cap": {"amount": 5, "currency": "KRW"}}"#;
        assert_eq!(reason(won), "sdk-other-currency");
    }

    #[test]
    fn refuses_what_makes_no_sense() {
        let places = problems_at::<PercentageOff>;
        assert_eq!(places(r#"{"percent_ppm": 0}"#), ["/percent_ppm"]);
        assert_eq!(
            places(r#"{"percent_ppm": 1000001, "minimum_quantity": 0}"#),
            ["/percent_ppm", "/minimum_quantity"]
        );
        assert_eq!(
            places(r#"{"percent_ppm": 1, "cap": {"amount": -1, "currency": "USD"}}"#),
            ["/cap/amount"]
        );
        assert_eq!(places(r#"{"percent": 1}"#), [""]);
        assert_eq!(places("not json"), [""]);
    }

    #[test]
    fn its_description_is_complete() {
        expect_complete_description::<PercentageOff>();
    }
}
