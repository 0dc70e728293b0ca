//! Places at which the process can be made to die, so that tests see what a crash there leaves.
//!
//! Built with the feature `faults`, the environment's `FAULT_POINT=NAME@N` kills the process, as by
//! `kill -9`, when it comes by the place of that name for the Nth time. Built without, as every
//! release is, a place is nothing.

/// All places, in the order in which an order comes by them.
pub const POINTS: &[&str] = &[
    "checkout.priced",
    "commit.begun",
    "commit.keys_read",
    "commit.orders_updated",
    "commit.carts_locked",
    "commit.holdings_locked",
    "commit.holdings_moved",
    "commit.orders_inserted",
    "commit.events_inserted",
    "commit.done",
    "checkout.placed",
    "payment.asked",
    "checkout.settled",
    "event.taken",
    "event.asked",
    "event.recorded",
    "step.taken",
    "step.stored",
];

/// The process comes by a place.
#[cfg(not(feature = "faults"))]
#[inline]
pub const fn point(_: &'static str) {}

/// The process comes by a place, and dies there if it is to.
#[cfg(feature = "faults")]
pub fn point(name: &'static str) {
    use std::sync::{
        LazyLock,
        atomic::{AtomicU64, Ordering},
    };
    static TARGET: LazyLock<Option<(String, u64)>> = LazyLock::new(|| {
        let text = std::env::var("FAULT_POINT").ok()?;
        let (name, times) = text.split_once('@')?;
        Some((name.to_owned(), times.parse().ok()?))
    });
    static PASSED: AtomicU64 = AtomicU64::new(0);
    debug_assert!(POINTS.contains(&name), "{name} isn't listed");
    let Some((target, times)) = TARGET.as_ref() else { return };
    if target == name && PASSED.fetch_add(1, Ordering::SeqCst) + 1 == *times {
        die();
    }
}

/// Nothing is flushed, nothing unwinds, nobody is told.
#[cfg(feature = "faults")]
fn die() {
    let pid = std::process::id().to_string();
    drop(std::process::Command::new("kill").args(["-9", &pid]).status());
    loop {
        std::thread::park();
    }
}
