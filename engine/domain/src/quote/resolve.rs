//! Resolving a stage: in which turn candidates come, and which of a group apply.
//!
//! Order: group rank, priority, automatic before code, installation sequence, ordinal. Never the
//! order in which components finished.

use std::{cmp::Reverse, collections::BTreeSet};

use super::{
    Basis, Candidate, Class, Evaluation, Message, Outcome, Stage,
    apply::{Board, Giver},
    check::{self, Bounds},
    verdict::{Applied, Decision, Reason, Source, Verdict},
};
use crate::{
    catalog::Sku,
    plugin::{Group, GroupClass, GroupMode, World},
};

/// Someone who was asked in a stage, with the answer.
pub(super) struct Entrant<'a> {
    pub(super) source: Source,
    pub(super) world: World,
    pub(super) priority: i32,
    pub(super) sequence: i64,
    /// Where its coupon stands on the cart.
    pub(super) coupon: Option<usize>,
    pub(super) group: Option<&'a Group>,
    pub(super) classes: &'a [Class],
    pub(super) gifts: &'a [Sku],
    /// The merchant's tags.
    pub(super) tags: &'a [String],
    pub(super) evaluation: &'a Evaluation,
}

/// A sound candidate whose turn will come.
struct Entry<'a> {
    entrant: &'a Entrant<'a>,
    candidate: &'a Candidate,
}

/// Candidates that take their turn together: those of a group, or all that stand in none.
struct Turn<'a> {
    group: Option<&'a Group>,
    entries: Vec<Entry<'a>>,
}

/// Resolves a stage and says what became of every candidate, in the order of their turns.
pub(super) fn stage(
    stage: Stage,
    entrants: &[Entrant<'_>],
    quantities: &[u32],
    board: &mut Board,
) -> Vec<Verdict> {
    let mut unsound = Vec::new();
    let turns = turns(stage, entrants, quantities, &mut unsound);
    let mut verdicts = Vec::new();
    let mut stopped_by: Option<String> = None;
    for turn in turns {
        if let Some(by) = &stopped_by {
            let stopped = || Decision::Rejected(Reason::Stopped { by: by.clone() });
            verdicts.extend(turn.entries.iter().map(|entry| entry.verdict(stage, stopped())));
            continue;
        }
        let (decisions, winner) = turn.resolve(board);
        verdicts.extend(
            turn.entries.iter().zip(decisions).map(|(entry, decision)| entry.verdict(stage, decision)),
        );
        if turn.group.is_some_and(|group| group.mode == GroupMode::Stop) {
            stopped_by = winner;
        }
    }
    verdicts.extend(unsound);
    verdicts.extend(entrants.iter().flat_map(|entrant| entrant.unanswered(stage)));
    verdicts
}

/// Puts those who were asked into the order of their turns.
pub(super) fn sort(entrants: &mut [Entrant<'_>]) {
    entrants.sort_by_key(|entrant| {
        (Reverse(entrant.priority), entrant.coupon.is_some(), entrant.sequence, entrant.coupon)
    });
}

/// Sorts sound candidates into turns; what isn't sound gets its verdict at once.
fn turns<'a>(
    stage: Stage,
    entrants: &'a [Entrant<'a>],
    quantities: &[u32],
    unsound: &mut Vec<Verdict>,
) -> Vec<Turn<'a>> {
    let mut turns: Vec<Turn<'a>> = Vec::new();
    for entrant in entrants {
        let Outcome::Proposed(proposal) = &entrant.evaluation.outcome else { continue };
        let bounds = Bounds { stage, classes: entrant.classes, quantities };
        let mut keys = BTreeSet::new();
        for candidate in &proposal.candidates {
            let entry = Entry { entrant, candidate };
            if let Err(reason) = entry.check(bounds, &mut keys) {
                unsound.push(entry.verdict(stage, Decision::Rejected(reason)));
                continue;
            }
            let class = entry.class();
            let group = entrant.group.filter(|group| group.class == class);
            let name = |group: Option<&Group>| group.map(|group| group.name.clone());
            match turns.iter_mut().find(|turn| name(turn.group) == name(group)) {
                Some(turn) => turn.entries.push(entry),
                None => turns.push(Turn { group, entries: vec![entry] }),
            }
        }
    }
    // Groups come by rank, then name; what stands in no group comes last.
    turns.sort_by(|one, other| one.place().cmp(&other.place()));
    turns
}

impl<'a> Turn<'a> {
    fn place(&self) -> (bool, i32, &'a str) {
        let rank = self.group.map_or(0, |group| group.rank);
        (self.group.is_none(), rank, self.group.map_or("", |group| &group.name))
    }

    fn basis(&self) -> Basis {
        if self.group.is_some_and(|group| group.on_list_amounts) { Basis::List } else { Basis::Left }
    }

    /// A decision for each entry, and the name of the installation that won, where one did.
    fn resolve(&self, board: &mut Board) -> (Vec<Decision>, Option<String>) {
        match self.group.map_or(GroupMode::Stack, |group| group.mode) {
            GroupMode::Stack => {
                (self.entries.iter().map(|entry| entry.apply(board, self.basis())).collect(), None)
            }
            GroupMode::Best => self.contest(board, |savings| {
                let best = savings.iter().copied().max().filter(|saving| *saving > 0)?;
                savings.iter().position(|saving| *saving == best)
            }),
            GroupMode::First | GroupMode::Stop => {
                self.contest(board, |savings| savings.iter().position(|saving| *saving > 0))
            }
        }
    }

