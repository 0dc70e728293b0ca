//! What installations did, in numbers that add up over instances and time.
//!
//! They are for people who look at a plugin, and decide nothing: what is left of a budget, or how
//! often a coupon was used, is known to the database alone. What is counted is never part of a receipt.

mod histogram;

use std::{borrow::Cow, collections::BTreeMap};

use serde::{Deserialize, Serialize};

pub use histogram::{FUEL_BOUNDS, Histogram, LATENCY_BOUNDS};

use crate::{
    Timestamp,
    money::{Currency, Money},
    quote::{Decision, Reason},
};

/// The word under which [`Activity::effects`] counts candidates that applied.
pub const APPLIED: &str = "applied";

/// What an installation did. Fields that are missing where it is read count as nothing, and those
/// that aren't known are passed over, so that releases can be mixed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Figures {
    /// What it did to carts that shoppers had priced.
    pub live: Activity,
    /// What it did beside them, in the stage `shadow`.
    pub shadow: ShadowFigures,
    /// Orders that were paid, of which something of it was part. One that is cancelled later stays
    /// counted.
    pub orders: u64,
    /// What it took off those orders.
    pub discounts: Amounts,
    /// Lines that it logged and that were kept, for a while.
    pub log_lines: u64,
    /// Lines that it logged and that were not: there were too many, or the database was away.
    pub log_lines_dropped: u64,
    /// The last time that it failed too often to go on, and why it went on or didn't.
    pub trouble: Option<Trouble>,
}

/// What an installation was asked, and what came of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Activity {
    /// Times that a cart was priced and it was asked, or something of it was decided on.
    pub carts: u64,
    /// Calls: one a stage that it joins, and one a coupon.
    pub calls: u64,
    /// Calls without an answer, by what went wrong: the codes of [`Reason::Failed`].
    ///
    /// [`Reason::Failed`]: crate::quote::Reason::Failed
    pub failures: Counts,
    /// What came into effect: candidates that `applied`, shipping methods that were `offered`, tax rates
    /// that were `taxed` by, carts that `passed`, reasons that were `objected`.
    pub effects: Counts,
    /// What didn't, by [`Reason::code`]. Failed calls aren't among them.
    ///
    /// [`Reason::code`]: crate::quote::Reason::code
    pub rejected: Counts,
    /// How long calls took, in microseconds, between [`LATENCY_BOUNDS`].
    pub latency: Histogram,
    /// What calls burnt, between [`FUEL_BOUNDS`].
    pub fuel: Histogram,
}

/// What an installation would have done. All installations in the stage `shadow` are tried together, so
/// that what they do to each other shows.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ShadowFigures {
    /// The carts that were priced with it, what it was asked, and what came of that.
    pub activity: Activity,
    /// Carts of which something of it would have applied.
    pub carts_applied: u64,
    /// What it would have taken off.
    pub discounts: Amounts,
    /// By how much the totals of those carts would have been higher or, below 0, lower: all shadows
    /// together, tax included.
    pub total_changes: Amounts,
    /// Carts that weren't tried, because the engine had enough to do.
    pub skipped: u64,
}

/// That an installation failed too often.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trouble {
    /// When it was noticed.
    pub at: Timestamp,
    /// What went wrong, in words for the merchant.
    pub reason: String,
    /// Whether it was switched off for it.
    pub quarantined: bool,
}

/// How often something happened, by a word for it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Counts(BTreeMap<Cow<'static, str>, u64>);

/// Amounts in minor units, by currency. They may be below 0.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Amounts(BTreeMap<Currency, i64>);

impl Figures {
    /// Adds what was counted elsewhere or later.
    pub fn merge(&mut self, other: &Self) {
        self.live.merge(&other.live);
        self.shadow.merge(&other.shadow);
        add(&mut self.orders, other.orders);
        self.discounts.merge(&other.discounts);
        add(&mut self.log_lines, other.log_lines);
        add(&mut self.log_lines_dropped, other.log_lines_dropped);
        let at = |trouble: &Option<Trouble>| trouble.as_ref().map(|trouble| trouble.at);
        if at(&other.trouble) > at(&self.trouble) {
            self.trouble.clone_from(&other.trouble);
        }
    }
}

impl Activity {
    /// Counts a call.
    pub fn call(&mut self, micros: u64, fuel: u64, failure: Option<&'static str>) {
        self.calls += 1;
        self.latency.observe(&LATENCY_BOUNDS, micros);
        self.fuel.observe(&FUEL_BOUNDS, fuel);
        if let Some(code) = failure {
            self.failures.add(code);
        }
    }

    /// Counts what became of something it said. A call that failed is counted where it is made.
    pub fn decided(&mut self, decision: &Decision) {
        match decision {
            Decision::Applied(_) => self.effects.add(APPLIED),
            Decision::Offered { .. } => self.effects.add("offered"),
            Decision::Taxed { .. } => self.effects.add("taxed"),
            Decision::Objected { .. } => self.effects.add("objected"),
            Decision::Passed => self.effects.add("passed"),
            Decision::Rejected(Reason::Failed(_)) => {}
            Decision::Rejected(reason) => self.rejected.add(reason.code()),
        }
    }

    /// Adds what was counted elsewhere or later.
    pub fn merge(&mut self, other: &Self) {
        add(&mut self.carts, other.carts);
        add(&mut self.calls, other.calls);
        self.failures.merge(&other.failures);
        self.effects.merge(&other.effects);
        self.rejected.merge(&other.rejected);
        self.latency.merge(&other.latency);
        self.fuel.merge(&other.fuel);
    }
}

