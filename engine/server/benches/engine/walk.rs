//! The walk through the stages, with components asked by the engine's host.

use std::hint::black_box;

use anyhow::{Result, ensure};
use martlet_domain::{
    plugin::Rulebook,
    quote::{Call, Input, Outcome, Pricing, Quote, Snapshot},
};
use martlet_plugin_host::Host;
use martlet_server::price_cart::CallReport;

/// A question to one component, and what it is about.
pub(crate) struct Question {
    pub(crate) snapshot: Snapshot,
    pub(crate) call: Call,
}

/// Prices a cart as the engine does between reading it and answering.
pub(crate) fn price(host: &Host, input: Input) -> Result<Quote> {
    walk(host, input, |_, _| ())
}

/// The questions that come up while a cart is priced, each answered.
pub(crate) fn questions(host: &Host, input: Input) -> Result<Vec<Question>> {
    let mut questions = Vec::new();
    walk(host, input, |snapshot, call| {
        questions.push(Question { snapshot: snapshot.clone(), call: call.clone() });
    })?;
    Ok(questions)
}

/// The same rules for one plugin alone.
pub(crate) fn only(mut rulebook: Rulebook, plugin: &str) -> Rulebook {
    rulebook.installations.retain(|installation| installation.plugin == plugin);
    rulebook
}

/// As the engine's own walk, keeping a report of each call as that does.
fn walk(host: &Host, input: Input, mut asked: impl FnMut(&Snapshot, &Call)) -> Result<Quote> {
    let mut fuel = host.config().fuel_for_quote(input.lines.len());
    let mut pricing = Pricing::start(input)?;
    let mut reports = Vec::new();
    while let Some(stage) = pricing.next_stage() {
        let prepared = host.prepare(&stage.snapshot);
        let mut evaluations = Vec::with_capacity(stage.calls.len());
        for call in stage.calls {
            asked(&stage.snapshot, &call);
            let evaluated = host.evaluate_within(&prepared, &call, fuel)?;
            ensure!(matches!(evaluated.evaluation.outcome, Outcome::Proposed(_)), "{call:?}: {evaluated:?}");
            fuel = fuel.saturating_sub(evaluated.evaluation.fuel);
            evaluations.push(evaluated.evaluation.clone());
            reports.push(CallReport { stage: stage.snapshot.stage, call, evaluated });
        }
        pricing.resolve(&evaluations)?;
    }
    black_box(reports);
    Ok(pricing.finish())
}
