//! A line on a clock that stands still while anything is done, with walks that only take time.

use std::sync::{Arc, Mutex};

use tokio::{
    task::JoinHandle,
    time::{sleep, timeout},
};
use uuid::Uuid;

use super::*;

const MILLI: Duration = Duration::from_millis(1);
/// What a walk takes here.
const WALK: Duration = Duration::from_millis(100);

/// 1,000 fuel a second on so many cores.
fn turns_on(cores: usize) -> Turns {
    Turns::new(TurnRules { cores, fuel_per_second: 1_000, waiting_per_store: 100 }).expect("metrics")
}

fn store(number: u128) -> Id<Store> {
    Id::new(Uuid::from_u128(number))
}

/// Who ended their walks when, in milliseconds.
#[derive(Clone)]
struct Log {
    began: Instant,
    ends: Arc<Mutex<Vec<(u128, u128)>>>,
}

impl Log {
    fn new() -> Self {
        Self { began: Instant::now(), ends: Arc::default() }
    }

    /// Walks for a store, once, and burns fuel.
    fn walk(&self, turns: &Turns, number: u128, urgency: Urgency, fuel: u64) -> JoinHandle<()> {
        let (log, turns) = (self.clone(), turns.clone());
        tokio::spawn(async move {
            let mut turn = turns.take(store(number), urgency).await.expect("a turn");
            sleep(WALK).await;
            log.ends.lock().expect("a log").push((number, log.began.elapsed().as_millis()));
            turn.charge(fuel);
        })
    }

    /// So many walks, asked for in their order.
    async fn walks(&self, turns: &Turns, number: u128, count: usize, fuel: u64) -> Vec<JoinHandle<()>> {
        let mut walks = Vec::new();
        for _ in 0..count {
            walks.push(self.walk(turns, number, Urgency::Foreground, fuel));
            asked().await;
        }
        walks
    }

    fn ends(&self) -> Vec<(u128, u128)> {
        self.ends.lock().expect("a log").clone()
    }

    fn order(&self) -> Vec<u128> {
        self.ends().into_iter().map(|(number, _)| number).collect()
    }
}

/// Lets those ask that were spawned.
async fn asked() {
    for _ in 0..3 {
        tokio::task::yield_now().await;
    }
}

async fn all(walks: Vec<JoinHandle<()>>) {
    for walk in walks {
        walk.await.expect("a walk");
    }
}

fn counts(turns: &Turns) -> (i64, i64, u64) {
    (turns.shared.waiting.get(), turns.shared.running.get(), turns.shared.refused.get())
}

#[tokio::test(start_paused = true)]
async fn a_noisy_store_does_not_keep_a_quiet_one_waiting_while_there_is_another_core() {
    let (turns, log) = (turns_on(2), Log::new());
    let noisy = log.walks(&turns, 1, 100, 0).await;
    assert_eq!(counts(&turns), (99, 1, 0));
    for _ in 0..3 {
        log.walk(&turns, 2, Urgency::Foreground, 0).await.expect("a walk");
    }
    let ends = log.ends();
    let quiet: Vec<u128> = ends.iter().filter(|end| end.0 == 2).map(|end| end.1).collect();
    assert_eq!(quiet, [100, 200, 300]);
    all(noisy).await;
    assert_eq!(log.ends().last(), Some(&(1, 10_000)), "one at a time");
    assert_eq!(counts(&turns), (0, 0, 0));
}

#[tokio::test(start_paused = true)]
async fn on_one_core_a_quiet_store_waits_for_one_walk() {
    let (turns, log) = (turns_on(1), Log::new());
    let noisy = log.walks(&turns, 1, 50, 0).await;
    sleep(WALK / 2).await;
    for _ in 0..3 {
        log.walk(&turns, 2, Urgency::Foreground, 0).await.expect("a walk");
    }
    assert_eq!(log.order(), [1, 2, 1, 2, 1, 2]);
    all(noisy).await;
}

#[tokio::test(start_paused = true)]
async fn a_store_leaves_a_core_to_the_others_and_a_core_that_is_free_is_used() {
    let (turns, log) = (turns_on(4), Log::new());
    let first = log.walks(&turns, 1, 9, 0).await;
    assert_eq!(counts(&turns), (6, 3, 0));
    let second = log.walks(&turns, 2, 9, 0).await;
    assert_eq!(counts(&turns), (14, 4, 0));
    all(first).await;
    all(second).await;
}

