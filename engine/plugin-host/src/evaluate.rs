//! One question to one component.

use std::time::{Duration, Instant};

use martlet_domain::{
    coupon::CouponCode,
    plugin::World,
    quote::{Call, Evaluation, Outcome},
};

use crate::{
    Component, EvaluateError, Host, LogLine, Prepared,
    bindings::current as wit,
    convert,
    runtime::CallError,
    world::{Answer, Question},
};

/// What came of a call. Two are equal if the component did the same, however long it took.
#[derive(Debug, Clone)]
pub struct Evaluated {
    /// The answer, or why there is none; and the fuel.
    pub evaluation: Evaluation,
    /// Where in the component it failed, innermost frame first, for the merchant's eyes. Nothing
    /// where it did not fail, or not in its own code.
    pub backtrace: Option<String>,
    /// What it logged.
    pub logs: Vec<LogLine>,
    /// How long it took, from making the instance to having read its answer. It says as much of the
    /// machine as of the component: nothing that has to be the same twice may depend on it.
    pub duration: Duration,
}

impl PartialEq for Evaluated {
    fn eq(&self, other: &Self) -> bool {
        let Self { evaluation, backtrace, logs, duration: _ } = self;
        (evaluation, backtrace, logs) == (&other.evaluation, &other.backtrace, &other.logs)
    }
}

impl Eq for Evaluated {}

impl Host {
    /// Asks a component about a cart, with [`crate::HostConfig::fuel_for_call`]. Blocks the
    /// calling thread, for [`crate::HostConfig::call_timeout`] at the longest.
    ///
    /// # Errors
    ///
    /// When the call itself can't be made. A component that fails is an [`Outcome`].
    pub fn evaluate(&self, prepared: &Prepared, call: &Call) -> Result<Evaluated, EvaluateError> {
        self.evaluate_within(prepared, call, u64::MAX)
    }

    /// As [`Host::evaluate`], with at most so much fuel: what is left to the quote.
    ///
    /// # Errors
    ///
    /// As for [`Host::evaluate`].
    pub fn evaluate_within(
        &self,
        prepared: &Prepared,
        call: &Call,
        fuel: u64,
    ) -> Result<Evaluated, EvaluateError> {
        let component = self.find(&call.component).ok_or(EvaluateError::UnknownComponent(call.component))?;
        let coupon = check(&component, prepared, call)?;
        let question = Question {
            cart: &prepared.cart,
            cart_v0_1_0: &prepared.cart_v0_1_0,
            checkout: prepared.checkout.as_ref(),
            coupon: coupon.as_ref(),
            standing: convert::standing(call.standing),
            config: &call.config,
        };
        let fuel = fuel.min(self.config().fuel_for_call(prepared.lines));
        let began = Instant::now();
        let called = component.call(fuel, prepared.bytes, |instance, store| instance.ask(store, question));
        let result = called.result.and_then(|answer| self.convert(answer, prepared.lines));
        let (outcome, backtrace) = match result {
            Ok(outcome) => (outcome, None),
            Err(error) => (Outcome::Failed(error.failure), error.backtrace),
        };
        let duration = began.elapsed();
        let evaluation = Evaluation { outcome, fuel: called.fuel };
        Ok(Evaluated { evaluation, backtrace, logs: called.logs, duration })
    }

    fn convert(&self, answer: Answer, lines: usize) -> Result<Outcome, CallError> {
        let limit = self.config().max_candidates + lines;
        match answer {
            Answer::Prices(prices) => convert::prices(prices, limit).map(Outcome::Proposed),
            Answer::Proposal(proposal) => convert::proposal(proposal, limit).map(Outcome::Proposed),
            Answer::Rates(rates) => convert::rates(rates, limit).map(Outcome::Rated),
            Answer::Taxes(taxes) => convert::taxes(taxes, limit).map(Outcome::Taxed),
            Answer::Objections(objections) => convert::objections(objections, limit).map(Outcome::Validated),
        }
        .map_err(CallError::invalid)
    }
}

/// Checks that the component is what the call takes it for, and answers the coupon.
fn check(
    component: &Component,
    prepared: &Prepared,
    call: &Call,
) -> Result<Option<wit::Coupon>, EvaluateError> {
    if component.world() != call.world {
        return Err(EvaluateError::OtherWorld {
            component: call.component,
            actual: component.world(),
            wanted: call.world,
        });
    }
    match (&call.coupon, call.world) {
        (None, World::Coupon) => Err(EvaluateError::NoCoupon(call.component)),
        (_, World::CheckoutValidation) if prepared.checkout.is_none() => {
            Err(EvaluateError::NoCheckout(call.component))
        }
        (code, _) => Ok(code.as_ref().map(coupon)),
    }
}

fn coupon(code: &CouponCode) -> wit::Coupon {
    wit::Coupon { code: code.to_string() }
}
