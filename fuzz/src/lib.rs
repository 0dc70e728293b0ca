//! What the fuzz targets share: a host with small limits, the carts that components are asked about, and
//! a tally of how far inputs get.

mod carts;
mod mutant;
mod tally;

use std::time::Duration;

pub use carts::cart;
use martlet_plugin_host::{GateReport, Host, HostConfig};
pub use mutant::mutate;
pub use tally::Tally;

/// A host under which one run is short. It is made at the first input and not before: libFuzzer has set
/// its handlers of signals by then, and those of wasmtime, by which WebAssembly traps, go before them.
///
/// # Panics
///
/// When this machine can't run WebAssembly at all.
pub fn host() -> Host {
    let limits = HostConfig {
        fuel_per_call: 200_000,
        fuel_per_line: 2_000,
        // Fuel runs out in a millisecond. Who meets the clock is on a machine that stood still.
        call_timeout: Duration::from_secs(10),
        memory_bytes: 1 << 20,
        table_elements: 1_000,
        stack_bytes: 128 << 10,
        log_bytes: 4 << 10,
        log_lines: 50,
        message_bytes: 512,
        hostcall_bytes: 32 << 10,
        module_bytes: 512 << 10,
        max_candidates: 32,
        pool: false,
        ..HostConfig::default()
    };
    Host::new(limits).expect("the host starts")
}

/// Checks that a report tells its reader what to do, and can be written and read.
///
/// # Panics
///
/// Where it doesn't.
pub fn check_report(report: &GateReport) {
    assert!(!report.checks.is_empty(), "{report:#?}");
    assert!(report.passed() || report.failures().all(|check| check.advice.is_some()), "{report:#?}");
    let written = serde_json::to_vec(report).expect("it is written");
    assert!(written.len() < 1 << 20, "a report of {} bytes", written.len());
    let read: GateReport = serde_json::from_slice(&written).expect("it is read");
    assert_eq!(read, *report);
}
