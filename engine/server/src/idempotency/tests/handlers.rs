//! Handlers that are slow, fail or panic.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use axum::{
    Router,
    http::{StatusCode, header},
    middleware,
    response::{IntoResponse as _, Response},
    routing::post as on_post,
};
use tokio::sync::Notify;

use super::{Raw, post};
use crate::{error::Error, idempotency::once, router::surround, state::AppState, testing::TestApp};

const ROUTE: &str = "/api/v1/carts/{id}/try";
const PATH: &str = "/api/v1/carts/00000000-0000-4000-8000-000000000001/try";

/// What the handler does, by how often it was called before.
type Behaviour = fn(u32) -> Option<Response>;

/// A handler of which each call may wait.
#[derive(Clone)]
struct Handler {
    calls: Arc<AtomicU32>,
    go: Arc<Notify>,
    behaviour: Behaviour,
}

impl Handler {
    async fn handle(self) -> Response {
        let call = self.calls.fetch_add(1, Ordering::SeqCst);
        if let Some(response) = (self.behaviour)(call) {
            return response;
        }
        self.go.notified().await;
        (StatusCode::CREATED, format!("waited, call {call}")).into_response()
    }
}

struct Trial {
    app: TestApp,
    router: Router,
    handler: Handler,
}

impl Trial {
    async fn of(behaviour: Behaviour) -> Self {
        Self::within(Duration::from_secs(60), behaviour).await
    }

    async fn within(timeout: Duration, behaviour: Behaviour) -> Self {
        let app = TestApp::builder().timeout(timeout).build().await;
        let handler = Handler { calls: Arc::default(), go: Arc::default(), behaviour };
        let router = around(app.state.clone(), handler.clone());
        Self { app, router, handler }
    }

    async fn send(&self) -> Raw {
        post(&self.router, PATH, &[("idempotency-key", "k")], "{}").await
    }

    /// Sends, and goes away while the handler works.
    async fn send_and_leave(&self) {
        let (router, calls) = (self.router.clone(), self.calls());
        let sent = tokio::spawn(async move { post(&router, PATH, &[("idempotency-key", "k")], "{}").await });
        while self.calls() == calls {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        sent.abort();
        assert!(sent.await.unwrap_err().is_cancelled());
    }

    fn calls(&self) -> u32 {
        self.handler.calls.load(Ordering::SeqCst)
    }

    /// Sends until the answer is no longer that the first request is being worked on.
    async fn send_until_answered(&self) -> Raw {
        for _ in 0..500 {
            let answer = self.send().await;
            if answer.status != StatusCode::CONFLICT {
                return answer;
            }
            assert_eq!(answer.json()["code"], "in_flight");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("it is in flight for ever");
    }
}

fn around(state: AppState, handler: Handler) -> Router {
    let once = middleware::from_fn_with_state(state.clone(), once);
    let routes = Router::new().route(ROUTE, on_post(move || handler.clone().handle()));
    surround(routes.route_layer(once), state)
}

#[tokio::test]
async fn failures_conflicts_and_being_asked_to_wait_are_not_kept() {
    let trial = Trial::of(|call| {
        Some(match call {
            0 => Error::Internal("the secret word is xyzzy".to_owned()).into_response(),
            1 => Error::Busy.into_response(),
            2 => Error::OptionsTaken.into_response(),
            3 => (StatusCode::TOO_MANY_REQUESTS, [(header::RETRY_AFTER, "7")], "slower").into_response(),
            4 => panic!("the secret word is xyzzy"),
            _ => (StatusCode::OK, "done").into_response(),
        })
    })
    .await;
    trial.send().await.expect_problem(500, "internal");
    assert_eq!(trial.send().await.expect_problem(503, "busy").headers["retry-after"], "1");
    trial.send().await.expect_problem(409, "options_taken");
    assert_eq!(trial.send().await.expect(429).headers["retry-after"], "7");
    let panicked = trial.send().await.expect_problem(500, "internal");
    assert!(!panicked.json().to_string().contains("xyzzy"));
    for _ in 0..2 {
        assert_eq!(trial.send().await.expect(200).body, "done");
    }
    assert_eq!(trial.calls(), 6);
}

#[tokio::test]
async fn an_answer_is_kept_with_all_its_headers_in_their_order() {
    let trial = Trial::of(|call| {
        let mut response = (StatusCode::ACCEPTED, format!("call {call}")).into_response();
        for value in ["b", "a", ""] {
            response.headers_mut().append("x-list", value.parse().unwrap());
        }
        Some(response)
    })
    .await;
    let (first, again) = (trial.send().await, trial.send().await);
    assert_eq!(again.clone().without_id(), first.without_id());
    assert_eq!(again.headers.get_all("x-list").iter().collect::<Vec<_>>(), ["b", "a", ""]);
    assert_eq!((again.body, trial.calls()), ("call 0".into(), 1));
}

#[tokio::test]
async fn a_request_that_took_too_long_is_answered_to_whoever_asks_again() {
    let trial = Trial::within(Duration::from_secs(1), |_| None).await;
    trial.send().await.expect_problem(503, "timed_out");
    let busy = trial.send().await.expect_problem(409, "in_flight");
    assert_eq!(busy.headers["retry-after"], "1");
    trial.handler.go.notify_one();
    assert_eq!(trial.send_until_answered().await.expect(201).body, "waited, call 0");
    assert_eq!(trial.calls(), 1);
}

#[tokio::test]
async fn a_request_whose_client_has_gone_is_finished() {
    let trial = Trial::of(|_| None).await;
    trial.send_and_leave().await;
    trial.handler.go.notify_one();
    assert_eq!(trial.send_until_answered().await.expect(201).body, "waited, call 0");
    assert_eq!(trial.calls(), 1);
}

#[tokio::test]
async fn a_key_that_a_dead_engine_left_is_taken_over_after_a_minute() {
    let trial = Trial::of(|call| (call > 0).then(|| "done".into_response())).await;
    trial.send_and_leave().await;
    trial.app.clock.advance(Duration::from_millis(59_999));
    trial.send().await.expect_problem(409, "in_flight");
    // Another request waits until the key has expired.
    let other = post(&trial.router, PATH, &[("idempotency-key", "k")], "{ }").await;
    other.expect_problem(422, "idempotency_key_reused");
    trial.app.clock.advance(Duration::from_millis(1));
    assert_eq!(trial.send().await.expect(200).body, "done");
    // If it wasn't dead after all, its answer comes too late.
    trial.handler.go.notify_one();
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(trial.send().await.expect(200).body, "done");
    assert_eq!(trial.calls(), 2);
}

#[tokio::test]
async fn where_requests_may_take_longer_a_key_is_left_to_them_for_longer() {
    let trial =
        Trial::within(Duration::from_secs(90), |call| (call > 0).then(|| "done".into_response())).await;
    trial.send_and_leave().await;
    trial.app.clock.advance(Duration::from_millis(89_999));
    trial.send().await.expect_problem(409, "in_flight");
    trial.app.clock.advance(Duration::from_millis(1));
    assert_eq!(trial.send().await.expect(200).body, "done");
}
