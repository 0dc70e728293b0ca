//! The stage `shipping-rates`: which methods are offered.

use serde::{Deserialize, Serialize};

use super::{
    DeliveryDays, Message, Outcome, Rates, ShippingRate, Stage,
    check::{Keys, Unsound},
    resolve::Entrant,
    verdict::{Decision, Reason, Source, Verdict},
};
use crate::{catalog::Handle, money::MAX_PRICE};

/// The tax category of a method that names none.
const STANDARD: &str = "standard";

/// A shipping method that a component offers to the cart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OfferedMethod {
    /// Its handle.
    pub method: Handle,
    /// What it costs before discounts, in minor units.
    pub amount: i64,
    /// Decides its tax rate.
    pub tax_category: String,
    /// When it arrives, where that is known.
    pub delivery: Option<DeliveryDays>,
    /// What shoppers call it, in the words of whoever offers it.
    pub name: Message,
    /// Who offers it.
    pub source: Source,
}

/// Offers what is sound, in the order of turns. Of two methods with one handle the first is offered, and
/// those of the store itself come before all.
pub(super) fn resolve(entrants: &[Entrant<'_>], own: &[Handle]) -> (Vec<OfferedMethod>, Vec<Verdict>) {
    let mut offered: Vec<OfferedMethod> = Vec::new();
    let mut verdicts = Vec::new();
    for entrant in entrants {
        let Outcome::Rated(Rates { rates, .. }) = &entrant.evaluation.outcome else { continue };
        let mut keys = Keys::default();
        for rate in rates {
            let sound = sound(rate, &mut keys).map_err(Reason::Invalid);
            let decision = match sound.and_then(|()| free(rate, &offered, own)) {
                Ok(()) => {
                    offered.push(OfferedMethod {
                        method: rate.method.clone(),
                        amount: rate.amount,
                        tax_category: rate.tax_category.clone().unwrap_or_else(|| STANDARD.to_owned()),
                        delivery: rate.delivery,
                        name: rate.name.clone(),
                        source: entrant.source.clone(),
                    });
                    Decision::Offered { method: rate.method.clone(), amount: rate.amount }
                }
                Err(reason) => Decision::Rejected(reason),
            };
            verdicts.push(entrant.verdict_on(Stage::ShippingRates, &rate.key, &rate.name, decision));
        }
    }
    verdicts.extend(entrants.iter().flat_map(|entrant| entrant.unanswered(Stage::ShippingRates)));
    (offered, verdicts)
}

/// The rates that wouldn't be offered, whatever else is.
pub(super) fn unsound(rates: &Rates) -> Vec<Unsound> {
    let mut keys = Keys::default();
    rates.rates.iter().filter_map(|rate| Unsound::of(&rate.key, sound(rate, &mut keys))).collect()
}

fn sound(rate: &ShippingRate, keys: &mut Keys) -> Result<(), String> {
    keys.add(&rate.key)?;
    if !(0..=MAX_PRICE).contains(&rate.amount) {
        return Err(format!("a shipping rate is 0 to {MAX_PRICE} minor units"));
    }
    if rate.delivery.is_some_and(|days| days.latest < days.earliest) {
        return Err("it arrives at the latest before it arrives at the earliest".to_owned());
    }
    match &rate.tax_category {
        Some(category) if !(1..=64).contains(&category.chars().count()) => {
            Err("a tax category is 1 to 64 characters".to_owned())
        }
        _ => Ok(()),
    }
}

fn free(rate: &ShippingRate, offered: &[OfferedMethod], own: &[Handle]) -> Result<(), Reason> {
    if own.contains(&rate.method) {
        return Err(Reason::MethodTaken { by: None });
    }
    match offered.iter().find(|known| known.method == rate.method) {
        Some(known) => Err(Reason::MethodTaken { by: Some(known.source.name().to_owned()) }),
        None => Ok(()),
    }
}
