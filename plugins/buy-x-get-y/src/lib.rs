//! Buy some, get some cheaper or free. The host picks the units: the dearest qualify, the cheapest
//! are given.

use martlet_plugin_sdk::{
    CandidateBuilder, Plugin, Promotion, Selector, argument, decline, message, percent, problem, template,
    types::{BuyXGetY, Cart, Class, ConfigProblem, Description, Message, Proposal, Standing, Value},
};
use serde::Deserialize;

martlet_plugin_sdk::export!(promotion, BuyXGetYFree, "../../wit/0.1.0");

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
    1_000_000
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
            templates: vec![
                template("free", "en", "Buy {buy}, get {get} free"),
                template("free", "ko", "{buy}개 구매 시 {get}개 무료"),
                template("cheaper", "en", "Buy {buy}, get {get} at {percent} % off"),
                template("cheaper", "ko", "{buy}개 구매 시 {get}개 {percent} % 할인"),
                template("nothing-to-buy", "en", "none of the goods to buy is in the cart"),
                template("nothing-to-buy", "ko", "구매 대상 상품이 장바구니에 없습니다"),
                template("nothing-to-get", "en", "none of the goods to get is in the cart"),
                template("nothing-to-get", "ko", "증정 대상 상품이 장바구니에 없습니다"),
                template("too-few", "en", "needs {needed} units, there are {there}"),
                template("too-few", "ko", "{needed}개가 필요하며 현재 {there}개입니다"),
            ],
        }
    }

    fn check(config: &Config) -> Vec<ConfigProblem> {
        let counts = [
            ("/buy_count", config.buy_count),
            ("/get_count", config.get_count),
            ("/most", config.most.unwrap_or(1)),
        ];
        let zeros = counts.into_iter().filter(|(_, count)| *count == 0);
        let mut problems: Vec<ConfigProblem> =
            zeros.map(|(place, _)| problem(place, "must be at least 1")).collect();
        if !(1..=1_000_000).contains(&config.percent_ppm) {
            problems.push(problem("/percent_ppm", "must be 1 to 1000000, which is free"));
        }
        problems
    }
}

impl Promotion for BuyXGetYFree {
    fn classes(_: &Config) -> Vec<Class> {
        vec![Class::Line]
    }

    fn propose(cart: &Cart, _: Standing, config: &Config) -> Proposal {
        match config.offer(cart) {
            Ok(offer) => {
                let candidate =
                    CandidateBuilder::new("offer", Class::Line, Value::BuyXGetY(offer), config.words());
                Proposal { candidates: vec![candidate.build()], declined: Vec::new() }
            }
            Err(reason) => Proposal { candidates: Vec::new(), declined: vec![decline("offer", reason)] },
        }
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
            return Err(message("too-few", [argument("needed", needed), argument("there", there)]));
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
        testing::{CartBuilder, LineBuilder, unused},
        types::{Scope, ScopeLine},
    };

    use super::*;

    fn propose(json: &str) -> Proposal {
        let cart = CartBuilder::new("USD", 2)
            .line(LineBuilder::new("MUG", 1, 1_600).category("kitchen"))
            .line(LineBuilder::new("SOCK", 2, 1_400).category("socks"))
            .build();
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
        assert_eq!((few.key.as_str(), few.arguments[0].value.as_str()), ("too-few", "4"));
    }

    #[test]
    fn refuses_what_makes_no_sense() {
        let json = r#"{"buy_count": 0, "get_count": 0, "most": 0, "percent_ppm": 0}"#;
        let problems = guest::check::<BuyXGetYFree>(json).unwrap_err();
        let places: Vec<&str> = problems.iter().map(|problem| problem.pointer.as_str()).collect();
        assert_eq!(places, ["/buy_count", "/get_count", "/most", "/percent_ppm"]);
        assert!(guest::check::<BuyXGetYFree>(r#"{"buy_count": 1}"#).is_err());
    }
}
