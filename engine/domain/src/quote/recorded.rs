//! A receipt read back, so that its quote can be worked out again.

use std::{collections::BTreeSet, sync::Arc};

use serde::Deserialize;

use super::{
    Destination, GiftInput, Input, Outcome, Stage, Totals, Verdict,
    receipt::{self, Content, LAYOUT, Receipt, RulebookReference, StageAnswers},
};
use crate::{
    Digest, Id,
    catalog::{Handle, Sku},
    money::Currency,
    plugin::{Installation, Rulebook, SealedRulebook},
};

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

/// What a record doesn't say of a cart, since the rules it was priced under didn't ask for it: read now.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReadNow {
    /// Of the variants of [`Recorded::unrecorded_gifts`] those that there are.
    pub gifts: Vec<GiftInput>,
    /// Handles of the store's own shipping methods that go where the goods went.
    pub own_methods: Vec<Handle>,
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

    /// What went in, under other rules than those it was priced under.
    ///
    /// From the past are taken, as they were recorded: the moment, the lines with their prices, taxes and
    /// tax rates, the customer's facts, the destination, the shipping method, the coupons with their
    /// configurations and how often they had been used, the canary's bucket, and for gifts that were
    /// recorded what they cost and how many there were. So is what was left of the budgets of an
    /// installation whose budgets are the same under both rulebooks. An installation that wasn't there, or
    /// has other budgets now, has given nothing yet. What isn't in the record at all comes with `now`.
    ///
    /// `own` are the rules that it was priced under.
    pub fn input_under(
        &self,
        rulebook: Arc<SealedRulebook>,
        own: &SealedRulebook,
        now: ReadNow,
    ) -> Result<Input, RulebookMismatch> {
        let (recorded, offered) = (self.rulebook(), RulebookReference::to(own));
        if recorded != offered {
            return Err(RulebookMismatch { recorded, offered });
        }
        let input = &self.contents.input;
        let same_budgets = |id: Id<Installation>| match (own.installation(id), rulebook.installation(id)) {
            (Some(was), Some(is)) => was.budgets_of_each_kind() == is.budgets_of_each_kind(),
            _ => false,
        };
        let standings = input.standings.iter().filter(|(id, _)| same_budgets(*id)).copied().collect();
        let named = gift_skus(&rulebook);
        let mut gifts: Vec<GiftInput> =
            input.gifts.iter().filter(|gift| named.contains(&gift.sku)).cloned().collect();
        gifts.extend(now.gifts.into_iter().filter(|gift| !input.gifts.iter().any(|it| it.sku == gift.sku)));
        gifts.sort_by(|one, other| one.sku.cmp(&other.sku));
        // Handles of the store's own methods are recorded where they mattered.
        let own_methods = if own.offers_shipping() { input.own_methods.clone() } else { now.own_methods };
        let own_methods = if rulebook.offers_shipping() { own_methods } else { Vec::new() };
        Ok(Input { rulebook, standings, gifts, own_methods, ..input.clone() })
    }

    /// The variants that other rules may give away and of which nothing is recorded.
    pub fn unrecorded_gifts(&self, rulebook: &Rulebook) -> Vec<Sku> {
        let recorded = |sku: &&Sku| self.contents.input.gifts.iter().any(|gift| gift.sku == **sku);
        gift_skus(rulebook).into_iter().filter(|sku| !recorded(sku)).cloned().collect()
    }

    /// The currency.
    pub const fn currency(&self) -> Currency {
        self.contents.input.currency
    }

    /// Where the goods go, as far as was known.
    pub const fn destination(&self) -> Option<&Destination> {
        self.contents.input.destination.as_ref()
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

/// The variants that the installations of a rulebook may give away.
fn gift_skus(rulebook: &Rulebook) -> BTreeSet<&Sku> {
    rulebook.installations.iter().flat_map(|installation| &installation.gift_skus).collect()
}

fn read<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, ReceiptError> {
    receipt::read_cbor(bytes).map_err(ReceiptError::NotAReceipt)
}
