//! What the audit log keeps of a request's body.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use axum::{
    body::{Body, Bytes, HttpBody},
    http::HeaderMap,
};
use http_body_util::BodyExt as _;
use martlet_store::MAX_AUDIT_DETAIL;
use serde_json::Value;

use crate::{
    error::Error,
    extract::{KEY_PREFIX, is_json},
};

/// What stands in place of what isn't kept.
const REDACTED: &str = "[redacted]";
/// Members with such a part in their name hold what opens something.
const SECRETS: [&str; 8] =
    ["password", "passphrase", "secret", "token", "authorization", "credential", "apikey", "privatekey"];
/// Members that name carts: whoever knows a cart's id may use it.
const CARTS: [&str; 4] = ["cart", "carts", "cartid", "cartids"];

/// What is kept of a body, and the body to go on with. Nothing is kept of one that isn't JSON, that is
/// longer than [`MAX_AUDIT_DETAIL`], or that can't be read as JSON.
pub(super) async fn take(headers: &HeaderMap, body: Body) -> Result<(Option<Value>, Body), Error> {
    if !is_json(headers) || body.size_hint().lower() > MAX_AUDIT_DETAIL as u64 {
        return Ok((None, body));
    }
    let (begun, rest) = begin(body).await?;
    if let Some(rest) = rest {
        return Ok((None, Body::new(Resumed { begun: Some(begun), rest })));
    }
    let detail = serde_json::from_slice(&begun).ok().map(redacted);
    Ok((detail, Body::from(begun)))
}

/// The first bytes of a body, and the rest where there is one.
async fn begin(mut body: Body) -> Result<(Bytes, Option<Body>), Error> {
    let mut begun = Vec::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| Error::MalformedBody { problem: "it broke off".to_owned() })?;
        if let Ok(data) = frame.into_data() {
            begun.extend_from_slice(&data);
        }
        if begun.len() > MAX_AUDIT_DETAIL {
            return Ok((begun.into(), Some(body)));
        }
    }
    Ok((begun.into(), None))
}

/// A value without what opens something.
fn redacted(value: Value) -> Value {
    match value {
        Value::Object(members) => {
            Value::Object(members.into_iter().map(|(name, value)| redacted_member(name, value)).collect())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(redacted).collect()),
        Value::String(text) if text.contains(KEY_PREFIX) => hidden(),
        value => value,
    }
}

fn redacted_member(name: String, value: Value) -> (String, Value) {
    let plain: String =
        name.chars().filter(char::is_ascii_alphanumeric).map(|char| char.to_ascii_lowercase()).collect();
    let value = if SECRETS.iter().any(|secret| plain.contains(secret)) && !value.is_null() {
        hidden()
    } else if CARTS.contains(&plain.as_str()) {
        without_texts(value)
    } else {
        redacted(value)
    };
    (name, value)
}

/// Of carts by their ids nothing is left; a cart that is spelled out stays.
fn without_texts(value: Value) -> Value {
    match value {
        Value::String(_) => hidden(),
        Value::Array(items) => Value::Array(items.into_iter().map(without_texts).collect()),
        value => redacted(value),
    }
}

fn hidden() -> Value {
    Value::String(REDACTED.to_owned())
}

/// A body whose first bytes were read already.
struct Resumed {
    begun: Option<Bytes>,
    rest: Body,
}

impl HttpBody for Resumed {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<http_body::Frame<Bytes>, axum::Error>>> {
        match self.begun.take() {
            Some(begun) => Poll::Ready(Some(Ok(http_body::Frame::data(begun)))),
            None => Pin::new(&mut self.rest).poll_frame(context),
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderValue, header};
    use serde_json::json;

    use super::*;

    /// What is kept of a body in pieces of no declared length, and what the handler gets of it.
    async fn of_pieces(content_type: &'static str, text: &str) -> (Option<Value>, Bytes) {
        let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, HeaderValue::from_static(content_type))]);
        // Mapping the frames hides how many bytes there are.
        let body = Body::new(Body::from(text.to_owned()).map_frame(|frame| frame));
        let (detail, body) = take(&headers, body).await.unwrap();
        (detail, body.collect().await.unwrap().to_bytes())
    }

    #[tokio::test]
    async fn a_small_body_of_json_is_kept_and_every_body_goes_on_as_it_came() {
        let fits = format!("\"{}\"", "x".repeat(MAX_AUDIT_DETAIL - 2));
        let long = format!("\"{}\"", "x".repeat(MAX_AUDIT_DETAIL - 1));
        let nested = "[".repeat(2_000);
        let kept = |text: &str| serde_json::from_str::<Value>(text).ok();
        for (content_type, text, expected) in [
            ("application/json", "{\"a\": [1, null]}", Some(json!({"a": [1, null]}))),
            ("application/merge-patch+json; charset=utf-8", "5", Some(json!(5))),
            ("application/json", &fits, kept(&fits)),
            ("application/json", &long, None),
            ("application/json", &nested, None),
            ("application/json", "", None),
            ("application/json", "{", None),
            ("application/wasm", "{}", None),
        ] {
            let (detail, rest) = of_pieces(content_type, text).await;
            assert_eq!((detail, rest.as_ref()), (expected, text.as_bytes()), "{content_type} {text:.20}");
        }
        // One that says how long it is isn't even begun.
        let headers =
            HeaderMap::from_iter([(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))]);
        let (detail, body) = take(&headers, Body::from(long.clone())).await.unwrap();
        assert_eq!((detail, body.size_hint().exact()), (None, Some(long.len() as u64)));
    }

    #[test]
    fn what_opens_something_is_not_kept() {
        let said = json!({
            "name": "till", "apiKey": "x", "Signing-Secret": {"v1": "x"}, "token": null,
            "config": {"percent": 5, "keys": [{"private_key": 7}], "note": "use mk_abc"},
            "cart": "00000000-0000-4000-8000-000000000001", "cart_ids": ["x", ["y"]],
            "carts": [{"lines": [{"sku": "MUG"}], "access_token": "x"}],
        });
        let kept = json!({
            "name": "till", "apiKey": REDACTED, "Signing-Secret": REDACTED, "token": null,
            "config": {"percent": 5, "keys": [{"private_key": REDACTED}], "note": REDACTED},
            "cart": REDACTED, "cart_ids": [REDACTED, [REDACTED]],
            "carts": [{"lines": [{"sku": "MUG"}], "access_token": REDACTED}],
        });
        assert_eq!(redacted(said), kept);
    }
}
