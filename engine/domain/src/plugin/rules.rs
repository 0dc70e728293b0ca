//! Changes of a store's rules, and what rules have to keep to.
//!
//! The set a merchant works on is the active rulebook. A change makes the next one of it.

use std::collections::{BTreeMap, BTreeSet};

use super::{FailurePolicy, Group, GroupClass, Installation, InstallationStage, Quarantine, Rulebook, World};
use crate::{Id, Timestamp, money::Currency, quote};

/// Groups that a rulebook has at most.
pub const MAX_GROUPS: usize = 100;
/// Characters of a group's name at most.
pub const MAX_GROUP_NAME: usize = 64;
/// Variants that an installation may give away at most.
pub const MAX_GIFT_SKUS: usize = 100;
/// Priorities and ranks are from its negative to it.
pub const MAX_RANK: i32 = 1_000_000;

/// A change of a store's rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RuleChange {
    /// An installation is added, or takes the place of the one with its id.
    Put(Box<Installation>),
    /// An installation leaves.
    Remove(Id<Installation>),
    /// An installation is switched off because it failed. That is possible whatever else is wrong with it.
    Quarantine {
        /// Which.
        installation: Id<Installation>,
        /// What went wrong, in words for the merchant.
        reason: String,
        /// When.
        at: Timestamp,
    },
    /// These are all groups there are.
    Groups(Vec<Group>),
}

/// Why a change makes no rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleProblem {
    /// The index of the change.
    pub change: usize,
    /// JSON Pointer to the member of the installation, or of an object whose member `groups` they are.
    pub pointer: String,
    /// What is expected there.
    pub problem: String,
}

impl Rulebook {
    /// The rulebook that some changes, one after the other, make of this one. An installation whose
    /// sequence is 0 comes after all others. `counted` is in which currencies it is counted what
    /// installations have given, also those that are in no rulebook any more.
    ///
    /// # Errors
    ///
    /// Everything in which what is changed doesn't keep to the rules. What isn't changed isn't looked at.
    pub fn changed(
        &self,
        note: String,
        created_at: Timestamp,
        changes: Vec<RuleChange>,
        counted: &BTreeMap<Id<Installation>, Currency>,
    ) -> Result<Self, Vec<RuleProblem>> {
        let next = Self { number: self.number + 1, note, created_at, ..self.clone() };
        let mut draft = Draft { next, put: Vec::new(), regrouped: None };
        for (index, change) in changes.into_iter().enumerate() {
            draft.apply(index, change);
        }
        let problems = draft.problems(self, counted);
        if problems.is_empty() { Ok(draft.next) } else { Err(problems) }
    }

    /// The rulebook that goes back from this one to an older set. What an installation ran when it was
    /// switched off it doesn't run again: it stays in quarantine until it is called back. `kept` is what
    /// installations were when they were last in a rulebook, since this one may lack them.
    pub fn back_to(&self, older: &Self, kept: &[Installation], note: String, created_at: Timestamp) -> Self {
        let mut next = Self { number: self.number + 1, note, created_at, ..older.clone() };
        for installation in &mut next.installations {
            let now = self.installations.iter().chain(kept).find(|now| {
                now.id == installation.id
                    && now.stage == InstallationStage::Quarantined
                    && installation.stage != InstallationStage::Quarantined
                    && (now.component, &now.config) == (installation.component, &installation.config)
            });
            if let Some(now) = now {
                installation.quarantine = now
                    .quarantine
                    .clone()
                    .map(|quarantine| Quarantine { from: installation.stage, ..quarantine });
                installation.stage = InstallationStage::Quarantined;
            }
        }
        next
    }

