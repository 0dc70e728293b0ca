//! Requests that are sent again, to the real routes and to handlers that misbehave.

mod answers;
mod handlers;
mod routes;
mod shop;

use axum::{
    Router,
    body::{Body, Bytes},
    http::{HeaderMap, Request, StatusCode},
};
use http_body_util::BodyExt as _;
use serde_json::Value;
use tower::ServiceExt as _;

use super::*;
use crate::testing::NOW;

/// An answer to the byte.
#[derive(Debug, Clone, PartialEq)]
struct Raw {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
}

impl Raw {
    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// Itself, if it is of this status.
    #[track_caller]
    fn expect(self, status: u16) -> Self {
        assert_eq!(self.status.as_u16(), status, "{self:?}");
        self
    }

    /// Itself, if it is a problem of this status and code.
    #[track_caller]
    fn expect_problem(self, status: u16, code: &str) -> Self {
        let answer = self.expect(status);
        assert_eq!(answer.json()["code"], code, "{answer:?}");
        answer
    }

    /// Without the header that names this sending of the request.
    fn without_id(mut self) -> Self {
        assert!(self.headers.remove("x-request-id").is_some());
        self
    }
}

async fn post(router: &Router, path: &str, headers: &[(&str, &str)], body: &str) -> Raw {
    let mut request = Request::post(path).header("content-type", "application/json");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(Body::from(body.to_owned())).unwrap();
    let (parts, body) = router.clone().oneshot(request).await.unwrap().into_parts();
    Raw { status: parts.status, headers: parts.headers, body: body.collect().await.unwrap().to_bytes() }
}

async fn key(text: &str) -> IdempotencyKey {
    let (mut parts, ()) = Request::builder().header("idempotency-key", text).body(()).unwrap().into_parts();
    <IdempotencyKey as axum::extract::FromRequestParts<()>>::from_request_parts(&mut parts, &())
        .await
        .unwrap()
}

#[tokio::test]
async fn a_claim_is_of_a_store_a_scope_a_route_and_a_key() {
    let uuid = uuid::Uuid::from_u128;
    let request = Digest::of(b"request");
    let claim = async |store, scope, route, text| {
        claim_for(Id::new(uuid(store)), scope, route, &key(text).await, request, "r-1", NOW)
    };
    let cart = Scope::Cart(Id::new(uuid(2)), Who::Guest);
    let first = claim(1, cart, "/a", "k").await;
    assert_eq!(first, claim(1, cart, "/a", "\"k\"").await);
    assert_eq!((first.request, first.request_id.as_str(), first.created_at), (request, "r-1", NOW));
    assert_eq!(first.expires_at.as_millis() - NOW.as_millis(), 86_400_000);
    let others = [
        claim(2, cart, "/a", "k").await,
        claim(1, Scope::Cart(Id::new(uuid(3)), Who::Guest), "/a", "k").await,
        claim(1, Scope::Cart(Id::new(uuid(2)), Who::Customer(Id::new(uuid(3)))), "/a", "k").await,
        claim(1, Scope::Cart(Id::new(uuid(2)), Who::Staff(Id::new(uuid(3)))), "/a", "k").await,
        claim(1, Scope::Customer(Id::new(uuid(2))), "/a", "k").await,
        claim(1, Scope::ApiKey(Id::new(uuid(2))), "/a", "k").await,
        claim(1, cart, "/b", "k").await,
        claim(1, cart, "/ak", "k").await,
        claim(1, cart, "/a", "kk").await,
    ];
    let ids: std::collections::BTreeSet<Digest> = others.iter().map(|other| other.id).collect();
    assert_eq!(ids.len(), others.len());
    assert!(!ids.contains(&first.id));
}

#[test]
fn what_ends_one_text_and_begins_the_next_cannot_be_moved() {
    let digests = [
        digest_of(&[b"ab", b"c"]),
        digest_of(&[b"a", b"bc"]),
        digest_of(&[b"abc"]),
        digest_of(&[b"abc", b""]),
        digest_of(&[b"", b"abc"]),
        digest_of(&[]),
    ];
    for (index, digest) in digests.iter().enumerate() {
        assert!(!digests[index + 1..].contains(digest), "{index}");
    }
    assert_eq!(digest_of(&[b"ab", b"c"]), digests[0]);
}
