//! Asks a component about carts, twice each, and looks at what it answers.

use std::collections::BTreeSet;

use martlet_domain::{
    Id, Malformed,
    plugin::{Description, World},
    quote::{Call, Class, Failure, Message, Outcome, Reason, Snapshot, Stage, Standing, unsound},
};
use uuid::Uuid;

use super::{
    FoundMessage, FuelPoint, GateReport, TrialLog, Undecided, advice,
    carts::{self, TrialCart},
    report::Checks,
};
use crate::{Component, Evaluated, Host, runtime::clip};

/// Lines of the carts that fuel is measured on.
const LINES: [usize; 3] = [1, 50, 500];
/// Messages and lines of log that are kept, and bytes of all of the latter.
const MESSAGES: usize = 100;
const LOGS: usize = 100;
const LOG_BYTES: usize = 16 << 10;
/// Unsound candidates of an answer that are named.
const UNSOUND: usize = 5;

/// A question, with what came of it.
struct Asked<'a> {
    cart: &'a TrialCart,
    evaluated: Evaluated,
}

/// Tries a component on all carts, in every stage that it can be asked in.
pub(super) fn run(
    host: &Host,
    component: &Component,
    config: &str,
    report: &mut GateReport,
    checks: &mut Checks,
) -> Result<(), Undecided> {
    let mut carts = Vec::new();
    for stage in stages(component.world(), &report.classes) {
        carts.extend(carts::all(stage)?);
    }
    let ask = |cart: &TrialCart| ask(host, component, config, &cart.snapshot, cart.standing);
    let mut first = Vec::new();
    for cart in &carts {
        first.push(Asked { cart, evaluated: ask(cart)? });
    }
    note(&first, report);
    conformance(&first, component.world(), &report.classes, checks);
    // Between the two askings of a question stand all the others.
    let mut differences = Vec::new();
    for asked in first.iter().filter(|asked| !is_failed(&asked.evaluated)) {
        let again = ask(asked.cart)?;
        differences.extend(difference(&asked.evaluated, &again).map(|what| {
            format!("{} in the {} stage: {what}", asked.cart.name, asked.cart.snapshot.stage.as_str())
        }));
    }
    determinism(&differences, checks);
    let settled: BTreeSet<Stage> = first
        .iter()
        .filter(|asked| is_failed(&asked.evaluated))
        .map(|asked| asked.cart.snapshot.stage)
        .collect();
    for stage in stages(component.world(), &report.classes) {
        // What fails already is not worth the time.
        if !settled.contains(&stage) {
            fuel(host, component, config, stage, report, checks)?;
        }
    }
    if checks.all_passed() {
        let most = report.fuel.iter().map(|point| point.fuel).max().unwrap_or_default();
        checks.passed("fuel", format!("at most {most} for a cart of up to 500 lines"));
    }
    Ok(())
}

/// The stages in which a component is asked.
fn stages(world: World, classes: &[Class]) -> BTreeSet<Stage> {
    match (world.has_classes(), classes) {
        (false, _) => BTreeSet::from([Stage::first_of(world, classes)]),
        // Without a configuration nobody knows: it is asked where most are.
        (true, []) => BTreeSet::from([Stage::Line, Stage::Order]),
        (true, classes) => classes.iter().map(|class| Stage::of(*class)).collect(),
    }
}

fn ask(
    host: &Host,
    component: &Component,
    config: &str,
    snapshot: &Snapshot,
    standing: Standing,
) -> Result<Evaluated, Undecided> {
    let world = component.world();
    let coupon = (world == World::Coupon).then(|| "CONFORMANCE".parse()).transpose();
    let call = Call {
        installation: Id::new(Uuid::from_u128(1)),
        component: component.digest(),
        world,
        config: config.to_owned(),
        coupon: coupon?,
        standing,
    };
    // The component was loaded a moment ago, and is called for its own world.
    let evaluated = host
        .evaluate(&host.prepare(snapshot), &call)
        .map_err(|error| Undecided::Cart(Malformed { what: "call", problem: error.to_string() }))?;
    match evaluated.evaluation.outcome {
        Outcome::Failed(failure @ (Failure::TimedOut | Failure::HostResources)) => {
            Err(Undecided::Host(failure))
        }
        _ => Ok(evaluated),
    }
}

const fn is_failed(evaluated: &Evaluated) -> bool {
    matches!(evaluated.evaluation.outcome, Outcome::Failed(_))
}

