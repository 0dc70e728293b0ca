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
        serde_json::from_str(json).map_err(|error| vec![problem("", error.to_string())])
    }
}

impl<T: DeserializeOwned> Checked for T {}
