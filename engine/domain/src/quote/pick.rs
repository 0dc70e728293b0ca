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

/// Picks for a buy-x-get-y: as many applications as the cart fills, the last one perhaps partly.
pub(super) fn buy_x_get_y(ledger: &Ledger, class: Class, offer: &BuyXGetY) -> Given {
    const BUY: usize = 0;
    const GET: usize = 1;
    let mut atoms = atoms([ledger.select(class, &offer.buy), ledger.select(class, &offer.get)]);
    let mut applications_left = offer.most.unwrap_or(u32::MAX);
    let mut result = Given::default();
    while applications_left > 0 {
        // Given units may qualify too: keep back as many as have to be bought.
        let free = |scope: usize| -> u64 {
            atoms.iter().filter(|atom| atom.scopes[scope]).map(|atom| u64::from(atom.free())).sum()
        };
        let Some(mut spare) = free(BUY).checked_sub(u64::from(offer.buy_count)) else { break };
        let buyable = free(BUY);
        let mut bought = vec![0; atoms.len()];
        let mut got = vec![0; atoms.len()];

        let mut missing = offer.get_count;
        for index in cheapest_first(&atoms, GET) {
            let most = atoms[index].free().min(missing);
            let most = if atoms[index].scopes[BUY] {
                let most = u64::from(most).min(spare);
                spare -= most;
                u32::try_from(most).unwrap_or(u32::MAX)
            } else {
                most
            };
            got[index] = most;
            missing -= most;
        }
        if missing == offer.get_count {
            break;
        }
        let mut to_buy = offer.buy_count;
        for index in dearest_first(&atoms, BUY) {
            bought[index] = (atoms[index].free() - got[index]).min(to_buy);
            to_buy -= bought[index];
        }

        let per_application: u64 = u64::from(offer.buy_count)
            + (0..atoms.len())
                .filter(|index| atoms[*index].scopes[BUY])
                .map(|index| u64::from(got[index]))
                .sum::<u64>();
        let whole = missing == 0;
        let times = if whole {
            repeats(&atoms, &bought, &got, applications_left, buyable / per_application)
        } else {
            1
        };
        for (index, atom) in atoms.iter_mut().enumerate() {
            let (bought, got) = (bought[index] * times, got[index] * times);
            if bought > 0 {
                result.consumed.push(atom.take(bought));
            }
            if got > 0 {
                let given = atom.take(got);
                result.consumed.push(given);
                result.given.push(given);
            }
        }
        applications_left -= times;
    }
    // Applications can come back to a line; whoever rounds by line needs its units together.
    result.given.sort_by_key(|units| (units.line, units.start));
    result
}

/// Picks for a bundle: as many as the cart fills and as save anything, in lots of equal ones; else
/// why there is none.
pub(super) fn bundles(ledger: &Ledger, class: Class, bundle: &Bundle) -> Result<Vec<Bundles>, Reason> {
    let mut atoms = atoms(bundle.parts.iter().map(|part| ledger.select(class, &part.scope)));
    let mut bundles_left = bundle.most.unwrap_or(u32::MAX);
    let mut lots = Vec::new();
    let mut end = Reason::NotFilled;
    while bundles_left > 0 {
        let mut taken = vec![0; atoms.len()];
        let mut missing: u64 = 0;
        for (scope, part) in bundle.parts.iter().enumerate() {
            let mut wanted = part.count;
            for index in dearest_first(&atoms, scope) {
                let count = (atoms[index].free() - taken[index]).min(wanted);
                taken[index] += count;
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
        let times = repeats(&atoms, &taken, &vec![0; atoms.len()], bundles_left, u64::MAX);
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

/// How often the same pick can be made in a row: until one of its atoms, or `bound`, runs out.
fn repeats(atoms: &[Atom], bought: &[u32], got: &[u32], most: u32, bound: u64) -> u32 {
    let by_atoms = atoms
        .iter()
        .zip(bought.iter().zip(got))
        .filter_map(|(atom, (bought, got))| atom.free().checked_div(bought + got))
        .min()
        .unwrap_or(1);
    let bound = u32::try_from(bound).unwrap_or(u32::MAX);
    by_atoms.min(most).min(bound).max(1)
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
            let holds = |units: &&Units| {
                units.line == line && units.start <= start && end <= units.start + units.count
            };
            let scopes: Vec<Option<&Units>> =
                selections.iter().map(|units| units.iter().find(holds)).collect();
            let units = scopes.iter().flatten().find(|units| !units.consumed)?;
            Some(Atom {
                units: Units { start, count: end - start, ..**units },
                scopes: scopes.iter().map(Option::is_some).collect(),
                taken: 0,
            })
        })
        .collect()
}

fn dearest_first(atoms: &[Atom], scope: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..atoms.len()).filter(|index| atoms[*index].scopes[scope]).collect();
    order.sort_by_key(|index| Reverse(atoms[*index].units.left));
    order
}

fn cheapest_first(atoms: &[Atom], scope: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..atoms.len()).filter(|index| atoms[*index].scopes[scope]).collect();
    order.sort_by_key(|index| atoms[*index].units.left);
    order
}
