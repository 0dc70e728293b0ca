//! A guest that means harm, as a toolchain would make it: `tests/hostile`.

use std::sync::LazyLock;

use martlet_domain::quote::{Class, Failure, Outcome, Proposal, Value};
use martlet_plugin_host::{Evaluated, Host};

use crate::support::*;

/// One for all tests, so that each plugin is compiled once.
static HOST: LazyLock<Host> = LazyLock::new(host);

/// What a mode comes to, asked twice, with a good plugin asked in between.
fn hostile(mode: &str) -> Evaluated {
    let host = &*HOST;
    let (bytes, config) = (built("hostile"), format!(r#"{{"mode":"{mode}"}}"#));
    let first = ask_about(host, &bytes, &cart(3), &config);
    a_good_plugin_works(host);
    let second = ask_about(host, &bytes, &cart(3), &config);
    assert_eq!(first, second, "{mode} differs from one call to the next");
    first
}

fn a_good_plugin_works(host: &Host) {
    let good = ask_about(host, &built("percentage-off"), &cart(3), PERCENTAGE_OFF);
    let Outcome::Proposed(proposal) = good.evaluation.outcome else { panic!("{:?}", good.evaluation) };
    assert_eq!(proposal.candidates.len(), 1);
}

fn failure(mode: &str) -> Failure {
    match hostile(mode).evaluation.outcome {
        Outcome::Failed(failure) => failure,
        answer => panic!("{mode} answered {answer:?}"),
    }
}

fn answer(mode: &str) -> Proposal {
    match hostile(mode).evaluation.outcome {
        Outcome::Proposed(proposal) => proposal,
        other => panic!("{mode}: {other:?}"),
    }
}

fn trapped(words: &str) -> Failure {
    Failure::Trapped(words.to_owned())
}

#[test]
fn a_loop_runs_out_of_fuel() {
    let evaluated = hostile("loop");
    assert_eq!(evaluated.evaluation.outcome, failed(Failure::OutOfFuel));
    assert_eq!(evaluated.evaluation.fuel, 51_500_000);
}

#[test]
fn a_trap_is_told_with_its_backtrace() {
    let evaluated = hostile("trap");
    let words = "wasm `unreachable` instruction executed";
    assert_eq!(evaluated.evaluation.outcome, failed(trapped(words)));
    let backtrace = evaluated.backtrace.expect("a backtrace");
    assert!(backtrace.lines().count() > 1 && backtrace.contains("hostile::Hostile"), "{backtrace}");
}

#[test]
fn endless_recursion_ends() {
    // Rust keeps a stack of its own at the start of memory, which is full first.
    assert_eq!(failure("recurse"), trapped("out of bounds memory access"));
}

#[test]
fn eating_memory_ends_at_the_limit() {
    assert_eq!(failure("memory"), trapped("memory grew past its limit of 16777216 bytes"));
}

#[test]
fn a_flood_of_log_is_cut_and_changes_nothing() {
    let evaluated = hostile("logs");
    assert!(matches!(evaluated.evaluation.outcome, Outcome::Proposed(_)));
    let (note, kept) = evaluated.logs.split_last().expect("some lines");
    assert!(kept.len() <= 1_000 && kept.iter().map(|line| line.message.len()).sum::<usize>() <= 64 << 10);
    assert!(note.message.starts_with("the log was cut"), "{}", note.message);
}

#[test]
fn too_many_candidates_are_no_answer() {
    assert!(matches!(failure("candidates"), Failure::InvalidOutput(_)));
}

#[test]
fn a_huge_answer_is_none() {
    // The guest copies its text of 8 MiB, so that memory ends first. One that fits into memory and
    // not into an answer stands in `answers.rs`.
    assert_eq!(failure("output"), trapped("memory grew past its limit of 16777216 bytes"));
}

#[test]
fn a_key_of_another_form_is_no_answer() {
    let Failure::InvalidOutput(problem) = failure("bad-key") else { panic!("another failure") };
    assert!(problem.starts_with("a candidate has the key"), "{problem}");
}

/// What can be expressed is passed on: the domain says what is wrong, candidate by candidate.
#[test]
fn nonsense_is_passed_on_for_the_domain_to_judge() {
    for mode in ["positions", "above-line", "negative", "overflow", "duplicate-keys", "wrong-class"] {
        assert!(!answer(mode).candidates.is_empty(), "{mode}");
    }
    let negative = answer("negative").candidates;
    let amount = |value: &Value| match value {
        Value::Each(amount) | Value::Across(amount) | Value::Once(amount) | Value::UnitPrice(amount) => {
            *amount
        }
        _ => 0,
    };
    assert!(negative.iter().any(|candidate| amount(&candidate.value) < 0));
    let duplicates = answer("duplicate-keys").candidates;
    assert_eq!(duplicates[0].key, duplicates[1].key);
    assert!(answer("wrong-class").candidates.iter().any(|candidate| candidate.class != Class::Line));
}

#[test]
fn silence_is_an_answer() {
    assert_eq!(answer("silent"), Proposal::default());
}
