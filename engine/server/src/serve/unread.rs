//! Bodies that nobody has read to their end.
//!
//! A request may be answered before its body has come: it is too large, the server is busy, nobody is
//! signed in. If the connection were closed over what is still on its way, clients would see it break
//! rather than read the answer. So the rest is read, within bounds, and thrown away.

use std::{
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use axum::body::{Bytes, HttpBody};
use http_body_util::BodyExt as _;

/// Bytes that are read and thrown away at most.
const MOST: usize = 16 << 20;
/// How long it may take at most.
const LONGEST: Duration = Duration::from_secs(10);

/// A body whose rest is read when it is dropped.
#[derive(Debug)]
pub(super) struct Unread<B: HttpBody<Data = Bytes, Error: Send> + Unpin + Send + 'static>(Option<B>);

impl<B: HttpBody<Data = Bytes, Error: Send> + Unpin + Send + 'static> Unread<B> {
    /// A body that is about to be read, or not.
    pub(super) const fn new(body: B) -> Self {
        Self(Some(body))
    }
}

impl<B: HttpBody<Data = Bytes, Error: Send> + Unpin + Send + 'static> HttpBody for Unread<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<http_body::Frame<Bytes>, B::Error>>> {
        match &mut self.0 {
            Some(body) => Pin::new(body).poll_frame(context),
            None => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.0.as_ref().is_none_or(HttpBody::is_end_stream)
    }

    fn size_hint(&self) -> http_body::SizeHint {
        self.0.as_ref().map(HttpBody::size_hint).unwrap_or_default()
    }
}

impl<B: HttpBody<Data = Bytes, Error: Send> + Unpin + Send + 'static> Drop for Unread<B> {
    fn drop(&mut self) {
        let Some(body) = self.0.take().filter(|body| !body.is_end_stream()) else { return };
        // Without a runtime the process is ending, and every connection with it.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(tokio::time::timeout(LONGEST, read_away(body)));
        }
    }
}

async fn read_away<B: HttpBody<Data = Bytes, Error: Send> + Unpin + Send>(mut body: B) {
    let mut read = 0;
    while let Some(Ok(frame)) = body.frame().await {
        read += frame.data_ref().map_or(0, Bytes::len);
        if read > MOST {
            break;
        }
    }
}
