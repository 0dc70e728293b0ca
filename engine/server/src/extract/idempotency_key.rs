//! The name that a client gives to one thing it wants done, so that it may ask for it again.

use axum::{
    extract::{FromRequestParts, OptionalFromRequestParts},
    http::{HeaderName, request::Parts},
};

use crate::error::Error;

/// The header of the key.
pub const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// Most characters of a key.
pub const MAX_KEY_LENGTH: usize = 255;

/// The `Idempotency-Key` header: 1 to 255 visible ASCII characters. The draft of the IETF puts them in
/// double quotes (draft-ietf-httpapi-idempotency-key-header-07, section 2.1), most clients don't: both
/// are the same key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdempotencyKey(String);

impl IdempotencyKey {
    /// The key, without quotes.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<S: Send + Sync> FromRequestParts<S> for IdempotencyKey {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Error> {
        let mut values = parts.headers.get_all(IDEMPOTENCY_KEY).iter();
        let value = values.next().ok_or(Error::IdempotencyKeyRequired)?;
        let only = if values.next().is_none() { value.to_str().ok() } else { None };
        only.and_then(parse).ok_or(Error::MalformedHeader {
            header: "Idempotency-Key",
            problem: "is one key of 1 to 255 visible ASCII characters, such as a new UUID",
        })
    }
}

impl<S: Send + Sync> OptionalFromRequestParts<S> for IdempotencyKey {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Option<Self>, Error> {
        if parts.headers.contains_key(IDEMPOTENCY_KEY) {
            <Self as FromRequestParts<S>>::from_request_parts(parts, state).await.map(Some)
        } else {
            Ok(None)
        }
    }
}

fn parse(text: &str) -> Option<IdempotencyKey> {
    let text = text.trim();
    let key = match text.strip_prefix('"') {
        Some(quoted) => quoted.strip_suffix('"')?,
        None if text.ends_with('"') => return None,
        None => text,
    };
    let fits = (1..=MAX_KEY_LENGTH).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic());
    fits.then(|| IdempotencyKey(key.to_owned()))
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderValue, Request};

    use super::*;

    async fn sent(values: &[&[u8]]) -> Result<Option<IdempotencyKey>, Error> {
        let (mut parts, ()) = Request::new(()).into_parts();
        for value in values {
            parts.headers.append(IDEMPOTENCY_KEY, HeaderValue::from_bytes(value).unwrap());
        }
        <IdempotencyKey as OptionalFromRequestParts<()>>::from_request_parts(&mut parts, &()).await
    }

    #[tokio::test]
    async fn a_key_is_the_same_with_quotes_and_without() {
        let longest = "x".repeat(MAX_KEY_LENGTH);
        for key in ["k", "8e03978e-40d5-43dd-bc93-6894a57f9324", "~!#$%&'()*+,-./:;<=>?@[\\]^_`{|}", &longest]
        {
            for value in [key.to_owned(), format!("\"{key}\""), format!(" {key}\t"), format!(" \"{key}\" ")] {
                let found = sent(&[value.as_bytes()]).await.unwrap().unwrap();
                assert_eq!(found.as_str(), key, "{value}");
            }
        }
        assert_eq!(sent(&[]).await.unwrap(), None);
    }

    #[tokio::test]
    async fn what_is_no_key_is_malformed() {
        let long = "x".repeat(MAX_KEY_LENGTH + 1);
        let quoted = format!("\"{long}\"");
        let one: [&str; 9] = ["", " ", "\"\"", "\"", "\"k", "k\"", "a b", &long, &quoted];
        for value in one {
            let error = sent(&[value.as_bytes()]).await.unwrap_err();
            assert!(matches!(error, Error::MalformedHeader { header: "Idempotency-Key", .. }), "{value}");
        }
        for values in [[&b"k\xe9"[..]].as_slice(), &[b"k\tk"], &[b"k", b"k"]] {
            assert!(matches!(sent(values).await, Err(Error::MalformedHeader { .. })), "{values:?}");
        }
    }

    #[tokio::test]
    async fn where_a_key_is_needed_its_absence_is_said() {
        let (mut parts, ()) = Request::new(()).into_parts();
        let taken = <IdempotencyKey as FromRequestParts<()>>::from_request_parts(&mut parts, &()).await;
        assert!(matches!(taken, Err(Error::IdempotencyKeyRequired)));
    }
}
