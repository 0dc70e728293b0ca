//! What was counted in the last moments.
//!
//! A store is in one of a few shards, each behind a lock that is held for as long as it takes to count one
//! quote. Lines of log are copied before it is taken.

use std::{
    collections::{HashMap, VecDeque, hash_map::Entry},
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use martlet_domain::{
    Id, Timestamp,
    figures::{Activity, Figures},
    money::Currency,
    plugin::{FailureRules, FailureWatch, Installation, LogEntry, Rulebook, TooManyFailures},
    quote::{Decision, Failure, Outcome, Reason, Verdict},
    settings::Store,
};

use super::Tried;
use crate::{ids::Ids, price_cart::CallReport};

/// Shards there are.
const SHARDS: usize = 16;
/// Installations that a shard counts between two flushes. What others do isn't counted.
const MOST_COUNTED: usize = 4_096;
/// Installations that wait for a database that is away.
const MOST_WAITING: usize = 16_384;
/// Lines of an installation that are kept between two flushes: the newest.
pub(super) const MOST_LINES: usize = 100;
/// Bytes of them: all that two calls may log.
const MOST_LINE_BYTES: usize = 128 << 10;
/// Bytes of all lines that wait for the database.
const MOST_BYTES: usize = 16 << 20;

/// An installation of a store.
pub(super) type Key = (Id<Store>, Id<Installation>);

/// A quote, for whoever counts.
#[derive(Debug, Clone, Copy)]
pub struct PricedQuote<'a> {
    /// The store.
    pub store: Id<Store>,
    /// The rules it was priced under.
    pub rulebook: &'a Rulebook,
    /// Its currency.
    pub currency: Currency,
    /// What became of everything.
    pub verdicts: &'a [Verdict],
    /// What components did.
    pub calls: &'a [CallReport],
    /// What a call may burn that has the quote's fuel for itself. One that had less because others had
    /// burnt it, and ran out, hasn't failed by itself.
    pub fuel_for_call: u64,
}

/// What was counted of an installation.
#[derive(Debug, Default)]
pub(super) struct Counted {
    /// Name of the plugin, where that is known.
    pub(super) plugin: Option<String>,
    pub(super) figures: Figures,
    /// What it logged, the newest last.
    pub(super) lines: VecDeque<LogEntry>,
    bytes: usize,
    /// The last cart it was counted for, and the last one of which something of it applied.
    cart: u64,
    applied: u64,
}

/// Lines of an installation that are new, and how many there were besides.
pub(super) struct NewLines {
    installation: Id<Installation>,
    lines: Vec<LogEntry>,
    dropped: u64,
}

/// An installation that fails too often.
pub(super) struct Failing {
    pub(super) installation: Id<Installation>,
    pub(super) too_many: TooManyFailures,
    pub(super) last: Failure,
}

/// What was counted in the last moments, by store.
#[derive(Debug, Default)]
pub(super) struct Shards {
    shards: [Mutex<Counting>; SHARDS],
    /// Bytes of lines that wait, here and in the book.
    bytes: AtomicUsize,
}

/// What one shard holds.
#[derive(Debug, Default)]
struct Counting {
    counted: HashMap<Key, Counted>,
    /// Of those that have failed lately.
    watches: HashMap<Key, FailureWatch>,
    /// Goes up with each cart.
    carts: u64,
}

/// A shard, locked.
pub(super) struct Shard<'a> {
    counting: MutexGuard<'a, Counting>,
    bytes: &'a AtomicUsize,
}

impl Shards {
    /// The shard of a store. Nothing may be waited for while it is held.
    pub(super) fn of(&self, store: Id<Store>) -> Shard<'_> {
        // The last bits of a UUID are random, whatever its kind.
        let place = usize::from(store.uuid().as_bytes()[15]) % SHARDS;
        // A panic elsewhere leaves numbers, which are as good as any.
        let counting = self.shards[place].lock().unwrap_or_else(PoisonError::into_inner);
        Shard { counting, bytes: &self.bytes }
    }

    /// All that was counted since it was last taken.
    pub(super) fn take(&self) -> Vec<(Key, Counted)> {
        let mut taken = Vec::new();
        for shard in &self.shards {
            let mut counting = shard.lock().unwrap_or_else(PoisonError::into_inner);
            counting.watches.retain(|_, watch| !watch.is_calm());
            let counted = std::mem::take(&mut counting.counted);
            drop(counting);
            taken.extend(counted);
        }
        taken
    }

    /// Makes room that so many bytes of lines took.
    pub(super) fn put_off(&self, bytes: usize) {
        self.bytes.fetch_sub(bytes, Ordering::Relaxed);
    }
}

