//! How far inputs get: a target that stays green because nothing reaches what it is for would say nothing.

use std::collections::BTreeMap;

/// Counts what became of inputs, and tells it as often as libFuzzer tells how it does: at powers of two.
#[derive(Debug, Default)]
pub struct Tally {
    inputs: u64,
    counts: BTreeMap<&'static str, u64>,
}

impl Tally {
    /// Nothing yet.
    pub const fn new() -> Self {
        Self { inputs: 0, counts: BTreeMap::new() }
    }

    /// Counts an input.
    pub fn input(&mut self) {
        if self.inputs.is_power_of_two() && self.inputs >= 256 {
            self.tell();
        }
        self.inputs += 1;
    }

    /// Counts something that became of it.
    pub fn note(&mut self, what: &'static str) {
        *self.counts.entry(what).or_default() += 1;
    }

    fn tell(&self) {
        let counts: Vec<String> = self.counts.iter().map(|(what, count)| format!("{what} {count}")).collect();
        eprintln!("after {} inputs: {}", self.inputs, counts.join(", "));
    }
}
