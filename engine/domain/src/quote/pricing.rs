//! The walk through the stages.

use super::{
    Evaluation, Input, InputError, Outcome, Snapshot, SnapshotLine, SnapshotShipping, Stage, StageCalls,
    apply::Board,
    budget::Budgets,
    ledger::Ledger,
    receipt::{Receipt, StageAnswers},
    resolve,
    roster::{self, Asked},
    totals::{self, Quote, Totals},
    verdict::{Decision, Reason, Source, Verdict},
};
use crate::plugin::FailurePolicy;

/// A cart on its way through the stages.
///
/// Ask [`next_stage`](Self::next_stage) until it has none, answering each with
/// [`resolve`](Self::resolve); then [`finish`](Self::finish).
#[derive(Debug)]
pub struct Pricing {
    input: Input,
    board: Board,
    quantities: Vec<u32>,
    /// Everybody who can be asked.
    roster: Vec<Asked>,
    /// Stages still to come, the next one last.
    stages: Vec<Stage>,
    /// The stage whose answers are awaited, and who was asked.
    asked: Option<(Stage, Vec<Asked>)>,
    answers: Vec<StageAnswers>,
    verdicts: Vec<Verdict>,
    blocked_by: Vec<Source>,
    provisional: bool,
}

/// As many answers as questions are needed, once for each stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{answers} answers to {questions} questions")]
pub struct AnswersError {
    /// Calls of the stage.
    pub questions: usize,
    /// Evaluations that came back.
    pub answers: usize,
}

impl Pricing {
    /// Begins with base prices.
    pub fn start(input: Input) -> Result<Self, InputError> {
        input.check()?;
        let mut ledger = Ledger::new();
        for line in &input.lines {
            ledger.add_goods(line.quantity, line.unit_amount, line.floor);
        }
        // Nothing isn't shipped.
        if let Some(shipping) = input.shipping.as_ref().filter(|_| !input.lines.is_empty()) {
            ledger.add_shipping(shipping.amount);
        }
        let (roster, refusals) = if input.lines.is_empty() { Default::default() } else { roster::of(&input) };
        let (gifts, budgets) = (input.gifts.clone(), Budgets::of(&input));
        let board = Board { ledger, tags: Default::default(), gifts, budgets };
        Ok(Self {
            quantities: input.lines.iter().map(|line| line.quantity).collect(),
            stages: Stage::ALL.into_iter().rev().collect(),
            asked: None,
            answers: Vec::new(),
            verdicts: refusals,
            blocked_by: Vec::new(),
            provisional: false,
            roster,
            input,
            board,
        })
    }

    /// The next stage in which someone is asked: what they see, and who they are. Nothing when
    /// all stages are through, or while answers are awaited.
    pub fn next_stage(&mut self) -> Option<StageCalls> {
        if self.asked.is_some() {
            return None;
        }
        while let Some(stage) = self.stages.pop() {
            let asked: Vec<Asked> =
                self.roster.iter().copied().filter(|asked| asked.is_asked_in(stage, &self.input)).collect();
            if stage == Stage::Shipping && self.board.ledger.shipping().is_none() {
                let unasked = asked.iter().map(|asked| asked.source(&self.input));
                self.verdicts
                    .extend(unasked.map(|source| Verdict::on_call(stage, source, Reason::NoShippingMethod)));
            } else if !asked.is_empty() {
                let calls = asked.iter().map(|asked| asked.call(&self.input, &self.board.budgets)).collect();
                self.asked = Some((stage, asked));
                return Some(StageCalls { snapshot: self.snapshot(stage), calls });
            }
        }
        None
    }

    /// Takes the answers of the stage, in the order of its calls, and applies what fits.
    pub fn resolve(&mut self, evaluations: &[Evaluation]) -> Result<(), AnswersError> {
        let questions = self.asked.as_ref().map_or(0, |(_, asked)| asked.len());
        if questions != evaluations.len() {
            return Err(AnswersError { questions, answers: evaluations.len() });
        }
        let Some((stage, asked)) = self.asked.take() else { return Ok(()) };
        for (asked, evaluation) in asked.iter().zip(evaluations) {
            if let Outcome::Failed(failure) = &evaluation.outcome {
                self.provisional |= !failure.is_deterministic();
                if asked.installation(&self.input).failure_policy == FailurePolicy::Block {
                    self.blocked_by.push(asked.source(&self.input));
                }
            }
        }
        let entrants = asked
            .iter()
            .zip(evaluations)
            .map(|(asked, evaluation)| asked.entrant(&self.input, evaluation))
            .collect();
        self.verdicts.extend(resolve::stage(stage, entrants, &self.quantities, &mut self.board));
        let outcomes = evaluations.iter().map(|evaluation| evaluation.outcome.clone()).collect();
        self.answers.push(StageAnswers { stage, outcomes });
        Ok(())
    }

    /// Taxes and adds up.
    pub fn finish(self) -> Quote {
        let lines = totals::lines(&self.input, &self.board.ledger);
        let shipping = totals::shipping(&self.input, &self.board.ledger);
        let totals = Totals::of(&lines, shipping.as_ref(), self.input.prices_include_tax);
        let gifts = self.verdicts.iter().filter_map(|verdict| match &verdict.decision {
            Decision::Applied(applied) => applied.gift.clone(),
            Decision::Rejected(_) => None,
        });
        Quote {
            currency: self.input.currency,
            as_of: self.input.as_of,
            rulebook: self.input.rulebook.number,
            lines,
            gifts: gifts.collect(),
            shipping,
            totals,
            budgeted: self.board.budgets.installations(),
            blocked_by: self.blocked_by,
            provisional: self.provisional,
            receipt: Receipt::new(&self.input, &self.answers, &self.verdicts, &totals),
            verdicts: self.verdicts,
        }
    }

    fn snapshot(&self, stage: Stage) -> Snapshot {
        let ledger = &self.board.ledger;
        let lines = self.input.lines.iter().enumerate().map(|(position, line)| SnapshotLine {
            variant: line.variant,
            sku: line.sku.clone(),
            options: line.options.clone(),
            product: line.product.clone(),
            quantity: line.quantity,
            base_amount: line.unit_amount,
            units: ledger.unit_runs(position),
        });
        let shipping = self.input.shipping.as_ref().zip(ledger.shipping());
        Snapshot {
            stage,
            as_of: self.input.as_of,
            currency: self.input.currency,
            prices_include_tax: self.input.prices_include_tax,
            customer: self.input.customer.clone(),
            destination: self.input.destination.clone(),
            lines: lines.collect(),
            shipping: shipping.map(|(shipping, line)| SnapshotShipping {
                method: shipping.method.clone(),
                list_amount: ledger.list(line),
                left: ledger.left(line),
            }),
            codes: self.input.coupons.iter().map(|coupon| coupon.coupon.code.clone()).collect(),
        }
    }
}
