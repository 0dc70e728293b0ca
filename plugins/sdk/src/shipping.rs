//! Offering shipping methods.

use serde::Deserialize;

use crate::{
    Places, Problems, argument, decline, message,
    types::{Cart, DeliveryDays, Message, Rates, ShippingRate},
    words::{METHOD, NOTHING_TO_SHIP},
};

/// Longest handle of a method in a configuration: it is the key of its rate too.
const MAX_HANDLE: usize = 50;

/// A rate in the making: taxed as `standard`, of unknown delivery. Its key is the method's handle.
#[derive(Debug)]
pub struct RateBuilder(ShippingRate);

/// A shipping method in a configuration.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Method {
    /// What shoppers choose by.
    pub handle: String,
    /// What shoppers call it.
    pub name: String,
    /// Which tax rate it has; nothing means `standard`.
    pub tax_category: Option<String>,
    /// When it arrives, where that is known.
    pub delivery: Option<Delivery>,
}

/// Days from the order to the doorstep, in a configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Delivery {
    /// At the earliest.
    pub earliest: u32,
    /// At the latest.
    pub latest: u32,
}

impl RateBuilder {
    /// A method at a price.
    pub fn new(method: &str, amount: i64, name: Message) -> Self {
        Self(ShippingRate {
            key: method.to_owned(),
            method: method.to_owned(),
            amount,
            tax_category: None,
            delivery: None,
            name,
        })
    }

    /// Under another key than its handle, which may be longer than keys are.
    pub fn key(mut self, key: &str) -> Self {
        self.0.key = key.to_owned();
        self
    }

    /// With a tax rate.
    pub fn tax_category(mut self, category: Option<String>) -> Self {
        self.0.tax_category = category;
        self
    }

    /// Arriving within so many days.
    pub fn delivery(mut self, days: Option<DeliveryDays>) -> Self {
        self.0.delivery = days;
        self
    }

    /// The rate.
    pub fn build(self) -> ShippingRate {
        self.0
    }
}

impl Method {
    /// Its rate at a price.
    pub fn at(&self, amount: i64) -> ShippingRate {
        let days = |delivery: Delivery| DeliveryDays { earliest: delivery.earliest, latest: delivery.latest };
        RateBuilder::new(&self.handle, amount, message(METHOD, [argument("name", &self.name)]))
            .tax_category(self.tax_category.clone())
            .delivery(self.delivery.map(days))
            .build()
    }

    /// Notes what is wrong with it.
    pub fn check(&self, pointer: &str, problems: &mut Problems) {
        let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let is_handle = (1..=MAX_HANDLE).contains(&self.handle.len())
            && self.handle.bytes().all(allowed)
            && !self.handle.starts_with('-')
            && !self.handle.ends_with('-');
        let words = "must be 1 to 50 of a-z, 0-9 and '-', neither first nor last a '-'";
        problems.refuse_if(!is_handle, &format!("{pointer}/handle"), words);
        problems.not_blank(&format!("{pointer}/name"), &self.name);
        if let Some(category) = &self.tax_category {
            problems.tax_category(&format!("{pointer}/tax_category"), category);
        }
        let is_backwards = self.delivery.is_some_and(|days| days.latest < days.earliest);
        let latest = format!("{pointer}/delivery/latest");
        problems.refuse_if(is_backwards, &latest, "must not be less than earliest");
    }
}

/// The answer of a plugin with a list of methods, each with its amount or the reason why not. Of
/// entries with the same handle the first that has an amount is offered; where none has, the last
/// reason stands. An empty cart ships nothing.
pub fn offer_methods<'a>(
    cart: &Cart,
    entries: impl IntoIterator<Item = (&'a Method, Result<i64, Message>)>,
) -> Rates {
    let mut answer = Rates { rates: Vec::new(), declined: Vec::new() };
    if cart.lines.is_empty() {
        answer.declined.push(decline("methods", message(NOTHING_TO_SHIP, [])));
        return answer;
    }
    for (method, amount) in entries {
        if answer.rates.iter().any(|rate| rate.method == method.handle) {
            continue;
        }
        answer.declined.retain(|declined| declined.key != method.handle);
        match amount {
            Ok(amount) => answer.rates.push(method.at(amount)),
            Err(reason) => answer.declined.push(decline(&method.handle, reason)),
        }
    }
    answer
}

