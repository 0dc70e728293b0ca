//! The stage `checkout-validation`: what stands against ordering the cart.

use super::{
    Objection, Outcome, Stage,
    check::{Keys, Unsound},
    resolve::Entrant,
    verdict::{Decision, Objected, Reason, Verdict},
};

/// The objections that stand, and what became of each.
pub(super) fn resolve(entrants: &[Entrant<'_>], lines: usize) -> (Vec<Objected>, Vec<Verdict>) {
    let mut standing = Vec::new();
    let mut verdicts = Vec::new();
    for entrant in entrants {
        let Outcome::Validated(objections) = &entrant.evaluation.outcome else { continue };
        if objections.is_empty() {
            verdicts
                .push(Verdict { decision: Decision::Passed, ..entrant.verdict(Stage::CheckoutValidation) });
        }
        let mut keys = Keys::default();
        for objection in objections {
            let decision = match sound(objection, lines, &mut keys) {
                Ok(()) => {
                    standing.push(Objected {
                        source: entrant.source.clone(),
                        position: objection.position,
                        message: objection.message.clone(),
                    });
                    Decision::Objected { position: objection.position }
                }
                Err(problem) => Decision::Rejected(Reason::Invalid(problem)),
            };
            verdicts.push(entrant.verdict_on(
                Stage::CheckoutValidation,
                &objection.key,
                &objection.message,
                decision,
            ));
        }
    }
    verdicts.extend(entrants.iter().flat_map(|entrant| entrant.unanswered(Stage::CheckoutValidation)));
    (standing, verdicts)
}

/// The objections that don't stand.
pub(super) fn unsound(objections: &[Objection], lines: usize) -> Vec<Unsound> {
    let mut keys = Keys::default();
    let checked = |objection: &Objection| Unsound::of(&objection.key, sound(objection, lines, &mut keys));
    objections.iter().filter_map(checked).collect()
}

fn sound(objection: &Objection, lines: usize, keys: &mut Keys) -> Result<(), String> {
    keys.add(&objection.key)?;
    match objection.position {
        Some(position) if position as usize >= lines => {
            Err(format!("there is no line at position {position}"))
        }
        _ => Ok(()),
    }
}
