//! What an order may and may not be: a minimum value, most units, where goods may go, who may order.

use std::collections::BTreeMap;

use martlet_plugin_sdk::{
    Amounts, CheckoutValidation, Places, Plugin, Problems, Selector, amount, argument, in_english_and_korean,
    message, objection,
    types::{Cart, Checkout, ConfigProblem, Description, Line, Objection},
};
use serde::Deserialize;

martlet_plugin_sdk::export!(checkout_validation, OrderLimits, "../../wit/1.0.0");

const MAX_RULES: usize = 50;

/// The plugin.
#[derive(Debug)]
pub struct OrderLimits;

/// The limits; none of them has to be set.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    minimum_order: Option<Amounts>,
    most_units: Vec<MostUnits>,
    not_to: Vec<NotTo>,
    groups: Vec<String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct MostUnits {
    #[serde(default)]
    goods: Selector,
    most: u32,
    #[serde(default)]
    count: Count,
}

/// Which units a limit counts together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Count {
    /// All of the goods it names.
    #[default]
    Together,
    /// Those of each SKU.
    EachSku,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct NotTo {
    #[serde(default)]
    goods: Selector,
    places: Places,
}

impl Plugin for OrderLimits {
    type Config = Config;

    fn describe() -> Description {
        Description {
            name: "order-limits".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            title: "Order limits".to_owned(),
            summary: "A minimum order, most units, where goods may go and who may order.".to_owned(),
            config_schema: include_str!("../config.schema.json").to_owned(),
            templates: in_english_and_korean([
                (
                    "below-minimum",
                    "An order comes to at least {minimum}; {missing} more is needed.",
                    "최소 주문 금액은 {minimum}입니다. {missing}이 더 필요합니다.",
                ),
                (
                    "too-many",
                    "At most {most} of these an order; there are {there}.",
                    "주문당 최대 {most}개까지 구매할 수 있습니다 (현재 {there}개).",
                ),
                (
                    "too-many-of-sku",
                    "At most {most} of {sku} an order; there are {there}.",
                    "{sku} 상품은 주문당 최대 {most}개까지 구매할 수 있습니다 (현재 {there}개).",
                ),
                (
                    "not-there",
                    "{sku} can't be sent to {country}.",
                    "{sku} 상품은 {country}(으)로 배송할 수 없습니다.",
                ),
                (
                    "where-to",
                    "{sku} can't be sent everywhere; please say where it goes, with the region.",
                    "{sku} 상품은 배송이 제한되는 지역이 있습니다. 지역을 포함한 배송지를 입력해 주세요.",
                ),
                ("not-in-groups", "Only for customers in {groups}.", "{groups} 고객만 주문할 수 있습니다."),
            ]),
        }
    }

    fn check(config: &Config) -> Vec<ConfigProblem> {
        let mut problems = Problems::default();
        problems.some_amounts("/minimum_order", config.minimum_order.as_ref());
        let too_many = "must have at most 50 entries";
        problems.refuse_if(config.most_units.len() > MAX_RULES, "/most_units", too_many);
        for (index, rule) in config.most_units.iter().enumerate() {
            problems.at_least_one(&format!("/most_units/{index}/most"), rule.most);
        }
        problems.refuse_if(config.not_to.len() > MAX_RULES, "/not_to", too_many);
        for (index, rule) in config.not_to.iter().enumerate() {
            let pointer = format!("/not_to/{index}/places");
            problems.refuse_if(rule.places.is_everywhere(), &pointer, "must name at least one place");
            rule.places.check(&pointer, &mut problems);
        }
        for (index, group) in config.groups.iter().enumerate() {
            problems.not_blank(&format!("/groups/{index}"), group);
        }
        problems.found
    }
}

impl CheckoutValidation for OrderLimits {
    fn validate_checkout(cart: &Cart, checkout: &Checkout, config: &Config) -> Vec<Objection> {
        let by_sku = units_by_sku(cart);
        let lines = cart.lines.iter().filter_map(|line| config.to_line(cart, line, &by_sku));
        let whole = [config.to_customer(cart), config.to_value(cart, checkout)];
        whole.into_iter().flatten().chain(config.to_quantities(cart)).chain(lines).collect()
    }
}

