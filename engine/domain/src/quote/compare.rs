//! Two quotes of one cart under different rules: what takes effect under one of them alone, or otherwise.

use std::collections::BTreeMap;

use super::{Decision, Verdict, verdict::Applied};
use crate::{Id, plugin::Installation};

/// Something that takes effect under one of two rulebooks, or otherwise under the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VerdictChange<'a> {
    /// How it came to differ.
    pub kind: ChangeKind,
    /// The verdict under which it has its effect: what was before, but for what is gained.
    pub effect: &'a Verdict,
    /// What became of it before. Where it had no effect, the reason; nothing where its installation
    /// wasn't asked or didn't speak of it.
    pub before: Option<&'a Verdict>,
    /// What becomes of it now, alike.
    pub after: Option<&'a Verdict>,
}

/// How something came to differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangeKind {
    /// It had an effect before, and has none now.
    Lost,
    /// It had no effect before, and has one now.
    Gained,
    /// It has another effect.
    Changed,
}

impl ChangeKind {
    /// Its name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Lost => "lost",
            Self::Gained => "gained",
            Self::Changed => "changed",
        }
    }
}

/// What an installation gave.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Given {
    /// Candidates that applied.
    pub applied: u64,
    /// What they took off and what their gifts are worth, in minor units; see [`Applied::given`].
    pub amount: i64,
}

/// What takes effect otherwise: first what did before, in its order, then what does only now. A candidate
/// is the same one where its installation, coupon, stage and key are.
pub fn changes<'a>(before: &'a [Verdict], after: &'a [Verdict]) -> Vec<VerdictChange<'a>> {
    let mut matched = vec![false; after.len()];
    let mut changes = Vec::new();
    for was in before.iter().filter(|verdict| verdict.decision.takes_effect()) {
        let same = after.iter().enumerate().find(|(place, is)| {
            !matched[*place] && is.decision.takes_effect() && was.stage == is.stage && was.is_of(is)
        });
        match same {
            Some((place, is)) => {
                matched[place] = true;
                if !was.decision.has_effect_of(&is.decision) {
                    let (kind, before, after) = (ChangeKind::Changed, Some(was), Some(is));
                    changes.push(VerdictChange { kind, effect: was, before, after });
                }
            }
            None => {
                let (kind, before, after) = (ChangeKind::Lost, Some(was), was.reason_in(after));
                changes.push(VerdictChange { kind, effect: was, before, after });
            }
        }
    }
    let gained = after.iter().zip(matched).filter(|(is, matched)| is.decision.takes_effect() && !matched);
    changes.extend(gained.map(|(is, _)| {
        let (kind, before, after) = (ChangeKind::Gained, is.reason_in(before), Some(is));
        VerdictChange { kind, effect: is, before, after }
    }));
    changes
}

/// What each installation gave, where anything of it applied.
pub fn given(verdicts: &[Verdict]) -> BTreeMap<Id<Installation>, Given> {
    let mut all: BTreeMap<_, Given> = BTreeMap::new();
    for verdict in verdicts {
        if let Decision::Applied(applied) = &verdict.decision {
            let given = all.entry(verdict.source.installation).or_default();
            given.applied += 1;
            given.amount = given.amount.saturating_add(applied.given());
        }
    }
    all
}

impl Verdict {
    /// Whether both speak of the same thing, whatever the stage.
    fn is_of(&self, other: &Self) -> bool {
        self.source.installation == other.source.installation
            && self.source.coupon == other.source.coupon
            && self.key == other.key
    }

    /// Why it has no effect among others: what is said of itself, else of its whole call.
    fn reason_in<'a>(&self, others: &'a [Self]) -> Option<&'a Self> {
        let rejected = || others.iter().filter(|other| !other.decision.takes_effect());
        let whole = Self { key: None, ..self.clone() };
        let of_itself = rejected().filter(|other| self.is_of(other));
        let of_call = rejected().filter(|other| whole.is_of(other));
        // What is said in the same stage comes first.
        of_itself.chain(of_call).min_by_key(|other| (other.key != self.key, other.stage != self.stage))
    }
}

impl Decision {
    /// Whether it does something to the price or stands against the order.
    pub const fn takes_effect(&self) -> bool {
        matches!(self, Self::Applied(_) | Self::Offered { .. } | Self::Taxed { .. } | Self::Objected { .. })
    }

    /// Whether both do the same. Which lines bear a discount is no matter.
    fn has_effect_of(&self, other: &Self) -> bool {
        match (self, other) {
            (
                Self::Applied(Applied { amount, gift, .. }),
                Self::Applied(Applied { amount: other_amount, gift: other_gift, .. }),
            ) => (amount, gift) == (other_amount, other_gift),
            _ => self == other,
        }
    }
}
