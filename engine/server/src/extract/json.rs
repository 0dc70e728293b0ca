//! JSON bodies.

use axum::{
    body::Bytes,
    extract::{
        FromRef, FromRequest, OptionalFromRequest, Request, rejection::BytesRejection,
        rejection::FailedToBufferBody,
    },
    http::{HeaderMap, header},
    response::{IntoResponse, Response},
};
use http_body::Body as _;
use serde::{
    Serialize,
    de::{DeserializeOwned, IgnoredAny},
};

use super::words;
use crate::{
    error::{Error, Violation},
    state::BodyLimit,
};

/// A body of JSON, taken from a request or put into a response.
#[derive(Debug, Clone, Copy)]
pub struct Json<T>(pub T);

impl<S, T> FromRequest<S> for Json<T>
where
    S: Send + Sync,
    BodyLimit: FromRef<S>,
    T: DeserializeOwned,
{
    type Rejection = Error;

    async fn from_request(request: Request, state: &S) -> Result<Self, Error> {
        parse(&read(request, state).await?).map(Json)
    }
}

/// A body that may be left out, and its type with it.
impl<S, T> OptionalFromRequest<S> for Json<T>
where
    S: Send + Sync,
    BodyLimit: FromRef<S>,
    T: DeserializeOwned,
{
    type Rejection = Error;

    async fn from_request(request: Request, state: &S) -> Result<Option<Self>, Error> {
        if request.headers().contains_key(header::CONTENT_TYPE) || !request.body().is_end_stream() {
            return <Self as FromRequest<S>>::from_request(request, state).await.map(Some);
        }
        Ok(None)
    }
}

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        axum::Json(self.0).into_response()
    }
}

/// The bytes of a body that is declared as JSON.
pub(super) async fn read<S>(request: Request, state: &S) -> Result<Bytes, Error>
where
    S: Send + Sync,
    BodyLimit: FromRef<S>,
{
    let BodyLimit(limit) = BodyLimit::from_ref(state);
    if !is_json(request.headers()) {
        return Err(Error::UnsupportedMediaType);
    }
    Bytes::from_request(request, state).await.map_err(|rejection| match rejection {
        BytesRejection::FailedToBufferBody(FailedToBufferBody::LengthLimitError(_)) => {
            Error::BodyTooLarge { limit }
        }
        _ => Error::MalformedBody { problem: "it broke off".to_owned() },
    })
}

/// Whether a body is declared as JSON.
pub(crate) fn is_json(headers: &HeaderMap) -> bool {
    let declared =
        headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = declared.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    essence == "application/json" || (essence.starts_with("application/") && essence.ends_with("+json"))
}

/// What the bytes of a body say.
pub(super) fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Error> {
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let pointer = words::pointer(error.path());
        refused(bytes, error.inner(), pointer)
    })?;
    deserializer.end().map_err(|error| Error::MalformedBody { problem: error.to_string() })?;
    Ok(value)
}

fn refused(bytes: &[u8], error: &serde_json::Error, pointer: String) -> Error {
    let (pointer, detail) = words::refusal(&error.to_string(), pointer);
    let invalid = Error::InvalidBody { violations: vec![Violation::new(pointer, detail)] };
    if error.is_data() {
        return invalid;
    }
    // The parser calls some values that it can't use malformed, such as a number for a name.
    match serde_json::from_slice::<IgnoredAny>(bytes) {
        Ok(_) => invalid,
        Err(error) => Error::MalformedBody { problem: error.to_string() },
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use martlet_domain::{catalog::Sku, money::Currency};
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only what can't be read into it matters here")]
    struct Body {
        title: String,
        count: Option<u32>,
        on: Option<bool>,
        sku: Option<Sku>,
        prices: Option<Vec<Price>>,
        kind: Option<Kind>,
        map: Option<BTreeMap<Currency, i64>>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only what can't be read into it matters here")]
    struct Price {
        amount: i64,
        currency: Currency,
    }

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum Kind {
        Big,
        Small,
    }

    /// Pointer and detail of what is wrong with a body; `malformed` when it isn't even JSON.
    fn wrong(body: &str) -> (String, String) {
        match parse::<Body>(body.as_bytes()).unwrap_err() {
            Error::InvalidBody { violations } => {
                (violations[0].pointer.clone(), violations[0].detail.clone())
            }
            Error::MalformedBody { problem } => ("malformed".to_owned(), problem),
            error => panic!("{error:?}"),
        }
    }

    #[test]
    fn a_refusal_points_to_the_place_and_says_what_is_expected() {
        let cases = [
            (r#"{}"#, "/title", "is missing"),
            (r#"{"title": 5}"#, "/title", "must be a string"),
            (r#"{"title": null}"#, "/title", "must be a string"),
            (r#"{"title": "x", "count": "5"}"#, "/count", "must be a whole number from 0 to 4294967295"),
            (r#"{"title": "x", "count": -1}"#, "/count", "must be a whole number from 0 to 4294967295"),
            (r#"{"title": "x", "count": 1.5}"#, "/count", "must be a whole number from 0 to 4294967295"),
            (r#"{"title": "x", "on": 1}"#, "/on", "must be true or false"),
            (r#"{"title": "x", "sku": ""}"#, "/sku", "is 1 to 64 characters without control characters"),
            (r#"{"title": "x", "prices": {}}"#, "/prices", "must be an array"),
            (r#"{"title": "x", "prices": [7]}"#, "/prices/0", "must be an object"),
            (r#"{"title": "x", "prices": [{"amount": 1}]}"#, "/prices/0/currency", "is missing"),
            (
                r#"{"title": "x", "prices": [{"amount": 1, "currency": "usd"}]}"#,
                "/prices/0/currency",
                "is an ISO 4217 code in upper case, such as USD",
            ),
            (r#"{"title": "x", "kind": "huge"}"#, "/kind", "must be one of `big`, `small`"),
            (r#"{"title": "x", "kind": 3}"#, "/kind", "must be one of the values that are listed for it"),
            (r#"{"title": "x", "title": "y"}"#, "/title", "is there twice"),
            (r#"{"title": "x", "map": {"USD": true}}"#, "/map/USD", "must be a whole number"),
            (r#"[]"#, "", "must be an object"),
            (r#""text""#, "", "must be an object"),
            ("null", "", "must be an object"),
        ];
        for (body, pointer, detail) in cases {
            assert_eq!(wrong(body), (pointer.to_owned(), detail.to_owned()), "{body}");
        }
    }

    #[test]
    fn an_unknown_member_is_named_with_those_there_are() {
        let (pointer, detail) = wrong(r#"{"title": "x", "tilte": "y"}"#);
        assert_eq!(pointer, "/tilte");
        assert!(detail.starts_with("is not known here; there are `title`, `count`"), "{detail}");
    }

    #[test]
    fn what_is_not_json_is_malformed() {
        for body in
            ["", "{", "{\"title\": \"x\"} trailing", "\u{feff}{}", "{'title': 1}", &"[".repeat(100_000)]
        {
            let (pointer, _) = wrong(body);
            // Deep nesting is refused at the outermost bracket already, as not an object.
            assert!(pointer == "malformed" || body.starts_with("[["), "{pointer}");
        }
    }
}