impl Config {
    fn to_customer(&self, cart: &Cart) -> Option<Objection> {
        let is_in = |group: &String| cart.customer.as_ref().is_some_and(|it| it.groups.contains(group));
        if self.groups.is_empty() || self.groups.iter().any(is_in) {
            return None;
        }
        let words = message("not-in-groups", [argument("groups", self.groups.join(", "))]);
        Some(objection("groups", None, words))
    }

    /// In a currency without a minimum there is none.
    fn to_value(&self, cart: &Cart, checkout: &Checkout) -> Option<Objection> {
        let minimum = self.minimum_order.as_ref()?.of(cart).ok()?;
        let missing = minimum.checked_sub(checkout.totals.goods).filter(|missing| *missing > 0)?;
        let arguments =
            [argument("minimum", amount(minimum, cart)), argument("missing", amount(missing, cart))];
        Some(objection("minimum-order", None, message("below-minimum", arguments)))
    }

    fn to_quantities(&self, cart: &Cart) -> Vec<Objection> {
        let rules = self.most_units.iter().enumerate().filter(|(_, rule)| rule.count == Count::Together);
        let objections = rules.filter_map(|(index, rule)| {
            let there = rule.goods.units(cart);
            let words = || message("too-many", [argument("most", rule.most), argument("there", there)]);
            let position = match rule.goods.positions(cart)[..] {
                [only] => Some(only),
                _ => None,
            };
            (there > u64::from(rule.most)).then(|| objection(&format!("most-{index}"), position, words()))
        });
        objections.collect()
    }

    /// The first thing that stands against a line by itself.
    fn to_line(&self, cart: &Cart, line: &Line, by_sku: &BTreeMap<&str, u64>) -> Option<Objection> {
        let there = by_sku.get(line.sku.as_str()).copied().unwrap_or(0);
        self.to_destination(cart, line).or_else(|| self.to_sku(line, there))
    }

    fn to_destination(&self, cart: &Cart, line: &Line) -> Option<Objection> {
        let mut rules = self.not_to.iter().filter(|rule| rule.goods.fits(line)).map(|rule| &rule.places);
        let sku = argument("sku", &line.sku);
        let words = match &cart.destination {
            Some(destination) if rules.clone().any(|places| places.fit(cart).is_ok()) => {
                message("not-there", [sku, argument("country", &destination.country)])
            }
            Some(_) if rules.any(|places| places.need_region(cart)) => message("where-to", [sku]),
            None if rules.next().is_some() => message("where-to", [sku]),
            _ => return None,
        };
        Some(objection(&format!("not-to.{}", line.position), Some(line.position), words))
    }

    fn to_sku(&self, line: &Line, there: u64) -> Option<Objection> {
        let rule = self.most_units.iter().find(|rule| {
            rule.count == Count::EachSku && there > u64::from(rule.most) && rule.goods.fits(line)
        })?;
        let arguments = [argument("most", rule.most), argument("sku", &line.sku), argument("there", there)];
        let key = format!("most-of-sku.{}", line.position);
        Some(objection(&key, Some(line.position), message("too-many-of-sku", arguments)))
    }
}

/// An SKU can stand on several lines.
fn units_by_sku(cart: &Cart) -> BTreeMap<&str, u64> {
    let mut units = BTreeMap::new();
    for line in &cart.lines {
        *units.entry(line.sku.as_str()).or_insert(0) += u64::from(line.quantity);
    }
    units
}

#[cfg(test)]
mod tests {
    use martlet_plugin_sdk::{
        guest,
        testing::{self, CartBuilder, LineBuilder, expect_complete_description, problems_at},
    };

    use super::*;

    fn cart() -> CartBuilder {
        CartBuilder::new("USD", 2)
            .line(LineBuilder::new("MUG", 2, 1_600).category("kitchen"))
            .line(LineBuilder::new("KNIFE", 3, 2_300).category("outdoor"))
    }

    fn validate(cart: CartBuilder, json: &str) -> Vec<(String, Option<u32>, String)> {
        let cart = cart.build();
        let config = guest::check::<OrderLimits>(json).unwrap();
        let objections = OrderLimits::validate_checkout(&cart, &testing::checkout(&cart), &config);
        objections.into_iter().map(|it| (it.key, it.position, it.message.key)).collect()
    }

    fn says(key: &str, position: Option<u32>, message: &str) -> Vec<(String, Option<u32>, String)> {
        vec![(key.to_owned(), position, message.to_owned())]
    }