impl Shard<'_> {
    /// What is counted of an installation of a rulebook. Nothing where the rulebook has no such
    /// installation, or too many are counted.
    pub(super) fn counted(
        &mut self,
        store: Id<Store>,
        installation: Id<Installation>,
        rulebook: &Rulebook,
    ) -> Option<&mut Counted> {
        let full = self.counting.counted.len() >= MOST_COUNTED;
        match self.counting.counted.entry((store, installation)) {
            Entry::Occupied(counted) => Some(counted.into_mut()),
            Entry::Vacant(place) => {
                let known = rulebook.installations.iter().find(|known| known.id == installation)?;
                let counted = Counted { plugin: Some(known.plugin.clone()), ..Counted::default() };
                (!full).then(|| place.insert(counted))
            }
        }
    }

    /// The same of an installation whatever rulebook it is in.
    pub(super) fn any(&mut self, store: Id<Store>, installation: Id<Installation>) -> Option<&mut Counted> {
        let full = self.counting.counted.len() >= MOST_COUNTED;
        match self.counting.counted.entry((store, installation)) {
            Entry::Occupied(counted) => Some(counted.into_mut()),
            Entry::Vacant(place) => (!full).then(|| place.insert(Counted::default())),
        }
    }

    /// Counts a quote. Which installations have failed too often by it.
    pub(super) fn count_quote(
        &mut self,
        quote: PricedQuote<'_>,
        lines: Vec<NewLines>,
        rules: FailureRules,
    ) -> Vec<Failing> {
        self.counting.carts += 1;
        let cart = self.counting.carts;
        let mut failing = Vec::new();
        for report in quote.calls {
            let installation = report.call.installation;
            if let Some(counted) = self.counted(quote.store, installation, quote.rulebook) {
                counted.begin(cart, |figures| &mut figures.live);
                call(&mut counted.figures.live, report);
            }
            failing.extend(self.watch(quote, report, rules));
        }
        for verdict in quote.verdicts {
            if let Some(counted) = self.counted(quote.store, verdict.source.installation, quote.rulebook) {
                counted.begin(cart, |figures| &mut figures.live);
                counted.figures.live.decided(&verdict.decision);
            }
        }
        self.keep(quote, lines);
        failing
    }

    /// Counts a cart that was priced once more, for those that were tried.
    pub(super) fn count_tried(
        &mut self,
        quote: PricedQuote<'_>,
        tried: Tried<'_>,
        lines: Vec<NewLines>,
        rules: FailureRules,
    ) -> Vec<Failing> {
        self.counting.carts += 1;
        let cart = self.counting.carts;
        let is_tried = |installation| tried.installations.binary_search(&installation).is_ok();
        let change = tried.total_change.map(|change| (quote.currency, change));
        let mut failing = Vec::new();
        for report in quote.calls.iter().filter(|report| is_tried(report.call.installation)) {
            let installation = report.call.installation;
            if let Some(counted) = self.counted(quote.store, installation, quote.rulebook) {
                counted.try_on(cart, change);
                call(&mut counted.figures.shadow.activity, report);
            }
            failing.extend(self.watch(quote, report, rules));
        }
        for verdict in quote.verdicts.iter().filter(|verdict| is_tried(verdict.source.installation)) {
            if let Some(counted) = self.counted(quote.store, verdict.source.installation, quote.rulebook) {
                counted.try_on(cart, change);
                counted.tried(cart, quote.currency, &verdict.decision);
            }
        }
        self.keep(quote, lines);
        failing
    }

    /// Notes how a call went, unless that says nothing of the component.
    fn watch(&mut self, quote: PricedQuote<'_>, report: &CallReport, rules: FailureRules) -> Option<Failing> {
        let evaluation = &report.evaluated.evaluation;
        let failure = match &evaluation.outcome {
            Outcome::Failed(failure) => Some(failure),
            _ => None,
        };
        let by_others = failure == Some(&Failure::OutOfFuel) && evaluation.fuel < quote.fuel_for_call;
        if by_others || failure.is_some_and(|failure| !failure.is_deterministic()) {
            return None;
        }
        let (installation, number) = (report.call.installation, quote.rulebook.number);
        let room = self.counting.watches.len() < MOST_COUNTED;
        let (too_many, last) = match (self.counting.watches.entry((quote.store, installation)), failure) {
            (Entry::Occupied(watch), failure) => {
                (watch.into_mut().note(number, failure.is_some(), rules)?, failure?)
            }
            (Entry::Vacant(place), Some(failure)) if room => {
                (place.insert(FailureWatch::default()).note(number, true, rules)?, failure)
            }
            (Entry::Vacant(_), _) => return None,
        };
        Some(Failing { installation, too_many, last: last.clone() })
    }

    /// Says again at its next failure that an installation fails too often.
    pub(super) fn remind(&mut self, store: Id<Store>, installation: Id<Installation>) {
        if let Some(watch) = self.counting.watches.get_mut(&(store, installation)) {
            watch.remind();
        }
    }

    fn keep(&mut self, quote: PricedQuote<'_>, lines: Vec<NewLines>) {
        for NewLines { installation, lines, dropped } in lines {
            let total = self.bytes;
            let Some(counted) = self.counted(quote.store, installation, quote.rulebook) else { continue };
            counted.figures.log_lines_dropped += dropped;
            for line in lines {
                let bytes = line.message.len();
                if total.load(Ordering::Relaxed) + bytes > MOST_BYTES {
                    counted.figures.log_lines_dropped += 1;
                    continue;
                }
                total.fetch_add(bytes, Ordering::Relaxed);
                counted.push(line);
            }
            total.fetch_sub(counted.shorten(), Ordering::Relaxed);
        }
    }
}

