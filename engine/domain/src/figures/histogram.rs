//! Values counted by how large they are.

use serde::{Deserialize, Serialize};

/// Upper bounds of a call's time in microseconds, each inclusive; what takes longer comes last. They
/// are part of what is stored and never change.
pub const LATENCY_BOUNDS: [u64; 14] =
    [50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 1_000_000, 2_500_000];

/// Upper bounds of a call's fuel, each inclusive; what burns more comes last. They are part of what is
/// stored and never change. A call about a cart of one line may burn 50.5 million unless set otherwise.
pub const FUEL_BOUNDS: [u64; 12] = [
    10_000,
    30_000,
    100_000,
    300_000,
    1_000_000,
    3_000_000,
    10_000_000,
    25_000_000,
    50_000_000,
    100_000_000,
    200_000_000,
    400_000_000,
];

/// Values counted by how large they are. Which bounds they are counted between is known to whoever
/// counts: [`LATENCY_BOUNDS`] or [`FUEL_BOUNDS`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Histogram {
    /// How many were at most the bound at the same place, and more than the one before; and a last one
    /// for those above all bounds. Empty where nothing was counted.
    counts: Vec<u64>,
    /// All values together.
    sum: u64,
}

impl Histogram {
    /// Counts a value between bounds that ascend.
    pub fn observe(&mut self, bounds: &[u64], value: u64) {
        self.counts.resize(bounds.len() + 1, 0);
        let place = bounds.partition_point(|bound| *bound < value);
        if let Some(count) = self.counts.get_mut(place) {
            *count += 1;
        }
        self.sum = self.sum.saturating_add(value);
    }

    /// Adds what another one counted between the same bounds.
    pub fn merge(&mut self, other: &Self) {
        let longest = self.counts.len().max(other.counts.len());
        self.counts.resize(longest, 0);
        for (count, more) in self.counts.iter_mut().zip(&other.counts) {
            *count = count.saturating_add(*more);
        }
        self.sum = self.sum.saturating_add(other.sum);
    }

    /// How many values there were.
    pub fn count(&self) -> u64 {
        self.counts.iter().fold(0, |sum, count| sum.saturating_add(*count))
    }

    /// All values together.
    pub const fn sum(&self) -> u64 {
        self.sum
    }

    /// How many there were of each size: each bound with those that are at most it and more than the one
    /// before; and last, without a bound, those above all.
    pub fn buckets<'a>(&'a self, bounds: &'a [u64]) -> impl Iterator<Item = (Option<u64>, u64)> + 'a {
        let ends = bounds.iter().copied().map(Some).chain([None]);
        ends.enumerate().map(|(place, end)| (end, self.counts.get(place).copied().unwrap_or(0)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOUNDS: [u64; 3] = [10, 20, 30];

    fn of(values: &[u64]) -> Histogram {
        let mut histogram = Histogram::default();
        values.iter().for_each(|value| histogram.observe(&BOUNDS, *value));
        histogram
    }

    #[test]
    fn a_value_falls_to_the_first_bound_that_it_does_not_exceed() {
        let histogram = of(&[0, 10, 11, 20, 30, 31, u64::MAX]);
        let buckets: Vec<_> = histogram.buckets(&BOUNDS).collect();
        assert_eq!(buckets, [(Some(10), 2), (Some(20), 2), (Some(30), 1), (None, 2)]);
        assert_eq!((histogram.count(), histogram.sum()), (7, u64::MAX));
    }

    #[test]
    fn one_that_counted_nothing_has_empty_buckets() {
        let none = Histogram::default();
        assert_eq!(none.buckets(&BOUNDS).map(|(_, count)| count).collect::<Vec<_>>(), [0; 4]);
        assert_eq!((none.count(), none.sum()), (0, 0));
    }

    #[test]
    fn counting_apart_and_adding_is_counting_together() {
        let (one, other, all) = (of(&[1, 15, 99]), of(&[10, 25]), of(&[1, 15, 99, 10, 25]));
        for (mut sum, added) in [(one.clone(), &other), (other.clone(), &one), (Histogram::default(), &all)] {
            sum.merge(added);
            assert_eq!(sum, all);
        }
    }

    #[test]
    fn bounds_ascend() {
        assert!(LATENCY_BOUNDS.is_sorted_by(|one, other| one < other));
        assert!(FUEL_BOUNDS.is_sorted_by(|one, other| one < other));
    }
}
