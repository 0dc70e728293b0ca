//! Any answers of any plugins about fixed carts: what the domain makes of them adds up, and is the same
//! when it is made again, from the receipt too.

#![no_main]

#[path = "candidates/answers.rs"]
mod answers;
#[path = "candidates/carts.rs"]
mod carts;
#[path = "candidates/installed.rs"]
mod installed;
#[path = "../../engine/domain/tests/quote/support/invariants.rs"]
#[expect(clippy::unwrap_used, reason = "shared with the domain's own tests")]
mod invariants;

use std::sync::{Arc, Mutex};

use arbitrary::{Result, Unstructured};
use libfuzzer_sys::fuzz_target;
use martlet_domain::{
    Timestamp,
    plugin::{Rulebook, SealedRulebook},
    quote::{Call, Decision, Evaluation, Input, Outcome, Pricing, Quote, Receipt, Stage},
};
use martlet_fuzz::Tally;

use answers::Any;
use installed::Installed;
use invariants::{Found, check_invariants};

static TALLY: Mutex<Tally> = Mutex::new(Tally::new());

fuzz_target!(|bytes: &[u8]| {
    let mut tally = TALLY.lock().expect("nobody panics holding it");
    tally.input();
    // What is missing at the end is nothing, so that any bytes are a case.
    let Ok(case) = Case::any(Unstructured::new(bytes)) else { return };
    let (quote, found) = case.price(&case.input);
    check_invariants(&case.input, &quote, &found);
    assert_eq!(quote, case.price(&case.input).0, "priced twice");
    check_replay(&case, &quote);
    for verdict in &quote.verdicts {
        tally.note(match &verdict.decision {
            Decision::Applied(applied) if applied.gift.is_some() => "given",
            Decision::Applied(_) => "applied",
            Decision::Rejected(reason) => reason.code(),
            Decision::Offered { .. } => "offered",
            Decision::Taxed { .. } => "taxed",
            Decision::Objected { .. } => "objected",
            Decision::Passed => "passed",
        });
    }
});

/// A receipt is read, names its rulebook, and is priced again to the same bytes.
fn check_replay(case: &Case, quote: &Quote) {
    let recorded = Receipt::parse(quote.receipt.bytes()).expect("a receipt is read");
    assert_eq!(recorded.digest(), quote.receipt.digest());
    let input = recorded.input(Arc::clone(&case.input.rulebook)).expect("it names its rulebook");
    assert_eq!(input, case.input);
    assert_eq!(quote.receipt.bytes(), case.price(&input).0.receipt.bytes(), "priced from its receipt");
}

/// A cart, what is installed in its store, and what that answers.
#[derive(Debug)]
struct Case {
    input: Input,
    installed: Vec<Installed>,
}

impl Case {
    fn any(data: Unstructured<'_>) -> Result<Self> {
        let mut any = Any::new(data);
        let mut input = carts::cart(any.below(carts::CARTS)?).expect("the carts are well-formed");
        any.quantities = input.lines.iter().map(|line| line.quantity).collect();
        input.bucket = any.bucket()?;
        let groups = any.groups()?;
        let installed = any.some(6, Any::installed)?;
        for (index, installed) in installed.iter().enumerate() {
            input.coupons.extend(installed.coupon(index));
            input.standings.extend(installed.standing.map(|standing| (installed.installation.id, standing)));
        }
        input.rulebook = Arc::new(SealedRulebook::new(Rulebook {
            number: 7,
            note: String::new(),
            created_at: Timestamp::from_millis(0),
            groups,
            installations: installed.iter().map(|installed| installed.installation.clone()).collect(),
        }));
        Ok(Self { input, installed })
    }

    /// The quote, and the tax rates that components have found.
    fn price(&self, input: &Input) -> (Quote, Found) {
        let mut pricing = Pricing::start(input.clone()).expect("the carts are within their bounds");
        let mut found = Found::new();
        while let Some(asked) = pricing.next_stage() {
            let stage = asked.snapshot.stage;
            let evaluations: Vec<Evaluation> =
                asked.calls.iter().map(|call| self.answer(stage, call)).collect();
            for (call, evaluation) in asked.calls.iter().zip(&evaluations) {
                if let Outcome::Taxed(taxes) = &evaluation.outcome {
                    found.push((call.installation, taxes.rates.clone()));
                }
            }
            pricing.resolve(&evaluations).expect("as many answers as questions");
        }
        (pricing.finish(), found)
    }

    fn answer(&self, stage: Stage, call: &Call) -> Evaluation {
        let installed = self.installed.iter().find(|known| known.installation.id == call.installation);
        Evaluation { outcome: installed.expect("it is installed").answer(stage), fuel: 1 }
    }
}
