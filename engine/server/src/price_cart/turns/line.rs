//! The line of those who wait for a turn: who goes next, and who owes what. It knows no clock.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
};

use martlet_domain::{Id, settings::Store};
use tokio::sync::Notify;

use super::{TurnRules, Urgency};

/// Nanoseconds since the line began.
pub(super) type Nanos = u64;

/// For how long fuel that wasn't burnt can be burnt later.
const BURST: i128 = 4_000_000_000;
const SECOND: i128 = 1_000_000_000;

/// The line. Whatever changes who could go also lets them go, so that nobody waits for a turn that is
/// free, but for those whose store owed fuel until a moment ago: they look at the clock.
#[derive(Debug)]
pub(super) struct Line {
    rules: TurnRules,
    stores: HashMap<Id<Store>, Share>,
    foreground: Round,
    background: Round,
    tickets: u64,
    turns: u64,
    #[cfg(test)]
    pub(super) journal: Vec<(Id<Store>, Entry)>,
}

/// What was done for a store.
#[cfg(test)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Entry {
    /// A walk asked for its turn.
    Asked,
    /// A walk got its turn.
    Given,
}

/// All stores' walks of one urgency.
#[derive(Debug, Default)]
struct Round {
    running: usize,
    waiting: usize,
    /// Stores of which somebody waits, each once, in the order of their arrival.
    stores: Vec<Id<Store>>,
}

/// One store's.
#[derive(Debug, Default)]
struct Share {
    foreground: Part,
    background: Part,
}

/// One store's walks of one urgency.
#[derive(Debug)]
struct Part {
    running: usize,
    waiting: VecDeque<Ticket>,
    /// The number of its last turn. Whose is the lowest goes next, so that stores take turns.
    last: u64,
    /// When all fuel is paid for that was burnt so far, at the rate that is allowed.
    paid: i128,
}

#[derive(Debug)]
struct Ticket {
    number: u64,
    called: Arc<Notify>,
}

/// What became of a question for a turn.
#[derive(Debug)]
pub(super) enum Asked {
    Given,
    Waits { ticket: u64, called: Arc<Notify> },
    Refused,
}

/// What somebody sees who looks whether they were given their turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Look {
    Given,
    /// They will be called.
    Waits,
    /// They are the first of a store that owes fuel until then.
    Owes {
        until: Nanos,
    },
}

impl Default for Part {
    fn default() -> Self {
        Self { running: 0, waiting: VecDeque::new(), last: 0, paid: i128::MIN }
    }
}

impl Line {
    pub(super) fn new(rules: TurnRules) -> Self {
        Self {
            rules,
            stores: HashMap::new(),
            foreground: Round::default(),
            background: Round::default(),
            tickets: 0,
            turns: 0,
            #[cfg(test)]
            journal: Vec::new(),
        }
    }

    pub(super) fn waiting(&self) -> usize {
        self.foreground.waiting + self.background.waiting
    }

    pub(super) fn running(&self) -> usize {
        self.foreground.running + self.background.running
    }

    pub(super) fn ask(&mut self, store: Id<Store>, urgency: Urgency, now: Nanos) -> Asked {
        #[cfg(test)]
        self.journal.push((store, Entry::Asked));
        self.stores.entry(store).or_default();
        // Most of the time nobody waits.
        if self.waiting() == 0 && self.may_go(store, urgency, now) {
            self.give(store, urgency);
            return Asked::Given;
        }
        let limit = self.rules.waiting_per_store;
        let (round, part) = self.of(store, urgency);
        if part.waiting.len() >= limit {
            return Asked::Refused;
        }
        if part.waiting.is_empty() {
            round.stores.push(store);
        }
        round.waiting += 1;
        let called = Arc::new(Notify::new());
        self.tickets += 1;
        let ticket = self.tickets;
        let (_, part) = self.of(store, urgency);
        part.waiting.push_back(Ticket { number: ticket, called: Arc::clone(&called) });
        self.go_on(now);
        Asked::Waits { ticket, called }
    }

    /// Whether somebody was called, and what to wait for otherwise.
    pub(super) fn look(&mut self, store: Id<Store>, urgency: Urgency, ticket: u64, now: Nanos) -> Look {
        let (_, part) = self.of(store, urgency);
        match part.waiting.iter().position(|waiting| waiting.number == ticket) {
            None => Look::Given,
            Some(0) if part.owes(now) => {
                Look::Owes { until: Nanos::try_from(part.paid).unwrap_or(Nanos::MAX) }
            }
            Some(_) => Look::Waits,
        }
    }

