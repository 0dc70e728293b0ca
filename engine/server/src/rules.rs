//! Changes of a store's rules: what merchants do to installations, groups and rulebooks.
//!
//! The set they work on is the active rulebook. A change is worked out on it, checked, and published as
//! the next number in one transaction, provided that no other change came first; else it is worked out
//! again on what is active then. Components are asked before the transaction, and off the threads that
//! answer requests. Where anything is wrong nothing changes.

mod request;

use std::{collections::HashMap, sync::Arc};

use axum::extract::FromRef;
use martlet_domain::{
    Id, Timestamp,
    plugin::{Group, Installation, InstallationStage, RuleChange, RuleProblem, Rulebook, SealedRulebook},
    settings::Store,
};
use martlet_plugin_host::Host;
use martlet_store::{Db, Published};

pub(crate) use request::MAX_CONFIG;
pub use request::{InstallationRequest, StageRequest};

use crate::{
    clock::Clock,
    error::{Error, Violation},
    extract::IfMatch,
    ids::Ids,
    rulebooks::{self, RulesError},
    state::AppState,
};

/// What changes are based on, for those who name a version.
pub const RULEBOOK: &str = "rulebook";
/// How often a change is worked out that others come before. Of those who are at it at once one gets
/// through each time.
const TRIES: u32 = 32;

/// Changes the rules of stores.
#[derive(Debug, Clone)]
pub struct Rules {
    db: Db,
    host: Arc<Host>,
    clock: Clock,
    ids: Ids,
}

/// A change that is asked for.
#[derive(Debug, Clone)]
pub enum RuleRequest {
    /// A plugin is installed.
    Install(Box<InstallationRequest>),
    /// An installation is changed. One that is in no rulebook any more is put back, as a draft unless a
    /// stage is asked for.
    Change(Id<Installation>, Box<InstallationRequest>),
    /// An installation leaves the rulebook.
    Remove(Id<Installation>),
    /// An installation is called back from quarantine, to where it was.
    Release(Id<Installation>),
    /// These are all groups there are.
    Groups(Vec<Group>),
}

/// A rulebook that some requests would make of another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleDraft {
    /// The rulebook, with the number it would have and a note that says what was asked for.
    pub rulebook: Rulebook,
    /// The installation that each request is about.
    pub installations: Vec<Option<Id<Installation>>>,
}

/// What a change made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changed {
    /// The rulebook that is active now.
    pub rulebook: SealedRulebook,
    /// The installation that the change was about.
    pub installation: Option<Id<Installation>>,
}

impl Rules {
    /// Changes what a database holds, asking components of a host.
    pub const fn new(db: Db, host: Arc<Host>, clock: Clock, ids: Ids) -> Self {
        Self { db, host, clock, ids }
    }

    /// Makes a change, and a rulebook of it that is active at once. With `if_match` only while the
    /// rulebook with such a number is active; else the last change wins, each on top of the others.
    pub async fn change(
        &self,
        store: Id<Store>,
        if_match: Option<&IfMatch>,
        note: Option<String>,
        request: RuleRequest,
    ) -> Result<Changed, Error> {
        let requests = [(String::new(), request)];
        for _ in 0..TRIES {
            let active = self.active(store).await?;
            check_version(if_match, active.number)?;
            let mut draft = self.draft(store, &active, &requests).await?;
            if let Some(note) = &note {
                draft.rulebook.note.clone_from(note);
            }
            self.load(&draft.rulebook).await?;
            let installation = draft.installations.first().copied().flatten();
            match self.db.publish_change(store, &draft.rulebook, None).await? {
                Published::Done(rulebook) => return Ok(Changed { rulebook, installation }),
                Published::Stale { current } => check_version(if_match, current)?,
            }
        }
        Err(Error::Busy)
    }

    /// The rulebook that some requests, one after the other, would make of an active one: checked, but not
    /// published, and its components not loaded. Each request comes with the JSON Pointer to its place in
    /// the body, which is where what is wrong with it is said to be.
    pub async fn draft(
        &self,
        store: Id<Store>,
        active: &Rulebook,
        requests: &[(String, RuleRequest)],
    ) -> Result<RuleDraft, Error> {
        let mut working = Working { rules: self, store, active, changed: HashMap::new() };
        let (mut changes, mut notes, mut installations) = (Vec::new(), Vec::new(), Vec::new());
        for (place, request) in requests {
            let resolved = working.resolve(request).await.map_err(|error| placed(place, error))?;
            changes.push(resolved.change);
            notes.push(resolved.note);
            installations.push(resolved.installation);
        }
        let rulebook = active
            .changed(notes.join(", "), self.clock.now(), changes)
            .map_err(|problems| refused(requests, problems))?;
        Ok(RuleDraft { rulebook, installations })
    }

