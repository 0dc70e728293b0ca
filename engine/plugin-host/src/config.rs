//! The limits that components run under, published, with what happens at each.

use std::time::Duration;

/// The limits of a [`crate::Host`]. The defaults are the published ones.
///
/// A limit that a component reaches by itself is reached on any host at the same point, so the
/// outcome is deterministic. The exceptions are [`call_timeout`](Self::call_timeout),
/// [`stack_bytes`](Self::stack_bytes) and [`slots`](Self::slots), which depend on the host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostConfig {
    /// Fuel of a call, beside that for its lines: 50,000,000, which is 50 million WebAssembly
    /// instructions. A component that has burnt all of it is stopped: `OutOfFuel`.
    ///
    /// The costs stand in one table, which a test holds against upgrades of wasmtime: one for an
    /// instruction, none for those that make no code, one for a byte or an element that a bulk
    /// instruction touches, 255 for a page of 64 KiB that memory grows by, and 1,000 plus one a
    /// byte for a line of log.
    pub fuel_per_call: u64,
    /// Fuel of a call for each line of the cart: 500,000.
    pub fuel_per_line: u64,
    /// How many calls' worth of fuel one quote may burn: 10. The host doesn't count quotes;
    /// [`HostConfig::fuel_for_quote`] is for whoever does.
    pub calls_per_quote: u64,
    /// How long a call may take: 2 s, checked every [`HostConfig::tick`]. Fuel is the contract
    /// and runs out long before; this guards against a host in trouble. `TimedOut`.
    pub call_timeout: Duration,
    /// Memory of an instance, all its linear memories together: 16 MiB. `memory.grow` past it
    /// traps instead of answering -1: `Trapped`. A component that asks for more from the start is
    /// refused when it is loaded.
    pub memory_bytes: usize,
    /// Elements of an instance's tables, together: 65,536. `table.grow` past it traps.
    pub table_elements: usize,
    /// Stack of a call: 512 KiB. `StackOverflow`. It is taken from the calling thread, which
    /// must have as much left and 256 KiB for the host itself.
    pub stack_bytes: usize,
    /// Log of a call: 64 KiB, in at most [`log_lines`](Self::log_lines) of at most
    /// [`message_bytes`](Self::message_bytes). What goes past it is cut, and a last line says so.
    /// Logging never fails a call, but for the fuel it burns.
    pub log_bytes: usize,
    /// Lines of log of a call: 1,000. Later ones are cut.
    pub log_lines: usize,
    /// One line of log: 4 KiB. A longer one is cut.
    pub message_bytes: usize,
    /// What a component may answer, beyond the size of the cart it was given: 256 KiB. An answer
    /// past it is not read: `InvalidOutput`.
    pub hostcall_bytes: usize,
    /// Bytes of a component: 32 MiB. A larger one is refused when it is loaded.
    pub module_bytes: usize,
    /// Candidates in an answer: 256 and one for each line of the cart, and as many declined. An
    /// answer with more is not looked at: `InvalidOutput`.
    pub max_candidates: usize,
    /// Calls that can be under way at once: 256. One more gets `HostResources`. Each reserves
    /// 4 GiB of address space, but memory only as it is touched. Where so much address space
    /// can't be had, instances are allocated one by one, without a limit on their number.
    pub slots: u32,
    /// Whether there is a pool of slots at all. Without one instances are allocated one by one, in no
    /// more address space than their memory may have, and components are compiled by one thread: for a
    /// process whose own memory is bounded.
    pub pool: bool,
}

impl Default for HostConfig {
    fn default() -> Self {
        Self {
            fuel_per_call: 50_000_000,
            fuel_per_line: 500_000,
            calls_per_quote: 10,
            call_timeout: Duration::from_secs(2),
            memory_bytes: 16 << 20,
            table_elements: 65_536,
            stack_bytes: 512 << 10,
            log_bytes: 64 << 10,
            log_lines: 1_000,
            message_bytes: 4 << 10,
            hostcall_bytes: 256 << 10,
            module_bytes: 32 << 20,
            max_candidates: 256,
            slots: 256,
            pool: true,
        }
    }
}

impl HostConfig {
    /// Fuel of one call about a cart of so many lines.
    pub fn fuel_for_call(&self, lines: usize) -> u64 {
        let lines = u64::try_from(lines).unwrap_or(u64::MAX);
        self.fuel_per_call.saturating_add(self.fuel_per_line.saturating_mul(lines))
    }

    /// Fuel of all calls of one quote about a cart of so many lines.
    pub fn fuel_for_quote(&self, lines: usize) -> u64 {
        self.fuel_for_call(lines).saturating_mul(self.calls_per_quote)
    }

    /// How often running calls are checked against their deadline: 10 ms.
    pub const fn tick(&self) -> Duration {
        Duration::from_millis(10)
    }

    /// Ticks until the deadline of a call that starts now.
    pub(crate) fn deadline(&self) -> u64 {
        let ticks = self.call_timeout.as_millis().div_ceil(self.tick().as_millis());
        // The tick under way when the call starts is shorter than a whole one.
        u64::try_from(ticks).unwrap_or(u64::MAX).saturating_add(1)
    }
}
