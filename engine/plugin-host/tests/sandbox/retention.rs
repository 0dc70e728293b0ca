//! Components that are no longer needed leave memory; those that are don't.

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use crate::support::*;

fn numbered(number: u32) -> Vec<u8> {
    promotion_with("8", &format!("(func (result i32) (i32.const {number}))"), "(i32.const 16)")
}

#[test]
fn what_nobody_wants_asks_for_or_holds_is_forgotten() {
    let host = host();
    let load = |number| host.load(&numbered(number)).expect("it loads");
    let (wanted, held) = (load(1).digest(), load(2));
    let (asked, idle) = (load(3).digest(), load(4));
    let watched = Arc::downgrade(&idle);
    let idle = { idle }.digest();
    let all = [wanted, held.digest(), asked, idle];
    let there = || all.map(|digest| host.find(&digest).is_some());
    let retain = || host.retain(&BTreeSet::from([wanted]), 2);
    assert_eq!((retain(), retain()), (0, 0));
    assert!(host.find(&asked).is_some());
    assert_eq!(retain(), 1);
    assert!(watched.upgrade().is_none(), "its code is given back");
    assert_eq!(there(), [true, true, true, false]);

    // What is wanted is not for its having been asked for just now.
    assert_eq!([retain(), retain(), retain()], [0, 0, 1]);
    assert_eq!(there(), [true, true, false, false]);
    // Nobody loses what they hold, by whatever name they ask.
    let prepared = host.prepare(&cart(1));
    [retain(), retain(), retain()].iter().for_each(|forgotten| assert_eq!(*forgotten, 0));
    assert_eq!(host.evaluate(&prepared, &call(&held, "{}")).expect("a call").evaluation.outcome, nothing());
    drop(held);
    assert_eq!([retain(), retain(), retain()], [0, 0, 1]);
    assert_eq!(there(), [true, false, false, false]);
    assert_eq!(load(4).digest(), idle, "it is only a matter of loading it again");
}

#[test]
fn whoever_holds_what_they_loaded_finds_it_whatever_is_forgotten_meanwhile() {
    let host = host();
    let bytes = numbered(1);
    let prepared = host.prepare(&cart(1));
    let forgotten = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        let asking = scope.spawn(|| {
            while forgotten.load(Ordering::SeqCst) < 20 {
                let held = host.load(&bytes).expect("it loads");
                host.evaluate(&prepared, &call(&held, "{}")).expect("it is found");
            }
        });
        while !asking.is_finished() {
            forgotten.fetch_add(host.retain(&BTreeSet::new(), 0), Ordering::SeqCst);
        }
    });
}
