//! A receipt read back, so that its quote can be worked out again.

use std::sync::Arc;

use serde::Deserialize;

use super::{
    Input, Outcome, Stage, Totals, Verdict,
    receipt::{self, Content, LAYOUT, Receipt, RulebookReference, StageAnswers},
};
use crate::{Digest, plugin::SealedRulebook};

/// What stands in a receipt: what went in, what components answered, what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    digest: Digest,
    contents: Contents,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Contents {
    receipt: u64,
    rulebook: RulebookReference,
    input: Input,
    answers: Vec<StageAnswers>,
    verdicts: Vec<Verdict>,
    totals: Totals,
}

/// The part of a receipt that never changes its place.
#[derive(Deserialize)]
struct Header {
    receipt: u64,
}

/// Why bytes aren't a receipt that this engine can read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReceiptError {
    /// They have another form.
    #[error("it is not a receipt: {0}")]
    NotAReceipt(String),
    /// They have a layout that is newer than this engine.
    #[error("it has layout {0} and this engine reads layout {LAYOUT}: use the engine that wrote it")]
    Layout(u64),
    /// They can be read, but no engine would have written them so: something was added or respelt.
    #[error("it is not written as receipts are: something was changed in it")]
    NotAsWritten,
}

/// A receipt is asked to be worked out under other rules than its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "it was priced under rulebook {} of the digest {}, and what is offered is rulebook {} of the digest {}",
    .recorded.number, .recorded.digest, .offered.number, .offered.digest
)]
pub struct RulebookMismatch {
    /// Those it names.
    pub recorded: RulebookReference,
    /// Those it was given.
    pub offered: RulebookReference,
}

/// Where two receipts part first. Later differences often follow from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Difference<'a> {
    /// They weren't asked the same: another rulebook or another input.
    Question,
    /// A component answered otherwise, or only one of the two was answered at all.
    Answer {
        /// The stage.
        stage: Stage,
        /// The how-manieth call of the stage it was, from 0.
        call: usize,
        /// What is recorded.
        recorded: Option<&'a Outcome>,
        /// What came of it now.
        replayed: Option<&'a Outcome>,
    },
    /// The same answers were judged otherwise.
    Verdict {
        /// The how-manieth verdict it is, from 0.
        place: usize,
        /// What is recorded.
        recorded: Option<&'a Verdict>,
        /// What it is now.
        replayed: Option<&'a Verdict>,
    },
    /// The same verdicts add up otherwise.
    Totals {
        /// What is recorded.
        recorded: &'a Totals,
        /// What they are now.
        replayed: &'a Totals,
    },
}

impl Receipt {
    /// Reads a receipt back. What is read would be written to the same bytes again.
    pub fn parse(bytes: &[u8]) -> Result<Recorded, ReceiptError> {
        let header: Header = read(bytes)?;
        if header.receipt != LAYOUT {
            return Err(ReceiptError::Layout(header.receipt));
        }
        let contents: Contents = read(bytes)?;
        if contents.written() == bytes {
            Ok(Recorded { digest: Digest::of(bytes), contents })
        } else {
            Err(ReceiptError::NotAsWritten)
        }
    }
}

impl Recorded {
    /// SHA-256 of the receipt's bytes.
    pub const fn digest(&self) -> Digest {
        self.digest
    }

    /// The rulebook it was priced under.
    pub const fn rulebook(&self) -> RulebookReference {
        self.contents.rulebook
    }

    /// What it came to.
    pub const fn totals(&self) -> &Totals {
        &self.contents.totals
    }

    /// What became of everything proposed, by stage and turn.
    pub fn verdicts(&self) -> &[Verdict] {
        &self.contents.verdicts
    }

    /// What went in, under the rulebook that it names and no other.
    pub fn input(&self, rulebook: Arc<SealedRulebook>) -> Result<Input, RulebookMismatch> {
        let (recorded, offered) = (self.rulebook(), RulebookReference::to(&rulebook));
        if recorded == offered {
            Ok(Input { rulebook, ..self.contents.input.clone() })
        } else {
            Err(RulebookMismatch { recorded, offered })
        }
    }

    /// Where this receipt and one of the same question part first; nothing where they are the same.
    pub fn first_difference<'a>(&'a self, replayed: &'a Self) -> Option<Difference<'a>> {
        let (before, now) = (&self.contents, &replayed.contents);
        if (before.rulebook, &before.input) != (now.rulebook, &now.input) {
            return Some(Difference::Question);
        }
        before.answer_apart(now).or_else(|| before.verdict_apart(now)).or_else(|| before.totals_apart(now))
    }
}

/// The answer to the how-manieth call of a stage.
type Answered<'a> = (Stage, usize, &'a Outcome);

impl Contents {
    fn calls(&self) -> impl Iterator<Item = Answered<'_>> {
        self.answers.iter().flat_map(|answers| {
            answers.outcomes.iter().enumerate().map(|(call, outcome)| (answers.stage, call, outcome))
        })
    }

    fn answer_apart<'a>(&'a self, now: &'a Self) -> Option<Difference<'a>> {
        let ((stage, call, _), recorded, replayed) = first_apart(self.calls(), now.calls())?;
        let outcome = |answered: Option<Answered<'a>>| answered.map(|(_, _, outcome)| outcome);
        Some(Difference::Answer { stage, call, recorded: outcome(recorded), replayed: outcome(replayed) })
    }

    fn verdict_apart<'a>(&'a self, now: &'a Self) -> Option<Difference<'a>> {
        let numbered = |contents: &'a Self| contents.verdicts.iter().enumerate();
        let ((place, _), recorded, replayed) = first_apart(numbered(self), numbered(now))?;
        let verdict = |numbered: Option<(usize, &'a Verdict)>| numbered.map(|(_, verdict)| verdict);
        Some(Difference::Verdict { place, recorded: verdict(recorded), replayed: verdict(replayed) })
    }

    fn totals_apart<'a>(&'a self, now: &'a Self) -> Option<Difference<'a>> {
        let (recorded, replayed) = (&self.totals, &now.totals);
        (recorded != replayed).then_some(Difference::Totals { recorded, replayed })
    }

    fn written(&self) -> Vec<u8> {
        let Self { receipt: _, rulebook, input, answers, verdicts, totals } = self;
        Content { receipt: LAYOUT, rulebook: *rulebook, input, answers, verdicts, totals }.written()
    }
}

/// The first items that aren't equal: one that is there, and both.
fn first_apart<T: Copy + PartialEq>(
    mut recorded: impl Iterator<Item = T>,
    mut replayed: impl Iterator<Item = T>,
) -> Option<(T, Option<T>, Option<T>)> {
    loop {
        let (before, now) = (recorded.next(), replayed.next());
        let either = before.or(now)?;
        if before != now {
            return Some((either, before, now));
        }
    }
}

fn read<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, ReceiptError> {
    receipt::read_cbor(bytes).map_err(ReceiptError::NotAReceipt)
}
