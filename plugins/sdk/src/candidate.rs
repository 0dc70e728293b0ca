//! Building candidates.

use crate::types::{
    Basis, Candidate, Class, Decline, Message, Minimum, Objection, Proposal, Scope, ScopeLine, Threshold,
    Value,
};

/// A candidate in the making: on all that its class covers, without cap, threshold or tags.
#[derive(Debug)]
pub struct CandidateBuilder(Candidate);

impl CandidateBuilder {
    /// A candidate that gives a value.
    pub fn new(key: &str, class: Class, value: Value, message: Message) -> Self {
        Self(Candidate {
            key: key.to_owned(),
            class,
            scope: Scope::All,
            value,
            cap: None,
            threshold: None,
            exclusivity_tags: Vec::new(),
            message,
        })
    }

    /// On these lines, all their units.
    pub fn on_lines(mut self, positions: impl IntoIterator<Item = u32>) -> Self {
        let line = |position| ScopeLine { position, quantity: None };
        self.0.scope = Scope::Lines(positions.into_iter().map(line).collect());
        self
    }

    /// On a scope.
    pub fn on(mut self, scope: Scope) -> Self {
        self.0.scope = scope;
        self
    }

    /// At most so much in all.
    pub fn cap(mut self, cap: Option<i64>) -> Self {
        self.0.cap = cap;
        self
    }

    /// Only when this holds at its turn.
    pub fn threshold(mut self, threshold: Option<Threshold>) -> Self {
        self.0.threshold = threshold;
        self
    }

    /// Excludes, and is excluded by, candidates with the same tag.
    pub fn tag(mut self, tag: &str) -> Self {
        self.0.exclusivity_tags.push(tag.to_owned());
        self
    }

    /// The candidate.
    pub fn build(self) -> Candidate {
        self.0
    }
}

/// At least so much is left to pay for all goods.
pub fn minimum_spend(amount: i64) -> Threshold {
    Threshold { minimum: Minimum::Spend(amount), scope: Scope::All, basis: Basis::Left }
}

/// At least so many units are in a scope.
pub fn minimum_quantity(count: u32, scope: Scope) -> Threshold {
    Threshold { minimum: Minimum::Quantity(count), scope, basis: Basis::Left }
}

/// Says no, and why.
pub fn decline(key: &str, message: Message) -> Decline {
    Decline { key: key.to_owned(), message }
}

/// The answer of a plugin with one candidate: that, or the reason why not under its key.
pub fn propose_one(key: &str, candidate: Result<CandidateBuilder, Message>) -> Proposal {
    match candidate {
        Ok(candidate) => Proposal { candidates: vec![candidate.build()], declined: Vec::new() },
        Err(reason) => Proposal { candidates: Vec::new(), declined: vec![decline(key, reason)] },
    }
}

/// Says why a cart can't be ordered: because of a line, or as a whole.
pub fn objection(key: &str, position: Option<u32>, message: Message) -> Objection {
    Objection { key: key.to_owned(), position, message }
}
