//! What came of a simulation, as it is stored and as merchants read it.

use std::collections::BTreeMap;

use martlet_domain::{
    Id,
    catalog::Handle,
    money::Currency,
    plugin::{Installation, Rulebook, Template},
    quote::{
        ChangeKind, Decision, Failure, Objected, Outcome, Quote, Reason, Source, Verdict, VerdictChange,
        changes, given, render,
    },
    simulation::SimulatedOutcome,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::{
    api::{money::MoneyBody, quotes::QuoteBody},
    price_cart::CallReport,
};

/// Changes that are told of an order at most.
const MOST_CHANGES: usize = 50;

/// What has come of a simulation so far.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = SimulationResult)]
pub struct ResultBody {
    /// Sums of what could be priced, by currency.
    pub sums: Vec<SumBody>,
    /// Orders that couldn't be priced, or couldn't have been placed.
    pub failed: u64,
    /// Orders that a plugin would have objected to.
    pub objected: u64,
    /// What each installation does, by id. Those that neither did nor do anything are left out.
    pub installations: Vec<InstallationTally>,
    /// The cart's quotes, where it was one cart.
    pub cart: Option<CartResult>,
}

/// Sums in one currency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = SimulationSum)]
pub struct SumBody {
    /// Orders.
    pub orders: u64,
    /// What they came to.
    pub before: MoneyBody,
    /// What they would come to.
    pub after: MoneyBody,
    /// How much more that is; below 0 where it is less.
    pub difference: MoneyBody,
    /// Orders that would have been cheaper.
    pub winners: u64,
    /// What those would save.
    pub saved: MoneyBody,
    /// Orders that would have been dearer.
    pub losers: u64,
    /// What those would pay more.
    pub surcharged: MoneyBody,
    /// Orders that would have cost the same.
    pub unchanged: u64,
}

/// What an installation did and would do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = SimulatedInstallation)]
pub struct InstallationTally {
    /// The installation.
    #[schema(value_type = Uuid)]
    pub installation_id: Id<Installation>,
    /// Name of the plugin.
    pub plugin: String,
    /// How often its component was asked.
    pub calls: u64,
    /// Discounts, gifts and prices of it that applied.
    pub applied_before: u64,
    /// Those that would.
    pub applied_after: u64,
    /// What they gave and would give, by currency: what they take off, and what gifts are worth.
    pub given: Vec<GivenBody>,
    /// How often it failed, by reason, such as `out_of_fuel`.
    pub failures: BTreeMap<String, u64>,
    /// Fuel that it burnt.
    pub fuel: u64,
}

/// What an installation gave and would give in one currency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = SimulatedGiving)]
pub struct GivenBody {
    /// What it gave.
    pub before: MoneyBody,
    /// What it would give.
    pub after: MoneyBody,
}

/// One cart under the active rules and under the others.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = SimulatedCart)]
pub struct CartResult {
    /// Its quote under the active rulebook; null where it can't be ordered under it.
    #[schema(value_type = Option<QuoteBody>)]
    pub before: Option<Value>,
    /// Its quote under the other rules; null where it can't be ordered under them.
    #[schema(value_type = Option<QuoteBody>)]
    pub after: Option<Value>,
    /// What differs, as of an order.
    #[serde(flatten)]
    pub comparison: OrderResult,
}

/// What came of one order.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = SimulatedPrice)]
pub struct OrderResult {
    /// What it came to; null where that can't be known.
    pub total_before: Option<MoneyBody>,
    /// What it would come to; null where it couldn't be priced.
    pub total_after: Option<MoneyBody>,
    /// How much more that is; below 0 where it is less.
    pub difference: Option<MoneyBody>,
    /// What takes effect under one of the rules alone, or otherwise; 50 at most.
    pub changes: Vec<ChangeBody>,
    /// Changes beyond those.
    pub changes_left_out: u64,
    /// What would stand against the order.
    pub objections: Vec<ObjectionBody>,
    /// Why it couldn't be priced, or couldn't have been placed.
    pub problem: Option<ProblemBody>,
}

/// Something that takes effect under one of the rules alone, or otherwise.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = SimulatedChangeOfEffect)]
pub struct ChangeBody {
    /// `lost`: it had an effect before and has none now; `gained`: the other way round; `changed`: it has
    /// another effect.
    pub kind: String,
    /// The installation.
    #[schema(value_type = Uuid)]
    pub installation_id: Id<Installation>,
    /// Name of its plugin.
    pub plugin: Option<String>,
    /// The coupon it was asked for.
    pub coupon: Option<String>,
    /// The stage, as in a quote.
    pub stage: String,
    /// The candidate's key.
    pub key: Option<String>,
    /// What the plugin calls it.
    pub label: Option<String>,
    /// What became of it; null where it wasn't asked or didn't speak of it.
    pub before: Option<SideBody>,
    /// What would become of it; null where it isn't asked any more or doesn't speak of it.
    pub after: Option<SideBody>,
}

/// What becomes of something under some rules.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = SimulatedEffect)]
pub struct SideBody {
    /// `applied`, `rejected`, `offered`, `taxed`, `objected` or `passed`.
    pub status: String,
    /// What it gives: what it takes off, and what its gift is worth.
    pub given: MoneyBody,
    /// Why it is rejected, as in a quote.
    pub reason: Option<String>,
    /// What becomes of it, in words.
    pub explanation: String,
}

/// Something that stands against an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = SimulatedObjection)]
pub struct ObjectionBody {
    /// Name of the plugin.
    pub plugin: String,
    /// The reason, in words for the shopper.
    pub message: String,
}

/// Why something can't be worked out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = SimulationProblem)]
pub struct ProblemBody {
    /// A stable word for programs.
    pub code: String,
    /// Why, in words.
    pub detail: String,
}

impl ProblemBody {
    pub(super) fn new(code: &str, detail: impl Into<String>) -> Self {
        Self { code: code.to_owned(), detail: detail.into() }
    }
}

/// What was before: a total with its evidence.
#[derive(Clone, Copy)]
pub(super) struct Before<'a> {
    pub(super) total: i64,
    pub(super) verdicts: &'a [Verdict],
    pub(super) rulebook: &'a Rulebook,
}