    #[test]
    fn an_order_has_a_minimum_value_after_discounts() {
        // 2 x 16.00 and 3 x 23.00 are 101.00.
        let minimum = |amount: i64, currency: &str| {
            format!(r#"{{"minimum_order": [{{"amount": {amount}, "currency": "{currency}"}}]}}"#)
        };
        assert_eq!(validate(cart(), &minimum(10_100, "USD")), []);
        let short = says("minimum-order", None, "below-minimum");
        assert_eq!(validate(cart(), &minimum(10_101, "USD")), short);
        let discounted = || CartBuilder::new("USD", 2).line(LineBuilder::new("MUG", 1, 1_600).left(900));
        assert_eq!(validate(discounted(), &minimum(1_000, "USD")), short);
        assert_eq!(validate(cart(), &minimum(20_000, "KRW")), []);
    }

    #[test]
    fn a_limit_counts_goods_together_or_each_sku() {
        let limit = |most: u32, rest: &str| format!(r#"{{"most_units": [{{"most": {most}{rest}}}]}}"#);
        assert_eq!(validate(cart(), &limit(5, "")), []);
        assert_eq!(validate(cart(), &limit(4, "")), says("most-0", None, "too-many"));
        let outdoor = r#", "goods": {"categories": ["outdoor"]}"#;
        assert_eq!(validate(cart(), &limit(2, outdoor)), says("most-0", Some(1), "too-many"));
        let each = r#", "count": "each_sku""#;
        assert_eq!(validate(cart(), &limit(3, each)), []);
        assert_eq!(validate(cart(), &limit(2, each)), says("most-of-sku.1", Some(1), "too-many-of-sku"));
        let split = cart().line(LineBuilder::new("MUG", 2, 1_600));
        let both: Vec<String> = validate(split, &limit(3, each)).into_iter().map(|it| it.0).collect();
        assert_eq!(both, ["most-of-sku.0", "most-of-sku.2"]);
    }

    #[test]
    fn some_goods_do_not_go_everywhere() {
        let json = r#"{"not_to": [{"goods": {"categories": ["outdoor"]}, "places": ["GB", "US-NY"]}]}"#;
        let refused = says("not-to.1", Some(1), "not-there");
        assert_eq!(validate(cart().country("GB"), json), refused);
        assert_eq!(validate(cart().region("US", "NY"), json), refused);
        assert_eq!(validate(cart().region("US", "CA"), json), []);
        assert_eq!(validate(cart(), json), says("not-to.1", Some(1), "where-to"));
        // Who leaves the region out may go to New York; who goes to France doesn't.
        assert_eq!(validate(cart().country("US"), json), says("not-to.1", Some(1), "where-to"));
        assert_eq!(validate(cart().country("FR"), json), []);
    }

    #[test]
    fn some_shops_are_for_members() {
        let json = r#"{"groups": ["trade", "press"]}"#;
        assert_eq!(validate(cart().customer(&["press"], 0), json), []);
        assert_eq!(validate(cart().customer(&["silver"], 0), json), says("groups", None, "not-in-groups"));
        assert_eq!(validate(cart(), json), says("groups", None, "not-in-groups"));
        assert_eq!(validate(cart(), "{}"), []);
    }

    #[test]
    fn refuses_what_makes_no_sense() {
        let json = r#"{"minimum_order": [], "most_units": [{"most": 0}],
            "not_to": [{"places": []}, {"places": ["USA"]}], "groups": [""]}"#;
        let expected =
            ["/minimum_order", "/most_units/0/most", "/not_to/0/places", "/not_to/1/places/0", "/groups/0"];
        assert_eq!(problems_at::<OrderLimits>(json), expected);
        assert_eq!(problems_at::<OrderLimits>(r#"{"minimum": 1}"#), [""]);
    }

    #[test]
    fn what_it_cannot_check_is_not_ordered() {
        let cart = cart().build();
        let objections =
            guest::validate_checkout::<OrderLimits>(&cart, &testing::checkout(&cart), "not json");
        let [objection] = &objections[..] else { panic!("one objection") };
        assert_eq!((objection.key.as_str(), objection.position), ("config", None));
        assert_eq!(objection.message.key, "sdk-invalid-config");
    }

    #[test]
    fn its_description_is_complete() {
        expect_complete_description::<OrderLimits>();
    }
}
