//! Ports that stay free.

use std::{
    net::TcpListener,
    sync::atomic::{AtomicU16, Ordering},
};

/// Where the search begins.
const FIRST: u16 = 20_000;
/// How many ports are looked at: all below those that Linux gives to clients, so that no connection takes
/// one while whoever listened there is away.
const MANY: u16 = 12_000;

/// A port of 127.0.0.1 that nobody listens on.
pub fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    // Processes that run at once begin at different places.
    let process = u16::try_from(std::process::id() % u32::from(MANY)).expect("it fits");
    for _ in 0..MANY {
        let next = NEXT.fetch_add(1, Ordering::Relaxed).wrapping_add(process.wrapping_mul(17));
        let port = FIRST + next % MANY;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
    panic!("no port is free");
}
