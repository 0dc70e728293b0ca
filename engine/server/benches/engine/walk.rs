//! The walk through the stages, with components asked by the engine's host.

use std::hint::black_box;

use anyhow::{Result, ensure};
use martlet_domain::{
    plugin::Rulebook,
    quote::{Call, Input, Outcome, Pricing, Quote, Snapshot},
};
use martlet_plugin_host::Host;
use martlet_server::price_cart::{self, CallReport};

/// A question to one component, and what it is about.
pub(crate) struct Question {
    pub(crate) snapshot: Snapshot,
    pub(crate) call: Call,
}

/// Prices a cart as the engine does between reading it and answering, reports of its calls included.
pub(crate) fn price(host: &Host, input: Input) -> Result<Quote> {
    let (quote, reports) = price_cart::walk(host, input)?;
    for CallReport { call, evaluated, .. } in black_box(reports) {
        ensure!(matches!(evaluated.evaluation.outcome, Outcome::Proposed(_)), "{call:?}: {evaluated:?}");
    }
    Ok(quote)
}

/// The questions that come up while a cart is priced.
pub(crate) fn questions(host: &Host, input: Input) -> Result<Vec<Question>> {
    let mut questions = Vec::new();
    let mut pricing = Pricing::start(input)?;
    while let Some(stage) = pricing.next_stage() {
        let prepared = host.prepare(&stage.snapshot);
        let mut evaluations = Vec::with_capacity(stage.calls.len());
        for call in stage.calls {
            evaluations.push(host.evaluate(&prepared, &call)?.evaluation);
            questions.push(Question { snapshot: stage.snapshot.clone(), call });
        }
        pricing.resolve(&evaluations)?;
    }
    Ok(questions)
}

/// The same rules for one plugin alone.
pub(crate) fn only(mut rulebook: Rulebook, plugin: &str) -> Rulebook {
    rulebook.installations.retain(|installation| installation.plugin == plugin);
    rulebook
}
