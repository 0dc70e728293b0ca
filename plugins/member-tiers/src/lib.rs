//! Prices of members. Tiers stand from low to high; a customer has the highest that any of its
//! conditions opens: a group, what was spent so far, or how many orders were placed.

use martlet_plugin_sdk::{
    Amounts, Plugin, Pricing, Problems, Selector, argument, decline, deserialize_sku, in_english_and_korean,
    less, lower_price, message, no_goods,
    types::{Cart, ConfigProblem, Customer, Decline, Description, Line, Message, Prices, Standing},
};
use serde::Deserialize;

martlet_plugin_sdk::export!(pricing, MemberTiers, "../../wit/1.0.0");

const MAX_TIERS: usize = 20;
const MAX_PRICES: usize = 500;

/// The plugin.
#[derive(Debug)]
pub struct MemberTiers;

/// The tiers, from low to high.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    tiers: Vec<Tier>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Tier {
    name: String,
    group: Option<String>,
    minimum_spend: Option<i64>,
    minimum_orders: Option<u32>,
    percent_ppm: Option<u32>,
    #[serde(default)]
    goods: Selector,
    #[serde(default)]
    prices: Vec<FixedPrice>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct FixedPrice {
    #[serde(deserialize_with = "deserialize_sku")]
    sku: String,
    price: Amounts,
}

impl Plugin for MemberTiers {
    type Config = Config;

    fn describe() -> Description {
        Description {
            name: "member-tiers".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            title: "Member tiers".to_owned(),
            summary: "Prices by customer group, by what was spent or by orders placed.".to_owned(),
            config_schema: include_str!("../config.schema.json").to_owned(),
            templates: in_english_and_korean([
                ("tier", "Price for {tier}", "{tier} 회원 가격"),
                ("sign-in", "only for customers who are signed in", "로그인한 고객 전용입니다"),
                (
                    "not-in-group",
                    "{tier} is for customers in the group {group}",
                    "{tier} 등급은 {group} 그룹 고객 전용입니다",
                ),
                (
                    "spent-too-little",
                    "{tier} needs {needed} minor units spent on earlier orders, so far {there}",
                    "{tier} 등급은 누적 구매액 {needed}(최소 단위)이 필요하며 현재 {there}입니다",
                ),
                (
                    "too-few-orders",
                    "{tier} needs {needed} earlier orders, so far {there}",
                    "{tier} 등급은 주문 {needed}건이 필요하며 현재 {there}건입니다",
                ),
            ]),
        }
    }

    fn check(config: &Config) -> Vec<ConfigProblem> {
        let mut problems = Problems::default();
        problems.length("/tiers", &config.tiers, MAX_TIERS);
        for (index, tier) in config.tiers.iter().enumerate() {
            tier.check(&format!("/tiers/{index}"), &config.tiers[..index], &mut problems);
        }
        problems.found
    }
}

impl Pricing for MemberTiers {
    fn price(cart: &Cart, _: Standing, config: &Config) -> Prices {
        let mut answer = Prices { prices: Vec::new(), declined: Vec::new() };
        let Some(customer) = &cart.customer else {
            answer.declined.push(decline("tiers", message("sign-in", [])));
            return answer;
        };
        let reached = config.tiers.iter().rposition(|tier| tier.is_open_to(customer));
        for (index, tier) in config.tiers.iter().enumerate().skip(reached.map_or(0, |reached| reached + 1)) {
            answer.declined.extend(tier.missing(index, customer));
        }
        if let Some(reached) = reached {
            config.tiers[reached].price(&format!("tier-{reached}"), cart, &mut answer);
        }
        answer
    }
}

impl Tier {
    fn is_open_to(&self, customer: &Customer) -> bool {
        self.group.as_ref().is_some_and(|group| customer.groups.contains(group))
            || self.minimum_spend.is_some_and(|minimum| customer.lifetime_spend >= minimum)
            || self.minimum_orders.is_some_and(|minimum| customer.order_count >= minimum)
    }

    /// What would open it, each way with its reason.
    fn missing(&self, index: usize, customer: &Customer) -> Vec<Decline> {
        let reason = |way: &str, key: &str, arguments: Vec<_>| {
            let arguments = [argument("tier", &self.name)].into_iter().chain(arguments);
            decline(&format!("tier-{index}.{way}"), message(key, arguments))
        };
        let group =
            self.group.as_ref().map(|group| reason("group", "not-in-group", vec![argument("group", group)]));
        let spend = self.minimum_spend.map(|minimum| {
            let arguments = vec![argument("needed", minimum), argument("there", customer.lifetime_spend)];
            reason("spend", "spent-too-little", arguments)
        });
        let orders = self.minimum_orders.map(|minimum| {
            let arguments = vec![argument("needed", minimum), argument("there", customer.order_count)];
            reason("orders", "too-few-orders", arguments)
        });
        [group, spend, orders].into_iter().flatten().collect()
    }

