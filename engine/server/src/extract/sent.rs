//! Bodies that are kept as they were sent.

use axum::extract::{FromRef, FromRequest, Request};
use serde::de::DeserializeOwned;

use super::json;
use crate::{error::Error, state::BodyLimit};

/// A body of JSON, and its text.
#[derive(Debug, Clone)]
pub struct Sent<T> {
    /// What it says.
    pub body: T,
    /// The text.
    pub text: String,
}

impl<S, T> FromRequest<S> for Sent<T>
where
    S: Send + Sync,
    BodyLimit: FromRef<S>,
    T: DeserializeOwned,
{
    type Rejection = Error;

    async fn from_request(request: Request, state: &S) -> Result<Self, Error> {
        let bytes = json::read(request, state).await?;
        // JSON that can be read is UTF-8.
        Ok(Self { body: json::parse(&bytes)?, text: String::from_utf8_lossy(&bytes).into_owned() })
    }
}
