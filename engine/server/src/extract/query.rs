//! Queries.

use axum::{extract::FromRequestParts, http::request::Parts};
use serde::de::DeserializeOwned;

use super::words;
use crate::error::Error;

/// The query of a request. Unknown parameters are refused where `T` denies them.
#[derive(Debug, Clone, Copy)]
pub struct Query<T>(pub T);

impl<S, T> FromRequestParts<S> for Query<T>
where
    S: Send + Sync,
    T: DeserializeOwned,
{
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Error> {
        axum::extract::Query::try_from_uri(&parts.uri)
            .map(|axum::extract::Query(value)| Self(value))
            .map_err(|rejection| Error::MalformedQuery { problem: problem(&rejection.body_text()) })
    }
}

/// The library says `Failed to deserialize query string: PARAMETER: MESSAGE`.
fn problem(text: &str) -> String {
    let text = text.strip_prefix("Failed to deserialize query string: ").unwrap_or(text);
    let (place, message) = match text.split_once(": ") {
        Some((name, message)) if !name.contains(' ') => (format!("/{name}"), message),
        _ => (String::new(), text),
    };
    let (pointer, detail) = words::refusal(message, place);
    format!("{} {detail}", pointer.trim_start_matches('/')).trim().to_owned()
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;
    use crate::api::page::Limit;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only what can't be read into it matters here")]
    struct Parameters {
        limit: Option<Limit>,
        q: Option<String>,
    }

    fn wrong(query: &str) -> String {
        let uri = format!("/x?{query}").parse().unwrap();
        problem(&axum::extract::Query::<Parameters>::try_from_uri(&uri).unwrap_err().body_text())
    }

    #[test]
    fn a_refusal_names_the_parameter() {
        assert_eq!(wrong("limit=0"), "limit is a whole number from 1 to 100");
        assert_eq!(wrong("limit=x"), "limit is a whole number from 1 to 100");
        assert_eq!(wrong("sort=x"), "sort is not known here; there are `limit`, `q`");
        assert_eq!(wrong("q=1&q=2"), "q is there twice");
    }
}
