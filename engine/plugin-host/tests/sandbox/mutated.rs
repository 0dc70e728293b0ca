//! Components with bytes changed at random: whatever comes of them, the gate answers.

use std::sync::LazyLock;

use martlet_plugin_host::{Host, HostConfig};

use crate::support::*;

static HOST: LazyLock<Host> = LazyLock::new(|| {
    Host::new(HostConfig { pool: false, ..HostConfig::default() }).expect("the host starts")
});

/// Numbers that look random and are the same each time: xorshift, of Marsaglia's paper of 2003.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % bound as u64).expect("below a usize")
    }

    fn byte(&mut self) -> u8 {
        u8::try_from(self.below(256)).expect("a byte")
    }

    /// Changes, repeats, removes or cuts off a few bytes.
    fn mutate(&mut self, bytes: &mut Vec<u8>) {
        for _ in 0..=self.below(3) {
            let at = self.below(bytes.len());
            match self.below(5) {
                0 | 1 => bytes[at] = self.byte(),
                2 => bytes[at] ^= 1 << self.below(8),
                3 => {
                    let end = (at + self.below(16)).min(bytes.len());
                    let again = bytes[at..end].to_vec();
                    bytes.splice(at..at, again);
                }
                _ => {
                    let end = (at + self.below(4)).min(bytes.len());
                    bytes.drain(at..end);
                }
            }
        }
    }
}

/// What comes of so many mutants of a component: how many still pass, and how many reach a trial.
fn examine_mutants(seed: &[u8], mutants: u64) -> (usize, usize) {
    let (mut passed, mut tried) = (0, 0);
    for number in 1..=mutants {
        let mut bytes = seed.to_vec();
        Numbers(0x9e37_79b9_7f4a_7c15_u64.wrapping_mul(number)).mutate(&mut bytes);
        // A host without room would be no outcome, but this one has room.
        let report = HOST.examine(&bytes, &mut |_| {}).unwrap_or_else(|error| panic!("{number}: {error}"));
        passed += usize::from(report.passed());
        tried += usize::from(report.tried_with.is_some());
        assert!(report.passed() || report.failures().all(|check| check.advice.is_some()), "{report:#?}");
        let written = serde_json::to_vec(&report).expect("it is written");
        assert!(written.len() < 1 << 20, "{number}: a report of {} bytes", written.len());
    }
    (passed, tried)
}

#[test]
fn mutants_of_a_small_component_are_refused_or_work() {
    let (passed, tried) = examine_mutants(&Guest::default().build(), 400);
    // Some are still sound, or this would look at nothing but the parser.
    assert!(tried > passed && passed > 0 && tried < 400, "{passed} passed and {tried} were tried");
}

#[test]
fn mutants_of_a_real_plugin_are_refused_or_work() {
    let (_, tried) = examine_mutants(&built("spend-tiers"), 20);
    assert!(tried > 0, "none was tried");
}
