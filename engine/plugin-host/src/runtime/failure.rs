//! What went wrong with a call, in the domain's words.

use martlet_domain::quote::Failure;
use wasmtime::{Trap, WasmBacktrace};

use super::{
    limits::GrowthError,
    logs::{clip, printable},
};

/// Bytes of a backtrace that are kept. Function names are the component's own and can be long.
const BACKTRACE_BYTES: usize = 8 << 10;
/// Bytes of a problem in wasmtime's words that are kept.
const PROBLEM_BYTES: usize = 500;

/// How far a call had got when it failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// The instance was being made.
    Instantiation,
    /// The function was running, or its answer being read.
    Call,
}

/// A failed call.
#[derive(Debug)]
pub(crate) struct CallError {
    /// What went wrong.
    pub(crate) failure: Failure,
    /// The frames of WebAssembly it went wrong in.
    pub(crate) backtrace: Option<String>,
}

impl CallError {
    /// What an error of wasmtime means. `transfer` is what the component could hand over.
    pub(crate) fn new(error: &wasmtime::Error, phase: Phase, transfer: usize) -> Self {
        let backtrace = error.downcast_ref::<WasmBacktrace>().map(frames);
        Self { failure: failure(error, phase, transfer), backtrace }
    }

    pub(crate) const fn invalid(problem: String) -> Self {
        Self { failure: Failure::InvalidOutput(problem), backtrace: None }
    }
}

fn failure(error: &wasmtime::Error, phase: Phase, transfer: usize) -> Failure {
    if let Some(trap) = error.downcast_ref::<Trap>() {
        return of_trap(*trap);
    }
    match error.downcast_ref::<GrowthError>() {
        Some(GrowthError::Host(_)) => return Failure::HostResources,
        Some(limit) => return Failure::Trapped(limit.to_string()),
        None => {}
    }
    let problem = error.root_cause().to_string();
    // Too many instances, tables or memories. wasmtime has no type for it.
    if problem.starts_with("resource limit exceeded") {
        return Failure::Trapped(problem);
    }
    if is_shortage(error, phase) {
        return Failure::HostResources;
    }
    // wasmtime keeps the type of this error to itself.
    if problem.contains("fuel allocated for hostcalls has been exhausted") {
        return Failure::InvalidOutput(format!("more than {transfer} bytes: the limit grows with the cart"));
    }
    Failure::InvalidOutput(printable(clip(&problem, PROBLEM_BYTES)))
}

fn of_trap(trap: Trap) -> Failure {
    match trap {
        Trap::OutOfFuel => Failure::OutOfFuel,
        Trap::Interrupt => Failure::TimedOut,
        Trap::StackOverflow => Failure::StackOverflow,
        Trap::InvalidChar
        | Trap::InvalidDiscriminant
        | Trap::ListOutOfBounds
        | Trap::StringOutOfBounds
        | Trap::UnalignedPointer => Failure::InvalidOutput(words(trap)),
        trap => Failure::Trapped(words(trap)),
    }
}

/// The trap alone: the contexts that wasmtime adds may hold addresses.
fn words(trap: Trap) -> String {
    let words = trap.to_string();
    words.strip_prefix("wasm trap: ").unwrap_or(&words).to_owned()
}

/// What fails while an instance is made, without its code having trapped, is an allocation: a
/// component that could never be instantiated was refused when it was loaded.
fn is_shortage(error: &wasmtime::Error, phase: Phase) -> bool {
    phase == Phase::Instantiation
        || error.is::<wasmtime::PoolConcurrencyLimitError>()
        || error.is::<wasmtime::error::OutOfMemory>()
        || error.is::<std::io::Error>()
}

fn frames(backtrace: &WasmBacktrace) -> String {
    let text = backtrace.to_string();
    let frames = text.lines().skip(1).map(printable).collect::<Vec<_>>().join("\n");
    clip(&frames, BACKTRACE_BYTES).to_owned()
}
