//! Which units a bundle or a buy-x-get-y takes: the host picks.
//!
//! The dearest left qualify, the cheapest left are given, ties by position, then by unit; a unit
//! is never taken twice. Identical applications are made together, so that the work depends on
//! the number of runs, not of units.

use std::cmp::Reverse;

use super::{
    Bundle, BuyXGetY, Class, Reason,
    ledger::{Ledger, Units},
};

/// The units that a buy-x-get-y takes.
#[derive(Debug, Default)]
pub(super) struct Given {
    /// All of them.
    pub(super) consumed: Vec<Units>,
    /// Those that become cheaper.
    pub(super) given: Vec<Units>,
}

/// The units that some equal bundles take together.
#[derive(Debug)]
pub(super) struct Bundles {
    pub(super) units: Vec<Units>,
    pub(super) bundles: u32,
}

/// Units that are alike for a pick, and how many of them are taken so far.
struct Atom {
    units: Units,
    /// Which of the candidate's scopes they are in.
    scopes: Vec<bool>,
    taken: u32,
}

impl Atom {
    fn free(&self) -> u32 {
        self.units.count - self.taken
    }

    fn take(&mut self, count: u32) -> Units {
        let taken = Units { start: self.units.start + self.taken, count, ..self.units };
        self.taken += count;
        taken
    }
}

/// What one application takes of each atom.
struct Application {
    bought: Vec<u32>,
    got: Vec<u32>,
    /// Whether it gives as many as it may.
    whole: bool,
}

const BUY: usize = 0;
const GET: usize = 1;

/// Picks for a buy-x-get-y: as many applications as the cart fills, the last one perhaps partly.
pub(super) fn buy_x_get_y(ledger: &Ledger, class: Class, offer: &BuyXGetY) -> Given {
    let mut atoms = atoms([ledger.select(class, &offer.buy), ledger.select(class, &offer.get)]);
    let dearest = dearest_first(&atoms, BUY);
    let cheapest = in_order(&atoms, GET, |units| units.left);
    let mut applications_left = offer.most.unwrap_or(u32::MAX);
    let mut result = Given::default();
    while applications_left > 0 {
        let Some(application) = application(&atoms, &dearest, &cheapest, offer) else { break };
        let Application { bought, got, whole } = application;
        let taken: Vec<u32> = bought.iter().zip(&got).map(|(bought, got)| bought + got).collect();
        let times = if whole { repeats(&atoms, &taken, applications_left) } else { 1 };
        for (index, atom) in atoms.iter_mut().enumerate().filter(|(index, _)| taken[*index] > 0) {
            let qualifying = atom.take(bought[index] * times);
            let given = atom.take(got[index] * times);
            result.consumed.extend([qualifying, given].into_iter().filter(|units| units.count > 0));
            result.given.extend(Some(given).filter(|units| units.count > 0));
        }
        applications_left -= times;
    }
    // Applications can come back to a line; whoever rounds by line needs its units together.
    result.given.sort_by_key(|units| (units.line, units.start));
    result
}

/// The next application; nothing where none can be filled, not even partly.
fn application(
    atoms: &[Atom],
    dearest: &[usize],
    cheapest: &[usize],
    offer: &BuyXGetY,
) -> Option<Application> {
    // Given units may qualify too: keep back as many as have to be bought.
    let buyable: u64 = dearest.iter().map(|index| u64::from(atoms[*index].free())).sum();
    let mut spare = buyable.checked_sub(u64::from(offer.buy_count))?;
    let mut got = vec![0; atoms.len()];
    let mut missing = offer.get_count;
    for index in cheapest {
        let mut most = atoms[*index].free().min(missing);
        if atoms[*index].scopes[BUY] {
            most = most.min(u32::try_from(spare).unwrap_or(u32::MAX));
            spare -= u64::from(most);
        }
        got[*index] = most;
        missing -= most;
    }
    if missing == offer.get_count {
        return None;
    }
    let mut bought = vec![0; atoms.len()];
    let mut to_buy = offer.buy_count;
    for index in dearest {
        bought[*index] = (atoms[*index].free() - got[*index]).min(to_buy);
        to_buy -= bought[*index];
    }
    Some(Application { bought, got, whole: missing == 0 })
}

