//! What operators look at: metrics, whether the server is leaving, when it began.

use std::sync::atomic::{AtomicBool, Ordering};

use martlet_domain::Timestamp;

use crate::metrics::Metrics;

/// What operators look at.
#[derive(Debug)]
pub struct Operations {
    /// What is counted.
    pub metrics: Metrics,
    /// When the process began.
    pub started_at: Timestamp,
    draining: AtomicBool,
}

impl Operations {
    /// Of a process that begins now.
    pub fn new(now: Timestamp) -> Result<Self, prometheus::Error> {
        Ok(Self { metrics: Metrics::new(now)?, started_at: now, draining: AtomicBool::new(false) })
    }

    /// From now on the server says that it is not ready.
    pub fn drain(&self) {
        self.draining.store(true, Ordering::SeqCst);
    }

    /// Whether the server is leaving.
    pub fn is_draining(&self) -> bool {
        self.draining.load(Ordering::SeqCst)
    }
}

/// The commit that was built, where the build knew it.
pub const COMMIT: Option<&str> = option_env!("MARTLET_COMMIT");
/// The version that was built.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
