//! Answers that are kept, and given again.

use axum::{
    body::{Body, to_bytes},
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use martlet_store::StoredAnswer;

use crate::{
    error::Error,
    problem::{self, Failed},
};

/// Whether a request that failed like this fails like this again, rather than being made again.
pub fn is_kept(error: &Error) -> bool {
    is_kept_status(problem::kind(error).status)
}

/// What may be otherwise in a moment isn't kept: failures of ours, conflicts, and being asked to wait.
pub(super) fn is_kept_status(status: StatusCode) -> bool {
    !status.is_server_error() && status != StatusCode::CONFLICT && status != StatusCode::TOO_MANY_REQUESTS
}

/// The answer that an error becomes, as the frame would send it.
pub fn render(error: &Error, request_id: &str) -> StoredAnswer {
    let (headers, body) = problem::render(error, request_id);
    let text = |value: HeaderValue| value.to_str().map(str::to_owned).ok();
    StoredAnswer {
        status: problem::kind(error).status.as_u16(),
        headers: headers
            .into_iter()
            .filter_map(|(name, value)| Some((name.as_str().to_owned(), text(value)?)))
            .collect(),
        body,
    }
}

/// What a handler answered, to be kept. What only one sending of it has, such as its length on the
/// wire, is left to the frame and the server.
pub(super) async fn keep(mut response: Response, request_id: &str) -> Result<StoredAnswer, Error> {
    if let Some(Failed(error)) = response.extensions_mut().remove::<Failed>() {
        problem::fill(&mut response, &error, request_id);
    }
    let (parts, body) = response.into_parts();
    let body = to_bytes(body, usize::MAX).await;
    let body = body.map_err(|error| Error::Internal(format!("an answer can't be kept: {error}")))?;
    let headers = parts.headers.iter().filter(|(name, _)| *name != header::CONTENT_LENGTH);
    let headers = headers
        .map(|(name, value)| Ok((name.as_str().to_owned(), value.to_str()?.to_owned())))
        .collect::<Result<_, header::ToStrError>>()
        .map_err(|_| Error::Internal("an answer with a header that isn't text can't be kept".to_owned()))?;
    Ok(StoredAnswer { status: parts.status.as_u16(), headers, body: body.into() })
}

/// A kept answer, to be sent.
pub fn respond(answer: StoredAnswer) -> Response {
    let corrupt = |what: &str| {
        Error::Internal(format!("a kept answer has {what} that HTTP doesn't have: delete it")).into_response()
    };
    let Ok(status) = StatusCode::from_u16(answer.status) else { return corrupt("a status") };
    let mut response = Response::new(Body::from(answer.body));
    *response.status_mut() = status;
    for (name, value) in answer.headers {
        match (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            (Ok(name), Ok(value)) => response.headers_mut().append(name, value),
            _ => return corrupt("a header"),
        };
    }
    response
}