    /// What is wrong with a set whose budgets aren't in the currency in which it is counted what their
    /// installations have given.
    pub fn miscounted(&self, counted: &BTreeMap<Id<Installation>, Currency>) -> Option<String> {
        self.installations.iter().find_map(|installation| {
            let (is, known) = (installation.budget_currency()?, *counted.get(&installation.id)?);
            (is != known).then(|| {
                format!(
                    "has a budget in {} of the installation {} of `{}`, which counts what it has given in {}: \
                     make a new installation",
                    is.code(),
                    installation.id,
                    installation.plugin,
                    known.code()
                )
            })
        })
    }

    /// The installation with an id.
    pub fn installation(&self, id: Id<Installation>) -> Option<&Installation> {
        self.installations.iter().find(|installation| installation.id == id)
    }

    /// Whether a component is asked for shipping methods.
    pub fn offers_shipping(&self) -> bool {
        let asked = |installation: &Installation| {
            installation.world == World::ShippingRates && installation.stage.is_live()
        };
        self.installations.iter().any(asked)
    }
}

impl Installation {
    /// The same, switched off because it failed; nothing where it is already.
    pub fn quarantined(&self, reason: String, at: Timestamp) -> Option<Self> {
        let from = self.stage;
        (from != InstallationStage::Quarantined).then(|| Self {
            stage: InstallationStage::Quarantined,
            quarantine: Some(Quarantine { reason, at, from }),
            ..self.clone()
        })
    }

    /// The same, called back to where it was; nothing where it isn't switched off.
    pub fn released(&self) -> Option<Self> {
        let from = self.quarantine.as_ref().map_or(InstallationStage::Draft, |quarantine| quarantine.from);
        (self.stage == InstallationStage::Quarantined).then(|| Self {
            stage: from,
            quarantine: None,
            ..self.clone()
        })
    }

    /// What it is while it is in no rulebook: a draft, or still switched off.
    pub fn outside(self) -> Self {
        let stage = match self.stage {
            InstallationStage::Quarantined => InstallationStage::Quarantined,
            _ => InstallationStage::Draft,
        };
        Self { stage, ..self }
    }
}

impl World {
    /// What can happen when one of its components fails.
    pub const fn failure_policies(self) -> &'static [FailurePolicy] {
        match self {
            Self::Pricing => &[FailurePolicy::BasePrice, FailurePolicy::Block],
            Self::Coupon => &[FailurePolicy::Reject, FailurePolicy::Block],
            Self::Promotion | Self::ShippingRates | Self::Tax | Self::CheckoutValidation => {
                &[FailurePolicy::Skip, FailurePolicy::Block]
            }
        }
    }

    /// Whether its components give something away, so that groups, budgets, gifts and tags mean
    /// something for them.
    pub const fn gives(self) -> bool {
        matches!(self, Self::Pricing | Self::Coupon | Self::Promotion)
    }
}

impl Group {
    /// Whether an installation can stand in it: one of its classes is the group's. A coupon's class is
    /// its own.
    pub fn takes(&self, installation: &Installation) -> bool {
        match (installation.world, self.class) {
            (World::Pricing, class) => class == GroupClass::Pricing,
            (World::Coupon, class) => class != GroupClass::Pricing,
            (World::Promotion, GroupClass::Candidates(class)) => installation.classes.contains(&class),
            _ => false,
        }
    }
}

/// A rulebook that is being made.
struct Draft {
    next: Rulebook,
    /// Installations by the change that put them there.
    put: Vec<(usize, Id<Installation>)>,
    /// The change that said what groups there are.
    regrouped: Option<usize>,
}

impl Draft {
    fn apply(&mut self, index: usize, change: RuleChange) {
        match change {
            RuleChange::Put(installation) => self.put(index, *installation),
            RuleChange::Remove(id) => {
                self.next.installations.retain(|installation| installation.id != id);
                self.put.retain(|(_, put)| *put != id);
            }
            RuleChange::Quarantine { installation, reason, at } => {
                let known = self.next.installations.iter_mut().find(|known| known.id == installation);
                if let Some((known, off)) = known.and_then(|known| {
                    let off = known.quarantined(reason, at)?;
                    Some((known, off))
                }) {
                    *known = off;
                }
            }
            RuleChange::Groups(groups) => {
                self.next.groups = groups;
                self.regrouped = Some(index);
            }
        }
    }