/// Picks for a bundle: as many as the cart fills and as save anything, in lots of equal ones; else
/// why there is none.
pub(super) fn bundles(ledger: &Ledger, class: Class, bundle: &Bundle) -> Result<Vec<Bundles>, Reason> {
    let mut atoms = atoms(bundle.parts.iter().map(|part| ledger.select(class, &part.scope)));
    let dearest: Vec<Vec<usize>> = (0..bundle.parts.len()).map(|part| dearest_first(&atoms, part)).collect();
    let mut bundles_left = bundle.most.unwrap_or(u32::MAX);
    let mut lots = Vec::new();
    let mut end = Reason::NotFilled;
    while bundles_left > 0 {
        let mut taken = vec![0; atoms.len()];
        let mut missing: u64 = 0;
        for (part, dearest) in bundle.parts.iter().zip(&dearest) {
            let mut wanted = part.count;
            for index in dearest {
                let count = (atoms[*index].free() - taken[*index]).min(wanted);
                taken[*index] += count;
                wanted -= count;
            }
            missing += u64::from(wanted);
        }
        let worth: i128 = atoms
            .iter()
            .zip(&taken)
            .map(|(atom, taken)| i128::from(*taken) * i128::from(atom.units.left))
            .sum();
        if missing > 0 {
            break;
        }
        if worth <= i128::from(bundle.price) {
            end = Reason::SavesNothing;
            break;
        }
        let times = repeats(&atoms, &taken, bundles_left);
        let units = atoms
            .iter_mut()
            .zip(&taken)
            .filter(|(_, taken)| **taken > 0)
            .map(|(atom, taken)| atom.take(taken * times))
            .collect();
        lots.push(Bundles { units, bundles: times });
        bundles_left -= times;
    }
    if lots.is_empty() { Err(end) } else { Ok(lots) }
}

/// How often the same pick can be made in a row: until one of its atoms runs out.
fn repeats(atoms: &[Atom], taken: &[u32], most: u32) -> u32 {
    let times = atoms.iter().zip(taken).filter_map(|(atom, taken)| atom.free().checked_div(*taken));
    times.min().unwrap_or(1).clamp(1, most)
}

/// Cuts selections of the same ledger into atoms, by position and unit.
fn atoms(selections: impl IntoIterator<Item = Vec<Units>>) -> Vec<Atom> {
    let selections: Vec<Vec<Units>> = selections.into_iter().collect();
    let mut cuts: Vec<(usize, u32)> = selections
        .iter()
        .flatten()
        .flat_map(|units| [(units.line, units.start), (units.line, units.start + units.count)])
        .collect();
    cuts.sort_unstable();
    cuts.dedup();
    cuts.windows(2)
        .filter(|cut| cut[0].0 == cut[1].0)
        .filter_map(|cut| {
            let (line, start, end) = (cut[0].0, cut[0].1, cut[1].1);
            // A selection is in the order of the ledger, so what holds the atom is the last to begin
            // no later than it.
            let holding = |selection: &Vec<Units>| {
                let after = selection.partition_point(|units| (units.line, units.start) <= (line, start));
                let units = *selection.get(after.checked_sub(1)?)?;
                (units.line == line && end <= units.start + units.count).then_some(units)
            };
            let scopes: Vec<Option<Units>> = selections.iter().map(holding).collect();
            let units = scopes.iter().flatten().find(|units| !units.consumed)?;
            Some(Atom {
                units: Units { start, count: end - start, ..*units },
                scopes: scopes.iter().map(Option::is_some).collect(),
                taken: 0,
            })
        })
        .collect()
}

fn dearest_first(atoms: &[Atom], scope: usize) -> Vec<usize> {
    in_order(atoms, scope, |units| Reverse(units.left))
}

/// The atoms of a scope by a key, ties by position, then by unit.
fn in_order<K: Ord>(atoms: &[Atom], scope: usize, key: impl Fn(&Units) -> K) -> Vec<usize> {
    let mut order: Vec<usize> = (0..atoms.len()).filter(|index| atoms[*index].scopes[scope]).collect();
    order.sort_by_key(|index| key(&atoms[*index].units));
    order
}
