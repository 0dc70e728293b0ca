//! The stage `tax`: which rates hold. What they come to is worked out in [`super::totals`].

use super::{
    Outcome, Stage, TaxRate, TaxScope, Taxes,
    check::{Keys, Unsound},
    resolve::Entrant,
    verdict::{Decision, Reason, Verdict},
};
use crate::money::Ppm;

/// The rates that a component has decided for the cart. What has none has the store's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct DecidedTaxes {
    /// Whether the tax is in the amounts.
    pub(super) included: bool,
    /// By position.
    pub(super) lines: Vec<Option<Ppm>>,
    pub(super) shipping: Option<Ppm>,
}

/// The first component with a sound rate decides for the whole cart, so that what is in the prices and
/// what comes on top are never mixed.
pub(super) fn resolve(entrants: &[Entrant<'_>], lines: usize) -> (Option<DecidedTaxes>, Vec<Verdict>) {
    let mut decided: Option<(DecidedTaxes, String)> = None;
    let mut verdicts = Vec::new();
    for entrant in entrants {
        let Outcome::Taxed(taxes) = &entrant.evaluation.outcome else { continue };
        let lost = decided.as_ref().map(|(_, winner)| Reason::LostTo { winner: winner.clone() });
        let mut own = DecidedTaxes { included: taxes.included, lines: vec![None; lines], shipping: None };
        let decisions = decide(taxes, lost.as_ref(), &mut own);
        if lost.is_none() && decisions.iter().any(|decision| matches!(decision, Decision::Taxed { .. })) {
            decided = Some((own, entrant.source.name().to_owned()));
        }
        verdicts.extend(
            taxes
                .rates
                .iter()
                .zip(decisions)
                .map(|(rate, decision)| entrant.verdict_on(Stage::Tax, &rate.key, &rate.name, decision)),
        );
    }
    verdicts.extend(entrants.iter().flat_map(|entrant| entrant.unanswered(Stage::Tax)));
    (decided.map(|(taxes, _)| taxes), verdicts)
}

/// Adds up one component's rates, and says what becomes of each.
fn decide(taxes: &Taxes, lost: Option<&Reason>, own: &mut DecidedTaxes) -> Vec<Decision> {
    let mut keys = Keys::default();
    let decide = |rate: &TaxRate| match (own.try_to_add(rate, &mut keys), lost) {
        (Err(problem), _) => Decision::Rejected(Reason::Invalid(problem)),
        (Ok(()), Some(lost)) => Decision::Rejected(lost.clone()),
        (Ok(()), None) => Decision::Taxed { rate: rate.rate, included: taxes.included },
    };
    taxes.rates.iter().map(decide).collect()
}

/// The rates that wouldn't hold, whatever others find.
pub(super) fn unsound(taxes: &Taxes, lines: usize) -> Vec<Unsound> {
    let mut own = DecidedTaxes { included: taxes.included, lines: vec![None; lines], shipping: None };
    let mut keys = Keys::default();
    let added = |rate: &TaxRate| Unsound::of(&rate.key, own.try_to_add(rate, &mut keys));
    taxes.rates.iter().filter_map(added).collect()
}

impl DecidedTaxes {
    /// Adds a rate, or leaves all as it is and says what is wrong with it.
    fn try_to_add(&mut self, rate: &TaxRate, keys: &mut Keys) -> Result<(), String> {
        keys.add(&rate.key)?;
        let mut with = self.clone();
        with.add(rate)?;
        *self = with;
        Ok(())
    }

    fn add(&mut self, rate: &TaxRate) -> Result<(), String> {
        match &rate.scope {
            TaxScope::All => {
                self.lines.iter_mut().chain([&mut self.shipping]).try_for_each(|known| sum(known, rate.rate))
            }
            TaxScope::Shipping => sum(&mut self.shipping, rate.rate),
            TaxScope::Lines(positions) if positions.is_empty() => {
                Err("a tax rate of lines names at least one".to_owned())
            }
            TaxScope::Lines(positions) => {
                let mut seen = std::collections::BTreeSet::new();
                positions.iter().try_for_each(|position| {
                    if !seen.insert(*position) {
                        return Err(format!("position {position} stands twice in a tax rate"));
                    }
                    let line = self.lines.get_mut(*position as usize);
                    sum(line.ok_or_else(|| format!("there is no line at position {position}"))?, rate.rate)
                })
            }
        }
    }
}

fn sum(known: &mut Option<Ppm>, rate: Ppm) -> Result<(), String> {
    let total = known.map_or(0, |known| known.0).saturating_add(rate.0);
    if total > Ppm::ONE.0 {
        return Err(format!("tax rates of {total} ppm together are more than all of it"));
    }
    *known = Some(Ppm(total));
    Ok(())
}
