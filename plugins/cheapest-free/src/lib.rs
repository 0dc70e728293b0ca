//! Of every so many units of a selection the cheapest are free. The host picks the units: all that
//! qualify are dearer than all that are free.

use martlet_plugin_sdk::{
    ALL_OF_IT, CandidateBuilder, Plugin, Problems, Promotion, Selector, argument, in_english_and_korean,
    message, propose_one, too_few,
    types::{BuyXGetY, Cart, Class, ConfigProblem, Description, Message, Proposal, Standing, Value},
};
use serde::Deserialize;

martlet_plugin_sdk::export!(promotion, CheapestFree, "../../wit/1.0.0");

/// The plugin.
#[derive(Debug)]
pub struct CheapestFree;

/// How many of how many.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    #[serde(default)]
    goods: Selector,
    of_every: u32,
    free: u32,
    most: Option<u32>,
}

impl Plugin for CheapestFree {
    type Config = Config;

    fn describe() -> Description {
        Description {
            name: "cheapest-free".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            title: "Cheapest free".to_owned(),
            summary: "Of every so many units the cheapest are free.".to_owned(),
            config_schema: include_str!("../config.schema.json").to_owned(),
            templates: in_english_and_korean([(
                "free",
                "Of every {of}, the cheapest {free} free",
                "{of}개마다 가장 저렴한 {free}개 무료",
            )]),
        }
    }

    fn check(config: &Config) -> Vec<ConfigProblem> {
        let mut problems = Problems::default();
        problems.at_least_one("/free", config.free);
        problems.refuse_if(config.of_every <= config.free, "/of_every", "must be more than free");
        problems.at_least_one("/most", config.most.unwrap_or(1));
        problems.found
    }
}

impl Promotion for CheapestFree {
    fn classes(_: &Config) -> Vec<Class> {
        vec![Class::Line]
    }

    fn propose(cart: &Cart, _: Standing, config: &Config) -> Proposal {
        let words = || message("free", [argument("of", config.of_every), argument("free", config.free)]);
        let candidate = |offer| CandidateBuilder::new("free", Class::Line, Value::BuyXGetY(offer), words());
        propose_one("free", config.offer(cart).map(candidate))
    }
}

impl Config {
    fn offer(&self, cart: &Cart) -> Result<BuyXGetY, Message> {
        let scope = self.goods.scope_or_reason(cart)?;
        let there = self.goods.units(cart);
        // The host would give what a part of a lot fills too; here only whole lots count.
        let lots = u32::try_from(there / u64::from(self.of_every)).unwrap_or(u32::MAX);
        if lots == 0 {
            return Err(too_few(self.of_every, there));
        }
        Ok(BuyXGetY {
            buy: scope.clone(),
            buy_count: self.of_every - self.free,
            get: scope,
            get_count: self.free,
            percent: ALL_OF_IT,
            most: Some(self.most.unwrap_or(u32::MAX).min(lots)),
        })
    }
}

#[cfg(test)]
mod tests {
    use martlet_plugin_sdk::{
        guest,
        testing::{expect_complete_description, mugs_and_socks, problems_at, unused},
        types::Scope,
    };

    use super::*;

    fn propose(socks: u32, json: &str) -> Proposal {
        let cart = mugs_and_socks(1, socks).build();
        CheapestFree::propose(&cart, unused(), &guest::check::<CheapestFree>(json).unwrap())
    }

    fn offer(proposal: &Proposal) -> &BuyXGetY {
        match &proposal.candidates[0].value {
            Value::BuyXGetY(offer) => offer,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn those_that_are_not_free_qualify() {
        let proposal = propose(7, r#"{"of_every": 3, "free": 1}"#);
        let offer = offer(&proposal);
        assert_eq!((offer.buy_count, offer.get_count, offer.percent), (2, 1, ALL_OF_IT));
        assert_eq!((&offer.buy, &offer.get), (&Scope::All, &Scope::All));
        assert_eq!(proposal.candidates[0].message, message("free", [argument("of", 3), argument("free", 1)]));
    }

    #[test]
    fn only_whole_lots_count() {
        let most = |socks, json: &str| offer(&propose(socks, json)).most;
        let socks = r#"{"goods": {"categories": ["socks"]}, "of_every": 4, "free": 2}"#;
        assert_eq!((most(4, socks), most(7, socks), most(8, socks)), (Some(1), Some(1), Some(2)));
        assert_eq!(most(11, r#"{"of_every": 4, "free": 1, "most": 2}"#), Some(2));
    }

    #[test]
    fn says_why_it_gives_nothing() {
        let reason = |json: &str| propose(1, json).declined[0].message.clone();
        assert_eq!(reason(r#"{"of_every": 3, "free": 1}"#), too_few(3_u32, 2));
        let hats = r#"{"goods": {"skus": ["HAT"]}, "of_every": 3, "free": 1}"#;
        assert_eq!(reason(hats).key, "sdk-no-goods");
    }

    #[test]
    fn refuses_what_makes_no_sense() {
        let places = problems_at::<CheapestFree>;
        assert_eq!(places(r#"{"of_every": 2, "free": 2}"#), ["/of_every"]);
        assert_eq!(places(r#"{"of_every": 2, "free": 0, "most": 0}"#), ["/free", "/most"]);
        assert_eq!(places(r#"{"of_every": 2}"#), [""]);
    }

    #[test]
    fn its_description_is_complete() {
        expect_complete_description::<CheapestFree>();
    }
}