impl Counted {
    /// Counts the cart, the first time that something of it is counted.
    fn begin(&mut self, cart: u64, activity: impl Fn(&mut Figures) -> &mut Activity) -> bool {
        let is_new = self.cart != cart;
        if is_new {
            self.cart = cart;
            activity(&mut self.figures).carts += 1;
        }
        is_new
    }

    fn try_on(&mut self, cart: u64, total_change: Option<(Currency, i64)>) {
        let is_new = self.begin(cart, |figures| &mut figures.shadow.activity);
        if let Some((currency, change)) = total_change.filter(|_| is_new) {
            self.figures.shadow.total_changes.add(currency, change);
        }
    }

    fn tried(&mut self, cart: u64, currency: Currency, decision: &Decision) {
        let shadow = &mut self.figures.shadow;
        shadow.activity.decided(decision);
        if let Decision::Applied(applied) = decision {
            shadow.discounts.add(currency, applied.amount);
            if self.applied != cart {
                self.applied = cart;
                shadow.carts_applied += 1;
            }
        }
    }

    fn push(&mut self, line: LogEntry) {
        self.bytes += line.message.len();
        self.lines.push_back(line);
    }

    /// Lets go of the oldest lines where there are too many, and says of how many bytes.
    fn shorten(&mut self) -> usize {
        let before = self.bytes;
        while self.lines.len() > MOST_LINES || self.bytes > MOST_LINE_BYTES {
            let Some(oldest) = self.lines.pop_front() else { break };
            self.bytes -= oldest.message.len();
            self.figures.log_lines_dropped += 1;
        }
        before - self.bytes
    }

    /// Lets go of all lines, and says how many there were and of how many bytes.
    pub(super) fn let_lines_go(&mut self) -> (u64, usize) {
        let many = u64::try_from(self.lines.len()).unwrap_or(u64::MAX);
        self.lines.clear();
        (many, std::mem::take(&mut self.bytes))
    }

    /// Adds what was counted later, and says of how many bytes it let lines go.
    fn merge(&mut self, later: Self) -> usize {
        self.figures.merge(&later.figures);
        self.plugin = later.plugin.or(self.plugin.take());
        later.lines.into_iter().for_each(|line| self.push(line));
        self.shorten()
    }
}

/// What waits for the database.
#[derive(Debug, Default)]
pub(super) struct Waiting(HashMap<Key, Counted>);

impl Waiting {
    /// Adds what was counted, and says of how many bytes lines were let go.
    pub(super) fn add(&mut self, key: Key, counted: Counted) -> usize {
        let full = self.0.len() >= MOST_WAITING;
        match self.0.entry(key) {
            Entry::Occupied(waiting) => waiting.into_mut().merge(counted),
            Entry::Vacant(_) if full => counted.bytes,
            Entry::Vacant(place) => {
                place.insert(counted);
                0
            }
        }
    }

    /// All of it.
    pub(super) fn take(&mut self) -> Vec<(Key, Counted)> {
        std::mem::take(&mut self.0).into_iter().collect()
    }
}

/// Copies what some of those who were asked have logged: of each call the newest lines.
pub(super) fn lines(
    quote: PricedQuote<'_>,
    of: impl Fn(Id<Installation>) -> bool,
    at: Timestamp,
    ids: &Ids,
) -> Vec<NewLines> {
    let reports = quote.calls.iter().filter(|report| {
        let is_known = |known: &Installation| known.id == report.call.installation;
        !report.evaluated.logs.is_empty()
            && of(report.call.installation)
            && quote.rulebook.installations.iter().any(is_known)
    });
    let copied = reports.map(|report| {
        let logs = &report.evaluated.logs;
        let older = logs.len().saturating_sub(MOST_LINES);
        let entry = |line: &martlet_plugin_host::LogLine| LogEntry {
            id: ids.next(at),
            at,
            level: line.level,
            stage: report.stage,
            message: line.message.clone(),
        };
        NewLines {
            installation: report.call.installation,
            lines: logs.iter().skip(older).map(entry).collect(),
            dropped: u64::try_from(older).unwrap_or(u64::MAX),
        }
    });
    copied.collect()
}

fn call(activity: &mut Activity, report: &CallReport) {
    let evaluated = &report.evaluated;
    let failure = match &evaluated.evaluation.outcome {
        Outcome::Failed(failure) => Some(Reason::Failed(failure.clone()).code()),
        _ => None,
    };
    let micros = u64::try_from(evaluated.duration.as_micros()).unwrap_or(u64::MAX);
    activity.call(micros, evaluated.evaluation.fuel, failure);
}