    fn price(&self, key: &str, cart: &Cart, answer: &mut Prices) {
        let mut is_for_any = false;
        for line in &cart.lines {
            let Some(amount) = self.amount(cart, line) else { continue };
            is_for_any = true;
            let key = format!("line-{}", line.position);
            let words = message("tier", [argument("tier", &self.name)]);
            let price = amount
                .map_err(|reason| decline(&key, reason))
                .and_then(|amount| lower_price(line, amount, words));
            match price {
                Ok(price) => answer.prices.push(price),
                Err(declined) => answer.declined.push(declined),
            }
        }
        if !is_for_any {
            answer.declined.push(decline(key, no_goods()));
        }
    }

    /// What a unit of a line costs in this tier, where the line is in it; a price of its own goes before
    /// the share.
    fn amount(&self, cart: &Cart, line: &Line) -> Option<Result<i64, Message>> {
        if let Some(fixed) = self.prices.iter().find(|fixed| fixed.sku == line.sku) {
            return Some(fixed.price.of(cart));
        }
        let ppm = self.percent_ppm.filter(|_| self.goods.fits(line))?;
        Some(Ok(less(line.base_amount, ppm)))
    }

    fn check(&self, pointer: &str, lower: &[Self], problems: &mut Problems) {
        let at = |member: &str| format!("{pointer}/{member}");
        problems.not_blank(&at("name"), &self.name);
        let is_closed = self.group.is_none() && self.minimum_spend.is_none() && self.minimum_orders.is_none();
        problems.refuse_if(is_closed, pointer, "needs a group, a minimum_spend or minimum_orders");
        if let Some(group) = &self.group {
            problems.not_blank(&at("group"), group);
        }
        problems.refuse_if(
            self.minimum_spend.is_some_and(|minimum| minimum < 1),
            &at("minimum_spend"),
            "must be at least 1",
        );
        problems.amount(&at("minimum_spend"), self.minimum_spend.unwrap_or(1).max(1));
        problems.at_least_one(&at("minimum_orders"), self.minimum_orders.unwrap_or(1));
        let ascends = "must be more than in the tiers before: they stand from low to high";
        // Nothing compares as less than any minimum, and is no minimum at all.
        let is_no_more = |minimum: Option<i64>, of: fn(&Self) -> Option<i64>| {
            minimum.is_some() && lower.iter().any(|tier| of(tier) >= minimum)
        };
        problems.refuse_if(
            is_no_more(self.minimum_spend, |tier| tier.minimum_spend),
            &at("minimum_spend"),
            ascends,
        );
        let orders = |tier: &Self| tier.minimum_orders.map(i64::from);
        problems.refuse_if(is_no_more(orders(self), orders), &at("minimum_orders"), ascends);
        problems.refuse_if(
            self.percent_ppm.is_none() && self.prices.is_empty(),
            pointer,
            "needs percent_ppm or prices",
        );
        if let Some(ppm) = self.percent_ppm {
            problems.share(&at("percent_ppm"), ppm);
        }
        self.check_prices(&at("prices"), problems);
    }

    fn check_prices(&self, pointer: &str, problems: &mut Problems) {
        let is_long = self.prices.len() > MAX_PRICES;
        problems.refuse_if(is_long, pointer, "must have at most 500 entries");
        for (index, fixed) in self.prices.iter().enumerate() {
            let (sku, price) = (format!("{pointer}/{index}/sku"), format!("{pointer}/{index}/price"));
            problems.sku(&sku, &fixed.sku);
            let is_twice = self.prices[..index].iter().any(|other| other.sku == fixed.sku);
            problems.refuse_if(is_twice, &sku, "stands twice");
            fixed.price.check(&price, problems);
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

    const TIERS: &str = r#"{"tiers": [
        {"name": "Silver", "minimum_spend": 50000, "minimum_orders": 3, "percent_ppm": 50000},
        {"name": "Gold", "group": "gold", "minimum_spend": 200000, "percent_ppm": 100000,
         "goods": {"categories": ["kitchen"]},
         "prices": [{"sku": "Sock", "price": [{"amount": 1100, "currency": "USD"}]}]}]}"#;

