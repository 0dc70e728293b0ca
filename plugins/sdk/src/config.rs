//! Reading and checking configurations.

use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::{Amounts, MAX_PRICE, Money, money::ALL_OF_IT, types::ConfigProblem};

/// Longest SKU and tax category that the engine knows, in characters.
const MAX_CHARS: usize = 64;
/// Up to here every whole number has a float of its own.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// What is wrong at one place of a configuration, by its JSON Pointer.
pub fn problem(pointer: &str, problem: impl Into<String>) -> ConfigProblem {
    ConfigProblem { pointer: pointer.to_owned(), problem: problem.into() }
}

/// What is wrong with a configuration, as far as it has been looked at.
#[derive(Debug, Default)]
pub struct Problems {
    /// Found so far.
    pub found: Vec<ConfigProblem>,
}

impl Problems {
    /// Notes a problem where something holds that mustn't.
    pub fn refuse_if(&mut self, is_wrong: bool, pointer: &str, words: &str) {
        if is_wrong {
            self.found.push(problem(pointer, words));
        }
    }

    /// A count is at least 1.
    pub fn at_least_one(&mut self, pointer: &str, count: u32) {
        self.refuse_if(count == 0, pointer, "must be at least 1");
    }

    /// A share is more than nothing and at most all.
    pub fn share(&mut self, pointer: &str, ppm: u32) {
        self.refuse_if(
            !(1..=ALL_OF_IT).contains(&ppm),
            pointer,
            "must be 1 to 1000000 parts per million, which is all of it",
        );
    }

    /// Words are there.
    pub fn not_blank(&mut self, pointer: &str, words: &str) {
        self.refuse_if(words.trim().is_empty(), pointer, "must not be empty");
    }

    /// Words are there, and no more than the engine takes for a tax category.
    pub fn tax_category(&mut self, pointer: &str, category: &str) {
        self.not_blank(pointer, category);
        self.refuse_if(category.chars().count() > MAX_CHARS, pointer, "must be at most 64 characters");
    }

    /// The engine could know it as an SKU.
    pub fn sku(&mut self, pointer: &str, sku: &str) {
        let is_sku =
            (1..=MAX_CHARS).contains(&sku.trim().chars().count()) && !sku.chars().any(char::is_control);
        self.refuse_if(!is_sku, pointer, "must be 1 to 64 characters without control characters");
    }

    /// A list has something in it, and not too much.
    pub fn length<T>(&mut self, pointer: &str, list: &[T], most: usize) {
        let words = format!("must have 1 to {most} entries");
        self.refuse_if(!(1..=most).contains(&list.len()), pointer, &words);
    }

    /// An amount isn't negative, and no more than a price can be.
    pub fn amount(&mut self, pointer: &str, amount: i64) {
        self.refuse_if(amount < 0, pointer, "must not be negative");
        self.refuse_if(amount > MAX_PRICE, pointer, "must be at most 100000000000 minor units");
    }

    /// An amount is one, and its currency has the form of one.
    pub fn money(&mut self, pointer: &str, money: &Money) {
        self.amount(&format!("{pointer}/amount"), money.amount);
        self.currency(&format!("{pointer}/currency"), &money.currency);
    }

    /// As `money`, where there is any.
    pub fn some_money(&mut self, pointer: &str, money: Option<&Money>) {
        if let Some(money) = money {
            self.money(pointer, money);
        }
    }

    /// As `Amounts::check`, where there are any.
    pub fn some_amounts(&mut self, pointer: &str, amounts: Option<&Amounts>) {
        if let Some(amounts) = amounts {
            amounts.check(pointer, self);
        }
    }

    /// A currency has the form of an ISO 4217 code.
    pub fn currency(&mut self, pointer: &str, currency: &str) {
        let is_code = currency.len() == 3 && currency.bytes().all(|byte| byte.is_ascii_uppercase());
        self.refuse_if(!is_code, pointer, "must be an ISO 4217 code, such as USD");
    }
}

/// A configuration that is read from JSON.
pub trait Checked: DeserializeOwned {
    /// Reads it, or says what is wrong.
    fn read(json: &str) -> Result<Self, Vec<ConfigProblem>> {
        // A record would be read from an array too, by the order of its fields.
        if !json.trim_start().starts_with('{') {
            return Err(vec![problem("", "must be a JSON object")]);
        }
        let value = serde_json::from_str(json).map(with_integers);
        value
            .and_then(serde_json::from_value)
            .map_err(|error: serde_json::Error| vec![problem("", error.to_string())])
    }
}

impl<T: DeserializeOwned> Checked for T {}

/// Numbers without a fraction as integers: `10.0` is one in a JSON Schema, and so it is one here.
fn with_integers(value: Value) -> Value {
    match value {
        Value::Number(number) => Value::Number(whole(&number).unwrap_or(number)),
        Value::Array(items) => items.into_iter().map(with_integers).collect(),
        Value::Object(members) => {
            members.into_iter().map(|(name, member)| (name, with_integers(member))).collect()
        }
        other => other,
    }
}

fn whole(number: &serde_json::Number) -> Option<serde_json::Number> {
    let float = number.as_f64().filter(|float| number.is_f64() && float.fract() == 0.0)?;
    (float.abs() <= EXACT).then(|| serde_json::Number::from(float as i64))
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Config {
        n: u32,
    }

    #[test]
    fn a_number_without_a_fraction_is_an_integer() {
        assert_eq!(Config::read(r#"{"n": 100000.0}"#), Ok(Config { n: 100_000 }));
        assert_eq!(Config::read(r#"{"n": 1e5}"#), Ok(Config { n: 100_000 }));
        for wrong in ["1.5", "-1.0", "1e300", "4294967296.0"] {
            assert!(Config::read(&format!(r#"{{"n": {wrong}}}"#)).is_err(), "{wrong}");
        }
    }

    #[test]
    fn amounts_skus_and_tax_categories_are_what_the_engine_takes() {
        let mut problems = Problems::default();
        problems.amount("/most", MAX_PRICE);
        problems.amount("/more", MAX_PRICE + 1);
        let far = "x".repeat(65);
        problems.tax_category("/long", &"x".repeat(65));
        problems.tax_category("/fits", &"\u{e4}".repeat(64));
        for (pointer, sku) in [("/sku", "MUG"), ("/none", " "), ("/bell", "M\u{7}"), ("/far", far.as_str())] {
            problems.sku(pointer, sku);
        }
        let found: Vec<&str> = problems.found.iter().map(|problem| problem.pointer.as_str()).collect();
        assert_eq!(found, ["/more", "/long", "/none", "/bell", "/far"]);
    }

    #[test]
    fn only_an_object_is_a_configuration() {
        assert_eq!(Config::read(r#" {"n": 1}"#), Ok(Config { n: 1 }));
        for wrong in ["", "[1]", "1", "null", "not json", "{", r#"{"m": 1}"#] {
            assert_eq!(Config::read(wrong).unwrap_err()[0].pointer, "", "{wrong}");
        }
    }
}
