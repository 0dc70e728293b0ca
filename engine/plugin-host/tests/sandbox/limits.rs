//! Each limit: what happens at it, the same way every time, and that the next call works.

use std::{thread, time::Duration};

use martlet_domain::quote::Failure;
use martlet_plugin_host::{Host, HostConfig, LoadError, LogLevel};

use crate::support::*;

/// Asks twice, checks that both answers are the same to the last unit of fuel, and that a good
/// component still works.
fn fails_alike(bytes: &[u8], failure: &Failure) {
    let host = host();
    let (first, second) = (ask(&host, bytes), ask(&host, bytes));
    assert_eq!(first.evaluation.outcome, failed(failure.clone()));
    assert_eq!(first, second);
    assert!(failure.is_deterministic());
    assert_eq!(ask(&host, &quiet()).evaluation.outcome, nothing());
}

#[test]
fn a_loop_runs_out_of_fuel() {
    fails_alike(&endless(), &Failure::OutOfFuel);
}

#[test]
fn fuel_grows_with_the_lines() {
    let host = host();
    for lines in [0, 1, 20] {
        let evaluated = ask_about(&host, &endless(), &cart(lines), "{}");
        assert_eq!(evaluated.evaluation.fuel, 50_000_000 + 500_000 * lines as u64);
    }
}

#[test]
fn a_quote_that_has_burnt_its_fuel_leaves_less_for_a_call() {
    let host = host();
    let component = host.load(&endless()).expect("it loads");
    let evaluated = host
        .evaluate_within(&host.prepare(&cart(1)), &call(&component, "{}"), 1_000)
        .expect("the call is made");
    assert_eq!(evaluated.evaluation.outcome, failed(Failure::OutOfFuel));
    assert_eq!(evaluated.evaluation.fuel, 1_000);
    assert_eq!(host.config().fuel_for_quote(1), 505_000_000);
}

#[test]
fn a_trap_is_told_in_the_words_of_the_specification() {
    let trap = |body, words: &str| fails_alike(&promotion(body), &Failure::Trapped(words.to_owned()));
    trap("(unreachable)", "wasm `unreachable` instruction executed");
    trap("(i32.div_u (i32.const 1) (i32.const 0))", "integer divide by zero");
    trap("(i32.load (i32.const -8))", "out of bounds memory access");
    trap(
        "(call_indirect $table (result i32) (i32.const 5))",
        "undefined element: out of bounds table access",
    );
}

#[test]
fn a_backtrace_names_the_functions() {
    let inner = "(func $inner unreachable) (func $outer call $inner)";
    let evaluated = ask(&host(), &promotion_with("8", inner, "(call $outer) (i32.const 16)"));
    let backtrace = evaluated.backtrace.expect("a backtrace");
    let frames: Vec<&str> = backtrace.lines().collect();
    assert_eq!(frames.len(), 3, "{backtrace}");
    assert!(frames[0].ends_with("!inner") && frames[1].ends_with("!outer"), "{backtrace}");
}

#[test]
fn endless_recursion_overflows_the_stack_which_depends_on_the_host() {
    let host = host();
    let evaluated =
        ask(&host, &promotion_with("8", "(func $deep call $deep)", "(call $deep) (i32.const 16)"));
    assert_eq!(evaluated.evaluation.outcome, failed(Failure::StackOverflow));
    assert!(!Failure::StackOverflow.is_deterministic());
    assert_eq!(ask(&host, &quiet()).evaluation.outcome, nothing());
}

const GROW: &str = "(loop $more
    (br_if $more (i32.ne (memory.grow (i32.const 1)) (i32.const -1))))
    (i32.const 16)";

#[test]
fn memory_past_its_limit_traps() {
    let words = "memory grew past its limit of 16777216 bytes".to_owned();
    fails_alike(&promotion(GROW), &Failure::Trapped(words));
}

#[test]
fn memory_past_its_own_maximum_only_fails_to_grow() {
    assert_eq!(ask(&host(), &promotion_with("8 20", "", GROW)).evaluation.outcome, nothing());
}

#[test]
fn growth_of_memory_costs_fuel() {
    let fuel = |pages: &str| {
        let body = format!("(drop (memory.grow (i32.const {pages}))) (i32.const 16)");
        ask(&host(), &promotion(&body)).evaluation.fuel
    };
    assert_eq!(fuel("100") - fuel("0"), 255 * 100);
}

#[test]
fn more_memory_than_there_may_be_is_refused_at_once() {
    let refused = host().load(&promotion_with("257", "", "(i32.const 16)")).expect_err("it is refused");
    let words = "memory grew past its limit of 16777216 bytes".to_owned();
    assert_eq!(refused, LoadError::DoesNotStart(Failure::Trapped(words)));
}

#[test]
fn tables_past_their_limit_trap() {
    let body =
        "(loop $more (drop (table.grow $table (ref.null func) (i32.const 1000))) (br $more)) (unreachable)";
    let words = "tables grew past their limit of 65536 elements".to_owned();
    fails_alike(&promotion(body), &Failure::Trapped(words));
}

#[test]
fn a_component_that_does_not_fit_the_pool_runs_all_the_same() {
    let tables: String = (0..12).map(|index| format!("(table $t{index} 10 funcref)")).collect();
    let host = host();
    assert_eq!(ask(&host, &promotion_with("8", &tables, "(i32.const 16)")).evaluation.outcome, nothing());
    let grow = ask(&host, &promotion_with("8", &tables, GROW)).evaluation.outcome;
    let words = "memory grew past its limit of 16777216 bytes".to_owned();
    assert_eq!(grow, failed(Failure::Trapped(words)));
}

