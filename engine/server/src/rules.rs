//! Changes of a store's rules: what merchants do to installations, groups and rulebooks.
//!
//! The set they work on is the active rulebook. A change is worked out on it, checked, and published as
//! the next number in one transaction, provided that no other change came first; else it is worked out
//! again on what is active then. Components are asked before the transaction, and off the threads that
//! answer requests. Where anything is wrong nothing changes.

mod request;

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use axum::extract::FromRef;
use martlet_domain::{
    Digest, Id, Timestamp,
    plugin::{Group, Installation, InstallationStage, RuleChange, RuleProblem, Rulebook, SealedRulebook},
    quote::Class,
    settings::Store,
};
use martlet_plugin_host::Host;
use martlet_store::{AuditEntry, Db, Published};

pub(crate) use request::MAX_CONFIG;
pub use request::{InstallationRequest, StageRequest};

use crate::{
    clock::Clock,
    error::{Error, Violation},
    extract::IfMatch,
    ids::Ids,
    price_cart::turns::Turns,
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
    /// In which components are asked about configurations.
    turns: Turns,
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
    pub const fn new(db: Db, host: Arc<Host>, turns: Turns, clock: Clock, ids: Ids) -> Self {
        Self { db, host, turns, clock, ids }
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
        let mut checked = Checked::default();
        for _ in 0..TRIES {
            let active = self.active(store).await?;
            check_version(if_match, active.number)?;
            let mut draft = self.draft_checking(store, &active, &requests, &mut checked).await?;
            if let Some(note) = &note {
                draft.rulebook.note.clone_from(note);
            }
            self.load(&draft.rulebook).await?;
            let installation = draft.installations.first().copied().flatten();
            match self.db.publish_change(store, &draft.rulebook, None, None).await? {
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
        self.draft_checking(store, active, requests, &mut Checked::default()).await
    }

    /// The same; configurations that were accepted already aren't checked again.
    async fn draft_checking(
        &self,
        store: Id<Store>,
        active: &Rulebook,
        requests: &[(String, RuleRequest)],
        checked: &mut Checked,
    ) -> Result<RuleDraft, Error> {
        let mut working = Working { rules: self, store, active, changed: HashMap::new(), checked };
        let (mut changes, mut notes, mut installations) = (Vec::new(), Vec::new(), Vec::new());
        for (place, request) in requests {
            let resolved = working.resolve(request).await.map_err(|error| placed(place, error))?;
            changes.push(resolved.change);
            notes.push(resolved.note);
            installations.push(resolved.installation);
        }
        let rulebook = active
            .changed(notes.join(", "), self.clock.now(), changes, &self.db.budget_currencies(store).await?)
            .map_err(|problems| refused(requests, problems))?;
        Ok(RuleDraft { rulebook, installations })
    }

    /// Switches an installation off because it failed, whatever else is asked of it meanwhile, and writes
    /// that into the audit log. The number of the rulebook that this made; nothing where it is switched off
    /// or gone already, or runs something else than what `failed` by now.
    pub async fn quarantine(
        &self,
        store: Id<Store>,
        failed: &Installation,
        reason: &str,
    ) -> Result<Option<i64>, Error> {
        let installation = failed.id;
        for _ in 0..TRIES {
            let active = self.active(store).await?;
            let known = active.installation(installation);
            let known = known.filter(|known| {
                known.stage != InstallationStage::Quarantined
                    && (known.component, &known.config) == (failed.component, &failed.config)
            });
            let Some(known) = known else { return Ok(None) };
            let at = self.clock.now();
            let note = format!("{} in quarantine: {reason}", known.plugin);
            let change = RuleChange::Quarantine { installation, reason: reason.to_owned(), at };
            let next = active
                .changed(note, at, vec![change], &BTreeMap::new())
                .map_err(|problems| refused(&[], problems))?;
            let target = format!("/api/v1/admin/installations/{installation}");
            let detail = serde_json::json!({ "reason": reason, "rulebook": next.number });
            let entry =
                AuditEntry::by_engine(self.ids.next(at), at, "quarantine_installation", target, Some(detail));
            let published = self.db.publish_change(store, &next, None, Some(&entry)).await?;
            if let Published::Done(rulebook) = published {
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
        self.go_back(store, if_match, note, Some(number)).await
    }

    /// Makes the set before the active one active again, under a new number. Done once more, it goes back
    /// one further: the set before one that was made by going back is that before the older one.
    pub async fn roll_back(
        &self,
        store: Id<Store>,
        if_match: Option<&IfMatch>,
        note: Option<String>,
    ) -> Result<SealedRulebook, Error> {
        self.go_back(store, if_match, note, None).await
    }

    /// To the set of a number, else to the one before the set that is active.
    async fn go_back(
        &self,
        store: Id<Store>,
        if_match: Option<&IfMatch>,
        note: Option<String>,
        to: Option<i64>,
    ) -> Result<SealedRulebook, Error> {
        for _ in 0..TRIES {
            let active = self.db.find_active_rulebook_number(store).await?.ok_or(Error::NoRulebook)?;
            check_version(if_match, active)?;
            let number = match to {
                Some(number) => number,
                None => self.before(store, active).await?,
            };
            if number == active {
                return Err(Error::RulebookActive { number });
            }
            if self.db.find_rulebook_summary(store, number).await?.is_none() {
                return Err(Error::NotFound { entity: RULEBOOK });
            }
            let active = self.set_of(store, active).await?;
            let next = self.draft_back(store, &active, number, note.clone()).await?;
            self.load(&next).await?;
            match self.db.publish_change(store, &next, Some(number), None).await? {
                Published::Done(rulebook) => return Ok(rulebook),
                Published::Stale { current } => check_version(if_match, current)?,
            }
        }
        Err(Error::Busy)
    }

    /// The rulebook that going back to the set of a number would make. Nothing is published.
    pub async fn draft_back(
        &self,
        store: Id<Store>,
        active: &Rulebook,
        number: i64,
        note: Option<String>,
    ) -> Result<Rulebook, Error> {
        let older = rulebooks::published(&self.db, store, number).await.map_err(unusable)?;
        let note = note.unwrap_or_else(|| format!("Back to rulebook {number}"));
        let kept = self.kept(store).await?;
        let next = active.back_to(&older, &kept, note, self.clock.now());
        match next.miscounted(&self.db.budget_currencies(store).await?) {
            Some(problem) => Err(Error::invalid("", problem)),
            None => Ok(next),
        }
    }

    /// The number before the one whose set a rulebook is. One that was made by going back is the set of an
    /// older one, which may itself have been made so.
    async fn before(&self, store: Id<Store>, mut number: i64) -> Result<i64, Error> {
        loop {
            let summary = self.db.find_rulebook_summary(store, number).await?;
            match summary.and_then(|summary| summary.repeats) {
                Some(older) if older < number => number = older,
                _ if number > 1 => return Ok(number - 1),
                _ => return Err(Error::NoEarlierRulebook),
            }
        }
    }

    /// What installations were when they were last in a rulebook. A row that was changed from outside is no
    /// reason not to go back.
    async fn kept(&self, store: Id<Store>) -> Result<Vec<Installation>, Error> {
        let known = self.db.list_installations_each(store).await?.into_iter();
        Ok(known
            .filter_map(|known| known.inspect_err(|error| tracing::warn!(%store, "{error}")).ok())
            .collect())
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
        rulebooks::published(&self.db, store, number).await.map_err(damaged)
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
        let (pricer, world) = (&state.selling.pricer, &state.world);
        let (host, turns) = (pricer.host().clone(), pricer.turns().clone());
        Self::new(state.db.clone(), host, turns, world.clock.clone(), world.ids.clone())
    }
}

/// A request that was worked out.
struct Resolved {
    change: RuleChange,
    note: String,
    installation: Option<Id<Installation>>,
}

/// What components accepted, with the classes of their candidates: by component and configuration.
type Checked = HashMap<(Digest, String), Vec<Class>>;

/// The installations as far as requests have changed them.
struct Working<'a> {
    rules: &'a Rules,
    store: Id<Store>,
    active: &'a Rulebook,
    /// Nothing for those that have left.
    changed: HashMap<Id<Installation>, Option<Installation>>,
    checked: &'a mut Checked,
}

impl Working<'_> {
    async fn resolve(&mut self, request: &RuleRequest) -> Result<Resolved, Error> {
        match request {
            RuleRequest::Install(asked) => {
                let installation = asked.install(self.rules, self.store, self.checked).await?;
                let note = format!("{} {} installed", installation.plugin, installation.version);
                Ok(self.put(installation, note))
            }
            RuleRequest::Change(id, asked) => {
                let before = match self.find(*id) {
                    Some(installation) => installation,
                    None => self.outside(*id).await?,
                };
                let after = asked.change(self.rules, self.store, &before, self.checked).await?;
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

/// A rulebook that can't be worked with is no shopper's trouble here: the merchant is told which, and the
/// way out.
pub(crate) fn damaged(error: Error) -> Error {
    match error {
        Error::RulesUnavailable(error) => Error::RulebookDamaged(error),
        error => error,
    }
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
