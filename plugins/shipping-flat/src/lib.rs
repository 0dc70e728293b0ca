//! Shipping methods at flat rates, by country and region, free from an amount on where one is set.

use martlet_plugin_sdk::{
    Amounts, Method, Places, Plugin, Problems, ShippingRates, amount, argument, check_methods, decline,
    goods_left, in_english_and_korean, message, offer_methods,
    types::{Cart, ConfigProblem, Decline, Description, Message, Rates},
};
use serde::Deserialize;

martlet_plugin_sdk::export!(shipping_rates, ShippingFlat, "../../wit/1.0.0");

const MAX_METHODS: usize = 50;

/// The plugin.
#[derive(Debug)]
pub struct ShippingFlat;

/// The methods. Of those with the same handle the first that goes there is offered.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    methods: Vec<Flat>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Flat {
    method: Method,
    #[serde(default)]
    to: Places,
    amounts: Amounts,
    free_from: Option<Amounts>,
}

impl Plugin for ShippingFlat {
    type Config = Config;

    fn describe() -> Description {
        Description {
            name: "shipping-flat".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            title: "Flat shipping rates".to_owned(),
            summary: "Shipping methods at one price each, by country and region.".to_owned(),
            config_schema: include_str!("../config.schema.json").to_owned(),
            templates: in_english_and_korean([(
                "free-from",
                "{name} is free from {free_from}, {missing} short",
                "{name}: {free_from} 이상 무료 배송, {missing} 부족합니다",
            )]),
        }
    }

    fn check(config: &Config) -> Vec<ConfigProblem> {
        let mut problems = Problems::default();
        problems.length("/methods", &config.methods, MAX_METHODS);
        let entries: Vec<_> = config.methods.iter().map(|flat| (&flat.method, &flat.to)).collect();
        let covers =
            |one: usize, other: usize| config.methods[one].amounts.cover(&config.methods[other].amounts);
        check_methods("/methods", &entries, covers, &mut problems);
        for (index, flat) in config.methods.iter().enumerate() {
            flat.amounts.check(&format!("/methods/{index}/amounts"), &mut problems);
            problems.some_amounts(&format!("/methods/{index}/free_from"), flat.free_from.as_ref());
        }
        problems.found
    }
}

impl ShippingRates for ShippingFlat {
    fn offer_shipping(cart: &Cart, config: &Config) -> Rates {
        let mut answer =
            offer_methods(cart, config.methods.iter().map(|flat| (&flat.method, flat.amount(cart))));
        for rate in &answer.rates {
            let offered = |flat: &&Flat| flat.method.handle == rate.method && flat.amount(cart).is_ok();
            let missing = config.methods.iter().find(offered).and_then(|flat| flat.missing_to_free(cart));
            answer.declined.extend(missing);
        }
        answer
    }
}

impl Flat {
    fn amount(&self, cart: &Cart) -> Result<i64, Message> {
        self.to.fit(cart)?;
        let amount = self.amounts.of(cart)?;
        Ok(if self.free_from(cart).is_some_and(|minimum| goods_left(cart) >= minimum) { 0 } else { amount })
    }

    /// In a currency without one nothing is free.
    fn free_from(&self, cart: &Cart) -> Option<i64> {
        self.free_from.as_ref()?.of(cart).ok()
    }

    fn missing_to_free(&self, cart: &Cart) -> Option<Decline> {
        let minimum = self.free_from(cart)?;
        let missing = minimum.checked_sub(goods_left(cart)).filter(|missing| *missing > 0)?;
        let arguments = [
            argument("name", &self.method.name),
            argument("free_from", amount(minimum, cart)),
            argument("missing", amount(missing, cart)),
        ];
        Some(decline(&format!("{}.free", self.method.handle), message("free-from", arguments)))
    }
}

#[cfg(test)]
mod tests {
    use martlet_plugin_sdk::{
        guest,
        testing::{CartBuilder, LineBuilder, expect_complete_description, problems_at},
        types::DeliveryDays,
    };

    use super::*;

