//! The page of a product, as it is kept here and in Redis.

use std::sync::atomic::{AtomicBool, Ordering};

use axum::body::Bytes;
use martlet_domain::{Timestamp, catalog::Handle};

use super::Body;

/// The form of what is kept in Redis. Whoever changes what a page shows changes it, so that instances of
/// two releases don't serve each other's.
const FORM: &str = "1";

/// The page of a product.
#[derive(Debug)]
pub struct ProductPage {
    /// By what it is addressed.
    pub handle: Handle,
    /// What is sent.
    pub body: Body,
    /// When it was read from the database.
    pub read_at: Timestamp,
    /// How many changes had been heard of when its reading began.
    pub(super) after: u64,
    /// When it is read again, before anybody has to wait for it.
    pub(super) refresh_at: Timestamp,
    refreshing: AtomicBool,
}

impl ProductPage {
    pub(super) fn new(handle: Handle, body: Body, read_at: Timestamp) -> Self {
        Self { handle, body, read_at, after: 0, refresh_at: read_at, refreshing: AtomicBool::new(false) }
    }

    /// Whether the caller is the one to read it again.
    pub(super) fn is_to_be_refreshed(&self, now: Timestamp) -> bool {
        now >= self.refresh_at && !self.refreshing.swap(true, Ordering::Relaxed)
    }

    /// As it is kept in Redis: the form, when it was read, its handle, a line feed, the body.
    pub(super) fn packed(&self) -> Vec<u8> {
        let mut packed = format!("{FORM} {} {}\n", self.read_at.as_millis(), self.handle).into_bytes();
        packed.extend_from_slice(self.body.bytes());
        packed
    }

    /// Nothing where that isn't what stands there.
    pub(super) fn unpacked(packed: &Bytes) -> Option<Self> {
        let end = packed.iter().position(|byte| *byte == b'\n')?;
        let head = std::str::from_utf8(&packed[..end]).ok()?;
        let (read_at, handle) = head.strip_prefix(FORM)?.strip_prefix(' ')?.split_once(' ')?;
        let read_at = Timestamp::from_millis(read_at.parse().ok()?);
        Some(Self::new(handle.parse().ok()?, Body::written(packed.slice(end + 1..)), read_at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_comes_back_as_it_was_packed_and_anything_else_is_none() {
        let body = Body::written(Bytes::from_static(b"{\"title\":\"a\\nb\"}\n"));
        let page = ProductPage::new("mug".parse().unwrap(), body, Timestamp::from_millis(-7));
        let back = ProductPage::unpacked(&page.packed().into()).unwrap();
        assert_eq!((&back.handle, back.read_at), (&page.handle, page.read_at));
        assert_eq!(back.body.bytes(), page.body.bytes());
        for other in
            ["", "{}", "1 7 mug", "1 x mug\n{}", "1 7 M\u{fc}g\n{}", "1 7\n{}", "2 7 mug\n{}", "7 mug\n{}"]
        {
            assert!(ProductPage::unpacked(&Bytes::from_static(other.as_bytes())).is_none(), "{other}");
        }
    }
}
