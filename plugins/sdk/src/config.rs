//! Reading and checking configurations.

use serde::de::DeserializeOwned;

use crate::{Amounts, Money, money::ALL_OF_IT, types::ConfigProblem};

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

    /// A list has something in it, and not too much.
    pub fn length<T>(&mut self, pointer: &str, list: &[T], most: usize) {
        let words = format!("must have 1 to {most} entries");
        self.refuse_if(!(1..=most).contains(&list.len()), pointer, &words);
    }

    /// An amount isn't negative, and its currency has the form of one.
    pub fn money(&mut self, pointer: &str, money: &Money) {
        self.refuse_if(money.amount < 0, &format!("{pointer}/amount"), "must not be negative");
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
        serde_json::from_str(json).map_err(|error| vec![problem("", error.to_string())])
    }
}

impl<T: DeserializeOwned> Checked for T {}

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
    fn only_an_object_is_a_configuration() {
        assert_eq!(Config::read(r#" {"n": 1}"#), Ok(Config { n: 1 }));
        for wrong in ["", "[1]", "1", "null", "not json", "{", r#"{"m": 1}"#] {
            assert_eq!(Config::read(wrong).unwrap_err()[0].pointer, "", "{wrong}");
        }
    }
}
