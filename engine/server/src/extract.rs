//! What handlers take from requests. Whatever can't be taken is an [`Error`](crate::error::Error).

mod asked;
mod caller;
mod client;
mod component;
mod held_cart;
mod idempotency_key;
mod if_match;
mod json;
mod path;
mod query;
mod sent;
mod shopper;
mod spoken;
mod staff;
mod store;
mod words;

pub use asked::Asked;
pub use caller::{Caller, Who};
pub use client::ClientAddress;
pub use component::{ComponentBytes, MEDIA_TYPE as COMPONENT_TYPE, whole};
pub use held_cart::HeldCart;
pub use idempotency_key::{IDEMPOTENCY_KEY, IdempotencyKey, MAX_KEY_LENGTH};
pub use if_match::IfMatch;
pub use json::Json;
pub(crate) use json::is_json;
pub use path::Path;
pub use query::Query;
pub use sent::Sent;
pub use shopper::Shopper;
pub use spoken::{Spoken, spoken};
pub use staff::{KEY_PREFIX, Staff, hash_of_sent_key, stored_hash};
pub use store::CurrentStore;
