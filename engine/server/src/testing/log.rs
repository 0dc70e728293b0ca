//! What is logged while tests run, as JSON, one line an event.
//!
//! One subscriber for the whole process: whether an event is of interest is remembered for all
//! threads, so one a test would miss events now and then.

use std::{
    io::{self, Write},
    sync::{LazyLock, Mutex, PoisonError},
};

static LINES: Mutex<Vec<u8>> = Mutex::new(Vec::new());
static STARTED: LazyLock<()> = LazyLock::new(|| {
    let subscriber = tracing_subscriber::fmt().json().with_writer(|| Lines).finish();
    tracing::subscriber::set_global_default(subscriber).expect("no other subscriber");
});

/// Logs from now on.
pub(super) fn start() {
    LazyLock::force(&STARTED);
}

/// All that was logged so far.
pub fn logged() -> String {
    let lines = LINES.lock().unwrap_or_else(PoisonError::into_inner);
    String::from_utf8_lossy(&lines).into_owned()
}

struct Lines;

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        LINES.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
