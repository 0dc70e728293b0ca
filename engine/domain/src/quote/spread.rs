//! Spreading an amount over units so that the parts are whole minor units and add up exactly.
//!
//! Largest remainder (Hamilton's method): every unit gets the whole part of its proportional
//! share; the minor units that remain go one each to the largest fractions, ties by position,
//! then by unit.

use std::cmp::Reverse;

use super::ledger::{Deduction, Units};

/// A run of units with its weight and the most that each of them can bear.
#[derive(Debug, Clone, Copy)]
pub(super) struct Share {
    pub(super) units: Units,
    pub(super) weight: i64,
    pub(super) capacity: i64,
}

impl Share {
    /// A deduction that may become smaller.
    pub(super) fn of(deduction: &Deduction) -> Self {
        let Deduction { line, start, count, each } = *deduction;
        let units = Units { line, start, count, list: each, left: each, floor: 0, consumed: false };
        Self { units, weight: each, capacity: each }
    }
}

/// What becomes of a share that is larger than its unit can bear.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Excess {
    /// It is lost: a percentage of one unit isn't given on another.
    Drop,
    /// The others bear it: an amount that was promised is given as far as they can.
    Redistribute,
}

/// Shares in proportion to what is left.
pub(super) fn by_what_is_left(units: &[Units]) -> Vec<Share> {
    units
        .iter()
        .map(|units| Share { units: *units, weight: units.left, capacity: units.capacity() })
        .collect()
}

/// Shares in proportion to list amounts.
pub(super) fn by_list(units: &[Units]) -> Vec<Share> {
    units
        .iter()
        .map(|units| Share { units: *units, weight: units.list, capacity: units.capacity() })
        .collect()
}

/// Sum of all that the shares can bear.
pub(super) fn capacity(shares: &[Share]) -> i128 {
    shares.iter().map(|share| i128::from(share.units.count) * i128::from(share.capacity)).sum()
}

/// Spreads an amount over shares.
pub(super) fn spread(amount: i128, shares: &[Share], excess: Excess) -> Vec<Deduction> {
    let mut open = shares.to_vec();
    let mut amount = match excess {
        Excess::Drop => amount,
        Excess::Redistribute => amount.min(capacity(shares)),
    };
    let mut deductions = Vec::new();
    if excess == Excess::Redistribute {
        // Units whose share is more than they can bear give all they can; what remains is shared
        // by the others, among whom there may be new ones that can't bear it.
        loop {
            let total = weight(&open);
            let (full, rest): (Vec<Share>, Vec<Share>) = open
                .into_iter()
                .partition(|share| amount * i128::from(share.weight) > i128::from(share.capacity) * total);
            open = rest;
            if full.is_empty() {
                break;
            }
            amount -= capacity(&full);
            deductions.extend(
                full.iter().map(|share| deduction(share.units, 0, share.units.count, share.capacity)),
            );
        }
    }
    deductions.extend(largest_remainder(amount, &open));
    deductions.retain(|deduction| deduction.count > 0 && deduction.each > 0);
    deductions
}

fn largest_remainder(amount: i128, shares: &[Share]) -> Vec<Deduction> {
    let total = weight(shares);
    if total == 0 || amount <= 0 {
        return Vec::new();
    }
    let mut parts: Vec<(Share, i128, i128)> = shares
        .iter()
        .map(|share| {
            let product = amount * i128::from(share.weight);
            (*share, product / total, product % total)
        })
        .collect();
    let whole: i128 = parts.iter().map(|(share, part, _)| i128::from(share.units.count) * part).sum();
    let mut remaining = amount - whole;
    parts.sort_by_key(|(share, _, remainder)| (Reverse(*remainder), share.units.line, share.units.start));
    let mut deductions = Vec::with_capacity(parts.len() + 1);
    for (share, part, _) in parts {
        // Fewer minor units remain than units have a fraction, so `remaining` fits a count.
        let rounded_up = u32::try_from(remaining.min(i128::from(share.units.count))).unwrap_or(0);
        remaining -= i128::from(rounded_up);
        let each = |part: i128| i64::try_from(part).unwrap_or(i64::MAX).min(share.capacity);
        deductions.push(deduction(share.units, 0, rounded_up, each(part + 1)));
        deductions.push(deduction(share.units, rounded_up, share.units.count - rounded_up, each(part)));
    }
    deductions
}

fn weight(shares: &[Share]) -> i128 {
    shares.iter().map(|share| i128::from(share.units.count) * i128::from(share.weight)).sum()
}

fn deduction(units: Units, offset: u32, count: u32, each: i64) -> Deduction {
    Deduction { line: units.line, start: units.start + offset, count, each }
}
