//! What is left to pay, unit by unit.
//!
//! A line is a run-length list of units. Goods come first, by position; the shipping method, where
//! there is one, is one more line of a single unit, so that every value works on it too.

use super::{Class, Scope, UnitRun};

/// The state that the candidates of a quote work on.
#[derive(Debug, Clone)]
pub(super) struct Ledger {
    lines: Vec<LedgerLine>,
    goods: usize,
}

#[derive(Debug, Clone)]
struct LedgerLine {
    floor: i64,
    runs: Vec<Run>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Run {
    count: u32,
    list: i64,
    left: i64,
    consumed: bool,
}

/// Neighbouring units of one line that are alike in everything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Units {
    pub(super) line: usize,
    /// Index of the first within the line.
    pub(super) start: u32,
    pub(super) count: u32,
    pub(super) list: i64,
    pub(super) left: i64,
    /// No discount takes a unit below this.
    pub(super) floor: i64,
    /// Whether a bundle or a buy-x-get-y has used them already.
    pub(super) consumed: bool,
}

impl Units {
    /// What can still be taken off one of them.
    pub(super) fn capacity(&self) -> i64 {
        (self.left - self.floor).max(0)
    }

    /// The first `count` of them.
    pub(super) fn first(self, count: u32) -> Self {
        Self { count, ..self }
    }
}

/// So much off each of some neighbouring units.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Deduction {
    pub(super) line: usize,
    pub(super) start: u32,
    pub(super) count: u32,
    pub(super) each: i64,
}

impl Deduction {
    pub(super) fn total(&self) -> i128 {
        i128::from(self.count) * i128::from(self.each)
    }
}

impl Ledger {
    /// A ledger without lines.
    pub(super) fn new() -> Self {
        Self { lines: Vec::new(), goods: 0 }
    }

    /// Adds the next line of goods. No shipping may stand in it yet.
    pub(super) fn add_goods(&mut self, quantity: u32, amount: i64, floor: i64) {
        self.lines.push(LedgerLine::new(quantity, amount, floor));
        self.goods = self.lines.len();
    }

    /// Adds the shipping method.
    pub(super) fn add_shipping(&mut self, amount: i64) {
        self.lines.push(LedgerLine::new(1, amount, 0));
    }

    /// Index of the shipping method, where there is one.
    pub(super) fn shipping(&self) -> Option<usize> {
        (self.lines.len() > self.goods).then_some(self.goods)
    }

    /// A line's units, in runs.
    pub(super) fn units(&self, line: usize) -> impl Iterator<Item = Units> + '_ {
        let floor = self.lines[line].floor;
        self.lines[line].runs.iter().scan(0, move |start, run| {
            let units = Units {
                line,
                start: *start,
                count: run.count,
                list: run.list,
                left: run.left,
                floor,
                consumed: run.consumed,
            };
            *start += run.count;
            Some(units)
        })
    }

    /// A line's units as others see them: neighbours with the same amounts together.
    pub(super) fn unit_runs(&self, line: usize) -> Vec<UnitRun> {
        let mut runs: Vec<UnitRun> = Vec::new();
        for run in &self.lines[line].runs {
            match runs.last_mut() {
                Some(last) if (last.list_amount, last.left) == (run.list, run.left) => {
                    last.count += run.count
                }
                _ => runs.push(UnitRun { count: run.count, list_amount: run.list, left: run.left }),
            }
        }
        runs
    }

    /// The units that a class and a scope name, by position and unit.
    pub(super) fn select(&self, class: Class, scope: &Scope) -> Vec<Units> {
        match (class, scope) {
            (Class::Shipping, _) => self.shipping().into_iter().flat_map(|line| self.units(line)).collect(),
            (Class::Total, _) => (0..self.lines.len()).flat_map(|line| self.units(line)).collect(),
            (_, Scope::All) => (0..self.goods).flat_map(|line| self.units(line)).collect(),
            (_, Scope::Lines(lines)) => {
                let mut lines = lines.clone();
                lines.sort_by_key(|line| line.position);
                lines
                    .iter()
                    .flat_map(|line| self.dearest(line.position as usize, line.quantity.unwrap_or(u32::MAX)))
                    .collect()
            }
        }
    }

    /// At most `quantity` units of a line, the dearest left first; in the order of the line.
    fn dearest(&self, line: usize, mut quantity: u32) -> Vec<Units> {
        let mut units: Vec<Units> = self.units(line).collect();
        units.sort_by_key(|units| (std::cmp::Reverse(units.left), units.start));
        units.retain_mut(|units| {
            units.count = units.count.min(quantity);
            quantity -= units.count;
            units.count > 0
        });
        units.sort_by_key(|units| units.start);
        units
    }

    /// Sum of what is left of a line.
    pub(super) fn left(&self, line: usize) -> i64 {
        sum(self.units(line).map(|units| (units.count, units.left)))
    }

    /// Sum of the list amounts of a line.
    pub(super) fn list(&self, line: usize) -> i64 {
        sum(self.units(line).map(|units| (units.count, units.list)))
    }

    /// Gives units a new list amount, and takes it that nothing has been discounted yet.
    pub(super) fn reprice(&mut self, units: Units, amount: i64) {
        self.lines[units.line].edit(units.start, units.count, |run| {
            run.list = amount;
            run.left = amount;
        });
    }

    /// Takes deductions off.
    pub(super) fn deduct(&mut self, deductions: &[Deduction]) {
        for deduction in deductions {
            self.lines[deduction.line]
                .edit(deduction.start, deduction.count, |run| run.left -= deduction.each);
        }
    }

    /// Marks units as used by a bundle or a buy-x-get-y.
    pub(super) fn consume(&mut self, units: &[Units]) {
        for units in units {
            self.lines[units.line].edit(units.start, units.count, |run| run.consumed = true);
        }
    }
}

impl LedgerLine {
    fn new(count: u32, amount: i64, floor: i64) -> Self {
        Self { floor, runs: vec![Run { count, list: amount, left: amount, consumed: false }] }
    }

    /// Changes the units from `start`, `count` of them, splitting runs where needed.
    fn edit(&mut self, start: u32, count: u32, change: impl Fn(&mut Run)) {
        let end = start + count;
        let mut edited: Vec<Run> = Vec::with_capacity(self.runs.len() + 2);
        let mut at = 0;
        for run in &self.runs {
            let run_end = at + run.count;
            let (from, to) = (start.clamp(at, run_end), end.clamp(at, run_end));
            let mut changed = Run { count: to - from, ..*run };
            change(&mut changed);
            for piece in [Run { count: from - at, ..*run }, changed, Run { count: run_end - to, ..*run }] {
                match edited.last_mut() {
                    _ if piece.count == 0 => {}
                    Some(last) if (Run { count: piece.count, ..*last }) == piece => last.count += piece.count,
                    _ => edited.push(piece),
                }
            }
            at = run_end;
        }
        self.runs = edited;
    }
}

/// Sum of counts times amounts. `Input::check` bounds it far below i64's end.
fn sum(amounts: impl Iterator<Item = (u32, i64)>) -> i64 {
    amounts.map(|(count, amount)| i64::from(count) * amount).sum()
}
