//! Hostile calls leave nothing behind. A process of its own, so that nothing else moves its memory.

#[path = "sandbox/support.rs"]
mod support;

use martlet_domain::quote::{Failure, Outcome};
use martlet_plugin_host::{Host, HostConfig};

use support::*;

const CALLS: usize = 1_000;

/// Resident memory of this process, in KiB.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux says what is resident");
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("it has the line");
    line.split_ascii_whitespace().nth(1).expect("a number").parse().expect("a number")
}

#[test]
fn resident_memory_stays_after_thousands_of_hostile_calls() {
    // A loop costs little here: what matters is what a call leaves, not how long it takes.
    let config = HostConfig { fuel_per_call: 300_000, fuel_per_line: 0, ..HostConfig::default() };
    let host = Host::new(config).expect("the host starts");
    let grow =
        "(loop $more (br_if $more (i32.ne (memory.grow (i32.const 16)) (i32.const -1)))) (i32.const 16)";
    let log =
        "(loop $more (call $log (i32.const 2) (i32.const 0) (i32.const 60000)) (br $more)) (unreachable)";
    let answer = "(i32.store (i32.const 1032) (i32.const 2048)) (i32.store (i32.const 1036) (i32.const 5000)) (i32.const 1024)";
    let hostile = [
        endless(),
        promotion("(unreachable)"),
        promotion_with("8", "(func $deep call $deep)", "(call $deep) (i32.const 16)"),
        promotion(grow),
        promotion(log),
        promotion(answer),
    ];
    let components: Vec<_> = hostile.iter().map(|bytes| host.load(bytes).expect("it loads")).collect();
    let good = host.load(&quiet()).expect("it loads");
    let prepared = host.prepare(&cart(3));
    let mut seen = Vec::new();
    let mut thousand = || {
        for index in 0..CALLS {
            let component = &components[index % components.len()];
            let evaluated = host.evaluate(&prepared, &call(component, "{}")).expect("the call is made");
            let Outcome::Failed(failure) = evaluated.evaluation.outcome else { panic!("it answered") };
            if seen.len() < components.len() {
                seen.push(failure);
            }
            let evaluated = host.evaluate(&prepared, &call(&good, "{}")).expect("the call is made");
            assert_eq!(evaluated.evaluation.outcome, nothing());
        }
        resident()
    };
    let (first, second) = (thousand(), thousand());
    assert!(second * 100 <= first * 105, "{first} KiB after the first thousand, {second} after the second");
    assert!(matches!(
        seen[..],
        [
            Failure::OutOfFuel,
            Failure::Trapped(_),
            Failure::StackOverflow,
            Failure::Trapped(_),
            Failure::OutOfFuel,
            Failure::InvalidOutput(_),
        ]
    ));
}
