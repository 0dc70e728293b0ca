//! What most coupons do: a percentage, a fixed amount or free shipping, with a minimum spend, on
//! certain goods, on the first order.

use martlet_plugin_sdk::{
    ALL_OF_IT, CandidateBuilder, Coupon, Money, Plugin, Problems, Selector, amount, argument,
    in_english_and_korean, message, minimum_spend, percent, propose_one,
    types::{Cart, Class, ConfigProblem, Description, Message, Proposal, Standing, Value},
};
use serde::Deserialize;

martlet_plugin_sdk::export!(coupon, CouponStandard, "../../wit/1.0.0");

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
        Description {
            name: "coupon-standard".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            title: "Standard coupon".to_owned(),
            summary: "A percentage, a fixed amount or free shipping.".to_owned(),
            config_schema: include_str!("../config.schema.json").to_owned(),
            templates: in_english_and_korean([
                ("percent", "{code}: {percent} % off", "{code}: {percent} % 할인"),
                ("fixed", "{code}: {amount} off", "{code}: {amount} 할인"),
                ("free-shipping", "{code}: free shipping", "{code}: 무료 배송"),
                (
                    "first-order-only",
                    "for a first order; this customer has placed {orders}",
                    "첫 주문 전용입니다 (주문 {orders}건)",
                ),
                (
                    "sign-in",
                    "for a first order; only for customers who are signed in",
                    "첫 주문 전용이며 로그인이 필요합니다",
                ),
            ]),
        }
    }

    fn check(config: &Config) -> Vec<ConfigProblem> {
        let mut problems = Problems::default();
        match &config.gives {
            Gives::PercentPpm(ppm) => problems.share("/gives/percent_ppm", *ppm),
            Gives::Fixed(money) => {
                problems.money("/gives/fixed", money);
                problems.refuse_if(money.amount == 0, "/gives/fixed/amount", "must give something");
            }
            Gives::FreeShipping => problems.refuse_if(
                !config.goods.is_everything(),
                "/goods",
                "free shipping is for the whole cart; leave it out",
            ),
        }
        problems.some_money("/cap", config.cap.as_ref());
        problems.some_money("/minimum_spend", config.minimum_spend.as_ref());
        problems.found
    }
}

impl Coupon for CouponStandard {
    fn classes(config: &Config) -> Vec<Class> {
        vec![config.class()]
    }

    fn redeem(cart: &Cart, code: &str, _: Standing, config: &Config) -> Proposal {
        propose_one("coupon", config.candidate(cart, code))
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
        let scope = self.goods.scope_or_reason(cart)?;
        let code = argument("code", code);
        let (value, words) = match &self.gives {
            Gives::PercentPpm(ppm) => {
                (Value::Percent(*ppm), message("percent", [code, argument("percent", percent(*ppm))]))
            }
            Gives::Fixed(money) => {
                let off = money.of(cart)?;
                (Value::Across(off), message("fixed", [code, argument("amount", amount(off, cart))]))
            }
            Gives::FreeShipping => (Value::Percent(ALL_OF_IT), message("free-shipping", [code])),
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
        testing::{CartBuilder, expect_complete_description, mugs_and_socks, problems_at, unused},
        types::{Minimum, Scope, ScopeLine},
    };

    use super::*;

    fn cart() -> CartBuilder {
        mugs_and_socks(2, 3)
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
        assert_eq!(reason(r#"{"gives": {"percent_ppm": 1}, "goods": {"skus": ["HAT"]}}"#), "sdk-no-goods");
        let won = r#"{"gives": {"fixed": {"amount": 5, "currency": "KRW"}}}"#;
        assert_eq!(reason(won), "sdk-other-currency");
    }

    #[test]
    fn refuses_what_makes_no_sense() {
        let places = problems_at::<CouponStandard>;
        assert_eq!(places(r#"{"gives": {"percent_ppm": 0}}"#), ["/gives/percent_ppm"]);
        assert_eq!(
            places(r#"{"gives": {"fixed": {"amount": 0, "currency": "USD"}}}"#),
            ["/gives/fixed/amount"]
        );
        assert_eq!(places(r#"{"gives": "free_shipping", "goods": {"skus": ["MUG"]}}"#), ["/goods"]);
        assert_eq!(places(r#"{"gives": "everything"}"#), [""]);
        assert_eq!(places("{}"), [""]);
    }

    #[test]
    fn its_description_is_complete() {
        expect_complete_description::<CouponStandard>();
    }
}
