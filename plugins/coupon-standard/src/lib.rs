//! What most coupons do: a percentage, a fixed amount or free shipping, with a minimum spend, on
//! certain goods, on the first order.

use martlet_plugin_sdk::{
    CandidateBuilder, Coupon, Money, Plugin, Selector, amount, argument, decline, message, minimum_spend,
    percent, problem, template,
    types::{Cart, Class, ConfigProblem, Description, Message, Proposal, Standing, Value},
};
use serde::Deserialize;

martlet_plugin_sdk::export!(coupon, CouponStandard, "../../wit/0.1.0");

/// The plugin.
#[derive(Debug)]
pub struct CouponStandard;

/// What a coupon gives, on what, and to whom.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    gives: Gives,
    #[serde(default)]
    goods: Selector,
    cap: Option<Money>,
    minimum_spend: Option<Money>,
    #[serde(default)]
    first_order_only: bool,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Gives {
    PercentPpm(u32),
    Fixed(Money),
    FreeShipping,
}

impl Plugin for CouponStandard {
    type Config = Config;

    fn describe() -> Description {
        let mut templates = vec![
            template("percent", "en", "{code}: {percent} % off"),
            template("percent", "ko", "{code}: {percent} % 할인"),
            template("fixed", "en", "{code}: {amount} off"),
            template("fixed", "ko", "{code}: {amount} 할인"),
            template("free-shipping", "en", "{code}: free shipping"),
            template("free-shipping", "ko", "{code}: 무료 배송"),
            template("no-goods", "en", "none of the goods it is for is in the cart"),
            template("no-goods", "ko", "쿠폰 대상 상품이 장바구니에 없습니다"),
            template("first-order-only", "en", "for a first order; this customer has placed {orders}"),
            template("first-order-only", "ko", "첫 주문 전용입니다 (주문 {orders}건)"),
            template("sign-in", "en", "for a first order; only for customers who are signed in"),
            template("sign-in", "ko", "첫 주문 전용이며 로그인이 필요합니다"),
        ];
        templates.extend(Money::templates());
        Description {
            name: "coupon-standard".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            title: "Standard coupon".to_owned(),
            summary: "A percentage, a fixed amount or free shipping.".to_owned(),
            config_schema: include_str!("../config.schema.json").to_owned(),
            templates,
        }
    }

    fn check(config: &Config) -> Vec<ConfigProblem> {
        let mut problems = Vec::new();
        match &config.gives {
            Gives::PercentPpm(1..=1_000_000) => {}
            Gives::PercentPpm(_) => {
                problems.push(problem("/gives/percent_ppm", "must be 1 to 1000000, which is all of it"));
            }
            Gives::Fixed(money) => {
                problems.extend(money.check().map(|wrong| problem("/gives/fixed", wrong)));
                if money.amount == 0 {
                    problems.push(problem("/gives/fixed", "must give something"));
                }
            }
            Gives::FreeShipping if !config.goods.is_everything() => {
                problems.push(problem("/goods", "free shipping is for the whole cart; leave it out"));
            }
            Gives::FreeShipping => {}
        }
        for (pointer, money) in [("/cap", &config.cap), ("/minimum_spend", &config.minimum_spend)] {
            problems.extend(money.as_ref().and_then(Money::check).map(|wrong| problem(pointer, wrong)));
        }
        problems
    }
}

impl Coupon for CouponStandard {
    fn classes(config: &Config) -> Vec<Class> {
        vec![config.class()]
    }

    fn redeem(cart: &Cart, code: &str, _: Standing, config: &Config) -> Proposal {
        match config.candidate(cart, code) {
            Ok(candidate) => Proposal { candidates: vec![candidate.build()], declined: Vec::new() },
            Err(reason) => Proposal { candidates: Vec::new(), declined: vec![decline("coupon", reason)] },
        }
    }
}

impl Config {
    /// On certain goods it is a discount on lines, else on the order.
    fn class(&self) -> Class {
        match self.gives {
            Gives::FreeShipping => Class::Shipping,
            Gives::PercentPpm(_) | Gives::Fixed(_) if self.goods.is_everything() => Class::Order,
            Gives::PercentPpm(_) | Gives::Fixed(_) => Class::Line,
        }
    }

    fn candidate(&self, cart: &Cart, code: &str) -> Result<CandidateBuilder, Message> {
        self.check_customer(cart)?;
        let scope = self.goods.scope(cart).ok_or_else(|| message("no-goods", []))?;
        let code = argument("code", code);
        let (value, words) = match &self.gives {
            Gives::PercentPpm(ppm) => {
                (Value::Percent(*ppm), message("percent", [code, argument("percent", percent(*ppm))]))
            }
            Gives::Fixed(money) => {
                let off = money.of(cart)?;
                (Value::Across(off), message("fixed", [code, argument("amount", amount(off, cart))]))
            }
            Gives::FreeShipping => (Value::Percent(1_000_000), message("free-shipping", [code])),
        };
        let of_cart = |money: &Option<Money>| money.as_ref().map(|money| money.of(cart)).transpose();
        Ok(CandidateBuilder::new("coupon", self.class(), value, words)
            .on(scope)
            .cap(of_cart(&self.cap)?)
            .threshold(of_cart(&self.minimum_spend)?.map(minimum_spend)))
    }