#[tokio::test(start_paused = true)]
async fn stores_that_wait_take_turns() {
    let (turns, log) = (turns_on(1), Log::new());
    let mut walks = Vec::new();
    for (number, count) in [(1, 4), (2, 2), (3, 3)] {
        walks.extend(log.walks(&turns, number, count, 0).await);
    }
    all(walks).await;
    assert_eq!(log.order(), [1, 2, 3, 1, 2, 3, 1, 3, 1]);
}

#[tokio::test(start_paused = true)]
async fn debt_makes_its_own_store_wait_and_no_other() {
    let (turns, log) = (turns_on(1), Log::new());
    // Four seconds' worth are at hand: five of 1,000 leave none, and the walks took half a second.
    let noisy = log.walks(&turns, 1, 8, 1_000).await;
    sleep(6 * WALK - MILLI).await;
    for _ in 0..4 {
        log.walk(&turns, 2, Urgency::Foreground, 0).await.expect("a walk");
    }
    all(noisy).await;
    let [noisy, quiet] = [1, 2]
        .map(|store| log.ends().iter().filter(|end| end.0 == store).map(|end| end.1).collect::<Vec<_>>());
    // The first walk's end counts from -3.9 s on: after the fifth all is paid for at 1.1 s.
    assert_eq!(noisy, [100, 200, 300, 400, 500, 1_200, 2_200, 3_200]);
    assert_eq!(quiet, [699, 799, 899, 999]);
}

#[tokio::test(start_paused = true)]
async fn what_is_not_burnt_is_kept_for_four_seconds_and_no_longer() {
    let (turns, log) = (turns_on(2), Log::new());
    log.walk(&turns, 1, Urgency::Foreground, 4_000).await.expect("a walk");
    sleep(Duration::from_secs(1_000)).await;
    let log = Log { began: Instant::now(), ..log };
    all(log.walks(&turns, 1, 3, 4_000).await).await;
    // Of 8,000 by 200 ms, 4,000 were at hand at 100 ms.
    let ends: Vec<u128> = log.ends()[1..].iter().map(|end| end.1).collect();
    assert_eq!(ends, [100, 200, 4_200]);
}

#[tokio::test(start_paused = true)]
async fn a_store_may_have_so_many_waiting_and_no_more() {
    let (turns, log) = (turns_on(2), Log::new());
    let walks = log.walks(&turns, 1, 101, 0).await;
    assert!(matches!(turns.take(store(1), Urgency::Foreground).await, Err(Error::Busy)));
    assert_eq!(counts(&turns), (100, 1, 1));
    drop(turns.take(store(2), Urgency::Foreground).await.expect("another store's turn"));
    sleep(WALK + MILLI).await;
    let one_more = log.walks(&turns, 1, 1, 0).await;
    all(walks).await;
    all(one_more).await;
    assert_eq!(log.ends().len(), 102);
}

#[tokio::test(start_paused = true)]
async fn who_goes_away_leaves_no_trace() {
    let (turns, log) = (turns_on(1), Log::new());
    let held = turns.take(store(1), Urgency::Foreground).await.expect("a turn");
    let walks = log.walks(&turns, 2, 3, 0).await;
    assert_eq!(counts(&turns), (3, 1, 0));
    // One while they wait, and one who was called and never came to hear of it.
    walks[1].abort();
    asked().await;
    assert_eq!(counts(&turns), (2, 1, 0));
    walks[0].abort();
    drop(held);
    assert_eq!(counts(&turns), (1, 1, 0));
    asked().await;
    assert_eq!(counts(&turns), (0, 1, 0));
    sleep(WALK + MILLI).await;
    asked().await;
    assert_eq!((log.order(), counts(&turns)), (vec![2], (0, 0, 0)));
    let given = turns.journal().into_iter().filter(|(_, entry)| *entry == Entry::Given);
    assert_eq!(given.count(), 3);
}

