//! Floors and figures, one right after the other, round after round.
//!
//! Whatever else the machine does then weighs on both, and their ratio stands where the numbers
//! themselves move.

use std::{
    hint::black_box,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result};

/// Rounds that count. One before them warms everything up.
pub(crate) const ROUNDS: usize = 5;
/// How long calls are repeated for one measurement.
const BATCH: Duration = Duration::from_millis(200);

/// A floor, and the figure that stands on it.
pub(crate) struct Row<'a> {
    pub(crate) name: String,
    /// What floor and figure are.
    pub(crate) means: String,
    pub(crate) unit: Unit,
    pub(crate) floor: Measurement<'a>,
    pub(crate) figure: Measurement<'a>,
}

/// Measures once.
pub(crate) type Measurement<'a> = Box<dyn FnMut() -> Result<f64> + 'a>;

/// What a row's numbers count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    /// Requests a second: more is better.
    Requests,
    /// Orders, or statements for them, a second: more is better.
    Orders,
    /// Microseconds a call: less is better.
    Micros,
}

/// A row with its numbers, one a round.
pub(crate) struct Measured {
    pub(crate) name: String,
    pub(crate) means: String,
    pub(crate) unit: Unit,
    pub(crate) floors: Vec<f64>,
    pub(crate) figures: Vec<f64>,
}

/// Goes through all rows in each round. The floor goes first in every other one.
pub(crate) fn run(rows: Vec<Row<'_>>) -> Result<Vec<Measured>> {
    let mut pairs: Vec<_> = rows.into_iter().map(split).collect();
    for round in 0..=ROUNDS {
        for (measured, floor, figure) in &mut pairs {
            let (floor, figure) = both(floor, figure, round % 2 == 0).context(measured.name.clone())?;
            if round > 0 {
                measured.floors.push(floor);
                measured.figures.push(figure);
            }
        }
    }
    Ok(pairs.into_iter().map(|(measured, ..)| measured).collect())
}

/// Microseconds that a call takes, over as many as fill a batch.
pub(crate) fn micros_per_call<T>(mut call: impl FnMut() -> Result<T>) -> Result<f64> {
    let (began, mut calls) = (Instant::now(), 0.0);
    loop {
        black_box(call()?);
        calls += 1.0;
        let took = began.elapsed();
        if took >= BATCH {
            return Ok(took.as_secs_f64() * 1e6 / calls);
        }
    }
}

impl Measured {
    /// Of each round, how many times the floor's time the figure took.
    pub(crate) fn ratios(&self) -> Vec<f64> {
        let pairs = self.floors.iter().zip(&self.figures);
        let ratio = |(floor, figure): (&f64, &f64)| match self.unit {
            Unit::Requests | Unit::Orders => floor / figure,
            Unit::Micros => figure / floor,
        };
        pairs.map(ratio).collect()
    }
}

/// The middle one.
pub(crate) fn median(numbers: &[f64]) -> f64 {
    sorted(numbers).get(numbers.len() / 2).copied().unwrap_or(f64::NAN)
}

/// The least and the greatest.
pub(crate) fn range(numbers: &[f64]) -> (f64, f64) {
    let sorted = sorted(numbers);
    (sorted.first().copied().unwrap_or(f64::NAN), sorted.last().copied().unwrap_or(f64::NAN))
}

fn sorted(numbers: &[f64]) -> Vec<f64> {
    let mut numbers = numbers.to_vec();
    numbers.sort_by(f64::total_cmp);
    numbers
}

fn split(row: Row<'_>) -> (Measured, Measurement<'_>, Measurement<'_>) {
    let Row { name, means, unit, floor, figure } = row;
    (Measured { name, means, unit, floors: Vec::new(), figures: Vec::new() }, floor, figure)
}

fn both(floor: &mut Measurement<'_>, figure: &mut Measurement<'_>, floor_first: bool) -> Result<(f64, f64)> {
    if floor_first {
        let floor = floor()?;
        return Ok((floor, figure()?));
    }
    let figure = figure()?;
    Ok((floor()?, figure))
}