    const METHODS: &str = r#"{"methods": [
        {"method": {"handle": "standard", "name": "Standard", "delivery": {"earliest": 3, "latest": 5}},
         "to": ["US-AK", "US-HI"], "amounts": [{"amount": 1500, "currency": "USD"}]},
        {"method": {"handle": "standard", "name": "Standard"}, "to": ["US"],
         "amounts": [{"amount": 600, "currency": "USD"}], "free_from": [{"amount": 5000, "currency": "USD"}]},
        {"method": {"handle": "express", "name": "Express", "tax_category": "freight"}, "to": ["US", "KR"],
         "amounts": [{"amount": 1800, "currency": "USD"}, {"amount": 12000, "currency": "KRW"}]}]}"#;

    fn offer(cart: CartBuilder) -> Rates {
        ShippingFlat::offer_shipping(&cart.build(), &guest::check::<ShippingFlat>(METHODS).unwrap())
    }

    fn amounts(rates: &Rates) -> Vec<(&str, i64)> {
        rates.rates.iter().map(|rate| (rate.method.as_str(), rate.amount)).collect()
    }

    fn declined(rates: &Rates) -> Vec<(&str, &str)> {
        rates.declined.iter().map(|it| (it.key.as_str(), it.message.key.as_str())).collect()
    }

    fn mugs(quantity: u32) -> CartBuilder {
        CartBuilder::new("USD", 2).line(LineBuilder::new("MUG", quantity, 1_600))
    }

    #[test]
    fn methods_are_offered_where_they_go() {
        let california = offer(mugs(1).region("US", "CA"));
        assert_eq!(amounts(&california), [("standard", 600), ("express", 1_800)]);
        assert_eq!(california.rates[1].tax_category.as_deref(), Some("freight"));
        let hawaii = offer(mugs(1).region("US", "HI"));
        assert_eq!(amounts(&hawaii), [("standard", 1_500), ("express", 1_800)]);
        assert_eq!(hawaii.rates[0].delivery, Some(DeliveryDays { earliest: 3, latest: 5 }));
        let korea = CartBuilder::new("KRW", 0).line(LineBuilder::new("MUG", 1, 20_000)).country("KR");
        assert_eq!(amounts(&offer(korea)), [("express", 12_000)]);
    }

    #[test]
    fn what_is_left_of_goods_makes_it_free() {
        // 4 x 16.00 are above 50.00, unless a discount leaves less of them.
        assert_eq!(amounts(&offer(mugs(4).country("US")))[0], ("standard", 0));
        let discounted = CartBuilder::new("USD", 2).line(LineBuilder::new("MUG", 4, 1_600).left(1_200));
        let rates = offer(discounted.country("US"));
        assert_eq!(amounts(&rates)[0], ("standard", 600));
        assert_eq!(declined(&rates), [("standard.free", "free-from")]);
        assert_eq!(rates.declined[0].message.arguments[2].value, "2.00");
    }

    #[test]
    fn says_why_a_method_is_not_offered() {
        let reasons = |cart, key| {
            let rates = offer(cart);
            assert!(rates.rates.is_empty());
            assert_eq!(declined(&rates), [("standard", key), ("express", key)]);
        };
        reasons(mugs(1).country("DE"), "sdk-elsewhere");
        reasons(mugs(1), "sdk-no-destination");
        let euro = CartBuilder::new("EUR", 2).line(LineBuilder::new("MUG", 1, 1_500)).country("US");
        reasons(euro, "sdk-not-in-currency");
        let empty = offer(CartBuilder::new("USD", 2).country("US"));
        assert_eq!(declined(&empty), [("methods", "sdk-nothing-to-ship")]);
    }

    #[test]
    fn refuses_what_makes_no_sense() {
        let places = |methods: &str| problems_at::<ShippingFlat>(&format!(r#"{{"methods": {methods}}}"#));
        assert_eq!(places("[]"), ["/methods"]);
        let wrong = r#"[{"method": {"handle": "Post", "name": "Post"}, "to": ["USA"], "amounts": [],
            "free_from": [{"amount": 1, "currency": "$"}]}]"#;
        let expected = [
            "/methods/0/method/handle",
            "/methods/0/to/0",
            "/methods/0/amounts",
            "/methods/0/free_from/0/currency",
        ];
        assert_eq!(places(wrong), expected);
        let twice = r#"{"method": {"handle": "post", "name": "Post"}, "to": ["US"],
            "amounts": [{"amount": 1, "currency": "USD"}]}"#;
        assert_eq!(places(&format!("[{twice}, {twice}]")), ["/methods/1/to"]);
        // In another currency it is offered.
        assert_eq!(places(&format!("[{twice}, {}]", twice.replace("USD", "KRW"))), [""; 0]);
        let dear = twice.replace("\"amount\": 1,", "\"amount\": 100000000001,");
        assert_eq!(places(&format!("[{dear}]")), ["/methods/0/amounts/0/amount"]);
    }

    #[test]
    fn an_unreadable_configuration_is_declined() {
        let rates = guest::offer_shipping::<ShippingFlat>(&mugs(1).build(), r#"{"methods": []}"#);
        assert_eq!(declined(&rates), [("config", "sdk-invalid-config")]);
    }

    #[test]
    fn its_description_is_complete() {
        expect_complete_description::<ShippingFlat>();
    }
}