/// Logs so many bytes so many times.
fn logging(bytes: usize, times: usize) -> Vec<u8> {
    promotion(&format!(
        "(memory.fill (i32.const 1024) (i32.const 97) (i32.const {bytes}))
        (loop $more
            (call $log (i32.const 1) (i32.const 1024) (i32.const {bytes}))
            (br_if $more (i32.lt_u
                (local.tee $i (i32.add (local.get $i) (i32.const 1)))
                (i32.const {times}))))
        (i32.const 16)"
    ))
}

#[test]
fn a_short_log_is_kept_whole() {
    let logs = ask(&host(), &logging(5, 3)).logs;
    assert_eq!(logs.len(), 3);
    assert!(logs.iter().all(|line| line.level == LogLevel::Info && line.message == "aaaaa"));
}

#[test]
fn a_long_log_is_cut_and_says_so() {
    let evaluated = ask(&host(), &logging(1_000, 3_000));
    assert_eq!(evaluated.evaluation.outcome, nothing());
    let (note, kept) = evaluated.logs.split_last().expect("some lines");
    assert_eq!(kept.iter().map(|line| line.message.len()).sum::<usize>(), 64 << 10);
    assert_eq!(note.level, LogLevel::Warn);
    assert!(note.message.starts_with("the log was cut"), "{}", note.message);
}

#[test]
fn a_long_line_is_cut_and_says_so() {
    let logs = ask(&host(), &logging(5_000, 1)).logs;
    assert_eq!(logs.len(), 2);
    assert_eq!(logs[0].message.len(), 4 << 10);
}

#[test]
fn empty_lines_are_counted_too() {
    assert_eq!(ask(&host(), &logging(0, 10_000)).logs.len(), 1_000 + 1);
}

#[test]
fn a_huge_line_is_cut_and_fails_nothing() {
    let evaluated = ask(&host(), &logging(500_000, 1));
    assert_eq!(evaluated.evaluation.outcome, nothing());
    assert_eq!(evaluated.logs.len(), 2);
}

#[test]
fn logging_costs_fuel() {
    fails_alike(&logging(10_000, 1_000_000), &Failure::OutOfFuel);
    let fuel = |times| ask(&host(), &logging(100, times)).evaluation.fuel;
    assert_eq!(fuel(11) - fuel(10), fuel(2) - fuel(1));
    assert!(fuel(2) - fuel(1) > 1_100);
}

#[test]
fn a_log_can_not_forge_lines() {
    let data = r#"(data (i32.const 1024) "one\0atwo\1b[31m \e2\80\aebad")"#;
    let body = "(call $log (i32.const 3) (i32.const 1024) (i32.const 19)) (i32.const 16)";
    let logs = ask(&host(), &promotion_with("8", data, body)).logs;
    assert_eq!(logs.len(), 1);
    assert_eq!(logs[0].level, LogLevel::Error);
    assert_eq!(logs[0].message, r"one\ntwo\u{1b}[31m \u{202e}bad");
}

#[test]
fn a_call_past_its_deadline_is_given_up() {
    let config = HostConfig {
        fuel_per_call: u64::MAX / 2,
        call_timeout: Duration::from_millis(30),
        ..HostConfig::default()
    };
    let host = Host::new(config).expect("the host starts");
    assert_eq!(ask(&host, &endless()).evaluation.outcome, failed(Failure::TimedOut));
    assert!(!Failure::TimedOut.is_deterministic());
    assert_eq!(ask(&host, &quiet()).evaluation.outcome, nothing());
}

#[test]
fn a_call_without_a_free_slot_gets_none() {
    let config = HostConfig {
        fuel_per_call: u64::MAX / 2,
        call_timeout: Duration::from_millis(300),
        slots: 1,
        ..HostConfig::default()
    };
    let host = Host::new(config).expect("the host starts");
    let (quiet, endless) = (quiet(), endless());
    assert_eq!(ask(&host, &quiet).evaluation.outcome, nothing());
    host.load(&endless).expect("it loads");
    let no_slot = failed(Failure::HostResources);
    let (met, ended) = thread::scope(|scope| {
        // Whoever comes second gets none, so this one may have to try again.
        let busy = scope.spawn(|| {
            std::iter::repeat_with(|| ask(&host, &endless).evaluation.outcome)
                .find(|outcome| *outcome != no_slot)
        });
        let mut met = false;
        while !busy.is_finished() {
            met |= ask(&host, &quiet).evaluation.outcome == no_slot;
        }
        (met, busy.join().expect("it ends"))
    });
    assert_eq!(ended, Some(failed(Failure::TimedOut)));
    assert!(met, "a second call found a slot although there is one");
    assert_eq!(ask(&host, &quiet).evaluation.outcome, nothing());
}

#[test]
fn without_a_pool_the_limits_are_the_same() {
    let slots = HostConfig { slots: 60_000, ..HostConfig::default() };
    let host = Host::new(slots).expect("the host starts without its pool");
    assert_eq!(ask(&host, &quiet()).evaluation.outcome, nothing());
    let words = "memory grew past its limit of 16777216 bytes".to_owned();
    assert_eq!(ask(&host, &promotion(GROW)).evaluation.outcome, failed(Failure::Trapped(words)));
    assert_eq!(ask(&host, &endless()).evaluation.outcome, failed(Failure::OutOfFuel));
}
