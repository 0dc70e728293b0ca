//! Reading configurations.

use serde::de::DeserializeOwned;

use crate::types::ConfigProblem;

/// What is wrong at one place of a configuration, by its JSON Pointer.
pub fn problem(pointer: &str, problem: impl Into<String>) -> ConfigProblem {
    ConfigProblem { pointer: pointer.to_owned(), problem: problem.into() }
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
