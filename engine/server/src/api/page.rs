//! Lists in pages.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Deserializer, Serialize, de::DeserializeOwned};
use utoipa::ToSchema;

use crate::error::Error;

/// Longest cursor that is looked at.
const MAX_CURSOR: usize = 2_000;

/// One page of a list.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Page<T> {
    /// What is on it.
    pub items: Vec<T>,
    /// Pass it as `cursor` for the next page; null on the last.
    pub next_cursor: Option<String>,
}

/// How many items a page has: 1 to 100.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ToSchema)]
#[schema(value_type = u32, minimum = 1, maximum = 100, default = 20)]
pub struct Limit(u32);

impl Limit {
    /// The number.
    pub fn get(self) -> u32 {
        self.0
    }
}

impl Default for Limit {
    fn default() -> Self {
        Self(20)
    }
}

impl<'de> Deserialize<'de> for Limit {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        match text.parse() {
            Ok(limit @ 1..=100) => Ok(Self(limit)),
            _ => Err(serde::de::Error::custom("is a whole number from 1 to 100")),
        }
    }
}

/// A position in a list as an opaque text.
pub fn encode_cursor<T: Serialize>(position: &T) -> Result<String, Error> {
    let json = serde_json::to_vec(position)
        .map_err(|error| Error::Internal(format!("a cursor can't be written: {error}")))?;
    Ok(URL_SAFE_NO_PAD.encode(json))
}

/// The position that an opaque text stands for.
pub fn decode_cursor<T: DeserializeOwned>(text: &str) -> Result<T, Error> {
    if text.len() > MAX_CURSOR {
        return Err(Error::MalformedCursor);
    }
    let json = URL_SAFE_NO_PAD.decode(text).map_err(|_| Error::MalformedCursor)?;
    serde_json::from_slice(&json).map_err(|_| Error::MalformedCursor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_comes_back_as_it_was_and_others_are_malformed() {
        let text = encode_cursor(&("title", 7)).unwrap();
        assert_eq!(decode_cursor::<(String, i64)>(&text).unwrap(), ("title".to_owned(), 7));
        for wrong in ["", "!", "e30", &text[1..], &"A".repeat(3_000)] {
            assert!(matches!(decode_cursor::<(String, i64)>(wrong), Err(Error::MalformedCursor)), "{wrong}");
        }
    }
}