/// A cart whose price was worked out under some rules.
#[derive(Debug)]
pub(super) struct Walked {
    pub(super) quote: Quote,
    pub(super) calls: Vec<CallReport>,
    /// Why the cart couldn't be ordered at this price.
    pub(super) problem: Option<ProblemBody>,
}

impl Walked {
    /// `method` is the shipping method that the cart has chosen.
    pub(super) fn new(method: Option<&Handle>, quote: Quote, calls: Vec<CallReport>) -> Self {
        let problem = problem(method, &quote, &calls);
        Self { quote, calls, problem }
    }
}

/// Why a cart couldn't be ordered at a price.
fn problem(method: Option<&Handle>, quote: &Quote, calls: &[CallReport]) -> Option<ProblemBody> {
    if quote.provisional {
        return Some(ProblemBody::new("provisional", hindered(calls)));
    }
    if !quote.blocked_by.is_empty() {
        let blocked: Vec<&str> = quote.blocked_by.iter().map(Source::name).collect();
        let detail = format!("{} failed, without which nothing can be ordered", blocked.join(", "));
        return Some(ProblemBody::new("blocked", detail));
    }
    method.filter(|_| quote.shipping.is_none()).map(|method| {
        let detail = format!("the shipping method {method} is not offered");
        ProblemBody::new("shipping_method_not_offered", detail)
    })
}

/// What is counted while a simulation goes on.
#[derive(Debug, Default)]
pub(super) struct Report {
    sums: BTreeMap<Currency, Sums>,
    failed: u64,
    objected: u64,
    installations: BTreeMap<Id<Installation>, Tally>,
}

#[derive(Debug, Default, Clone, Copy)]
struct Sums {
    before: i64,
    after: i64,
    winners: u64,
    saved: i64,
    losers: u64,
    surcharged: i64,
    unchanged: u64,
}

#[derive(Debug, Default)]
struct Tally {
    plugin: String,
    calls: u64,
    applied: [u64; 2],
    given: BTreeMap<Currency, [i64; 2]>,
    failures: BTreeMap<String, u64>,
    fuel: u64,
}

