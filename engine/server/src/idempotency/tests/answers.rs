//! Errors as answers that are kept, and answers that can't be given again.

use axum::{Router, http::StatusCode, routing::post as on_post};
use martlet_store::StoredAnswer;

use super::post;
use crate::{
    error::Error,
    frame::RequestId,
    idempotency::{is_kept, render, respond},
    router::surround,
    state::AppState,
    testing::TestApp,
};

/// Errors of each kind that is sent with headers of its own, and some that aren't.
fn errors() -> Vec<Error> {
    vec![
        Error::InFlight,
        Error::IdempotencyKeyReused,
        Error::Busy,
        Error::Unauthenticated { sent: false },
        Error::Internal("the secret word is xyzzy".to_owned()),
        Error::InsufficientStock { sku: "mug".parse().unwrap(), requested: 5, available: 2 },
        Error::invalid("/title", "is missing"),
    ]
}

#[tokio::test]
async fn a_rendered_error_is_what_the_frame_would_send() {
    for index in 0..errors().len() {
        let both = move |state: AppState| {
            let fails = async move || -> Error { errors().swap_remove(index) };
            let rendered =
                async move |RequestId(id): RequestId| respond(render(&errors().swap_remove(index), &id));
            surround(
                Router::new().route("/fails", on_post(fails)).route("/rendered", on_post(rendered)),
                state,
            )
        };
        let app = TestApp::new().await;
        let router = both(app.state.clone());
        let id = [("x-request-id", "r-1")];
        let failed = post(&router, "/fails", &id, "").await;
        let rendered = post(&router, "/rendered", &id, "").await;
        assert_eq!(rendered, failed);
        assert_eq!(rendered.json()["instance"], "urn:request:r-1");
    }
}

#[test]
fn what_may_be_otherwise_in_a_moment_is_not_kept() {
    let kept: Vec<bool> = errors().iter().map(is_kept).collect();
    assert_eq!(kept, [false, true, false, true, false, false, true]);
}

#[tokio::test]
async fn a_kept_answer_that_is_no_answer_is_an_error_of_ours() {
    let header = |name: &str, value: &str| vec![(name.to_owned(), value.to_owned())];
    let corrupt = [
        StoredAnswer { status: 99, headers: Vec::new(), body: Vec::new() },
        StoredAnswer { status: 200, headers: header("a b", "x"), body: Vec::new() },
        StoredAnswer { status: 200, headers: header("x-a", "x\ny"), body: Vec::new() },
    ];
    for answer in corrupt {
        assert_eq!(respond(answer).status(), StatusCode::INTERNAL_SERVER_ERROR);
    }
}