    /// A guest may have ordered before, so a first order is a known customer's.
    fn check_customer(&self, cart: &Cart) -> Result<(), Message> {
        match &cart.customer {
            _ if !self.first_order_only => Ok(()),
            None => Err(message("sign-in", [])),
            Some(customer) if customer.order_count > 0 => {
                Err(message("first-order-only", [argument("orders", customer.order_count)]))
            }
            Some(_) => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use martlet_plugin_sdk::{
        guest,
        testing::{CartBuilder, LineBuilder, unused},
        types::{Minimum, Scope, ScopeLine},
    };

    use super::*;

    fn cart() -> CartBuilder {
        CartBuilder::new("USD", 2)
            .line(LineBuilder::new("MUG", 2, 1_600).category("kitchen"))
            .line(LineBuilder::new("SOCK", 3, 1_400).category("socks"))
    }

    fn redeem(cart: CartBuilder, json: &str) -> Proposal {
        CouponStandard::redeem(
            &cart.build(),
            "HELLO",
            unused(),
            &guest::check::<CouponStandard>(json).unwrap(),
        )
    }

    #[test]
    fn a_percentage_of_the_order_has_a_minimum_and_a_cap() {
        let json = r#"{"gives": {"percent_ppm": 100000}, "minimum_spend": {"amount": 2000, "currency": "USD"},
            "cap": {"amount": 1500, "currency": "USD"}}"#;
        let proposal = redeem(cart(), json);
        let [candidate] = &proposal.candidates[..] else { panic!("one candidate") };
        assert_eq!((candidate.class, candidate.cap), (Class::Order, Some(1_500)));
        assert_eq!(candidate.threshold.as_ref().unwrap().minimum, Minimum::Spend(2_000));
    }

    #[test]
    fn on_certain_goods_it_is_a_line_discount() {
        let json =
            r#"{"gives": {"fixed": {"amount": 500, "currency": "USD"}}, "goods": {"categories": ["socks"]}}"#;
        let proposal = redeem(cart(), json);
        assert_eq!(proposal.candidates[0].class, Class::Line);
        assert_eq!(proposal.candidates[0].value, Value::Across(500));
        assert_eq!(
            proposal.candidates[0].scope,
            Scope::Lines(vec![ScopeLine { position: 1, quantity: None }])
        );
        assert_eq!(proposal.candidates[0].message.arguments[1].value, "5.00");
    }

    #[test]
    fn free_shipping_is_all_of_shipping() {
        let config = guest::check::<CouponStandard>(r#"{"gives": "free_shipping"}"#).unwrap();
        assert_eq!(CouponStandard::classes(&config), [Class::Shipping]);
        let proposal = redeem(cart().shipping("standard", 500), r#"{"gives": "free_shipping"}"#);
        assert_eq!(proposal.candidates[0].value, Value::Percent(1_000_000));
    }

    #[test]
    fn a_first_order_is_a_known_customers() {
        let json = r#"{"gives": {"percent_ppm": 100000}, "first_order_only": true}"#;
        assert_eq!(redeem(cart(), json).declined[0].message.key, "sign-in");
        assert_eq!(redeem(cart().customer(&[], 2), json).declined[0].message.key, "first-order-only");
        assert_eq!(redeem(cart().customer(&[], 0), json).candidates.len(), 1);
    }

    #[test]
    fn says_why_it_gives_nothing() {
        let reason = |json: &str| redeem(cart(), json).declined[0].message.key.clone();
        assert_eq!(reason(r#"{"gives": {"percent_ppm": 1}, "goods": {"skus": ["HAT"]}}"#), "no-goods");
        let won = r#"{"gives": {"fixed": {"amount": 5, "currency": "KRW"}}}"#;
        assert_eq!(reason(won), "sdk-other-currency");
    }

    #[test]
    fn refuses_what_makes_no_sense() {
        let places = |json: &str| -> Vec<String> {
            let problems = guest::check::<CouponStandard>(json).unwrap_err();
            problems.into_iter().map(|problem| problem.pointer).collect()
        };
        assert_eq!(places(r#"{"gives": {"percent_ppm": 0}}"#), ["/gives/percent_ppm"]);
        assert_eq!(places(r#"{"gives": {"fixed": {"amount": 0, "currency": "USD"}}}"#), ["/gives/fixed"]);
        assert_eq!(places(r#"{"gives": "free_shipping", "goods": {"skus": ["MUG"]}}"#), ["/goods"]);
        assert_eq!(places(r#"{"gives": "everything"}"#), [""]);
        assert_eq!(places("{}"), [""]);
    }
}
