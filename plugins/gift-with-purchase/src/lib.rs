//! A gift from so much spent or so many units on. The host tests the minimum at the promotion's turn,
//! and gives only what the installation may give.

use martlet_plugin_sdk::{
    AtLeast, CandidateBuilder, Plugin, Problems, Promotion, argument, deserialize_sku, in_english_and_korean,
    message, propose_one,
    types::{Cart, Class, ConfigProblem, Description, Gift, Proposal, Standing, Value},
};
use serde::Deserialize;

martlet_plugin_sdk::export!(promotion, GiftWithPurchase, "../../wit/1.0.0");

/// The engine gives no more.
const MAX_QUANTITY: u32 = 10_000;

/// The plugin.
#[derive(Debug)]
pub struct GiftWithPurchase;

/// What is given, and from when on.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    #[serde(deserialize_with = "deserialize_sku")]
    sku: String,
    #[serde(default = "one")]
    quantity: u32,
    minimum: AtLeast,
}

const fn one() -> u32 {
    1
}

impl Plugin for GiftWithPurchase {
    type Config = Config;

    fn describe() -> Description {
        Description {
            name: "gift-with-purchase".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            title: "Gift with purchase".to_owned(),
            summary: "A gift from so much spent or so many units on.".to_owned(),
            config_schema: include_str!("../config.schema.json").to_owned(),
            templates: in_english_and_korean([(
                "gift",
                "A gift: {quantity} x {sku}",
                "사은품: {sku} {quantity}개",
            )]),
        }
    }

    fn check(config: &Config) -> Vec<ConfigProblem> {
        let mut problems = Problems::default();
        problems.sku("/sku", &config.sku);
        let is_possible = (1..=MAX_QUANTITY).contains(&config.quantity);
        problems.refuse_if(!is_possible, "/quantity", "must be 1 to 10000");
        config.minimum.check("/minimum", &mut problems);
        problems.found
    }
}

impl Promotion for GiftWithPurchase {
    fn classes(_: &Config) -> Vec<Class> {
        vec![Class::Gift]
    }

    fn propose(cart: &Cart, _: Standing, config: &Config) -> Proposal {
        let gift = Gift { sku: config.sku.clone(), quantity: config.quantity };
        let words = message("gift", [argument("quantity", config.quantity), argument("sku", &config.sku)]);
        let candidate = CandidateBuilder::new("gift", Class::Gift, Value::Gift(gift), words);
        let threshold = config.minimum.threshold(cart);
        propose_one("gift", threshold.map(|threshold| candidate.threshold(Some(threshold))))
    }
}

#[cfg(test)]
mod tests {
    use martlet_plugin_sdk::{
        guest,
        testing::{expect_complete_description, mugs_and_socks, problems_at, unused},
        types::{Minimum, Scope, ScopeLine},
    };

    use super::*;

    fn propose(json: &str) -> Proposal {
        let cart = mugs_and_socks(2, 3).build();
        GiftWithPurchase::propose(&cart, unused(), &guest::check::<GiftWithPurchase>(json).unwrap())
    }

    #[test]
    fn the_gift_waits_for_its_minimum() {
        let proposal = propose(
            r#"{"sku": " wrap", "minimum": {"spend": [{"amount": 5000, "currency": "USD"},
                {"amount": 60000, "currency": "KRW"}]}}"#,
        );
        let [candidate] = &proposal.candidates[..] else { panic!("one candidate") };
        assert_eq!((candidate.class, &candidate.scope), (Class::Gift, &Scope::All));
        assert_eq!(candidate.value, Value::Gift(Gift { sku: "WRAP".to_owned(), quantity: 1 }));
        assert_eq!(candidate.threshold.as_ref().unwrap().minimum, Minimum::Spend(5_000));
    }

    #[test]
    fn a_minimum_can_count_certain_goods() {
        let proposal = propose(
            r#"{"sku": "WRAP", "quantity": 2, "minimum": {"quantity": 3, "goods": {"categories": ["socks"]}}}"#,
        );
        let threshold = proposal.candidates[0].threshold.as_ref().unwrap();
        assert_eq!(threshold.minimum, Minimum::Quantity(3));
        assert_eq!(threshold.scope, Scope::Lines(vec![ScopeLine { position: 1, quantity: None }]));
    }

    #[test]
    fn says_why_it_gives_nothing() {
        let reason = |minimum: &str| {
            let proposal = propose(&format!(r#"{{"sku": "WRAP", "minimum": {minimum}}}"#));
            assert!(proposal.candidates.is_empty());
            proposal.declined[0].message.key.clone()
        };
        assert_eq!(reason(r#"{"quantity": 1, "goods": {"skus": ["HAT"]}}"#), "sdk-no-goods");
        assert_eq!(reason(r#"{"spend": [{"amount": 1, "currency": "EUR"}]}"#), "sdk-not-in-currency");
    }

    #[test]
    fn refuses_what_makes_no_sense() {
        let places = problems_at::<GiftWithPurchase>;
        assert_eq!(places(r#"{"sku": "", "quantity": 0, "minimum": {}}"#), ["/sku", "/quantity", "/minimum"]);
        assert_eq!(places(r#"{"sku": "A", "quantity": 10001, "minimum": {"quantity": 1}}"#), ["/quantity"]);
        assert_eq!(places(r#"{"sku": "A"}"#), [""]);
        let sku = |sku: &str| places(&format!(r#"{{"sku": "{sku}", "minimum": {{"quantity": 1}}}}"#));
        assert_eq!(sku(&"A".repeat(64)), [""; 0]);
        assert_eq!(
            (sku(&"A".repeat(65)), sku(r"A\u0007")),
            (vec!["/sku".to_owned()], vec!["/sku".to_owned()])
        );
    }

    #[test]
    fn its_description_is_complete() {
        expect_complete_description::<GiftWithPurchase>();
    }
}
