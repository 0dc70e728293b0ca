//! Buy some, get some cheaper or free. The host picks the units: the dearest qualify, the cheapest
//! are given.

use martlet_plugin_sdk::{
    ALL_OF_IT, CandidateBuilder, Plugin, Problems, Promotion, Selector, argument, in_english_and_korean,
    message, percent, propose_one, too_few,
    types::{BuyXGetY, Cart, Class, ConfigProblem, Description, Message, Proposal, Standing, Value},
};
use serde::Deserialize;

martlet_plugin_sdk::export!(promotion, BuyXGetYFree, "../../wit/1.0.0");

/// The plugin.
#[derive(Debug)]
pub struct BuyXGetYFree;

/// What is bought, what is given, and how often.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    #[serde(default)]
    buy: Selector,
    buy_count: u32,
    get: Option<Selector>,
    get_count: u32,
    #[serde(default = "free")]
    percent_ppm: u32,
    most: Option<u32>,
}

const fn free() -> u32 {
    ALL_OF_IT
}

impl Plugin for BuyXGetYFree {
    type Config = Config;

    fn describe() -> Description {
        Description {
            name: "buy-x-get-y".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            title: "Buy X, get Y".to_owned(),
            summary: "With so many units bought, others are cheaper or free.".to_owned(),
            config_schema: include_str!("../config.schema.json").to_owned(),
            templates: in_english_and_korean([
                ("free", "Buy {buy}, get {get} free", "{buy}개 구매 시 {get}개 무료"),
                (
                    "cheaper",
                    "Buy {buy}, get {get} at {percent} % off",
                    "{buy}개 구매 시 {get}개 {percent} % 할인",
                ),
                (
                    "nothing-to-buy",
                    "none of the goods to buy is in the cart",
                    "구매 대상 상품이 장바구니에 없습니다",
                ),
                (
                    "nothing-to-get",
                    "none of the goods to get is in the cart",
                    "증정 대상 상품이 장바구니에 없습니다",
                ),
            ]),
        }
    }

    fn check(config: &Config) -> Vec<ConfigProblem> {
        let mut problems = Problems::default();
        problems.at_least_one("/buy_count", config.buy_count);
        problems.at_least_one("/get_count", config.get_count);
        problems.at_least_one("/most", config.most.unwrap_or(1));
        problems.share("/percent_ppm", config.percent_ppm);
        problems.found
    }
}

impl Promotion for BuyXGetYFree {
    fn classes(_: &Config) -> Vec<Class> {
        vec![Class::Line]
    }

    fn propose(cart: &Cart, _: Standing, config: &Config) -> Proposal {
        let candidate =
            |offer| CandidateBuilder::new("offer", Class::Line, Value::BuyXGetY(offer), config.words());
        propose_one("offer", config.offer(cart).map(candidate))
    }
}

impl Config {
    fn offer(&self, cart: &Cart) -> Result<BuyXGetY, Message> {
        let get = self.get.as_ref().unwrap_or(&self.buy);
        let scope_to_buy = self.buy.scope(cart).ok_or_else(|| message("nothing-to-buy", []))?;
        let scope_to_get = get.scope(cart).ok_or_else(|| message("nothing-to-get", []))?;
        // One unit more than are bought is enough for a part of the offer.
        let lines = cart.lines.iter().filter(|line| self.buy.fits(line) || get.fits(line));
        let there: u64 = lines.map(|line| u64::from(line.quantity)).sum();
        let needed = u64::from(self.buy_count) + 1;
        if there < needed {
            return Err(too_few(needed, there));
        }
        Ok(BuyXGetY {
            buy: scope_to_buy,
            buy_count: self.buy_count,
            get: scope_to_get,
            get_count: self.get_count,
            percent: self.percent_ppm,
            most: self.most,
        })
    }

    fn words(&self) -> Message {
        let key = if self.percent_ppm == free() { "free" } else { "cheaper" };
        let arguments = [
            argument("buy", self.buy_count),
            argument("get", self.get_count),
            argument("percent", percent(self.percent_ppm)),
        ];
        message(key, arguments)
    }
}

#[cfg(test)]
mod tests {
    use martlet_plugin_sdk::{
        guest,
        testing::{expect_complete_description, mugs_and_socks, problems_at, unused},
        types::{Scope, ScopeLine},
    };

    use super::*;

    fn propose(json: &str) -> Proposal {
        let cart = mugs_and_socks(1, 2).build();
        BuyXGetYFree::propose(&cart, unused(), &guest::check::<BuyXGetYFree>(json).unwrap())
    }

    fn offer(proposal: &Proposal) -> &BuyXGetY {
        match &proposal.candidates[0].value {
            Value::BuyXGetY(offer) => offer,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_same_goods_are_bought_and_given_unless_others_are_named() {
        let proposal = propose(r#"{"buy_count": 2, "get_count": 1}"#);
        let offer = offer(&proposal);
        assert_eq!(
            (&offer.buy, &offer.get, offer.percent, offer.most),
            (&Scope::All, &Scope::All, 1_000_000, None)
        );
        assert_eq!(proposal.candidates[0].message.key, "free");
    }

    #[test]
    fn others_can_be_given() {
        let proposal = propose(
            r#"{"buy": {"skus": ["MUG"]}, "buy_count": 1, "get": {"categories": ["socks"]}, "get_count": 1, "percent_ppm": 500000}"#,
        );
        let line = |position| Scope::Lines(vec![ScopeLine { position, quantity: None }]);
        assert_eq!((&offer(&proposal).buy, &offer(&proposal).get), (&line(0), &line(1)));
        assert_eq!(proposal.candidates[0].message.key, "cheaper");
    }

    #[test]
    fn says_why_it_gives_nothing() {
        let reason = |json: &str| propose(json).declined[0].message.clone();
        assert_eq!(
            reason(r#"{"buy": {"skus": ["HAT"]}, "buy_count": 1, "get_count": 1}"#).key,
            "nothing-to-buy"
        );
        let hat = r#"{"buy_count": 1, "get": {"skus": ["HAT"]}, "get_count": 1}"#;
        assert_eq!(reason(hat).key, "nothing-to-get");
        let few = reason(r#"{"buy_count": 3, "get_count": 1}"#);
        assert_eq!((few.key.as_str(), few.arguments[0].value.as_str()), ("sdk-too-few", "4"));
    }

    #[test]
    fn refuses_what_makes_no_sense() {
        let json = r#"{"buy_count": 0, "get_count": 0, "most": 0, "percent_ppm": 0}"#;
        let expected = ["/buy_count", "/get_count", "/most", "/percent_ppm"];
        assert_eq!(problems_at::<BuyXGetYFree>(json), expected);
        assert_eq!(problems_at::<BuyXGetYFree>(r#"{"buy_count": 1}"#), [""]);
    }

    #[test]
    fn its_description_is_complete() {
        expect_complete_description::<BuyXGetYFree>();
    }
}
