//! The rules once more, in the plainest way: unit by unit, without runs.

use std::cmp::Reverse;

use martlet_domain::quote::Scope;

use crate::support::Priced;

/// What is left of every unit of every line.
pub(super) fn units(priced: &Priced) -> Vec<Vec<i64>> {
    let expand = |line: &martlet_domain::quote::QuotedLine| {
        line.units.iter().flat_map(|run| vec![run.left; run.count as usize]).collect()
    };
    priced.quote.lines.iter().map(expand).collect()
}

/// Takes an amount off in proportion to what is left; what a unit can't bear the others do.
pub(super) fn shared(mut units: Vec<Vec<i64>>, floors: &[i64], amount: i64) -> Vec<Vec<i64>> {
    let mut left = all(&units);
    let bears = |units: &[Vec<i64>], (line, unit): (usize, usize)| units[line][unit] - floors[line];
    let mut amount = amount.min(left.iter().map(|at| bears(&units, *at)).sum());
    loop {
        let weight: i64 = left.iter().map(|(line, unit)| units[*line][*unit]).sum();
        let over = left.iter().position(|at| amount * units[at.0][at.1] > bears(&units, *at) * weight);
        let Some(over) = over else { break };
        // Its share is too much for it: it bears what it can, and the others share the rest.
        let (line, unit) = left.remove(over);
        amount -= bears(&units, (line, unit));
        units[line][unit] = floors[line];
    }
    let parts =
        largest_remainder(&left.iter().map(|(line, unit)| units[*line][*unit]).collect::<Vec<_>>(), amount);
    for ((line, unit), part) in left.into_iter().zip(parts) {
        units[line][unit] -= part;
    }
    units
}

/// Takes a percentage off; what a unit can't bear is lost.
pub(super) fn percentage(
    mut units: Vec<Vec<i64>>,
    floors: &[i64],
    share: u32,
    by_line: bool,
) -> Vec<Vec<i64>> {
    let everything = all(&units);
    let portions: Vec<Vec<(usize, usize)>> = if by_line {
        everything.chunk_by(|one, other| one.0 == other.0).map(<[_]>::to_vec).collect()
    } else {
        vec![everything]
    };
    for portion in portions {
        let weights: Vec<i64> = portion.iter().map(|(line, unit)| units[*line][*unit]).collect();
        let amount = (weights.iter().sum::<i64>() * i64::from(share) + 500_000) / 1_000_000;
        for ((line, unit), part) in portion.into_iter().zip(largest_remainder(&weights, amount)) {
            units[line][unit] = (units[line][unit] - part).max(floors[line]);
        }
    }
    units
}

/// Frees units: before every application those to be given are looked for, the cheapest first, such
/// that enough of the others remain to be bought, the dearest first.
pub(super) fn bought_and_given(
    units: &[Vec<i64>],
    buy: &Scope,
    get: &Scope,
    (buy_count, get_count): (u32, u32),
    most: u32,
) -> Vec<Vec<i64>> {
    let (buy, get) = (within(units, buy), within(units, get));
    let mut used = Vec::new();
    let mut given = Vec::new();
    let value = |(line, unit): &(usize, usize)| units[*line][*unit];
    for _ in 0..most {
        let mut buyable: Vec<_> = buy.iter().copied().filter(|at| !used.contains(at)).collect();
        let mut gettable: Vec<_> = get.iter().copied().filter(|at| !used.contains(at)).collect();
        gettable.sort_by_key(value);
        let mut gets = Vec::new();
        for at in gettable {
            let remaining = buyable.len() - usize::from(buyable.contains(&at));
            if gets.len() < get_count as usize && remaining >= buy_count as usize {
                buyable.retain(|other| *other != at);
                gets.push(at);
            }
        }
        if gets.is_empty() || buyable.len() < buy_count as usize {
            break;
        }
        buyable.sort_by_key(|at| Reverse(value(at)));
        used.extend(&buyable[..buy_count as usize]);
        used.extend(&gets);
        given.extend(gets);
    }
    let mut units = units.to_vec();
    for (line, unit) in given {
        units[line][unit] = 0;
    }
    units
}

/// What bundles save: each takes the dearest for one part after the other.
pub(super) fn bundles_save(units: &[Vec<i64>], parts: &[(Scope, u32)], price: i64, most: u32) -> i64 {
    let parts: Vec<_> = parts.iter().map(|(scope, count)| (within(units, scope), *count as usize)).collect();
    let mut used: Vec<(usize, usize)> = Vec::new();
    let mut saved = 0;
    for _ in 0..most {
        let mut taken = Vec::new();
        for (scope, count) in &parts {
            let free = scope.iter().filter(|at| !used.contains(at) && !taken.contains(*at));
            let mut free: Vec<_> = free.copied().collect();
            free.sort_by_key(|(line, unit)| Reverse(units[*line][*unit]));
            if free.len() < *count {
                return saved;
            }
            taken.extend(&free[..*count]);
        }
        let worth: i64 = taken.iter().map(|(line, unit)| units[*line][*unit]).sum();
        if worth <= price {
            return saved;
        }
        saved += worth - price;
        used.extend(taken);
    }
    saved
}

/// Parts of an amount in proportion to weights, whole, and together exactly the amount.
fn largest_remainder(weights: &[i64], amount: i64) -> Vec<i64> {
    let total: i64 = weights.iter().sum();
    if total == 0 {
        return vec![0; weights.len()];
    }
    let mut parts: Vec<i64> = weights.iter().map(|weight| amount * weight / total).collect();
    let mut order: Vec<usize> = (0..weights.len()).collect();
    order.sort_by_key(|index| Reverse(amount * weights[*index] % total));
    let missing = amount - parts.iter().sum::<i64>();
    for index in order.into_iter().take(usize::try_from(missing).unwrap()) {
        parts[index] += 1;
    }
    parts
}

/// Every unit, by line.
fn all(units: &[Vec<i64>]) -> Vec<(usize, usize)> {
    units
        .iter()
        .enumerate()
        .flat_map(|(line, units)| (0..units.len()).map(move |unit| (line, unit)))
        .collect()
}

/// The units that a scope names, by line.
fn within(units: &[Vec<i64>], scope: &Scope) -> Vec<(usize, usize)> {
    let Scope::Lines(lines) = scope else { return all(units) };
    let mut within = Vec::new();
    for named in lines {
        let line = named.position as usize;
        let mut order: Vec<usize> = (0..units[line].len()).collect();
        order.sort_by_key(|unit| Reverse(units[line][*unit]));
        order.truncate(named.quantity.unwrap_or(u32::MAX) as usize);
        within.extend(order.into_iter().map(|unit| (line, unit)));
    }
    within.sort_unstable();
    within
}