    /// Tries each installation's candidates together on the board as it stands, lets one of them
    /// be chosen by what they save, and keeps its board.
    fn contest(
        &self,
        board: &mut Board,
        choose: impl FnOnce(&[i128]) -> Option<usize>,
    ) -> (Vec<Decision>, Option<String>) {
        let contestants = self.entries.chunk_by(|one, other| std::ptr::eq(one.entrant, other.entrant));
        let mut trials: Vec<Trial<'_>> = contestants
            .map(|entries| {
                let mut board = board.clone();
                let decisions = entries.iter().map(|entry| entry.apply(&mut board, self.basis())).collect();
                Trial { name: entries[0].entrant.source.name(), board, decisions }
            })
            .collect();
        let savings: Vec<i128> =
            trials.iter().map(|trial| trial.decisions.iter().map(saving).sum()).collect();
        let winner = choose(&savings);
        let name = winner.map(|winner| trials[winner].name.to_owned());
        let lost = name.clone().map_or(Reason::SavesNothing, |winner| Reason::LostTo { winner });
        for (index, trial) in trials.iter_mut().enumerate() {
            if Some(index) == winner {
                *board = trial.board.clone();
            } else {
                trial.lose(&lost);
            }
        }
        (trials.into_iter().flat_map(|trial| trial.decisions).collect(), name)
    }
}

/// What one installation's candidates of a group would do.
struct Trial<'a> {
    name: &'a str,
    board: Board,
    decisions: Vec<Decision>,
}

impl Trial<'_> {
    /// What would have applied is lost; what wouldn't keeps its own reason.
    fn lose(&mut self, reason: &Reason) {
        for decision in &mut self.decisions {
            if matches!(decision, Decision::Applied(_)) {
                *decision = Decision::Rejected(reason.clone());
            }
        }
    }
}

impl Entry<'_> {
    fn check(&self, bounds: Bounds<'_>, keys: &mut BTreeSet<String>) -> Result<(), Reason> {
        check::of_world(self.entrant.world, self.candidate, bounds, keys)
    }

    fn class(&self) -> GroupClass {
        match self.entrant.world {
            World::Pricing => GroupClass::Pricing,
            _ => GroupClass::Candidates(self.candidate.class),
        }
    }

    fn apply(&self, board: &mut Board, basis: Basis) -> Decision {
        let giver = self.entrant.giver();
        let applied = match (self.entrant.world, &self.candidate.value) {
            (World::Pricing, super::Value::UnitPrice(amount)) => {
                board.reprice(&self.candidate.scope, *amount, giver)
            }
            _ => board.apply(self.candidate, basis, giver),
        };
        applied.map_or_else(Decision::Rejected, Decision::Applied)
    }

    fn verdict(&self, stage: Stage, decision: Decision) -> Verdict {
        Verdict {
            stage,
            source: self.entrant.source.clone(),
            key: Some(self.candidate.key.clone()),
            class: (self.entrant.world != World::Pricing).then_some(self.candidate.class),
            message: Some(self.candidate.message.clone()),
            decision,
        }
    }
}

impl Entrant<'_> {
    fn giver(&self) -> Giver<'_> {
        let Source { installation, .. } = self.source;
        Giver { installation, name: self.source.name(), gifts: self.gifts, tags: self.tags }
    }

    /// A verdict on the whole call, to be decided.
    pub(super) fn verdict(&self, stage: Stage) -> Verdict {
        Verdict::on_call(stage, self.source.clone(), Reason::Silent)
    }

    /// A verdict on one thing of an answer that proposes no discount.
    pub(super) fn verdict_on(
        &self,
        stage: Stage,
        key: &str,
        message: &Message,
        decision: Decision,
    ) -> Verdict {
        Verdict { key: Some(key.to_owned()), message: Some(message.clone()), decision, ..self.verdict(stage) }
    }

    /// Verdicts on what the component declined, or on why it gave no answer.
    pub(super) fn unanswered(&self, stage: Stage) -> Vec<Verdict> {
        let whole = |reason| Verdict::on_call(stage, self.source.clone(), reason);
        match &self.evaluation.outcome {
            Outcome::Failed(failure) => vec![whole(Reason::Failed(failure.clone()))],
            outcome if outcome.is_silent() => vec![whole(Reason::Silent)],
            outcome => outcome
                .declined()
                .iter()
                .map(|decline| {
                    let rejected = Decision::Rejected(Reason::Declined);
                    self.verdict_on(stage, &decline.key, &decline.message, rejected)
                })
                .collect(),
        }
    }
}

/// What a decision saves the shopper, gifts included.
fn saving(decision: &Decision) -> i128 {
    match decision {
        Decision::Applied(Applied { amount, gift, .. }) => {
            i128::from(*amount) + gift.as_ref().map_or(0, |gift| i128::from(gift.worth))
        }
        _ => 0,
    }
}
