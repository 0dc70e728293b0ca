//! From columns to values and back, naming the row that can't be read.

use std::str::FromStr;

use martlet_domain::{Digest, Entity, Id};
use serde::{Serialize, de::DeserializeOwned};

use crate::StoreError;

/// A row that is being read.
pub(crate) struct RowOf {
    table: &'static str,
    id: String,
}

impl RowOf {
    /// The row of an entity.
    pub(crate) fn entity<T: Entity>(table: &'static str, id: Id<T>) -> Self {
        // Debug redacts what gives access.
        Self { table, id: format!("{id:?}") }
    }

    /// A row that something else names.
    pub(crate) fn named(table: &'static str, id: impl ToString) -> Self {
        Self { table, id: id.to_string() }
    }

    /// Decodes JSON.
    pub(crate) fn json<T: DeserializeOwned>(
        &self,
        column: &'static str,
        text: &str,
    ) -> Result<T, StoreError> {
        // The words of serde_json would quote the value.
        serde_json::from_str(text).map_err(|error| {
            self.corrupt(
                column,
                format!("not the JSON expected, at line {} column {}", error.line(), error.column()),
            )
        })
    }

    /// Decodes a text with a form of its own.
    pub(crate) fn parse<T: FromStr<Err: ToString>>(
        &self,
        column: &'static str,
        text: &str,
    ) -> Result<T, StoreError> {
        text.parse().map_err(|error: T::Err| self.corrupt(column, error.to_string()))
    }

    /// Decodes a digest.
    pub(crate) fn digest(&self, column: &'static str, bytes: &[u8]) -> Result<Digest, StoreError> {
        let bytes = bytes.try_into().map_err(|_| self.corrupt(column, "not 32 bytes"))?;
        Ok(Digest::from_bytes(bytes))
    }

    /// Decodes a number of a narrower type.
    pub(crate) fn number<T: TryFrom<i64>>(&self, column: &'static str, value: i64) -> Result<T, StoreError> {
        value.try_into().map_err(|_| self.corrupt(column, "a number out of bounds"))
    }

    /// What is said of a column that can't be read.
    pub(crate) fn corrupt(&self, column: &'static str, problem: impl Into<String>) -> StoreError {
        StoreError::Corrupt { table: self.table, column, id: self.id.clone(), problem: problem.into() }
    }
}

/// Encodes JSON.
pub(crate) fn to_json<T: Serialize + ?Sized>(value: &T) -> Result<String, StoreError> {
    // Only a map with keys that aren't text can fail, and no stored type has one.
    serde_json::to_string(value).map_err(|_| StoreError::OutOfBounds)
}