    /// Ends a turn in which so much fuel was burnt.
    pub(super) fn give_back(&mut self, store: Id<Store>, urgency: Urgency, fuel: u64, now: Nanos) {
        let rate = i128::from(self.rules.fuel_per_second.max(1));
        let (round, part) = self.of(store, urgency);
        round.running = round.running.saturating_sub(1);
        part.running = part.running.saturating_sub(1);
        part.paid = part.paid.max(i128::from(now) - BURST) + i128::from(fuel) * SECOND / rate;
        self.go_on(now);
        self.wake(store, urgency, now);
    }

    /// Somebody goes away, whether they still wait or were called a moment ago.
    pub(super) fn leave(&mut self, store: Id<Store>, urgency: Urgency, ticket: u64, now: Nanos) {
        let (round, part) = self.of(store, urgency);
        let Some(place) = part.waiting.iter().position(|waiting| waiting.number == ticket) else {
            return self.give_back(store, urgency, 0, now);
        };
        part.waiting.remove(place);
        round.waiting -= 1;
        if part.waiting.is_empty() {
            round.stores.retain(|waiting| *waiting != store);
        }
        // Those of the background may have waited for this one.
        self.go_on(now);
        self.wake(store, urgency, now);
    }

    /// Gives all turns that can be given.
    pub(super) fn go_on(&mut self, now: Nanos) {
        while self.running() < self.rules.cores.max(1) {
            let Some((store, urgency)) = self.next(now) else { return };
            let (round, part) = self.of(store, urgency);
            let Some(ticket) = part.waiting.pop_front() else { return };
            round.waiting -= 1;
            if part.waiting.is_empty() {
                round.stores.retain(|waiting| *waiting != store);
            }
            ticket.called.notify_one();
            self.give(store, urgency);
        }
    }

    /// The next store that can be given a turn: of those that can the one whose last is the longest ago.
    fn next(&self, now: Nanos) -> Option<(Id<Store>, Urgency)> {
        [Urgency::Foreground, Urgency::Background].into_iter().find_map(|urgency| {
            let stores = self.round(urgency).stores.iter();
            let ready = stores.filter(|store| self.may_go(**store, urgency, now));
            let next =
                ready.min_by_key(|store| self.stores.get(*store).map(|share| share.part(urgency).last));
            next.map(|store| (*store, urgency))
        })
    }

    fn may_go(&self, store: Id<Store>, urgency: Urgency, now: Nanos) -> bool {
        let most = self.rules.cores.saturating_sub(1).max(1);
        let Some(share) = self.stores.get(&store) else { return false };
        self.running() < self.rules.cores.max(1)
            && match urgency {
                Urgency::Foreground => share.foreground.running < most && !share.foreground.owes(now),
                // All stores' together leave a core to those who have shoppers.
                Urgency::Background => {
                    self.background.running < most
                        && share.foreground.waiting.is_empty()
                        && !share.background.owes(now)
                }
            }
    }

    fn give(&mut self, store: Id<Store>, urgency: Urgency) {
        #[cfg(test)]
        self.journal.push((store, Entry::Given));
        self.turns += 1;
        let number = self.turns;
        let (round, part) = self.of(store, urgency);
        round.running += 1;
        part.running += 1;
        part.last = number;
    }

    /// Has the first of a store look at the clock, if it is fuel that they wait for.
    fn wake(&mut self, store: Id<Store>, urgency: Urgency, now: Nanos) {
        let (_, part) = self.of(store, urgency);
        if let Some(first) = part.waiting.front()
            && part.owes(now)
        {
            first.called.notify_one();
        }
    }

    fn round(&self, urgency: Urgency) -> &Round {
        match urgency {
            Urgency::Foreground => &self.foreground,
            Urgency::Background => &self.background,
        }
    }

    /// What all stores have of an urgency, and what one has of it.
    fn of(&mut self, store: Id<Store>, urgency: Urgency) -> (&mut Round, &mut Part) {
        let share = self.stores.entry(store).or_default();
        match urgency {
            Urgency::Foreground => (&mut self.foreground, &mut share.foreground),
            Urgency::Background => (&mut self.background, &mut share.background),
        }
    }
}

impl Share {
    fn part(&self, urgency: Urgency) -> &Part {
        match urgency {
            Urgency::Foreground => &self.foreground,
            Urgency::Background => &self.background,
        }
    }
}

impl Part {
    fn owes(&self, now: Nanos) -> bool {
        self.paid > i128::from(now)
    }
}