    /// Switches an installation off because it failed, whatever else is asked of it meanwhile. The number
    /// of the rulebook that this made; nothing where it is switched off or gone already.
    pub async fn quarantine(
        &self,
        store: Id<Store>,
        installation: Id<Installation>,
        reason: &str,
    ) -> Result<Option<i64>, Error> {
        for _ in 0..TRIES {
            let active = self.active(store).await?;
            let known = active.installation(installation);
            let Some(known) = known.filter(|known| known.stage != InstallationStage::Quarantined) else {
                return Ok(None);
            };
            let (at, reason) = (self.clock.now(), reason.to_owned());
            let note = format!("{} in quarantine: {reason}", known.plugin);
            let next = active
                .changed(note, at, vec![RuleChange::Quarantine { installation, reason, at }])
                .map_err(|problems| refused(&[], problems))?;
            if let Published::Done(rulebook) = self.db.publish_change(store, &next, None).await? {
                return Ok(Some(rulebook.number));
            }
        }
        Err(Error::Busy)
    }

    /// Makes an older set active again, under a new number.
    pub async fn go_back_to(
        &self,
        store: Id<Store>,
        if_match: Option<&IfMatch>,
        note: Option<String>,
        number: i64,
    ) -> Result<SealedRulebook, Error> {
        self.go_back(store, if_match, note, |_| Ok(number)).await
    }

    /// Makes the set before the active one active again, under a new number. Done once more, it goes back
    /// one further: the set before one that was made by going back is that before the older one.
    pub async fn roll_back(
        &self,
        store: Id<Store>,
        if_match: Option<&IfMatch>,
        note: Option<String>,
    ) -> Result<SealedRulebook, Error> {
        let before =
            |stands_for: i64| if stands_for > 1 { Ok(stands_for - 1) } else { Err(Error::NoEarlierRulebook) };
        self.go_back(store, if_match, note, before).await
    }

    /// `choose` says which number, from the one whose set the active rulebook is.
    async fn go_back(
        &self,
        store: Id<Store>,
        if_match: Option<&IfMatch>,
        note: Option<String>,
        choose: impl Fn(i64) -> Result<i64, Error>,
    ) -> Result<SealedRulebook, Error> {
        for _ in 0..TRIES {
            let active = self.db.find_active_rulebook_number(store).await?.ok_or(Error::NoRulebook)?;
            check_version(if_match, active)?;
            let summary = self.db.find_rulebook_summary(store, active).await?;
            let repeats = summary.and_then(|summary| summary.repeats);
            let number = choose(repeats.unwrap_or(active))?;
            if number == active {
                return Err(Error::RulebookActive { number });
            }
            if self.db.find_rulebook_summary(store, number).await?.is_none() {
                return Err(Error::NotFound { entity: RULEBOOK });
            }
            let older = rulebooks::published(&self.db, store, number).await.map_err(unusable)?;
            let note = note.clone().unwrap_or_else(|| format!("Back to rulebook {number}"));
            let next = self.set_of(store, active).await?.back_to(&older, note, self.clock.now());
            self.load(&next).await?;
            match self.db.publish_change(store, &next, Some(number)).await? {
                Published::Done(rulebook) => return Ok(rulebook),
                Published::Stale { current } => check_version(if_match, current)?,
            }
        }
        Err(Error::Busy)
    }

    /// The active rulebook, to leave it. One that was changed from outside has no set that could be
    /// known, and going back is the way out of it.
    async fn set_of(&self, store: Id<Store>, number: i64) -> Result<Rulebook, Error> {
        match rulebooks::published(&self.db, store, number).await {
            Ok(rulebook) => Ok(Rulebook::clone(&rulebook)),
            Err(Error::RulesUnavailable(error)) => {
                tracing::warn!(%store, "rulebook {number} is left, which can't be worked with: {error}");
                Ok(Rulebook { number, ..Rulebook::without_rules() })
            }
            Err(error) => Err(error),
        }
    }

    /// The active rulebook, that of a store before its first included.
    pub async fn active(&self, store: Id<Store>) -> Result<Arc<SealedRulebook>, Error> {
        let number = self.db.find_active_rulebook_number(store).await?.unwrap_or(0);
        rulebooks::published(&self.db, store, number).await
    }

    /// Makes sure that all that would be asked can be asked here.
    async fn load(&self, rulebook: &Rulebook) -> Result<(), Error> {
        rulebooks::load_components(&self.db, &self.host, rulebook).await.map(drop).map_err(unusable)
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }
}

impl FromRef<AppState> for Rules {
    fn from_ref(state: &AppState) -> Self {
        let host = state.selling.pricer.host().clone();
        Self::new(state.db.clone(), host, state.world.clock.clone(), state.world.ids.clone())
    }
}

/// A request that was worked out.
struct Resolved {
    change: RuleChange,
    note: String,
    installation: Option<Id<Installation>>,
}