#[tokio::test(start_paused = true)]
async fn when_the_first_of_a_store_in_debt_goes_away_the_next_looks_at_the_clock() {
    let (turns, log) = (turns_on(1), Log::new());
    turns.take(store(1), Urgency::Foreground).await.expect("a turn").charge(5_000);
    let walks = log.walks(&turns, 1, 2, 0).await;
    walks[0].abort();
    sleep(2 * Duration::from_secs(1)).await;
    assert_eq!(log.ends(), [(1, 1_100)]);
    assert_eq!(counts(&turns), (0, 0, 0));
}

#[tokio::test(start_paused = true)]
async fn fuel_that_is_counted_while_others_wait_makes_them_wait_longer() {
    let (turns, log) = (turns_on(3), Log::new());
    let mut slow = turns.take(store(1), Urgency::Foreground).await.expect("a turn");
    turns.take(store(1), Urgency::Foreground).await.expect("a turn").charge(5_000);
    let walks = log.walks(&turns, 1, 1, 0).await;
    sleep(Duration::from_millis(500)).await;
    slow.charge(2_000);
    drop(slow);
    all(walks).await;
    assert_eq!(log.ends(), [(1, 3_100)]);
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_for_the_background_but_for_a_walk_under_way() {
    let (turns, log) = (turns_on(1), Log::new());
    let background: Vec<_> = (0..3).map(|_| log.walk(&turns, 9, Urgency::Background, 0)).collect();
    asked().await;
    let mut shoppers = log.walks(&turns, 1, 2, 0).await;
    shoppers.extend(log.walks(&turns, 2, 1, 0).await);
    all(shoppers).await;
    assert_eq!(log.order(), [9, 1, 2, 1]);
    all(background).await;
    assert_eq!(log.order()[4..], [9, 9]);
}

#[tokio::test(start_paused = true)]
async fn the_background_leaves_a_core_free_and_its_stores_take_turns() {
    let (turns, log) = (turns_on(2), Log::new());
    let mut background = Vec::new();
    for number in [1, 1, 1, 2, 2] {
        background.push(log.walk(&turns, number, Urgency::Background, 0));
        asked().await;
    }
    assert_eq!(counts(&turns), (4, 1, 0));
    sleep(MILLI).await;
    log.walk(&turns, 3, Urgency::Foreground, 0).await.expect("a walk");
    assert_eq!(log.ends().last(), Some(&(3, 101)));
    all(background).await;
    assert_eq!(log.order(), [1, 3, 2, 1, 2, 1]);
}

#[tokio::test(start_paused = true)]
async fn no_shopper_pays_for_the_background_nor_it_for_them() {
    let (turns, log) = (turns_on(2), Log::new());
    log.walk(&turns, 1, Urgency::Background, 10_000).await.expect("a walk");
    log.walk(&turns, 1, Urgency::Foreground, 5_000).await.expect("a walk");
    assert_eq!(log.ends(), [(1, 100), (1, 200)]);
    // What waits for fuel in the foreground keeps nobody else's background waiting, but its own.
    let shopper = log.walk(&turns, 1, Urgency::Foreground, 0);
    asked().await;
    let others = log.walk(&turns, 2, Urgency::Background, 0);
    let own = log.walk(&turns, 1, Urgency::Background, 0);
    others.await.expect("a walk");
    assert_eq!(log.ends().last(), Some(&(2, 300)));
    shopper.await.expect("a walk");
    // 5,000 by 200 ms less the 4,000 that were at hand.
    assert_eq!(log.ends().last(), Some(&(1, 1_300)));
    own.await.expect("a walk");
    // 10,000 by 100 ms less 4,000.
    assert_eq!(log.ends().last(), Some(&(1, 6_200)));
}

#[tokio::test]
async fn a_turn_may_end_on_any_thread() {
    let turns = turns_on(1);
    let mut turn = turns.take(store(1), Urgency::Foreground).await.expect("a turn");
    let waiting = tokio::spawn({
        let turns = turns.clone();
        async move { turns.take(store(2), Urgency::Foreground).await.map(drop) }
    });
    std::thread::spawn(move || turn.charge(1)).join().expect("a thread");
    let went = timeout(Duration::from_secs(60), waiting).await;
    went.expect("it is called").expect("a task").expect("a turn");
}
