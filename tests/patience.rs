//! Waiting for what the engine does in its own time.

use std::{
    thread::sleep,
    time::{Duration, Instant},
};

/// How long it is until one looks again.
const LOOK: Duration = Duration::from_millis(20);

/// Asks until there is an answer, for so long and no longer. `what` is waited for.
#[track_caller]
pub fn eventually<T>(patience: Duration, what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(begun.elapsed() < patience, "after {patience:?} it isn't so: {what}");
        sleep(LOOK);
    }
}
