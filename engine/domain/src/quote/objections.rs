//! The stage `checkout-validation`: what stands against ordering the cart.

use super::{
    Objection, Outcome, Stage, check,
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
        let mut keys = check::Keys::default();
        for objection in objections {
            let decision = match keys.add(&objection.key).and_then(|()| sound(objection, lines)) {
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

fn sound(objection: &Objection, lines: usize) -> Result<(), String> {
    match objection.position {
        Some(position) if position as usize >= lines => {
            Err(format!("there is no line at position {position}"))
        }
        _ => Ok(()),
    }
}