/// Notes what is wrong with the methods of a list and where they go, and which of them an earlier one
/// of the same handle leaves nothing to. `covers` says whether an entry, by its index, has an amount for
/// all carts that another has one for, wherever they go.
pub fn check_methods(
    pointer: &str,
    entries: &[(&Method, &Places)],
    covers: impl Fn(usize, usize) -> bool,
    problems: &mut Problems,
) {
    for (index, (method, to)) in entries.iter().enumerate() {
        let pointer = format!("{pointer}/{index}");
        method.check(&format!("{pointer}/method"), problems);
        to.check(&format!("{pointer}/to"), problems);
        let hides = |(earlier, (other, others)): (usize, &(&Method, &Places))| {
            other.handle == method.handle && others.cover(to) && covers(earlier, index)
        };
        let words =
            "an earlier entry with the same handle goes there already: leave this out or put it first";
        let is_hidden = entries[..index].iter().enumerate().any(hides);
        problems.refuse_if(is_hidden, &format!("{pointer}/to"), words);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{CartBuilder, LineBuilder};

    fn method(json: &str) -> Method {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn a_method_becomes_a_rate() {
        let json = r#"{"handle": "express", "name": "Express", "tax_category": "freight",
            "delivery": {"earliest": 1, "latest": 2}}"#;
        let rate = method(json).at(1_800);
        assert_eq!((rate.key.as_str(), rate.method.as_str(), rate.amount), ("express", "express", 1_800));
        assert_eq!(rate.delivery, Some(DeliveryDays { earliest: 1, latest: 2 }));
        assert_eq!(rate.tax_category.as_deref(), Some("freight"));
        assert_eq!(rate.name.arguments[0].value, "Express");
    }

    #[test]
    fn of_one_handle_the_first_with_an_amount_is_offered() {
        let named = |handle: &str| method(&format!(r#"{{"handle": "{handle}", "name": "x"}}"#));
        let (post, courier) = (named("post"), named("courier"));
        let why = |key| Err(message(key, []));
        let entries = [
            (&post, why("heavy")),
            (&post, Ok(500)),
            (&post, Ok(900)),
            (&courier, why("far")),
            (&courier, why("heavy")),
        ];
        let cart = CartBuilder::new("USD", 2);
        let nothing = offer_methods(&cart.build(), entries.clone());
        assert_eq!((nothing.rates.len(), nothing.declined[0].message.key.as_str()), (0, NOTHING_TO_SHIP));
        let cart = CartBuilder::new("USD", 2).line(LineBuilder::new("MUG", 1, 1_600));
        let answer = offer_methods(&cart.build(), entries);
        assert_eq!(answer.rates, [post.at(500)]);
        assert_eq!(answer.declined, [decline("courier", message("heavy", []))]);
    }

    #[test]
    fn an_entry_that_can_never_be_offered_is_a_mistake() {
        let post = method(r#"{"handle": "post", "name": "Post"}"#);
        let to = |json: &str| serde_json::from_str::<Places>(json).unwrap();
        let (california, states, everywhere) = (to(r#"["US-CA"]"#), to(r#"["US"]"#), to("[]"));
        let found = |entries: &[&Places], covers: bool| -> Vec<String> {
            let mut problems = Problems::default();
            let entries: Vec<_> = entries.iter().map(|to| (&post, *to)).collect();
            check_methods("/methods", &entries, |_, _| covers, &mut problems);
            problems.found.into_iter().map(|problem| problem.pointer).collect()
        };
        let places = |entries: &[&Places]| found(entries, true);
        assert_eq!(places(&[&california, &states, &everywhere]), Vec::<String>::new());
        assert_eq!(found(&[&states, &states], false), Vec::<String>::new());
        assert_eq!(places(&[&states, &california]), ["/methods/1/to"]);
        assert_eq!(places(&[&everywhere, &everywhere]), ["/methods/1/to"]);
    }

    #[test]
    fn each_mistake_has_its_place() {
        let places = |json: &str| -> Vec<String> {
            let mut problems = Problems::default();
            method(json).check("/method", &mut problems);
            problems.found.into_iter().map(|problem| problem.pointer).collect()
        };
        let wrong =
            r#"{"handle": "-x", "name": " ", "tax_category": "", "delivery": {"earliest": 2, "latest": 1}}"#;
        let expected = ["/method/handle", "/method/name", "/method/tax_category", "/method/delivery/latest"];
        assert_eq!(places(wrong), expected);
        let long = format!(r#"{{"handle": "{}", "name": "x"}}"#, "x".repeat(51));
        assert_eq!(places(&long), ["/method/handle"]);
        let long = format!(r#"{{"handle": "x", "name": "x", "tax_category": "{}"}}"#, "x".repeat(65));
        assert_eq!(places(&long), ["/method/tax_category"]);
        assert_eq!(places(r#"{"handle": "next-day-2", "name": "x"}"#), Vec::<String>::new());
    }
}