/// A check for each cart, over all stages.
fn conformance(asked: &[Asked<'_>], world: World, classes: &[Class], checks: &mut Checks) {
    let mut names: Vec<&str> = Vec::new();
    for asked in asked {
        if !names.contains(&asked.cart.name) {
            names.push(asked.cart.name);
        }
    }
    for name in names {
        let check = format!("conformance/{}", name.replace(' ', "-"));
        let mut answers = 0;
        let mut failed = false;
        for Asked { cart, evaluated } in asked.iter().filter(|asked| asked.cart.name == name) {
            let stage = cart.snapshot.stage.as_str();
            match &evaluated.evaluation.outcome {
                Outcome::Failed(failure) => {
                    failed = true;
                    let found = format!("in the {stage} stage {}", failure.explain());
                    checks.failed_in(&check, found, advice::of_failure(failure), evaluated.backtrace.clone());
                }
                outcome => {
                    answers += outcome.messages().len();
                    let unsound: Vec<String> = unsound(outcome, &cart.snapshot, world, classes)
                        .into_iter()
                        // What it proposes too early or too late is left for the stage it belongs to.
                        .filter(|found| found.reason != Reason::WrongStage)
                        .filter(|found| !classes.is_empty() || found.reason != Reason::ClassNotAllowed)
                        .map(|found| {
                            format!("{}: {}", found.key, found.reason.explain(cart.snapshot.currency))
                        })
                        .collect();
                    if !unsound.is_empty() {
                        failed = true;
                        checks.failed(&check, told(stage, &unsound), advice::UNSOUND);
                    }
                }
            }
        }
        if !failed {
            checks.passed(&check, format!("{answers} candidates and declines, all sound"));
        }
    }
}

fn told(stage: &str, unsound: &[String]) -> String {
    let named = unsound.iter().take(UNSOUND).map(String::as_str).collect::<Vec<_>>().join("; ");
    let more = unsound.len().saturating_sub(UNSOUND);
    let more = if more == 0 { String::new() } else { format!("; and {more} more") };
    format!("in the {stage} stage candidates would be rejected: {named}{more}")
}

/// How two askings of the same question differ.
fn difference(one: &Evaluated, other: &Evaluated) -> Option<String> {
    let (before, after) = (&one.evaluation, &other.evaluation);
    if before.outcome != after.outcome {
        Some("it answers differently when it is asked again".to_owned())
    } else if before.fuel != after.fuel {
        Some(format!("the same question burnt {} fuel and then {}", before.fuel, after.fuel))
    } else if one.logs != other.logs {
        Some("it logs something else when it is asked again".to_owned())
    } else {
        None
    }
}

fn determinism(differences: &[String], checks: &mut Checks) {
    if differences.is_empty() {
        checks.passed("determinism", "every question asked twice, the same answer and fuel".to_owned());
    } else {
        checks.failed("determinism", differences.join("; "), advice::DIFFERS);
    }
}

fn fuel(
    host: &Host,
    component: &Component,
    config: &str,
    stage: Stage,
    report: &mut GateReport,
    checks: &mut Checks,
) -> Result<(), Undecided> {
    for lines in LINES {
        let snapshot = carts::of_lines(stage, lines)?;
        let evaluated = ask(host, component, config, &snapshot, Standing::default())?;
        if let Outcome::Failed(failure) = &evaluated.evaluation.outcome {
            let found = format!("on {lines} lines in the {} stage {}", stage.as_str(), failure.explain());
            checks.failed_in("fuel", found, advice::of_failure(failure), evaluated.backtrace);
            return Ok(());
        }
        report.fuel.push(FuelPoint {
            function: component.world().function().to_owned(),
            stage,
            lines,
            fuel: evaluated.evaluation.fuel,
            limit: host.config().fuel_for_call(lines),
        });
    }
    Ok(())
}

/// Keeps messages and logs.
fn note(asked: &[Asked<'_>], report: &mut GateReport) {
    let mut seen = BTreeSet::new();
    let mut left = LOG_BYTES;
    for Asked { cart, evaluated } in asked {
        for message in evaluated.evaluation.outcome.messages() {
            if report.messages.len() < MESSAGES && seen.insert(message.key.clone()) {
                report.messages.push(found(message, report.description.as_ref()));
            }
        }
        for line in &evaluated.logs {
            if report.logs.len() == LOGS || left == 0 {
                break;
            }
            let message = clip(&line.message, left);
            left -= message.len();
            report.logs.push(TrialLog {
                cart: cart.name.to_owned(),
                stage: cart.snapshot.stage,
                level: line.level.as_str().to_owned(),
                message: message.to_owned(),
            });
        }
    }
}

fn found(message: &Message, description: Option<&Description>) -> FoundMessage {
    let mut templates = description.into_iter().flat_map(|description| &description.templates);
    let template = templates.find(|template| template.key == message.key && template.language == "en");
    FoundMessage { key: message.key.clone(), words: template.map(|template| template.text.clone()) }
}

#[cfg(test)]
mod tests {
    use martlet_domain::quote::{Evaluation, Proposal, Totals};

    use super::*;
    use crate::{LogLevel, LogLine};

    fn evaluated(outcome: Outcome, fuel: u64, logs: &[&str]) -> Evaluated {
        let line = |message: &&str| LogLine { level: LogLevel::Info, message: (*message).to_owned() };
        Evaluated {
            evaluation: Evaluation { outcome, fuel },
            backtrace: None,
            duration: std::time::Duration::ZERO,
            logs: logs.iter().map(line).collect(),
        }
    }

    fn nothing() -> Outcome {
        Outcome::Proposed(Proposal::default())
    }

    #[test]
    fn whatever_differs_between_two_askings_is_told() {
        let first = evaluated(nothing(), 100, &["a"]);
        assert_eq!(difference(&first, &first.clone()), None);
        let other = evaluated(Outcome::Failed(Failure::OutOfFuel), 100, &["a"]);
        assert!(difference(&first, &other).unwrap().contains("answers differently"));
        let dearer = evaluated(nothing(), 101, &["a"]);
        assert_eq!(difference(&first, &dearer).unwrap(), "the same question burnt 100 fuel and then 101");
        assert!(difference(&first, &evaluated(nothing(), 100, &[])).unwrap().contains("logs something else"));
    }

    #[test]
    fn a_difference_fails_the_check() {
        let mut checks = Checks::default();
        determinism(&[], &mut checks);
        assert!(checks.all_passed());
        determinism(&["one line in the order stage: it answers differently".to_owned()], &mut checks);
        let check = checks.into_checks().remove(1);
        assert!(!check.passed && check.advice.is_some(), "{check:?}");
    }

    #[test]
    fn a_component_is_asked_in_the_stages_of_its_classes() {
        assert_eq!(stages(World::Pricing, &[]), BTreeSet::from([Stage::Pricing]));
        let classes = [Class::Gift, Class::Order, Class::Total];
        assert_eq!(stages(World::Coupon, &classes), BTreeSet::from([Stage::Order, Stage::Total]));
        assert_eq!(stages(World::Promotion, &[]), BTreeSet::from([Stage::Line, Stage::Order]));
    }

    #[test]
    fn every_cart_is_one_that_the_engine_could_ask_about() {
        for stage in Stage::ALL {
            let carts = carts::all(stage).unwrap();
            let names: Vec<&str> = carts.iter().map(|cart| cart.name).collect();
            assert_eq!(names, ["empty", "one line", "huge", "adversarial", "unicode", "zero price"]);
            for cart in carts {
                let snapshot = &cart.snapshot;
                let mut left = snapshot.shipping.as_ref().map_or(0, |shipping| shipping.left);
                for line in &snapshot.lines {
                    assert_eq!(line.units.iter().map(|run| run.count).sum::<u32>(), line.quantity);
                    left += line.units.iter().map(|run| i64::from(run.count) * run.left).sum::<i64>();
                }
                let totals = snapshot.checkout.as_ref().map(|checkout| checkout.totals);
                assert_eq!(totals.is_some(), stage == Stage::CheckoutValidation);
                let sums = |it: Totals| {
                    it.goods_subtotal - it.goods_discount + it.shipping_subtotal - it.shipping_discount
                };
                assert!(totals.is_none_or(|totals| totals.total == left && sums(totals) == left), "{left}");
                assert_eq!(snapshot.currency.decimals() == 3, cart.name == "adversarial");
            }
            let lines = LINES.map(|lines| carts::of_lines(stage, lines).unwrap().lines.len());
            assert_eq!(lines, LINES);
        }
    }
}
