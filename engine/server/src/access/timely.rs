//! Bodies that have to be sent in time.

use std::{
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use axum::{
    BoxError,
    body::{Body, Bytes, HttpBody},
};
use http_body::{Frame, SizeHint};
use tokio::time::{Sleep, sleep};

/// A body that breaks off when its time is over.
pub(super) struct Timely {
    body: Body,
    over: Pin<Box<Sleep>>,
}

impl Timely {
    /// It may take so long from now on.
    pub(super) fn new(body: Body, within: Duration) -> Self {
        Self { body, over: Box::pin(sleep(within)) }
    }
}

impl HttpBody for Timely {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        if let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(context) {
            return Poll::Ready(frame.map(|frame| frame.map_err(Into::into)));
        }
        self.over.as_mut().poll(context).map(|()| Some(Err("it wasn't sent in time".into())))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use axum::body::to_bytes;
    use tokio::time::Instant;

    use super::*;

    /// A body that says no more after its first piece.
    struct Stuck(Option<Bytes>);

    impl HttpBody for Stuck {
        type Data = Bytes;
        type Error = BoxError;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
            self.0.take().map_or(Poll::Pending, |piece| Poll::Ready(Some(Ok(Frame::data(piece)))))
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_is_not_sent_in_time_breaks_off_and_others_are_passed_on() {
        let (began, within) = (Instant::now(), Duration::from_secs(10));
        let whole = Body::new(Timely::new(Body::from("whole"), within));
        assert_eq!(whole.size_hint().exact(), Some(5));
        assert_eq!(to_bytes(whole, 10).await.unwrap(), "whole");
        let stuck = Body::new(Timely::new(Body::new(Stuck(Some("half".into()))), within));
        to_bytes(stuck, 10).await.unwrap_err();
        assert_eq!(began.elapsed(), within);
    }
}
