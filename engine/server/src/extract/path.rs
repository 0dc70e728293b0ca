//! Ids in paths.

use axum::{
    extract::{FromRequestParts, path::ErrorKind, rejection::PathRejection},
    http::request::Parts,
};
use serde::de::DeserializeOwned;

use crate::error::Error;

/// What the placeholders of a path stand for: one id, or a tuple of them.
#[derive(Debug, Clone, Copy)]
pub struct Path<T>(pub T);

impl<S, T> FromRequestParts<S> for Path<T>
where
    S: Send + Sync,
    T: DeserializeOwned + Send,
{
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Error> {
        axum::extract::Path::from_request_parts(parts, state)
            .await
            .map(|axum::extract::Path(value)| Self(value))
            .map_err(refused)
    }
}

fn refused(rejection: PathRejection) -> Error {
    let PathRejection::FailedToDeserializePathParams(failure) = rejection else {
        return Error::Internal("a handler takes a path that its route doesn't have".to_owned());
    };
    let malformed = |problem: &str| Error::MalformedId { problem: problem.to_owned() };
    match failure.kind() {
        ErrorKind::DeserializeError { message, .. } | ErrorKind::Message(message) => malformed(message),
        ErrorKind::ParseErrorAtKey { .. }
        | ErrorKind::ParseErrorAtIndex { .. }
        | ErrorKind::ParseError { .. } => malformed("this part of the path is a whole number"),
        ErrorKind::InvalidUtf8InPathParam { .. } => malformed("the path is not UTF-8"),
        other => Error::Internal(format!("a handler takes a path that its route doesn't have: {other}")),
    }
}
