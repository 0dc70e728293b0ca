//! Units together for one price: any so many of a selection, or a set of parts. The host picks the
//! units, the dearest first, and makes as many bundles as save something.

use martlet_plugin_sdk::{
    Amounts, CandidateBuilder, Plugin, Problems, Promotion, Selector, amount, argument,
    in_english_and_korean, message, propose_one, too_few,
    types::{
        Bundle, BundlePart, Cart, Class, ConfigProblem, Description, Message, Proposal, Standing, Value,
    },
};
use serde::Deserialize;

martlet_plugin_sdk::export!(promotion, Bundles, "../../wit/1.0.0");

/// The engine takes no more.
const MAX_PARTS: usize = 8;

/// The plugin.
#[derive(Debug)]
pub struct Bundles;

/// What a bundle takes, and what it costs.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    name: Option<String>,
    parts: Vec<Part>,
    price: Amounts,
    most: Option<u32>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Part {
    #[serde(default)]
    goods: Selector,
    count: u32,
}

impl Plugin for Bundles {
    type Config = Config;

    fn describe() -> Description {
        Description {
            name: "bundle".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            title: "Bundle".to_owned(),
            summary: "Any so many of a selection, or a set of parts, for one price.".to_owned(),
            config_schema: include_str!("../config.schema.json").to_owned(),
            templates: in_english_and_korean([
                ("named", "{name} for {price}", "{name} {price}"),
                ("any", "Any {count} for {price}", "골라 담기 {count}개 {price}"),
                ("together", "Together for {price}", "함께 구매 시 {price}"),
                (
                    "part-too-few",
                    "part {part} of the bundle needs {needed} units, there are {there}",
                    "묶음의 {part}번째 구성은 {needed}개가 필요하며 현재 {there}개입니다",
                ),
            ]),
        }
    }

    fn check(config: &Config) -> Vec<ConfigProblem> {
        let mut problems = Problems::default();
        if let Some(name) = &config.name {
            problems.not_blank("/name", name);
        }
        problems.length("/parts", &config.parts, MAX_PARTS);
        for (index, part) in config.parts.iter().enumerate() {
            problems.at_least_one(&format!("/parts/{index}/count"), part.count);
        }
        let is_single = config.parts.len() == 1 && config.parts[0].count == 1;
        problems.refuse_if(is_single, "/parts/0/count", "a bundle takes at least 2 units");
        config.price.check("/price", &mut problems);
        problems.at_least_one("/most", config.most.unwrap_or(1));
        problems.found
    }
}

impl Promotion for Bundles {
    fn classes(_: &Config) -> Vec<Class> {
        vec![Class::Line]
    }

    fn propose(cart: &Cart, _: Standing, config: &Config) -> Proposal {
        propose_one("bundle", config.candidate(cart))
    }
}

impl Config {
    fn candidate(&self, cart: &Cart) -> Result<CandidateBuilder, Message> {
        let price = self.price.of(cart)?;
        let parts = (1..).zip(&self.parts).map(|(number, part)| self.part(cart, number, part));
        let bundle = Bundle { parts: parts.collect::<Result<_, _>>()?, price, most: self.most };
        let words = self.words(amount(price, cart));
        Ok(CandidateBuilder::new("bundle", Class::Line, Value::Bundle(bundle), words))
    }

    /// Parts may share goods: whether all can be filled together is for the host to find.
    fn part(&self, cart: &Cart, number: u32, part: &Part) -> Result<BundlePart, Message> {
        let there = part.goods.units(cart);
        if there >= u64::from(part.count) {
            return Ok(BundlePart { scope: part.goods.scope_or_reason(cart)?, count: part.count });
        }
        if self.parts.len() == 1 {
            return Err(too_few(part.count, there));
        }
        let arguments = [argument("part", number), argument("needed", part.count), argument("there", there)];
        Err(message("part-too-few", arguments))
    }

    fn words(&self, price: String) -> Message {
        let price = argument("price", price);
        match (&self.name, &self.parts[..]) {
            (Some(name), _) => message("named", [argument("name", name), price]),
            (None, [part]) => message("any", [argument("count", part.count), price]),
            (None, _) => message("together", [price]),
        }
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
        let cart = mugs_and_socks(2, 2).build();
        Bundles::propose(&cart, unused(), &guest::check::<Bundles>(json).unwrap())
    }

    fn line(position: u32) -> Scope {
        Scope::Lines(vec![ScopeLine { position, quantity: None }])
    }

    #[test]
    fn any_so_many_of_a_selection_cost_one_price() {
        let proposal = propose(
            r#"{"parts": [{"count": 3}], "price": [{"amount": 5000, "currency": "USD"}], "most": 2}"#,
        );
        let [candidate] = &proposal.candidates[..] else { panic!("one candidate") };
        let parts = vec![BundlePart { scope: Scope::All, count: 3 }];
        assert_eq!(candidate.value, Value::Bundle(Bundle { parts, price: 5_000, most: Some(2) }));
        let words = message("any", [argument("count", 3), argument("price", "50.00")]);
        assert_eq!(candidate.message, words);
    }

    #[test]
    fn parts_make_a_set_with_a_name() {
        let proposal = propose(
            r#"{"name": "Cosy set", "price": [{"amount": 3300, "currency": "USD"}],
                "parts": [{"goods": {"categories": ["kitchen"]}, "count": 1},
                          {"goods": {"categories": ["socks"]}, "count": 2}]}"#,
        );
        let Value::Bundle(bundle) = &proposal.candidates[0].value else { panic!("a bundle") };
        let expected = [BundlePart { scope: line(0), count: 1 }, BundlePart { scope: line(1), count: 2 }];
        assert_eq!(bundle.parts, expected);
        assert_eq!(proposal.candidates[0].message.key, "named");
    }

    #[test]
    fn says_why_it_gives_nothing() {
        let reason = |parts: &str, currency: &str| {
            let price = format!(r#"[{{"amount": 100, "currency": "{currency}"}}]"#);
            let proposal = propose(&format!(r#"{{"parts": {parts}, "price": {price}}}"#));
            assert!(proposal.candidates.is_empty());
            proposal.declined[0].message.clone()
        };
        assert_eq!(reason(r#"[{"count": 5}]"#, "USD"), too_few(5_u32, 4));
        let hats = r#"[{"count": 1}, {"goods": {"skus": ["HAT"]}, "count": 1}]"#;
        let missing = [argument("part", 2), argument("needed", 1), argument("there", 0)];
        assert_eq!(reason(hats, "USD"), message("part-too-few", missing));
        assert_eq!(reason(r#"[{"count": 2}]"#, "EUR").key, "sdk-not-in-currency");
    }

    #[test]
    fn refuses_what_makes_no_sense() {
        let places = problems_at::<Bundles>;
        let price = r#""price": [{"amount": 1, "currency": "USD"}]"#;
        assert_eq!(places(&format!(r#"{{"parts": [], {price}}}"#)), ["/parts"]);
        assert_eq!(places(&format!(r#"{{"parts": [{{"count": 1}}], {price}}}"#)), ["/parts/0/count"]);
        let zero =
            format!(r#"{{"name": "", "parts": [{{"count": 2}}, {{"count": 0}}], "most": 0, {price}}}"#);
        assert_eq!(places(&zero), ["/name", "/parts/1/count", "/most"]);
        let form = r#"{"parts": [{"count": 2}], "price": [{"amount": 1, "currency": "dollars"}]}"#;
        assert_eq!(places(form), ["/price/0/currency"]);
    }

    #[test]
    fn its_description_is_complete() {
        expect_complete_description::<Bundles>();
    }
}
