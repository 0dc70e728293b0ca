//! One cart, under the active rules and under others.

use std::sync::Arc;

use martlet_store::SimulationHold;
use serde_json::Value;

use super::{
    CartResult, OrderResult, Simulations, Step, Stopped,
    plan::Trials,
    report::{Before, Report, Walked},
};
use martlet_domain::quote::Language;

use crate::{
    api::{money::MoneyBody, quotes::QuoteBody},
    error::Error,
    price_cart::{PricedCart, trial::Trial},
};

impl Simulations {
    /// Prices a cart twice and compares.
    pub(super) async fn try_cart(&self, hold: &SimulationHold, trials: Trials) -> Result<(), Stopped> {
        let Trials { active, draft } = trials;
        let (own, rulebook) = (Arc::clone(&active.input.rulebook), Arc::clone(&draft.input.rulebook));
        let was = self.walk_in_turn(hold.store, active.input.clone(), active.method()).await?;
        let is = self.walk_in_turn(hold.store, draft.input.clone(), draft.method()).await?;
        let mut report = Report::default();
        report.count_calls(&rulebook, &is.calls);
        let quoted = MoneyBody::new(was.quote.totals.total, was.quote.currency);
        let problem = was.problem.clone().or_else(|| is.problem.clone());
        let (_, comparison): (_, OrderResult) = match problem {
            Some(problem) => report.fail(was.problem.is_none().then_some(quoted), problem),
            None => {
                let before =
                    Before { total: was.quote.totals.total, verdicts: &was.quote.verdicts, rulebook: &own };
                report.compare(before, &is.quote, &rulebook)
            }
        };
        let cart = CartResult { before: body(active, was)?, after: body(draft, is)?, comparison };
        let result = report.body(Some(cart));
        self.store(hold, Step { done: 1, result, orders: Vec::new() }).await
    }
}

/// The quote as its endpoint answers it; nothing where the cart couldn't be ordered at it.
fn body(trial: Trial, walked: Walked) -> Result<Option<Value>, Error> {
    let Walked { quote, calls, problem } = walked;
    if problem.is_some() {
        return Ok(None);
    }
    let priced: PricedCart = trial.priced(quote, calls);
    let body = serde_json::to_value(QuoteBody::new(&priced, Language::English));
    body.map(Some).map_err(|error| Error::Internal(format!("a quote can't be written: {error}")))
}
