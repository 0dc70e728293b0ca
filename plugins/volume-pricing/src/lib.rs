//! Quantity breaks and prices of customer groups. Each line gets the lowest price that is open to
//! the shopper.

use martlet_plugin_sdk::{
    Money, Plugin, Pricing, Problems, Selector, argument, decline, in_english_and_korean, less, lower_price,
    message, no_goods, too_few,
    types::{Cart, ConfigProblem, Decline, Description, Line, Message, Prices, Standing},
};
use serde::Deserialize;

martlet_plugin_sdk::export!(pricing, VolumePricing, "../../wit/1.0.0");

/// Each rule can be declined, and the engine takes so many declined beside one for each line.
const MAX_RULES: usize = 256;

/// The plugin.
#[derive(Debug)]
pub struct VolumePricing;

/// The price rules.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    breaks: Vec<Break>,
    groups: Vec<GroupPrice>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Break {
    #[serde(default)]
    goods: Selector,
    from: u32,
    percent_ppm: u32,
    #[serde(default)]
    count: Count,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Count {
    #[default]
    Line,
    Product,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct GroupPrice {
    group: String,
    #[serde(default)]
    goods: Selector,
    percent_ppm: Option<u32>,
    unit_price: Option<Money>,
}

/// A price that is open to the shopper on a line.
struct Offer {
    amount: i64,
    words: Message,
}

impl Plugin for VolumePricing {
    type Config = Config;

    fn describe() -> Description {
        Description {
            name: "volume-pricing".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            title: "Volume and group prices".to_owned(),
            summary: "Quantity breaks and prices of customer groups; the lowest counts.".to_owned(),
            config_schema: include_str!("../config.schema.json").to_owned(),
            templates: in_english_and_korean([
                ("break", "Price from {from} units", "{from}개 이상 구매 가격"),
                ("group", "Price for {group}", "{group} 회원 가격"),
                ("not-in-group", "only for customers in the group {group}", "{group} 그룹 고객 전용입니다"),
                ("no-rules", "no prices are configured", "설정된 가격이 없습니다"),
            ]),
        }
    }

    fn check(config: &Config) -> Vec<ConfigProblem> {
        let mut problems = Problems::default();
        for (index, rule) in config.breaks.iter().enumerate() {
            let pointer = format!("/breaks/{index}");
            problems.refuse_if(rule.from < 2, &format!("{pointer}/from"), "must be at least 2");
            problems.share(&format!("{pointer}/percent_ppm"), rule.percent_ppm);
        }
        let is_long = config.breaks.len() + config.groups.len() > MAX_RULES;
        problems.refuse_if(is_long, "", "must have at most 256 breaks and groups together");
        for (index, rule) in config.groups.iter().enumerate() {
            rule.check(&format!("/groups/{index}"), &mut problems);
        }
        problems.found
    }
}

impl Pricing for VolumePricing {
    fn price(cart: &Cart, _: Standing, config: &Config) -> Prices {
        let mut prices = Vec::new();
        let mut declined = config.declined(cart);
        for line in &cart.lines {
            let offers = config.offers(cart, line);
            let Some(lowest) = offers.into_iter().min_by_key(|offer| offer.amount) else { continue };
            match lower_price(line, lowest.amount, lowest.words) {
                Ok(price) => prices.push(price),
                Err(reason) => declined.push(reason),
            }
        }
        if prices.is_empty() && declined.is_empty() {
            declined.push(decline("prices", message("no-rules", [])));
        }
        Prices { prices, declined }
    }
}

impl Config {
    /// The prices that are open to the shopper on a line.
    fn offers(&self, cart: &Cart, line: &Line) -> Vec<Offer> {
        let breaks = self
            .breaks
            .iter()
            .filter(|rule| rule.goods.fits(line) && rule.units(cart, line) >= u64::from(rule.from));
        let breaks = breaks.map(|rule| Offer {
            amount: less(line.base_amount, rule.percent_ppm),
            words: message("break", [argument("from", rule.from)]),
        });
        let groups = self.groups.iter().filter(|rule| rule.goods.fits(line) && rule.is_open_to(cart));
        let groups = groups.filter_map(|rule| {
            let amount = match &rule.unit_price {
                Some(price) => price.of(cart).ok()?,
                None => less(line.base_amount, rule.percent_ppm.unwrap_or(0)),
            };
            Some(Offer { amount, words: message("group", [argument("group", &rule.group)]) })
        });
        breaks.chain(groups).collect()
    }

    /// For each rule that is open on no line, the reason.
    fn declined(&self, cart: &Cart) -> Vec<Decline> {
        let breaks = self.breaks.iter().enumerate().filter_map(|(index, rule)| {
            let most = cart
                .lines
                .iter()
                .filter(|line| rule.goods.fits(line))
                .map(|line| rule.units(cart, line))
                .max();
            let reason = match most {
                None => no_goods(),
                Some(there) if there < u64::from(rule.from) => too_few(rule.from, there),
                Some(_) => return None,
            };
            Some(decline(&format!("break-{index}"), reason))
        });
        let groups = self.groups.iter().enumerate().filter_map(|(index, rule)| {
            let fits = cart.lines.iter().any(|line| rule.goods.fits(line));
            let reason = match rule.unit_price.as_ref().map(|price| price.of(cart)) {
                _ if !fits => no_goods(),
                _ if !rule.is_open_to(cart) => message("not-in-group", [argument("group", &rule.group)]),
                Some(Err(other_currency)) => other_currency,
                _ => return None,
            };
            Some(decline(&format!("group-{index}"), reason))
        });
        breaks.chain(groups).collect()
    }
}

impl Break {
    /// The units that count towards the break on a line.
    fn units(&self, cart: &Cart, line: &Line) -> u64 {
        match self.count {
            Count::Line => u64::from(line.quantity),
            Count::Product => {
                let siblings = cart.lines.iter().filter(|other| other.product.id == line.product.id);
                siblings.map(|other| u64::from(other.quantity)).sum()
            }
        }
    }
}

impl GroupPrice {
    fn is_open_to(&self, cart: &Cart) -> bool {
        cart.customer.as_ref().is_some_and(|customer| customer.groups.contains(&self.group))
    }

    fn check(&self, pointer: &str, problems: &mut Problems) {
        problems.not_blank(&format!("{pointer}/group"), &self.group);
        match (self.percent_ppm, &self.unit_price) {
            (Some(ppm), None) => problems.share(&format!("{pointer}/percent_ppm"), ppm),
            (None, Some(price)) => problems.money(&format!("{pointer}/unit_price"), price),
            _ => problems.refuse_if(true, pointer, "needs either percent_ppm or unit_price"),
        }
    }
}

#[cfg(test)]
mod tests {
    use martlet_plugin_sdk::{
        guest,
        testing::{CartBuilder, LineBuilder, expect_complete_description, problems_at, unused},
    };

    use super::*;

    const RULES: &str = r#"{
        "breaks": [{"from": 6, "percent_ppm": 50000}, {"from": 12, "percent_ppm": 100000}],
        "groups": [{"group": "trade", "percent_ppm": 80000, "goods": {"categories": ["kitchen"]}}]}"#;

    fn price(cart: CartBuilder, json: &str) -> Prices {
        VolumePricing::price(&cart.build(), unused(), &guest::check::<VolumePricing>(json).unwrap())
    }

    fn mugs(quantity: u32) -> CartBuilder {
        CartBuilder::new("USD", 2).line(LineBuilder::new("MUG", quantity, 1_599).category("kitchen"))
    }

    #[test]
    fn the_lowest_open_price_counts() {
        // 1,599 less 5 % is 1,519.05, less 10 % is 1,439.1, less 8 % is 1,471.08.
        let amount = |cart| price(cart, RULES).prices[0].amount;
        assert_eq!(amount(mugs(6)), 1_519);
        assert_eq!(amount(mugs(12)), 1_439);
        assert_eq!(amount(mugs(6).customer(&["trade"], 0)), 1_471);
        assert_eq!(amount(mugs(1).customer(&["trade"], 0)), 1_471);
    }

    #[test]
    fn says_what_is_missing_to_each_rule() {
        let prices = price(mugs(7), RULES);
        let keys: Vec<(&str, &str)> = prices
            .declined
            .iter()
            .map(|declined| (declined.key.as_str(), declined.message.key.as_str()))
            .collect();
        assert_eq!(keys, [("break-1", "sdk-too-few"), ("group-0", "not-in-group")]);
        assert_eq!(prices.declined[0].message.arguments[1].value, "7");
        assert_eq!(price(mugs(1), "{}").declined[0].message.key, "no-rules");
    }

    #[test]
    fn the_units_of_a_products_lines_can_count_together() {
        let cart = || {
            CartBuilder::new("USD", 2)
                .line(LineBuilder::new("TEE-S", 3, 2_400).product("tee"))
                .line(LineBuilder::new("TEE-M", 3, 2_400).product("tee"))
        };
        let rules = |count: &str| {
            format!(r#"{{"breaks": [{{"from": 6, "percent_ppm": 100000, "count": "{count}"}}]}}"#)
        };
        assert_eq!(price(cart(), &rules("product")).prices.len(), 2);
        assert_eq!(price(cart(), &rules("line")).prices.len(), 0);
    }

    #[test]
    fn a_fixed_group_price_is_of_one_currency() {
        let rules = r#"{"groups": [{"group": "trade", "unit_price": {"amount": 1200, "currency": "USD"}}]}"#;
        assert_eq!(price(mugs(1).customer(&["trade"], 0), rules).prices[0].amount, 1_200);
        let won = CartBuilder::new("KRW", 0).line(LineBuilder::new("MUG", 1, 20_000)).customer(&["trade"], 0);
        assert_eq!(price(won, rules).declined[0].message.key, "sdk-other-currency");
    }

    #[test]
    fn never_raises_a_price() {
        let rules = r#"{"groups": [{"group": "trade", "unit_price": {"amount": 9999, "currency": "USD"}}]}"#;
        let prices = price(mugs(1).customer(&["trade"], 0), rules);
        assert_eq!((prices.prices.len(), prices.declined[0].message.key.as_str()), (0, "sdk-no-lower"));
    }

    #[test]
    fn refuses_what_makes_no_sense() {
        let json =
            r#"{"breaks": [{"from": 1, "percent_ppm": 0}], "groups": [{"group": ""}, {"group": "a"}]}"#;
        let expected =
            ["/breaks/0/from", "/breaks/0/percent_ppm", "/groups/0/group", "/groups/0", "/groups/1"];
        assert_eq!(problems_at::<VolumePricing>(json), expected);
        let many = |count: usize| {
            let breaks = vec![r#"{"from": 2, "percent_ppm": 1}"#; count].join(", ");
            let groups = r#"[{"group": "a", "percent_ppm": 1}]"#;
            problems_at::<VolumePricing>(&format!(r#"{{"breaks": [{breaks}], "groups": {groups}}}"#))
        };
        assert_eq!((many(255), many(256)), (Vec::new(), vec![String::new()]));
    }

    #[test]
    fn its_description_is_complete() {
        expect_complete_description::<VolumePricing>();
    }
}