impl ShadowFigures {
    fn merge(&mut self, other: &Self) {
        self.activity.merge(&other.activity);
        add(&mut self.carts_applied, other.carts_applied);
        self.discounts.merge(&other.discounts);
        self.total_changes.merge(&other.total_changes);
        add(&mut self.skipped, other.skipped);
    }
}

impl Counts {
    /// Counts one more.
    pub fn add(&mut self, word: &'static str) {
        add(self.0.entry(Cow::Borrowed(word)).or_default(), 1);
    }

    /// How often it happened.
    pub fn get(&self, word: &str) -> u64 {
        self.0.get(word).copied().unwrap_or(0)
    }

    /// All of them together.
    pub fn total(&self) -> u64 {
        self.0.values().fold(0, |sum, count| sum.saturating_add(*count))
    }

    /// Each word with its count, by word.
    pub fn iter(&self) -> impl Iterator<Item = (&str, u64)> {
        self.0.iter().map(|(word, count)| (&**word, *count))
    }

    fn merge(&mut self, other: &Self) {
        for (word, count) in &other.0 {
            add(self.0.entry(word.clone()).or_default(), *count);
        }
    }
}

impl Amounts {
    /// Adds an amount.
    pub fn add(&mut self, currency: Currency, amount: i64) {
        let sum = self.0.entry(currency).or_default();
        *sum = sum.saturating_add(amount);
    }

    /// Each currency's amount, by currency.
    pub fn iter(&self) -> impl Iterator<Item = Money> {
        self.0.iter().map(|(currency, minor_units)| Money { minor_units: *minor_units, currency: *currency })
    }

    /// Adds all of another one's.
    pub fn merge(&mut self, other: &Self) {
        other.iter().for_each(|money| self.add(money.currency, money.minor_units));
    }
}

fn add(sum: &mut u64, more: u64) {
    *sum = sum.saturating_add(more);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::quote::Failure;

    fn currency(code: &str) -> Currency {
        code.parse().unwrap()
    }

    /// Figures in which nothing is 0, and all of it depends on a number.
    fn figures(n: u64) -> Figures {
        let mut activity = Activity { carts: n, ..Activity::default() };
        activity.decided(&Decision::Passed);
        activity.call(n * 60, n * 20_000, Some("trapped"));
        activity.call(n, n, None);
        let even = n.is_multiple_of(2);
        activity.decided(&Decision::Rejected(if even { Reason::Silent } else { Reason::Declined }));
        activity.decided(&Decision::Rejected(Reason::NoEffect));
        activity.decided(&Decision::Rejected(Reason::Failed(Failure::OutOfFuel)));
        let mut amounts = Amounts::default();
        let amount = i64::try_from(n).unwrap();
        amounts.add(currency("USD"), amount);
        amounts.add(currency("KRW"), -amount);
        Figures {
            live: activity.clone(),
            shadow: ShadowFigures {
                activity,
                carts_applied: n,
                discounts: amounts.clone(),
                total_changes: amounts.clone(),
                skipped: n,
            },
            orders: n,
            discounts: amounts,
            log_lines: n,
            log_lines_dropped: n + 1,
            trouble: Some(Trouble {
                at: Timestamp::from_millis(amount),
                reason: format!("{n} failed"),
                quarantined: n > 1,
            }),
        }
    }

    #[test]
    fn adding_is_the_same_in_any_order() {
        let sum = |numbers: &[u64]| {
            let mut sum = Figures::default();
            numbers.iter().for_each(|number| sum.merge(&figures(*number)));
            sum
        };
        let all = sum(&[1, 2, 3]);
        assert_eq!(all, sum(&[3, 2, 1]));
        assert_eq!((all.live.carts, all.live.calls, all.live.failures.get("trapped")), (6, 6, 3));
        let rejected: Vec<_> = all.live.rejected.iter().collect();
        assert_eq!(rejected, [("declined", 2), ("no_effect", 3), ("silent", 1)]);
        assert_eq!((all.live.rejected.total(), all.shadow.activity.effects.get("passed")), (6, 3));
        let amounts: Vec<_> = all.shadow.total_changes.iter().map(|money| money.minor_units).collect();
        assert_eq!(amounts, [-6, 6]);
        assert_eq!(all.trouble.unwrap().reason, "3 failed");
    }

    #[test]
    fn figures_come_back_from_json_as_they_were() {
        let json = serde_json::to_string(&figures(7)).unwrap();
        assert_eq!(serde_json::from_str::<Figures>(&json).unwrap(), figures(7));
    }

    #[test]
    fn figures_of_other_releases_are_read_as_far_as_they_are_known() {
        let read: Figures =
            serde_json::from_str(r#"{"live": {"calls": 3, "naps": 1}, "moods": {}, "orders": 2}"#).unwrap();
        let mut expected = Figures { orders: 2, ..Figures::default() };
        expected.live.calls = 3;
        assert_eq!(read, expected);
    }

    #[test]
    fn sums_stay_at_the_largest_number_there_is() {
        let mut figures = Figures { orders: u64::MAX, ..Figures::default() };
        figures.discounts.add(currency("USD"), i64::MAX);
        let more = figures.clone();
        figures.merge(&more);
        assert_eq!(figures, more);
    }
}
