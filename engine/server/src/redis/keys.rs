//! Every key that is written to Redis, what it holds, for how long, and what its absence means.
//!
//! The store's id stands in braces, the hash tag of a cluster: all keys of a store are in one slot, so
//! that a script may touch several. Whatever is read may be gone the next moment (a flush, an
//! eviction, another primary): nothing here is the truth.

use std::{fmt, time::Duration};

use martlet_domain::{
    Digest, Id,
    catalog::{Product, Variant},
    coupon::Coupon,
    session::Session,
    settings::Store,
};
use redis::{RedisWrite, ToRedisArgs, ToSingleRedisArg};

/// The channel on which instances tell each other what has changed.
pub const CHANGES: &str = "martlet:changes";

/// How long a product's page is kept; the writer spreads it by 10 % each way.
pub const PRODUCT_TTL: Duration = Duration::from_secs(600);
/// How long a tombstone stands: longer than a reader needs from its read to its fill.
pub const TOMBSTONE_TTL: Duration = Duration::from_secs(10);
/// How long a session's state is kept after it was last asked for.
pub const SESSION_TTL: Duration = Duration::from_secs(1_800);
/// How long a coupon's gate stands, unless the coupon ends before.
pub const GATE_TTL: Duration = Duration::from_secs(86_400);
/// How long the lock of a stock row lasts when nobody gives it back.
pub const LOCK_TTL: Duration = Duration::from_secs(10);
/// How long it is kept what is popular.
pub const POPULAR_TTL: Duration = Duration::from_secs(60);

/// A key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Key(String);

impl Key {
    fn of(store: Id<Store>, rest: fmt::Arguments<'_>) -> Self {
        Self(format!("martlet:{{{store}}}:{rest}"))
    }

    #[cfg(test)]
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

impl ToRedisArgs for Key {
    fn write_redis_args<W: ?Sized + RedisWrite>(&self, out: &mut W) {
        out.write_arg(self.0.as_bytes());
    }
}

impl ToSingleRedisArg for Key {}

/// `product:{id}`: the product's page as it is sent, for [`PRODUCT_TTL`]. Empty for [`TOMBSTONE_TTL`]
/// after the product changed, which keeps out pages read before. Missing or empty: read the database.
pub(super) fn product(store: Id<Store>, product: Id<Product>) -> Key {
    Key::of(store, format_args!("product:{product}"))
}

/// `session:{session id}`: `ok:` and the moment it was last confirmed against its row, or `revoked`;
/// for [`SESSION_TTL`] from the last look. Missing: read the row.
pub(super) fn session(store: Id<Store>, session: Id<Session>) -> Key {
    Key::of(store, format_args!("session:{session}"))
}

/// `coupon:stock:{couponId}`: how many units may still be claimed, until the coupon ends or for
/// [`GATE_TTL`]. Missing: ask the database, which decides in any case.
pub(super) fn coupon_stock(store: Id<Store>, coupon: Id<Coupon>) -> Key {
    Key::of(store, format_args!("coupon:stock:{coupon}"))
}

/// `lock:stock:{variantId}`: the token of the group committer at work on the row, for [`LOCK_TTL`].
/// Missing: nobody has it. Rows are fenced in the database whether it is held or not.
pub(super) fn stock_lock(store: Id<Store>, variant: Id<Variant>) -> Key {
    Key::of(store, format_args!("lock:stock:{variant}"))
}

/// `limit:{group}:{digest of whom}`: when the caller's allowance is full again, in microseconds by
/// Redis's clock, until then. Missing: it is full.
pub(super) fn limit(store: Id<Store>, group: &str, whom: &Digest) -> Key {
    Key::of(store, format_args!("limit:{group}:{whom}"))
}

/// `popular`: ids of the products that are wanted most, the first first, for [`POPULAR_TTL`]. Missing:
/// count in the database.
pub(super) fn popular(store: Id<Store>) -> Key {
    Key::of(store, format_args!("popular"))
}

/// A time as Redis takes it, in whole milliseconds, of which there is at least one.
pub(super) fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX).max(1)
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn id<T>(number: u128) -> Id<T> {
        Id::new(Uuid::from_u128(number))
    }

    #[test]
    fn keys_are_as_documented_and_tagged_with_their_store() {
        let store = id(1);
        let whom = Digest::of(b"somebody");
        let expected = [
            (product(store, id(2)), "product:00000000-0000-0000-0000-000000000002".to_owned()),
            (session(store, id(2)), "session:00000000-0000-0000-0000-000000000002".to_owned()),
            (coupon_stock(store, id(2)), "coupon:stock:00000000-0000-0000-0000-000000000002".to_owned()),
            (stock_lock(store, id(2)), "lock:stock:00000000-0000-0000-0000-000000000002".to_owned()),
            (limit(store, "login", &whom), format!("limit:login:{whom}")),
            (popular(store), "popular".to_owned()),
        ];
        for (key, rest) in expected {
            assert_eq!(key.as_str(), format!("martlet:{{00000000-0000-0000-0000-000000000001}}:{rest}"));
        }
    }
}
