//! The bytes of a component.

use axum::{
    body::{Body, Bytes},
    extract::{FromRef, FromRequest, Request},
    http::header,
};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};

use crate::{error::Error, state::UploadRules};

/// What components are declared as.
pub const MEDIA_TYPE: &str = "application/wasm";

/// A body that is declared as a component: its bytes, in one piece.
#[derive(Debug, Clone)]
pub struct ComponentBytes(pub Bytes);

impl<S> FromRequest<S> for ComponentBytes
where
    S: Send + Sync,
    UploadRules: FromRef<S>,
{
    type Rejection = Error;

    async fn from_request(request: Request, state: &S) -> Result<Self, Error> {
        let declared = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let essence = declared.unwrap_or_default().split(';').next().unwrap_or_default().trim();
        if !essence.eq_ignore_ascii_case(MEDIA_TYPE) {
            return Err(Error::NotDeclaredAsComponent);
        }
        let UploadRules { body_limit, .. } = UploadRules::from_ref(state);
        whole(request.into_body(), body_limit).await.map(Self)
    }
}

/// A body in one piece that is never there twice, unless it has more bytes than it may.
pub async fn whole(body: Body, limit: usize) -> Result<Bytes, Error> {
    let announced = http_body::Body::size_hint(&body).lower();
    let mut body = Limited::new(body, limit);
    let (mut first, mut rest) = (Bytes::new(), Vec::new());
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| {
            if error.is::<LengthLimitError>() {
                Error::BodyTooLarge { limit }
            } else {
                Error::MalformedBody { problem: "it broke off".to_owned() }
            }
        })?;
        let Ok(piece) = frame.into_data() else { continue };
        if first.is_empty() && rest.is_empty() {
            // What is there in one piece already is only passed on.
            first = piece;
            continue;
        }
        if rest.is_empty() {
            let announced = usize::try_from(announced).unwrap_or(usize::MAX);
            rest.reserve_exact(announced.clamp(first.len() + piece.len(), limit));
            rest.extend_from_slice(&first);
        }
        rest.extend_from_slice(&piece);
    }
    Ok(if rest.is_empty() { first } else { rest.into() })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A body of pieces, as they come from a connection.
    #[derive(Debug)]
    struct Pieces(Vec<&'static [u8]>);

    impl http_body::Body for Pieces {
        type Data = Bytes;
        type Error = std::convert::Infallible;

        fn poll_frame(
            mut self: std::pin::Pin<&mut Self>,
            _: &mut std::task::Context<'_>,
        ) -> std::task::Poll<Option<Result<http_body::Frame<Bytes>, Self::Error>>> {
            let next = (!self.0.is_empty()).then(|| self.0.remove(0));
            std::task::Poll::Ready(next.map(|piece| Ok(http_body::Frame::data(Bytes::from_static(piece)))))
        }
    }

    async fn read(pieces: &[&'static [u8]], limit: usize) -> Result<Bytes, Error> {
        whole(Body::new(Pieces(pieces.to_vec())), limit).await
    }

    #[tokio::test]
    async fn pieces_are_put_together_up_to_the_limit() {
        assert_eq!(read(&[], 5).await.unwrap(), "");
        assert_eq!(read(&[b"abc"], 5).await.unwrap(), "abc");
        assert_eq!(read(&[b"ab", b"", b"c", b"de"], 5).await.unwrap(), "abcde");
        for pieces in [[b"abcdef".as_slice(), b""], [b"abc", b"def"]] {
            let refused = read(&pieces, 5).await.unwrap_err();
            assert!(matches!(refused, Error::BodyTooLarge { limit: 5 }), "{refused}");
        }
    }

    #[tokio::test]
    async fn one_piece_is_passed_on_as_it_is() {
        let bytes = Bytes::from(vec![7; 1_000]);
        let read = whole(Body::from(bytes.clone()), 1_000).await.unwrap();
        assert_eq!(read.as_ptr(), bytes.as_ptr());
    }
}
