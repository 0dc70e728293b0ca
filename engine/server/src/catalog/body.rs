//! An answer as it is sent.

use axum::{
    body::Bytes,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use martlet_domain::Digest;
use serde::Serialize;

use crate::error::Error;

/// JSON that was written once, with its ETag.
#[derive(Debug, Clone)]
pub struct Body {
    bytes: Bytes,
    etag: HeaderValue,
}

impl Body {
    /// Writes it.
    pub fn of<T: Serialize>(value: &T) -> Result<Self, Error> {
        let bytes = serde_json::to_vec(value)
            .map_err(|error| Error::Internal(format!("an answer can't be written: {error}")))?;
        Ok(Self::written(bytes.into()))
    }

    /// It was written before. The ETag is made of its bytes, so it is the same on every instance.
    pub fn written(bytes: Bytes) -> Self {
        let digest = Digest::of(&bytes).to_string();
        let etag = HeaderValue::from_str(&format!("\"{}\"", &digest[..32]));
        Self { bytes, etag: etag.unwrap_or(HeaderValue::from_static("\"\"")) }
    }

    /// What is sent.
    pub const fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// The answer to a request: 304 when the client has these bytes already.
    pub fn answer(&self, request: &HeaderMap) -> Response {
        let mut response = if self.is_known(request) {
            StatusCode::NOT_MODIFIED.into_response()
        } else {
            let json = HeaderValue::from_static("application/json");
            ([(header::CONTENT_TYPE, json)], self.bytes.clone()).into_response()
        };
        response.headers_mut().insert(header::ETAG, self.etag.clone());
        response
    }

    /// Compares weakly, as RFC 9110 (section 13.1.2) asks for.
    fn is_known(&self, request: &HeaderMap) -> bool {
        let sent = request.get_all(header::IF_NONE_MATCH);
        let mut tags = sent.iter().filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(','));
        tags.any(|tag| {
            let tag = tag.trim();
            tag == "*" || tag.strip_prefix("W/").unwrap_or(tag).as_bytes() == self.etag.as_bytes()
        })
    }
}