    fn put(&mut self, index: usize, mut installation: Installation) {
        let installations = &mut self.next.installations;
        if installation.sequence == 0 {
            let last = installations.iter().map(|known| known.sequence).max();
            installation.sequence = last.unwrap_or(0) + 1;
        }
        self.put.retain(|(_, put)| *put != installation.id);
        self.put.push((index, installation.id));
        installations.retain(|known| known.id != installation.id);
        installations.push(installation);
        installations.sort_by_key(|known| known.sequence);
    }

    fn problems(
        &self,
        before: &Rulebook,
        counted: &BTreeMap<Id<Installation>, Currency>,
    ) -> Vec<RuleProblem> {
        let mut problems = Vec::new();
        for (change, id) in &self.put {
            let Some(installation) = self.next.installation(*id) else { continue };
            let known = before.installation(*id).and_then(Installation::budget_currency);
            let wrong = Wrong::of(installation, &self.next.groups, counted.get(id).copied().or(known));
            let place = |(pointer, problem): (&str, String)| RuleProblem {
                change: *change,
                pointer: pointer.to_owned(),
                problem,
            };
            problems.extend(wrong.0.into_iter().map(place));
        }
        if let Some(change) = self.regrouped {
            let wrong = wrong_groups(&self.next, before).into_iter();
            problems.extend(wrong.map(|(pointer, problem)| RuleProblem { change, pointer, problem }));
        }
        problems
    }
}

