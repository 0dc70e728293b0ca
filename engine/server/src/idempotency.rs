//! Requests that may be sent again: whoever names what it wants with an `Idempotency-Key` gets it
//! once, however often it asks, and the same answer each time.
//!
//! A key is claimed in the database before the work and keeps the answer for a day. [`once`] does so
//! around every POST but those whose answers hold secrets. Checkout and the steps of an order don't stand inside of it: they claim their key
//! and keep their answer in the transactions that do the work, so that no crash parts the two.

mod answer;
mod layer;

use std::time::Duration;

use axum::http::{header, request::Parts};
use martlet_domain::{Digest, Id, Timestamp, cart::Cart, customer::Customer, settings::Store};
use martlet_store::{ApiKey, Claim};

pub use answer::{is_kept, render, respond};
pub use layer::once;

use crate::extract::{IdempotencyKey, Who};

/// How long a key stands for its request.
pub const KEPT: Duration = Duration::from_secs(24 * 60 * 60);

/// Whose key it is. Others may use the same without meeting it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Of whoever asks for a cart: a cart may become a customer's, and what others did with it before or
    /// try since is not that customer's.
    Cart(Id<Cart>, Who),
    /// Of a customer who is signed in.
    Customer(Id<Customer>),
    /// Of whoever holds an API key.
    ApiKey(Id<ApiKey>),
}

/// The claim of a request to a key: `route` is the template of its path, `request` a digest of all that
/// makes it another request than those that are made there otherwise.
pub fn claim_for(
    store: Id<Store>,
    scope: Scope,
    route: &str,
    key: &IdempotencyKey,
    request: Digest,
    request_id: &str,
    now: Timestamp,
) -> Claim {
    let (kind, whose) = match scope {
        Scope::Cart(cart, Who::Guest) => ("cart", vec![cart.uuid()]),
        Scope::Cart(cart, Who::Customer(customer)) => ("cart, customer", vec![cart.uuid(), customer.uuid()]),
        Scope::Cart(cart, Who::Staff(key)) => ("cart, api key", vec![cart.uuid(), key.uuid()]),
        Scope::Customer(customer) => ("customer", vec![customer.uuid()]),
        Scope::ApiKey(key) => ("api key", vec![key.uuid()]),
    };
    let store = store.uuid();
    let mut parts: Vec<&[u8]> = vec![store.as_bytes(), kind.as_bytes()];
    parts.extend(whose.iter().map(|uuid| uuid.as_bytes().as_slice()));
    parts.extend([route.as_bytes(), key.as_str().as_bytes()]);
    Claim {
        id: digest_of(&parts),
        request,
        request_id: request_id.to_owned(),
        created_at: now,
        expires_at: now.plus(KEPT),
    }
}

/// The digest of what is asked for: where, with which body, byte for byte, and on the basis of which
/// version.
pub fn digest_of_request(parts: &Parts, body: &[u8]) -> Digest {
    let query = parts.uri.query().unwrap_or_default();
    let mut asked = vec![parts.uri.path().as_bytes(), query.as_bytes(), body];
    asked.extend(parts.headers.get_all(header::IF_MATCH).iter().map(|value| value.as_bytes()));
    digest_of(&asked)
}

/// The digest of several texts, each with its length before it: what ends one and begins the next
/// can't be moved.
pub fn digest_of(parts: &[&[u8]]) -> Digest {
    // A length fits 64 bits on every machine there is.
    let lengths: Vec<[u8; 8]> =
        parts.iter().map(|part| u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes()).collect();
    let pieces = lengths.iter().zip(parts).flat_map(|(length, part)| [length.as_slice(), part]);
    // Piece by piece: a part may be a component of many megabytes.
    Digest::of_parts(pieces)
}

#[cfg(test)]
mod tests;
