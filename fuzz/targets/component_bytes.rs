//! Any bytes at the gate that uploads pass: whatever they are, it answers a report.

#![no_main]

use std::sync::{LazyLock, Mutex};

use libfuzzer_sys::fuzz_target;
use martlet_domain::quote::Failure;
use martlet_fuzz::{Tally, check_report, host};
use martlet_plugin_host::{Host, Undecided};

static HOST: LazyLock<Host> = LazyLock::new(host);
static TALLY: Mutex<Tally> = Mutex::new(Tally::new());

fuzz_target!(|bytes: &[u8]| {
    let mut tally = TALLY.lock().expect("nobody panics holding it");
    tally.input();
    match HOST.examine(bytes, &mut |_| {}) {
        Ok(report) => {
            check_report(&report);
            let read = report.checks.iter().any(|check| check.name == "format" && check.passed);
            tally.note(match (report.passed(), &report.tried_with) {
                (true, _) => "passed",
                (false, Some(_)) => "tried",
                (false, None) if read => "a component",
                (false, None) => "no component",
            });
        }
        // The machine stood still. A lack of memory it is not, for whoever runs this has some.
        Err(Undecided::Host(Failure::TimedOut)) => {}
        Err(undecided) => panic!("{undecided:?}"),
    }
    // The gate's verdict is about bytes that it doesn't keep.
    assert!(HOST.find(&martlet_domain::Digest::of(bytes)).is_none());
});
