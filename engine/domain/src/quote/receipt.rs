//! The evidence of a quote: what went in, what components answered, what became of it.
//!
//! Deterministic CBOR as RFC 8949 section 4.2.1 asks for: shortest integers, definite lengths,
//! map keys in the order of their encoded bytes. All keys are text, for which that order and the
//! length-first order of DAG-CBOR, whose encoder writes it, are the same. Fuel isn't in it: it
//! belongs to an engine version. Nothing in it names a person.

use serde::{Deserialize, Serialize};

use super::{Input, Outcome, Stage, Totals, Verdict};
use crate::{
    Digest, Timestamp,
    plugin::{Rulebook, SealedRulebook},
};

/// The layout of receipts that is written and read.
pub(super) const LAYOUT: u64 = 1;

/// Evidence in bytes.
#[derive(Clone, PartialEq, Eq)]
pub struct Receipt {
    bytes: Vec<u8>,
    digest: Digest,
}

/// The answers of one stage, in the order of its calls.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StageAnswers {
    pub(super) stage: Stage,
    pub(super) outcomes: Vec<Outcome>,
}

#[derive(Serialize)]
pub(super) struct Content<'a> {
    /// Version of this layout.
    pub(super) receipt: u64,
    pub(super) rulebook: RulebookReference,
    pub(super) input: &'a Input,
    pub(super) answers: &'a [StageAnswers],
    pub(super) verdicts: &'a [Verdict],
    pub(super) totals: &'a Totals,
}

/// Names a rulebook and its contents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RulebookReference {
    /// Its number in the store.
    pub number: i64,
    /// Its digest.
    pub digest: Digest,
}

impl RulebookReference {
    pub(super) fn to(rulebook: &SealedRulebook) -> Self {
        Self { number: rulebook.number, digest: rulebook.digest() }
    }
}

impl Content<'_> {
    pub(super) fn written(&self) -> Vec<u8> {
        deterministic_cbor(self)
    }
}

impl Receipt {
    pub(super) fn new(
        input: &Input,
        answers: &[StageAnswers],
        verdicts: &[Verdict],
        totals: &Totals,
    ) -> Self {
        let rulebook = RulebookReference::to(&input.rulebook);
        let bytes = Content { receipt: LAYOUT, rulebook, input, answers, verdicts, totals }.written();
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

    /// The rulebook without its digest.
    pub fn into_rulebook(self) -> Rulebook {
        self.rulebook
    }
}

impl Rulebook {
    /// What a store has before its first rulebook: number 0, without rules.
    pub fn without_rules() -> Self {
        Self {
            number: 0,
            note: String::new(),
            created_at: Timestamp::from_millis(0),
            groups: Vec::new(),
            installations: Vec::new(),
        }
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

/// Reads deterministic CBOR, all of it; else what is wrong with it.
pub(super) fn read_cbor<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, String> {
    serde_ipld_dagcbor::from_slice(bytes).map_err(|error| error.to_string())
}