    fn cart() -> CartBuilder {
        CartBuilder::new("USD", 2)
            .line(LineBuilder::new("MUG", 1, 1_599).category("kitchen"))
            .line(LineBuilder::new("SOCK", 2, 1_400).category("socks"))
    }

    fn price(cart: CartBuilder, json: &str) -> Prices {
        MemberTiers::price(&cart.build(), unused(), &guest::check::<MemberTiers>(json).unwrap())
    }

    fn amounts(cart: CartBuilder) -> Vec<i64> {
        price(cart, TIERS).prices.iter().map(|price| price.amount).collect()
    }

    fn declined(prices: &Prices) -> Vec<(&str, &str)> {
        prices.declined.iter().map(|it| (it.key.as_str(), it.message.key.as_str())).collect()
    }

    #[test]
    fn the_highest_tier_that_is_reached_counts() {
        // 1,599 less 5 % is 1,519.05, less 10 % is 1,439.1; 1,400 less 5 % is 1,330.
        assert_eq!(amounts(cart().customer(&[], 3)), [1_519, 1_330]);
        assert_eq!(amounts(cart().lifetime_spend(50_000)), [1_519, 1_330]);
        assert_eq!(amounts(cart().lifetime_spend(200_000)), [1_439, 1_100]);
        assert_eq!(amounts(cart().customer(&["gold"], 0)), [1_439, 1_100]);
        assert_eq!(amounts(cart().customer(&["trade"], 2)), [0_i64; 0]);
    }

    #[test]
    fn says_what_is_missing_to_the_tiers_above() {
        let silver = price(cart().customer(&["silver"], 3), TIERS);
        assert_eq!(
            declined(&silver),
            [("tier-1.group", "not-in-group"), ("tier-1.spend", "spent-too-little")]
        );
        let arguments: Vec<&str> =
            silver.declined[1].message.arguments.iter().map(|it| it.value.as_str()).collect();
        assert_eq!(arguments, ["Gold", "200000", "0"]);
        let nobody = price(cart().customer(&[], 0), TIERS);
        assert_eq!(declined(&nobody)[1], ("tier-0.orders", "too-few-orders"));
        assert_eq!(declined(&price(cart(), TIERS)), [("tiers", "sign-in")]);
    }

    #[test]
    fn says_why_a_line_has_no_price() {
        let won = CartBuilder::new("KRW", 0).line(LineBuilder::new("SOCK", 1, 19_000)).customer(&["gold"], 0);
        assert_eq!(declined(&price(won, TIERS)), [("line-0", "sdk-not-in-currency")]);
        let cheap = CartBuilder::new("USD", 2).line(LineBuilder::new("SOCK", 1, 900)).customer(&["gold"], 0);
        assert_eq!(declined(&price(cheap, TIERS)), [("line-0", "sdk-no-lower")]);
        let hat = CartBuilder::new("USD", 2).line(LineBuilder::new("HAT", 1, 900)).customer(&["gold"], 0);
        assert_eq!(declined(&price(hat, TIERS)), [("tier-1", "sdk-no-goods")]);
    }

    #[test]
    fn refuses_what_makes_no_sense() {
        let places = |tiers: &str| problems_at::<MemberTiers>(&format!(r#"{{"tiers": {tiers}}}"#));
        assert_eq!(places("[]"), ["/tiers"]);
        assert_eq!(places(r#"[{"name": "", "percent_ppm": 1}]"#), ["/tiers/0/name", "/tiers/0"]);
        assert_eq!(places(r#"[{"name": "a", "group": "a"}]"#), ["/tiers/0"]);
        let falling = r#"[{"name": "a", "minimum_spend": 5, "minimum_orders": 5, "percent_ppm": 1},
            {"name": "b", "minimum_spend": 5, "minimum_orders": 4, "percent_ppm": 2000000}]"#;
        let expected = ["/tiers/1/minimum_spend", "/tiers/1/minimum_orders", "/tiers/1/percent_ppm"];
        assert_eq!(places(falling), expected);
        let prices = r#"[{"name": "a", "group": "a", "prices": [{"sku": "A", "price": []},
            {"sku": "A", "price": [{"amount": 1, "currency": "USD"}]}]}]"#;
        assert_eq!(places(prices), ["/tiers/0/prices/0/price", "/tiers/0/prices/1/sku"]);
    }

    #[test]
    fn its_description_is_complete() {
        expect_complete_description::<MemberTiers>();
    }
}