/// What is wrong with an installation, by the member.
#[derive(Default)]
struct Wrong(Vec<(&'static str, String)>);

impl Wrong {
    fn of(installation: &Installation, groups: &[Group], counted: Option<Currency>) -> Self {
        let mut wrong = Self::default();
        let world = installation.world;
        if let InstallationStage::Canary(percent) = installation.stage {
            wrong.expect((1..=99).contains(&percent), "/canary_percent", || "must be 1 to 99".to_owned());
        }
        let ranked = (-MAX_RANK..=MAX_RANK).contains(&installation.priority);
        wrong.expect(ranked, "/priority", || format!("must be {} to {MAX_RANK}", -MAX_RANK));
        let policies = world.failure_policies();
        wrong.expect(policies.contains(&installation.failure_policy), "/failure_policy", || {
            let names: Vec<&str> = policies.iter().map(|policy| policy.as_str()).collect();
            format!("must be one of {} for a plugin of the world {world}", names.join(", "))
        });
        let window = installation.starts_at.zip(installation.ends_at).is_none_or(|(from, to)| from < to);
        wrong.expect(window, "/ends_at", || "must be after starts_at".to_owned());
        wrong.tags(installation);
        wrong.gifts(installation);
        wrong.budgets(installation, counted);
        wrong.group(installation, groups);
        wrong
    }

    fn expect(&mut self, holds: bool, pointer: &'static str, problem: impl FnOnce() -> String) {
        if !holds {
            self.0.push((pointer, problem()));
        }
    }

    /// Whether something that only discounts have is said of what gives none.
    fn means_nothing(&mut self, installation: &Installation, said: bool, pointer: &'static str) -> bool {
        let idle = said && !installation.world.gives();
        self.expect(!idle, pointer, || {
            format!(
                "means nothing for a plugin of the world {}, which gives nothing away",
                installation.world
            )
        });
        idle
    }

    fn tags(&mut self, installation: &Installation) {
        let tags = &installation.exclusivity_tags;
        if !self.means_nothing(installation, !tags.is_empty(), "/exclusivity_tags")
            && let Err(problem) = quote::check_tags(tags)
        {
            self.expect(false, "/exclusivity_tags", || format!("must be {problem}"));
        }
    }

    fn gifts(&mut self, installation: &Installation) {
        let skus = &installation.gift_skus;
        if self.means_nothing(installation, !skus.is_empty(), "/gift_skus") {
            return;
        }
        let distinct: BTreeSet<_> = skus.iter().collect();
        self.expect(skus.len() <= MAX_GIFT_SKUS && distinct.len() == skus.len(), "/gift_skus", || {
            format!("must be at most {MAX_GIFT_SKUS}, each once")
        });
    }

    fn budgets(&mut self, installation: &Installation, counted: Option<Currency>) {
        let named = [
            ("/budget", installation.budget),
            ("/daily_budget", installation.daily_budget),
            ("/customer_budget", installation.customer_budget),
        ];
        // What was given so far is counted in the currency of the first budget there was.
        let currency = counted.or_else(|| installation.budget_currency());
        for (pointer, budget) in named {
            let Some(budget) = budget else { continue };
            if self.means_nothing(installation, true, pointer) {
                continue;
            }
            self.expect(budget.minor_units > 0, pointer, || "must be more than 0".to_owned());
            self.expect(Some(budget.currency) == currency, pointer, || {
                let currency = currency.map(|currency| currency.code().to_owned()).unwrap_or_default();
                format!(
                    "must be in {currency}, as what it has given and its other budgets are: for another \
                     currency make a new installation"
                )
            });
        }
    }

    fn group(&mut self, installation: &Installation, groups: &[Group]) {
        let Some(name) = &installation.group else { return };
        if self.means_nothing(installation, true, "/group") {
            return;
        }
        match groups.iter().find(|group| group.name == *name) {
            None => {
                self.expect(false, "/group", || format!("must be the name of a group; there is no `{name}`"))
            }
            Some(group) => self.expect(group.takes(installation), "/group", || {
                format!("must be a group of a class that its discounts have, and `{name}` isn't")
            }),
        }
    }
}

/// What is wrong with the groups of a rulebook, by their place.
fn wrong_groups(next: &Rulebook, before: &Rulebook) -> Vec<(String, String)> {
    let mut wrong = Vec::new();
    if next.groups.len() > MAX_GROUPS {
        wrong.push(("/groups".to_owned(), format!("must be at most {MAX_GROUPS}")));
    }
    let mut names = BTreeSet::new();
    for (index, group) in next.groups.iter().enumerate() {
        let at = |member: &str| format!("/groups/{index}/{member}");
        let name = &group.name;
        let fits = (1..=MAX_GROUP_NAME).contains(&name.chars().count())
            && name.trim() == name
            && !name.chars().any(char::is_control);
        if !fits {
            let problem =
                format!("must be 1 to {MAX_GROUP_NAME} characters on one line, without spaces at its ends");
            wrong.push((at("name"), problem));
        } else if !names.insert(name) {
            wrong.push((at("name"), "must be another one for each group".to_owned()));
        }
        if !(-MAX_RANK..=MAX_RANK).contains(&group.rank) {
            wrong.push((at("rank"), format!("must be {} to {MAX_RANK}", -MAX_RANK)));
        }
        let misfit = next
            .installations
            .iter()
            .find(|installation| installation.group.as_ref() == Some(name) && !group.takes(installation));
        if let Some(installation) = misfit {
            let problem = format!(
                "must be a class that the discounts of the installation {} of `{}` have, which stands in it",
                installation.id, installation.plugin
            );
            wrong.push((at("class"), problem));
        }
    }
    let gone = before.groups.iter().filter(|group| !names.contains(&group.name));
    for group in gone {
        let member = next.installations.iter().find(|known| known.group.as_ref() == Some(&group.name));
        if let Some(installation) = member {
            let problem = format!(
                "must have `{}`, which the installation {} of `{}` names",
                group.name, installation.id, installation.plugin
            );
            wrong.push(("/groups".to_owned(), problem));
        }
    }
    wrong
}

#[cfg(test)]
mod tests;
