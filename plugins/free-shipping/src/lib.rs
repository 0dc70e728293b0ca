//! Shipping free or cheaper from a minimum on, for certain countries and methods.

use martlet_plugin_sdk::{
    ALL_OF_IT, Amounts, AtLeast, CandidateBuilder, Places, Plugin, Problems, Promotion, amount, argument,
    in_english_and_korean, message, percent, propose_one,
    types::{Cart, Class, ConfigProblem, Description, Message, Proposal, Standing, Value},
};
use serde::Deserialize;

martlet_plugin_sdk::export!(promotion, FreeShipping, "../../wit/1.0.0");

/// The plugin.
#[derive(Debug)]
pub struct FreeShipping;

/// How much comes off shipping, from when on, and where to.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    minimum: Option<AtLeast>,
    to: Places,
    methods: Vec<String>,
    percent_ppm: Option<u32>,
    price: Option<Amounts>,
    cap: Option<Amounts>,
}

impl Plugin for FreeShipping {
    type Config = Config;

    fn describe() -> Description {
        Description {
            name: "free-shipping".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            title: "Free shipping".to_owned(),
            summary: "Shipping is free or cheaper from a minimum on.".to_owned(),
            config_schema: include_str!("../config.schema.json").to_owned(),
            templates: in_english_and_korean([
                ("free", "Free shipping", "무료 배송"),
                ("percent", "{percent} % off shipping", "배송비 {percent} % 할인"),
                ("price", "Shipping for {price}", "배송비 {price}"),
                ("no-method", "no shipping method is chosen yet", "배송 방법이 아직 선택되지 않았습니다"),
                (
                    "other-method",
                    "for the shipping methods {methods}; {method} is chosen",
                    "{methods} 배송 전용입니다 (현재 {method})",
                ),
            ]),
        }
    }

    fn check(config: &Config) -> Vec<ConfigProblem> {
        let mut problems = Problems::default();
        if let Some(minimum) = &config.minimum {
            minimum.check("/minimum", &mut problems);
        }
        config.to.check("/to", &mut problems);
        for (index, method) in config.methods.iter().enumerate() {
            problems.not_blank(&format!("/methods/{index}"), method);
        }
        problems.share("/percent_ppm", config.percent_ppm.unwrap_or(ALL_OF_IT));
        problems.some_amounts("/price", config.price.as_ref());
        problems.some_amounts("/cap", config.cap.as_ref());
        let are_both = config.percent_ppm.is_some() && config.price.is_some();
        problems.refuse_if(are_both, "/price", "goes without percent_ppm");
        problems.found
    }
}

impl Promotion for FreeShipping {
    fn classes(_: &Config) -> Vec<Class> {
        vec![Class::Shipping]
    }

    fn propose(cart: &Cart, _: Standing, config: &Config) -> Proposal {
        propose_one("shipping", config.candidate(cart))
    }
}

impl Config {
    fn candidate(&self, cart: &Cart) -> Result<CandidateBuilder, Message> {
        self.to.fit(cart)?;
        self.fit_method(cart)?;
        let (value, words) = match (&self.price, self.percent_ppm) {
            (Some(price), _) => {
                let price = price.of(cart)?;
                (Value::UnitPrice(price), message("price", [argument("price", amount(price, cart))]))
            }
            (None, None | Some(ALL_OF_IT)) => (Value::Percent(ALL_OF_IT), message("free", [])),
            (None, Some(ppm)) => {
                (Value::Percent(ppm), message("percent", [argument("percent", percent(ppm))]))
            }
        };
        let threshold = self.minimum.as_ref().map(|minimum| minimum.threshold(cart)).transpose()?;
        Ok(CandidateBuilder::new("shipping", Class::Shipping, value, words)
            .cap(Amounts::of_some(self.cap.as_ref(), cart)?)
            .threshold(threshold))
    }

    fn fit_method(&self, cart: &Cart) -> Result<(), Message> {
        let chosen = cart.shipping.as_ref().ok_or_else(|| message("no-method", []))?;
        if self.methods.is_empty() || self.methods.contains(&chosen.method) {
            return Ok(());
        }
        let arguments = [argument("methods", self.methods.join(", ")), argument("method", &chosen.method)];
        Err(message("other-method", arguments))
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

    fn cart() -> CartBuilder {
        CartBuilder::new("USD", 2).line(LineBuilder::new("MUG", 2, 1_600))
    }

    fn propose(cart: CartBuilder, json: &str) -> Proposal {
        FreeShipping::propose(&cart.build(), unused(), &guest::check::<FreeShipping>(json).unwrap())
    }

    #[test]
    fn shipping_is_free_from_a_minimum_on() {
        let json = r#"{"minimum": {"spend": [{"amount": 5000, "currency": "USD"}]},
            "cap": [{"amount": 900, "currency": "USD"}]}"#;
        let proposal = propose(cart().shipping("standard", 600), json);
        let [candidate] = &proposal.candidates[..] else { panic!("one candidate") };
        assert_eq!((candidate.class, &candidate.value), (Class::Shipping, &Value::Percent(ALL_OF_IT)));
        assert_eq!(candidate.threshold.as_ref().unwrap().minimum, Minimum::Spend(5_000));
        assert_eq!(candidate.cap, Some(900));
        assert_eq!(candidate.message.key, "free");
    }

    #[test]
    fn it_can_be_cheaper_by_a_share_or_come_down_to_a_price() {
        let value = |json: &str| {
            let candidate = propose(cart().shipping("standard", 600), json).candidates.remove(0);
            (candidate.value, candidate.message.key)
        };
        assert_eq!(value(r#"{"percent_ppm": 500000}"#), (Value::Percent(500_000), "percent".to_owned()));
        let price = r#"{"price": [{"amount": 250, "currency": "USD"}]}"#;
        assert_eq!(value(price), (Value::UnitPrice(250), "price".to_owned()));
    }

    #[test]
    fn says_why_it_gives_nothing() {
        let reason = |cart, json: &str| propose(cart, json).declined[0].message.key.clone();
        let shipped = || cart().country("US").shipping("express", 1_800);
        assert_eq!(reason(shipped(), r#"{"to": ["KR", "US-CA"]}"#), "sdk-elsewhere");
        assert_eq!(reason(cart(), r#"{"to": ["KR"]}"#), "sdk-no-destination");
        assert_eq!(reason(cart(), "{}"), "no-method");
        assert_eq!(reason(shipped(), r#"{"methods": ["standard"]}"#), "other-method");
        let won = r#"{"cap": [{"amount": 5, "currency": "KRW"}]}"#;
        assert_eq!(reason(shipped(), won), "sdk-not-in-currency");
    }

    #[test]
    fn refuses_what_makes_no_sense() {
        let places = problems_at::<FreeShipping>;
        let json =
            r#"{"minimum": {}, "to": ["usa"], "methods": [""], "percent_ppm": 0, "price": [], "cap": []}"#;
        let expected = ["/minimum", "/to/0", "/methods/0", "/percent_ppm", "/price", "/cap", "/price"];
        assert_eq!(places(json), expected);
        assert_eq!(places(r#"{"country": "US"}"#), [""]);
    }

    #[test]
    fn its_description_is_complete() {
        expect_complete_description::<FreeShipping>();
    }
}