impl Report {
    /// Counts a cart that couldn't be priced, or couldn't have been ordered.
    pub(super) fn fail(
        &mut self,
        before: Option<MoneyBody>,
        problem: ProblemBody,
    ) -> (SimulatedOutcome, OrderResult) {
        self.failed += 1;
        let result = OrderResult { total_before: before, problem: Some(problem), ..OrderResult::default() };
        (SimulatedOutcome::Failed, result)
    }

    /// Counts what components did, whatever came of the cart.
    pub(super) fn count_calls(&mut self, rulebook: &Rulebook, calls: &[CallReport]) {
        for call in calls {
            let id = call.call.installation;
            let tally = self.tally(id, || name(rulebook, id));
            tally.calls += 1;
            tally.fuel = tally.fuel.saturating_add(call.evaluated.evaluation.fuel);
            if let Outcome::Failed(failure) = &call.evaluated.evaluation.outcome {
                *tally.failures.entry(code(failure)).or_default() += 1;
            }
        }
    }

    /// Counts a cart that was priced, and says what differs.
    pub(super) fn compare(
        &mut self,
        before: Before<'_>,
        quote: &Quote,
        rulebook: &Rulebook,
    ) -> (SimulatedOutcome, OrderResult) {
        let (currency, total) = (quote.currency, quote.totals.total);
        let outcome = SimulatedOutcome::of(before.total, total);
        self.sums.entry(currency).or_default().add(before.total, total, outcome);
        self.objected += u64::from(!quote.objections.is_empty());
        for (side, verdicts, rules) in [(0, before.verdicts, before.rulebook), (1, &quote.verdicts, rulebook)]
        {
            for (id, given) in given(verdicts) {
                let tally = self.tally(id, || name(rules, id));
                tally.applied[side] += given.applied;
                let sums = tally.given.entry(currency).or_default();
                sums[side] = sums[side].saturating_add(given.amount);
            }
        }
        let writer = Writer { currency, before: before.rulebook, after: rulebook };
        let all = changes(before.verdicts, &quote.verdicts);
        let money = |amount| Some(MoneyBody::new(amount, currency));
        let result = OrderResult {
            total_before: money(before.total),
            total_after: money(total),
            difference: money(total.saturating_sub(before.total)),
            changes: all.iter().take(MOST_CHANGES).map(|change| writer.change(change)).collect(),
            changes_left_out: all.len().saturating_sub(MOST_CHANGES) as u64,
            objections: quote.objections.iter().map(|objected| writer.objection(objected)).collect(),
            problem: None,
        };
        (outcome, result)
    }

    /// All of it.
    pub(super) fn body(&self, cart: Option<CartResult>) -> ResultBody {
        ResultBody {
            sums: self.sums.iter().map(|(currency, sums)| sums.body(*currency)).collect(),
            failed: self.failed,
            objected: self.objected,
            installations: self.installations.iter().map(|(id, tally)| tally.body(*id)).collect(),
            cart,
        }
    }

    fn tally(&mut self, id: Id<Installation>, plugin: impl FnOnce() -> String) -> &mut Tally {
        self.installations.entry(id).or_insert_with(|| Tally { plugin: plugin(), ..Tally::default() })
    }
}

impl Sums {
    fn add(&mut self, before: i64, after: i64, outcome: SimulatedOutcome) {
        self.before = self.before.saturating_add(before);
        self.after = self.after.saturating_add(after);
        match outcome {
            SimulatedOutcome::Winner => {
                self.winners += 1;
                self.saved = self.saved.saturating_add(before.saturating_sub(after));
            }
            SimulatedOutcome::Loser => {
                self.losers += 1;
                self.surcharged = self.surcharged.saturating_add(after.saturating_sub(before));
            }
            SimulatedOutcome::Unchanged | SimulatedOutcome::Failed => self.unchanged += 1,
        }
    }

