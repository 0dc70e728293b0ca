//! The walk through the stages.

use super::{
    Evaluation, Failure, Gift, Input, InputError, OfferedMethod, Outcome, ShippingInput, Snapshot,
    SnapshotCheckout, SnapshotLine, SnapshotShipping, Stage, StageCalls,
    apply::Board,
    budget::Budgets,
    ledger::Ledger,
    objections, rates,
    receipt::{Receipt, StageAnswers},
    resolve::{self, Entrant},
    roster::{self, Asked},
    taxes::{self, DecidedTaxes},
    totals::{self, Quote, QuotedLine, QuotedShipping, Sums, Totals},
    verdict::{Decision, GrantedGift, Objected, Reason, Source, Verdict},
};
use crate::plugin::{FailurePolicy, World};

/// A cart on its way through the stages.
///
/// Ask [`next_stage`](Self::next_stage) until it has none, answering each with
/// [`resolve`](Self::resolve); then [`finish`](Self::finish).
#[derive(Debug)]
pub struct Pricing {
    input: Input,
    board: Board,
    quantities: Vec<u32>,
    /// The chosen shipping method: one of the store's own, or one that a component has offered.
    shipping: Option<ShippingInput>,
    /// What components offer.
    methods: Vec<OfferedMethod>,
    /// What a component has decided.
    taxes: Option<DecidedTaxes>,
    objections: Vec<Objected>,
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
        let shipping = input.shipping.clone().filter(|_| !input.lines.is_empty());
        if let Some(shipping) = &shipping {
            ledger.add_shipping(shipping.amount);
        }
        let (roster, refusals) = if input.lines.is_empty() { Default::default() } else { roster::of(&input) };
        let (gifts, budgets) = (input.gifts.clone(), Budgets::of(&input));
        let board = Board { ledger, tags: Default::default(), gifts, budgets };
        Ok(Self {
            quantities: input.lines.iter().map(|line| line.quantity).collect(),
            stages: Stage::ALL.into_iter().rev().collect(),
            shipping,
            methods: Vec::new(),
            taxes: None,
            objections: Vec::new(),
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
        let evaluations: Vec<Evaluation> = asked
            .iter()
            .zip(evaluations)
            .map(|(asked, evaluation)| of_its_world(asked.installation(&self.input).world, evaluation))
            .collect();
        let mut entrants: Vec<Entrant<'_>> = asked
            .iter()
            .zip(&evaluations)
            .map(|(asked, evaluation)| asked.entrant(&self.input, evaluation))
            .collect();
        resolve::sort(&mut entrants);
        let lines = self.quantities.len();
        let verdicts = match stage {
            Stage::ShippingRates => {
                let (methods, verdicts) = rates::resolve(&entrants, &self.input.own_methods);
                self.methods = methods;
                verdicts
            }
            Stage::Tax => {
                let (taxes, verdicts) = taxes::resolve(&entrants, lines);
                self.taxes = taxes;
                verdicts
            }
            Stage::CheckoutValidation => {
                let (objections, verdicts) = objections::resolve(&entrants, lines);
                self.objections = objections;
                verdicts
            }
            Stage::Pricing | Stage::Line | Stage::Order | Stage::Shipping | Stage::Total => {
                resolve::stage(stage, &entrants, &self.quantities, &mut self.board)
            }
        };
        self.note_failures(&asked, &evaluations, &verdicts);
        self.verdicts.extend(verdicts);
        let outcomes = evaluations.into_iter().map(|evaluation| evaluation.outcome).collect();
        self.answers.push(StageAnswers { stage, outcomes });
        if stage == Stage::ShippingRates {
            self.ship_as_wanted();
        }
        Ok(())
    }

    /// Taxes and adds up.
    pub fn finish(self) -> Quote {
        let (lines, shipping, totals) = self.sums();
        Quote {
            currency: self.input.currency,
            as_of: self.input.as_of,
            rulebook: self.input.rulebook.number,
            gifts: self.gifts(),
            lines,
            shipping,
            methods: self.methods,
            objections: self.objections,
            totals,
            budgeted: self.board.budgets.installations(),
            blocked_by: self.blocked_by,
            provisional: self.provisional,
            receipt: Receipt::new(&self.input, &self.answers, &self.verdicts, &totals),
            verdicts: self.verdicts,
        }
    }

    /// Who failed in a way that matters beyond its own answer. Who must not fail, must not be understood in
    /// part either where that would be sold: without a unit price, a tax rate or an objection that isn't
    /// sound an order would be one that the merchant didn't mean. A method that isn't sound is not offered,
    /// and a discount not given, so what is sold without them is as meant.
    fn note_failures(&mut self, asked: &[Asked], evaluations: &[Evaluation], verdicts: &[Verdict]) {
        for (asked, evaluation) in asked.iter().zip(evaluations) {
            let installation = asked.installation(&self.input);
            let failed = match &evaluation.outcome {
                Outcome::Failed(failure) => {
                    self.provisional |= !failure.is_deterministic();
                    true
                }
                _ => {
                    matches!(installation.world, World::Pricing | World::Tax | World::CheckoutValidation)
                        && verdicts.iter().any(|verdict| {
                            verdict.source.installation == installation.id
                                && matches!(verdict.decision, Decision::Rejected(Reason::Invalid(_)))
                        })
                }
            };
            if failed && installation.failure_policy == FailurePolicy::Block {
                self.blocked_by.push(asked.source(&self.input));
            }
        }
    }

    /// Ships by the method that the shopper wants, where it is offered.
    fn ship_as_wanted(&mut self) {
        let Some(wanted) = self.input.wanted_method.as_ref().filter(|_| self.shipping.is_none()) else {
            return;
        };
        let Some(offered) = self.methods.iter().find(|offered| offered.method == *wanted) else { return };
        self.board.ledger.add_shipping(offered.amount);
        self.shipping = Some(ShippingInput {
            method: offered.method.clone(),
            amount: offered.amount,
            tax_category: offered.tax_category.clone(),
        });
    }

    fn sums(&self) -> (Vec<QuotedLine>, Option<QuotedShipping>, Totals) {
        let sums = Sums {
            input: &self.input,
            ledger: &self.board.ledger,
            shipping: self.shipping.as_ref(),
            taxes: self.taxes.as_ref(),
        };
        let (lines, shipping) = (totals::lines(sums), totals::shipping(sums));
        let totals = Totals::of(&lines, shipping.as_ref(), sums.tax_included());
        (lines, shipping, totals)
    }

    fn gifts(&self) -> Vec<GrantedGift> {
        let gift = |verdict: &Verdict| match &verdict.decision {
            Decision::Applied(applied) => applied.gift.clone(),
            _ => None,
        };
        self.verdicts.iter().filter_map(gift).collect()
    }

    fn checkout(&self) -> SnapshotCheckout {
        let (_, _, totals) = self.sums();
        let gifts = self.gifts().into_iter().map(|gift| Gift { sku: gift.sku, quantity: gift.quantity });
        SnapshotCheckout { totals, gifts: gifts.collect() }
    }

    fn snapshot(&self, stage: Stage) -> Snapshot {
        let ledger = &self.board.ledger;
        let lines = self.input.lines.iter().enumerate().map(|(position, line)| SnapshotLine {
            variant: line.variant,
            sku: line.sku.clone(),
            options: line.options.clone(),
            product: line.product.clone(),
            quantity: line.quantity,
            weight_grams: line.weight_grams,
            tax_category: line.tax_category.clone(),
            base_amount: line.unit_amount,
            units: ledger.unit_runs(position),
        });
        let shipping = self.shipping.as_ref().zip(ledger.shipping());
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
                tax_category: shipping.tax_category.clone(),
            }),
            codes: self.input.coupons.iter().map(|coupon| coupon.coupon.code.clone()).collect(),
            checkout: (stage == Stage::CheckoutValidation).then(|| self.checkout()),
        }
    }
}

/// An answer, if it is one to the question of its world.
fn of_its_world(world: World, evaluation: &Evaluation) -> Evaluation {
    if evaluation.outcome.is_of(world) {
        return evaluation.clone();
    }
    let failure = Failure::InvalidOutput(format!("the answer of another world than {world}"));
    Evaluation { outcome: Outcome::Failed(failure), fuel: evaluation.fuel }
}
