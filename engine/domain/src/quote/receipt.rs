//! The evidence of a quote: what went in, what components answered, what became of it.
//!
//! Deterministic CBOR as RFC 8949 section 4.2.1 asks for: shortest integers, definite lengths,
//! map keys in the order of their encoded bytes. All keys are text, for which that order and the
//! length-first order of DAG-CBOR, whose encoder writes it, are the same. Fuel isn't in it: it
//! belongs to an engine version. Nothing in it names a person.

use serde::Serialize;

use super::{Input, Outcome, Stage, Totals, Verdict};
use crate::{
    Digest,
    plugin::{Rulebook, SealedRulebook},
};

/// Evidence in bytes.
#[derive(Clone, PartialEq, Eq)]
pub struct Receipt {
    bytes: Vec<u8>,
    digest: Digest,
}

/// The answers of one stage, in the order of its calls.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct StageAnswers {
    pub(super) stage: Stage,
    pub(super) outcomes: Vec<Outcome>,
}

#[derive(Serialize)]
struct Content<'a> {
    /// Version of this layout.
    receipt: u8,
    rulebook: RulebookReference,
    input: &'a Input,
    answers: &'a [StageAnswers],
    verdicts: &'a [Verdict],
    totals: &'a Totals,
}

#[derive(Serialize)]
struct RulebookReference {
    number: i64,
    digest: Digest,
}

impl Receipt {
    pub(super) fn new(
        input: &Input,
        answers: &[StageAnswers],
        verdicts: &[Verdict],
        totals: &Totals,
    ) -> Self {
        let rulebook = RulebookReference { number: input.rulebook.number, digest: input.rulebook.digest() };
        let bytes = deterministic_cbor(&Content { receipt: 1, rulebook, input, answers, verdicts, totals });
        let digest = Digest::of(&bytes);
        Self { bytes, digest }
    }

    /// Its bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// SHA-256 of its bytes.
    pub const fn digest(&self) -> Digest {
        self.digest
    }
}

impl std::fmt::Debug for Receipt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Receipt({})", self.digest)
    }
}

impl SealedRulebook {
    /// Works out the digest of a rulebook.
    pub fn new(rulebook: Rulebook) -> Self {
        let digest = Digest::of(&deterministic_cbor(&rulebook));
        Self { rulebook, digest }
    }
}

fn deterministic_cbor(value: &impl Serialize) -> Vec<u8> {
    #[expect(
        clippy::expect_used,
        reason = "only floats that aren't numbers and maps without text keys are refused"
    )]
    serde_ipld_dagcbor::to_vec(value)
        .expect("receipts and rulebooks consist of text, integers, lists and maps")
}
