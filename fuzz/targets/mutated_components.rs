//! Components that work, with something changed. What still loads is asked about carts, and there is an
//! answer or a failure with a name, within the limits; the gate says no or yes to all.

#![no_main]

use std::sync::{LazyLock, Mutex};

use libfuzzer_sys::{Corpus, fuzz_mutator, fuzz_target};
use martlet_domain::{
    Digest, Id,
    plugin::World,
    quote::{Call, Class, Failure, Outcome, Stage, Standing, unsound},
};
use martlet_fuzz::{Tally, cart, check_report, host, mutate};
use martlet_plugin_host::{Component, ComponentError, Evaluated, Host, LoadError, Undecided};
use uuid::Uuid;

static HOST: LazyLock<Host> = LazyLock::new(host);
static TALLY: Mutex<Tally> = Mutex::new(Tally::new());

/// Lines of the carts that mutants are asked about.
const LINES: [u32; 2] = [0, 2];

fuzz_target!(|bytes: &[u8]| -> Corpus {
    let mut tally = TALLY.lock().expect("nobody panics holding it");
    tally.input();
    // The gate asks about hundreds of lines: it is the other target's part, and here that of some.
    if Digest::of(bytes).as_bytes()[0] < 16 {
        examine(bytes, &mut tally);
    }
    match HOST.load(bytes) {
        Ok(component) => {
            tally.note("loaded");
            ask(&component, &mut tally);
            HOST.unload(&component.digest());
            Corpus::Keep
        }
        Err(LoadError::DoesNotStart(Failure::HostResources)) => panic!("there is room for an instance"),
        Err(LoadError::DoesNotStart(_)) => {
            tally.note("does not start");
            Corpus::Keep
        }
        // What is refused has no mutants that load.
        Err(error) => {
            assert!(!error.to_string().is_empty());
            Corpus::Reject
        }
    }
});

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    mutate(data, size, max_size, seed)
});

fn examine(bytes: &[u8], tally: &mut Tally) {
    match HOST.examine(bytes, &mut |_| {}) {
        Ok(report) => {
            check_report(&report);
            if report.tried_with.is_some() {
                tally.note(if report.passed() { "gate passed" } else { "gate tried" });
            }
        }
        Err(Undecided::Host(Failure::TimedOut)) => {}
        Err(undecided) => panic!("{undecided:?}"),
    }
}

/// Everything that a component is asked.
fn ask(component: &Component, tally: &mut Tally) {
    match component.describe() {
        Ok(_) => tally.note("described"),
        Err(error) => check_error(&error),
    }
    let classes = match component.validate_config(r#"{"a":1}"#) {
        Ok(classes) => classes,
        Err(error) => {
            check_error(&error);
            vec![Class::Order]
        }
    };
    for lines in LINES {
        evaluate(component, &classes, lines, tally);
    }
}

fn evaluate(component: &Component, classes: &[Class], lines: u32, tally: &mut Tally) {
    let world = component.world();
    let stage = Stage::first_of(world, classes);
    let snapshot = cart(stage, lines).expect("the carts are well-formed");
    let prepared = HOST.prepare(&snapshot);
    let call = Call {
        installation: Id::new(Uuid::from_u128(7)),
        component: component.digest(),
        world,
        config: r#"{"a":1}"#.to_owned(),
        coupon: (world == World::Coupon).then(|| "SUMMER10".parse().expect("a code")),
        standing: Standing::default(),
    };
    let evaluated = HOST.evaluate(&prepared, &call).expect("the call is made");
    check_limits(&evaluated, snapshot.lines.len());
    tally.note(match &evaluated.evaluation.outcome {
        Outcome::Failed(failure) => named(failure),
        outcome if !unsound(outcome, &snapshot, world, classes).is_empty() => "unsound",
        outcome if outcome.messages().is_empty() => "silent",
        _ => "answered",
    });
    if let Outcome::Failed(Failure::TimedOut | Failure::StackOverflow) = evaluated.evaluation.outcome {
        return;
    }
    assert_eq!(HOST.evaluate(&prepared, &call).expect("the call is made"), evaluated, "asked again");
}

/// What a call burnt, logged and answered is within the host's limits.
fn check_limits(evaluated: &Evaluated, lines: usize) {
    let limits = HOST.config();
    assert!(evaluated.evaluation.fuel <= limits.fuel_for_call(lines), "{evaluated:?}");
    // The last line says that others were cut.
    assert!(evaluated.logs.len() <= limits.log_lines + 1, "{} lines of log", evaluated.logs.len());
    let logged: usize = evaluated.logs.iter().map(|line| line.message.len()).sum();
    assert!(logged <= limits.log_bytes + limits.message_bytes, "{logged} bytes of log");
    // As many declined as proposed.
    let answered = evaluated.evaluation.outcome.messages().len();
    assert!(answered <= 2 * (limits.max_candidates + lines), "{answered} things in an answer");
}

fn check_error(error: &ComponentError) {
    if let ComponentError::Failed { failure, .. } = error {
        named(failure);
    }
    assert!(!error.to_string().is_empty());
}

/// Its name; what lacks room is none, for there is some.
fn named(failure: &Failure) -> &'static str {
    match failure {
        Failure::Trapped(_) => "trapped",
        Failure::OutOfFuel => "out of fuel",
        Failure::InvalidOutput(_) => "invalid output",
        Failure::TimedOut => "timed out",
        Failure::StackOverflow => "stack overflow",
        Failure::HostResources => panic!("there is room for a call"),
    }
}