/// The installations as far as requests have changed them.
struct Working<'a> {
    rules: &'a Rules,
    store: Id<Store>,
    active: &'a Rulebook,
    /// Nothing for those that have left.
    changed: HashMap<Id<Installation>, Option<Installation>>,
}

impl Working<'_> {
    async fn resolve(&mut self, request: &RuleRequest) -> Result<Resolved, Error> {
        match request {
            RuleRequest::Install(asked) => {
                let installation = asked.install(self.rules, self.store).await?;
                let note = format!("{} {} installed", installation.plugin, installation.version);
                Ok(self.put(installation, note))
            }
            RuleRequest::Change(id, asked) => {
                let before = match self.find(*id) {
                    Some(installation) => installation,
                    None => self.outside(*id).await?,
                };
                let after = asked.change(self.rules, self.store, &before).await?;
                let note = words(&before, &after);
                Ok(self.put(after, note))
            }
            RuleRequest::Remove(id) => {
                let gone = self.find(*id).ok_or_else(Error::not_found::<Installation>)?;
                self.changed.insert(*id, None);
                let note = format!("{} removed", gone.plugin);
                Ok(Resolved { change: RuleChange::Remove(*id), note, installation: Some(*id) })
            }
            RuleRequest::Release(id) => {
                let off = self.find(*id).ok_or_else(Error::not_found::<Installation>)?;
                let installation = off.released().ok_or(Error::NotQuarantined)?;
                let note = format!("{} called back", installation.plugin);
                Ok(self.put(installation, note))
            }
            RuleRequest::Groups(groups) => {
                let (change, note) = (RuleChange::Groups(groups.clone()), "groups changed".to_owned());
                Ok(Resolved { change, note, installation: None })
            }
        }
    }

    fn put(&mut self, installation: Installation, note: String) -> Resolved {
        let id = installation.id;
        self.changed.insert(id, Some(installation.clone()));
        Resolved { change: RuleChange::Put(Box::new(installation)), note, installation: Some(id) }
    }

    fn find(&self, id: Id<Installation>) -> Option<Installation> {
        match self.changed.get(&id) {
            Some(known) => known.clone(),
            None => self.active.installation(id).cloned(),
        }
    }

    /// An installation that the store once had.
    async fn outside(&self, id: Id<Installation>) -> Result<Installation, Error> {
        let known = self.rules.db.find_installation(self.store, id).await?;
        known.map(Installation::outside).ok_or_else(Error::not_found::<Installation>)
    }
}

/// What a change is called that nobody gave a note.
fn words(before: &Installation, after: &Installation) -> String {
    let plugin = &after.plugin;
    if before.stage != after.stage {
        let stage = match after.stage {
            InstallationStage::Draft => "draft".to_owned(),
            InstallationStage::Shadow => "shadow".to_owned(),
            InstallationStage::Canary(percent) => format!("canary, {percent} %"),
            InstallationStage::Active => "active".to_owned(),
            InstallationStage::Quarantined => "quarantined".to_owned(),
        };
        format!("{plugin} is {stage}")
    } else if before.component != after.component {
        format!("{plugin} is {}", after.version)
    } else {
        format!("{plugin} changed")
    }
}

/// Refuses a change that is based on another rulebook than the active one.
fn check_version(if_match: Option<&IfMatch>, current: i64) -> Result<(), Error> {
    if_match.map_or(Ok(()), |if_match| if_match.check(RULEBOOK, current))
}

/// What is wrong with a request is wrong at its place in the body.
fn placed(place: &str, error: Error) -> Error {
    let move_all = |violations: Vec<Violation>| {
        let moved = violations.into_iter();
        moved.map(|it| Violation::new(format!("{place}{}", it.pointer), it.detail)).collect()
    };
    match error {
        Error::InvalidBody { violations } => Error::InvalidBody { violations: move_all(violations) },
        Error::ConfigRefused { violations } => Error::ConfigRefused { violations: move_all(violations) },
        error => error,
    }
}

fn refused(requests: &[(String, RuleRequest)], problems: Vec<RuleProblem>) -> Error {
    let violation = |RuleProblem { change, pointer, problem }: RuleProblem| {
        let place = requests.get(change).map_or("", |(place, _)| place);
        Violation::new(format!("{place}{pointer}"), problem)
    };
    Error::InvalidBody { violations: problems.into_iter().map(violation).collect() }
}

/// Rules that can't be worked with are no shopper's trouble here: the merchant is told which.
pub(crate) fn unusable(error: Error) -> Error {
    match error {
        Error::RulesUnavailable(error @ (RulesError::Component { .. } | RulesError::Changed(_))) => {
            Error::RulesUnusable(error)
        }
        error => error,
    }
}

#[cfg(test)]
mod tests;
