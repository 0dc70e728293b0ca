//! When an installation has failed too often.
//!
//! Only failures count that the component has made by itself and would make on any host. What the host
//! has done to it, such as letting it wait too long, says nothing of it: whoever notes calls leaves
//! those out.

use crate::quote::Failure;

/// Calls that are looked back at.
const WINDOW: u16 = 200;
/// So many of those may not fail.
const TOO_MANY: u16 = WINDOW / 2;

/// When an installation has failed too often.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FailureRules {
    /// So many failures in a row are too many; 0 where no number is, and nothing is switched off.
    pub in_a_row: u32,
}

/// How one installation's calls have gone lately on one instance.
///
/// It begins anew with every rulebook: what a merchant has published since is judged by what it
/// does.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FailureWatch {
    /// Number of the rulebook that it watches.
    rulebook: i64,
    in_a_row: u32,
    /// How the last calls went, a bit for each that failed, as a ring.
    recent: [u64; WINDOW.div_ceil(64) as usize],
    /// Calls that the ring knows, and the place of the next one in it.
    known: u16,
    next: u16,
    /// Those of them that failed.
    failed: u16,
    /// Whether it has said so.
    said: bool,
}

/// Why it is too often.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TooManyFailures {
    /// So many in a row.
    InARow(u32),
    /// So many of the last calls.
    OfTheLast {
        /// Those that failed.
        failed: u16,
        /// All.
        calls: u16,
    },
}

impl FailureWatch {
    /// Notes how a call under a rulebook went: that it has failed too often, the first time that it
    /// has. Calls under an older rulebook than the newest are passed over.
    pub fn note(&mut self, rulebook: i64, failed: bool, rules: FailureRules) -> Option<TooManyFailures> {
        if rulebook < self.rulebook {
            return None;
        }
        if rulebook > self.rulebook {
            *self = Self { rulebook, ..Self::default() };
        }
        self.in_a_row = if failed { self.in_a_row.saturating_add(1) } else { 0 };
        self.keep(failed);
        let too_many = self.too_many(rules).filter(|_| failed && !self.said);
        self.said |= too_many.is_some();
        too_many
    }

    /// Says so again at the next failure: nothing came of it.
    pub const fn remind(&mut self) {
        self.said = false;
    }

    /// Whether no call that it looks back at has failed, so that it may be forgotten.
    pub const fn is_calm(&self) -> bool {
        self.failed == 0 && !self.said
    }

    fn keep(&mut self, failed: bool) {
        let (word, bit) = (usize::from(self.next / 64), 1_u64 << (self.next % 64));
        // In bounds: `next` is below the window.
        let word = &mut self.recent[word];
        self.failed -= u16::from(*word & bit != 0);
        self.failed += u16::from(failed);
        *word = if failed { *word | bit } else { *word & !bit };
        self.known = (self.known + 1).min(WINDOW);
        self.next = (self.next + 1) % WINDOW;
    }

    fn too_many(&self, rules: FailureRules) -> Option<TooManyFailures> {
        if rules.in_a_row == 0 {
            return None;
        }
        if self.in_a_row >= rules.in_a_row {
            return Some(TooManyFailures::InARow(self.in_a_row));
        }
        (self.known == WINDOW && self.failed >= TOO_MANY)
            .then_some(TooManyFailures::OfTheLast { failed: self.failed, calls: self.known })
    }
}

impl TooManyFailures {
    /// In English, with the failure that was one too many.
    pub fn explain(self, last: &Failure) -> String {
        let last = last.explain();
        match self {
            Self::InARow(failed) => format!("{failed} calls in a row failed, the last because {last}"),
            Self::OfTheLast { failed, calls } => {
                format!("{failed} of the last {calls} calls failed, the last because {last}")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: FailureRules = FailureRules { in_a_row: 50 };
    const NEVER: FailureRules = FailureRules { in_a_row: 0 };

    /// Notes calls under rulebook 1, and says which of them were too many.
    fn said(watch: &mut FailureWatch, rules: FailureRules, calls: &[bool]) -> Vec<(usize, TooManyFailures)> {
        let noted = calls.iter().enumerate();
        noted.filter_map(|(index, failed)| Some((index, watch.note(1, *failed, rules)?))).collect()
    }

    #[test]
    fn the_fiftieth_failure_in_a_row_is_too_many_and_is_said_once() {
        let mut watch = FailureWatch::default();
        assert_eq!(said(&mut watch, RULES, &[true; 120]), [(49, TooManyFailures::InARow(50))]);
        let mut watch = FailureWatch::default();
        let interrupted = [[true; 49].as_slice(), &[false], &[true; 49]].concat();
        assert_eq!(said(&mut watch, RULES, &interrupted), []);
    }

    #[test]
    fn half_of_the_last_two_hundred_is_too_many() {
        let mut watch = FailureWatch::default();
        let by_turns: Vec<bool> = (0..200).map(|call| call % 2 == 1).collect();
        let too_many = TooManyFailures::OfTheLast { failed: 100, calls: 200 };
        assert_eq!(said(&mut watch, RULES, &by_turns), [(199, too_many)]);
        // One less, however long it goes on.
        let mut watch = FailureWatch::default();
        let fewer: Vec<bool> = (0..2_000).map(|call| call % 200 < 198 && call % 2 == 1).collect();
        assert_eq!(said(&mut watch, RULES, &fewer), []);
        assert!(!watch.is_calm());
        assert_eq!(said(&mut watch, RULES, &[false; 200]), []);
        assert!(watch.is_calm());
    }

    #[test]
    fn few_calls_are_judged_by_those_in_a_row_alone() {
        let mut watch = FailureWatch::default();
        let mostly: Vec<bool> = (0..199).map(|call| call % 10 != 0).collect();
        assert_eq!(said(&mut watch, RULES, &mostly), []);
    }

    #[test]
    fn a_new_rulebook_is_a_new_beginning_and_an_older_one_has_no_say() {
        let mut watch = FailureWatch::default();
        assert_eq!(said(&mut watch, RULES, &[true; 49]), []);
        assert_eq!(watch.note(2, true, RULES), None);
        for _ in 0..60 {
            assert_eq!(watch.note(1, true, RULES), None);
        }
        let later: Vec<_> = (0..49).map(|_| watch.note(2, true, RULES)).collect();
        assert_eq!(later.iter().flatten().collect::<Vec<_>>(), [&TooManyFailures::InARow(50)]);
        assert_eq!(later.last(), Some(&Some(TooManyFailures::InARow(50))));
    }

    #[test]
    fn it_is_said_again_where_nothing_came_of_it() {
        let mut watch = FailureWatch::default();
        assert_eq!(said(&mut watch, RULES, &[true; 60]).len(), 1);
        watch.remind();
        assert_eq!(said(&mut watch, RULES, &[true; 5]), [(0, TooManyFailures::InARow(61))]);
        watch.remind();
        assert_eq!(said(&mut watch, RULES, &[false; 3]), []);
    }

    #[test]
    fn nothing_is_too_many_where_no_number_is() {
        let mut watch = FailureWatch::default();
        assert_eq!(said(&mut watch, NEVER, &[true; 500]), []);
    }

    #[test]
    fn it_is_said_in_words() {
        let last = Failure::OutOfFuel;
        assert_eq!(
            TooManyFailures::InARow(50).explain(&last),
            "50 calls in a row failed, the last because the plugin ran out of fuel"
        );
        assert_eq!(
            TooManyFailures::OfTheLast { failed: 120, calls: 200 }.explain(&last),
            "120 of the last 200 calls failed, the last because the plugin ran out of fuel"
        );
    }
}