    fn body(self, currency: Currency) -> SumBody {
        let money = |amount| MoneyBody::new(amount, currency);
        SumBody {
            orders: self.winners + self.losers + self.unchanged,
            before: money(self.before),
            after: money(self.after),
            difference: money(self.after.saturating_sub(self.before)),
            winners: self.winners,
            saved: money(self.saved),
            losers: self.losers,
            surcharged: money(self.surcharged),
            unchanged: self.unchanged,
        }
    }
}

impl Tally {
    fn body(&self, installation_id: Id<Installation>) -> InstallationTally {
        let given = self.given.iter().map(|(currency, [before, after])| GivenBody {
            before: MoneyBody::new(*before, *currency),
            after: MoneyBody::new(*after, *currency),
        });
        InstallationTally {
            installation_id,
            plugin: self.plugin.clone(),
            calls: self.calls,
            applied_before: self.applied[0],
            applied_after: self.applied[1],
            given: given.collect(),
            failures: self.failures.clone(),
            fuel: self.fuel,
        }
    }
}

/// Writes what differs.
struct Writer<'a> {
    currency: Currency,
    before: &'a Rulebook,
    after: &'a Rulebook,
}

impl Writer<'_> {
    fn change(&self, change: &VerdictChange<'_>) -> ChangeBody {
        let VerdictChange { kind, effect, before, after } = *change;
        let rulebook = if kind == ChangeKind::Gained { self.after } else { self.before };
        let templates = templates(rulebook, effect.source.installation);
        ChangeBody {
            kind: kind.as_str().to_owned(),
            installation_id: effect.source.installation,
            plugin: effect.source.plugin.as_ref().map(|plugin| plugin.name.clone()),
            coupon: effect.source.coupon.as_ref().map(ToString::to_string),
            stage: word(&effect.stage),
            key: effect.key.clone(),
            label: effect.message.as_ref().map(|message| render(message, templates, "en")),
            before: before.map(|verdict| self.side(verdict, self.before)),
            after: after.map(|verdict| self.side(verdict, self.after)),
        }
    }

    fn side(&self, verdict: &Verdict, rulebook: &Rulebook) -> SideBody {
        let (status, given, reason) = match &verdict.decision {
            Decision::Applied(applied) => ("applied", applied.given(), None),
            Decision::Rejected(reason) => ("rejected", 0, Some(reason.code().to_owned())),
            Decision::Offered { .. } => ("offered", 0, None),
            Decision::Taxed { .. } => ("taxed", 0, None),
            Decision::Objected { .. } => ("objected", 0, None),
            Decision::Passed => ("passed", 0, None),
        };
        SideBody {
            status: status.to_owned(),
            given: MoneyBody::new(given, self.currency),
            reason,
            explanation: verdict.explain(templates(rulebook, verdict.source.installation), self.currency),
        }
    }

    fn objection(&self, objected: &Objected) -> ObjectionBody {
        let templates = templates(self.after, objected.source.installation);
        ObjectionBody {
            plugin: objected.source.name().to_owned(),
            message: render(&objected.message, templates, "en"),
        }
    }
}

/// Who kept a price from being worked out on this machine, and how.
fn hindered(calls: &[CallReport]) -> String {
    let hindered = calls.iter().filter_map(|call| match &call.evaluated.evaluation.outcome {
        Outcome::Failed(failure) if !failure.is_deterministic() => {
            Some(format!("a component of installation {}: {}", call.call.installation, code(failure)))
        }
        _ => None,
    });
    let hindered: Vec<String> = hindered.collect();
    format!("this machine couldn't run it just now: {}", hindered.join("; "))
}

fn code(failure: &Failure) -> String {
    Reason::Failed(failure.clone()).code().to_owned()
}

fn name(rulebook: &Rulebook, id: Id<Installation>) -> String {
    rulebook.installation(id).map_or_else(String::new, |installation| installation.plugin.clone())
}

fn templates(rulebook: &Rulebook, id: Id<Installation>) -> &[Template] {
    rulebook.installation(id).map_or(&[], |installation| &installation.templates)
}

/// The word that a case without fields is stored as.
fn word(case: &impl Serialize) -> String {
    match serde_json::to_value(case) {
        Ok(Value::String(word)) => word,
        _ => String::new(),
    }
}
