//! What handlers take from requests. Whatever can't be taken is an [`Error`](crate::error::Error).

mod asked;
mod held_cart;
mod idempotency_key;
mod if_match;
mod json;
mod path;
mod query;
mod staff;
mod store;
mod words;

pub use asked::Asked;
pub use held_cart::HeldCart;
pub use idempotency_key::{IDEMPOTENCY_KEY, IdempotencyKey, MAX_KEY_LENGTH};
pub use if_match::IfMatch;
pub use json::Json;
pub use path::Path;
pub use query::Query;
pub use staff::{KEY_PREFIX, Staff, hash_of_key};
pub use store::CurrentStore;
