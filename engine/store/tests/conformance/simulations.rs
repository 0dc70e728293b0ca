//! Simulations: who may work on one, and what is kept of it.

use std::time::Duration;

use martlet_domain::{
    Id,
    simulation::{MAX_QUEUED, SimulatedOutcome, Simulation, SimulationState},
};
use martlet_store::{
    NewSimulation, Queued, ReceiptWindow, SimulatedOrder, SimulationEnd, SimulationHold, SimulationTurn,
    StoredSimulation,
};
use uuid::Uuid;

use crate::{
    harness::{World, id},
    receipts::placed,
    samples::{ODD_TEXT, at, since_ids},
};

const LEASE: Duration = Duration::from_secs(600);

fn hold(world: &World) -> SimulationHold {
    SimulationHold { store: world.store, id: id(), holder: Uuid::from_u128(7), lease: LEASE }
}

async fn queue(world: &World, hold: SimulationHold) -> Queued {
    let new = NewSimulation { hold, asked: ODD_TEXT.to_owned(), rulebook: 3, total: 9, created_at: at(5) };
    world.db.queue_simulation(&new).await.unwrap()
}

async fn queued(world: &World) -> SimulationHold {
    let hold = hold(world);
    assert_eq!(queue(world, hold).await, Queued::Done);
    hold
}

async fn running(world: &World) -> SimulationHold {
    let hold = queued(world).await;
    assert_eq!(world.db.start_simulation(&hold, at(6)).await.unwrap(), SimulationTurn::Now);
    hold
}

async fn found(world: &World, id: Id<Simulation>) -> StoredSimulation {
    world.db.find_simulation(world.store, id).await.unwrap().unwrap()
}

async fn state(world: &World, hold: SimulationHold) -> SimulationState {
    found(world, hold.id).await.state
}

fn order(place: i64, outcome: SimulatedOutcome) -> SimulatedOrder {
    let number = format!("N-{place}");
    SimulatedOrder { place, order: id(), number, outcome, body: format!("{ODD_TEXT}{place}") }
}

fn done() -> SimulationEnd {
    SimulationEnd { state: SimulationState::Done, problem: None, at: at(8) }
}

pub(crate) async fn a_simulation_goes_from_the_queue_to_its_end(world: World) {
    let held = queued(&world).await;
    let waiting = StoredSimulation {
        id: held.id,
        state: SimulationState::Queued,
        asked: Some(ODD_TEXT.to_owned()),
        rulebook: 3,
        done: 0,
        total: 9,
        result: None,
        problem: None,
        created_at: at(5),
        started_at: None,
        ended_at: None,
    };
    assert_eq!(found(&world, held.id).await, waiting);
    let step = [order(1, SimulatedOutcome::Winner)];
    assert!(!world.db.store_simulation_step(&held, 1, "{}", &step).await.unwrap(), "it doesn't run yet");
    assert_eq!(world.db.start_simulation(&held, at(6)).await.unwrap(), SimulationTurn::Now);
    assert!(world.db.store_simulation_step(&held, 1, ODD_TEXT, &step).await.unwrap());
    assert!(world.db.keep_simulation(&held).await.unwrap());
    let end = SimulationEnd { problem: Some("{}".to_owned()), ..done() };
    assert!(world.db.end_simulation(&held, &end).await.unwrap());
    let ended = StoredSimulation {
        state: SimulationState::Done,
        done: 1,
        result: Some(ODD_TEXT.to_owned()),
        problem: Some("{}".to_owned()),
        started_at: Some(at(6)),
        ended_at: Some(at(8)),
        ..waiting
    };
    assert_eq!(found(&world, held.id).await, ended);
    let listed = world.db.list_simulations(world.store, None, 9).await.unwrap();
    assert_eq!(listed, [StoredSimulation { asked: None, result: None, ..ended }]);
    assert!(!world.db.end_simulation(&held, &done()).await.unwrap());
    assert!(!world.db.keep_simulation(&held).await.unwrap());
    assert!(world.db.list_simulations(world.other, None, 9).await.unwrap().is_empty());
    assert_eq!(world.db.find_simulation(world.other, held.id).await.unwrap(), None);
}

pub(crate) async fn two_run_and_the_first_of_those_who_wait_comes_next(world: World) {
    let (first, _second) = (running(&world).await, running(&world).await);
    let (third, fourth) = (queued(&world).await, queued(&world).await);
    let start = async |held| world.db.start_simulation(held, at(7)).await.unwrap();
    assert_eq!((start(&third).await, start(&fourth).await), (SimulationTurn::Later, SimulationTurn::Later));
    // Looking writes nothing, so it makes nobody's lease shorter either.
    let brief = SimulationHold { lease: Duration::ZERO, ..third };
    assert_eq!(start(&brief).await, SimulationTurn::Later);
    assert_eq!(state(&world, third).await, SimulationState::Queued);
    assert!(world.db.end_simulation(&first, &done()).await.unwrap());
    assert_eq!((start(&fourth).await, start(&third).await), (SimulationTurn::Later, SimulationTurn::Now));
    assert!(world.db.cancel_simulation(world.store, fourth.id, at(9)).await.unwrap());
    assert_eq!(start(&fourth).await, SimulationTurn::Gone);
}

pub(crate) async fn a_full_queue_takes_no_more_simulations(world: World) {
    let mut last = queued(&world).await;
    for _ in 1..MAX_QUEUED {
        last = queued(&world).await;
    }
    assert_eq!(queue(&world, hold(&world)).await, Queued::Full);
    assert!(world.db.cancel_simulation(world.store, last.id, at(9)).await.unwrap());
    assert_eq!(queue(&world, hold(&world)).await, Queued::Done);
    let elsewhere = SimulationHold { store: world.other, ..hold(&world) };
    assert_eq!(queue(&world, elsewhere).await, Queued::Done);
}

pub(crate) async fn who_is_silent_for_too_long_is_gone_for_good(world: World) {
    let silent = SimulationHold { lease: Duration::ZERO, ..hold(&world) };
    assert_eq!(queue(&world, silent).await, Queued::Done);
    assert_eq!(state(&world, silent).await, SimulationState::Interrupted);
    // Whatever it says from then on.
    let back = SimulationHold { lease: LEASE, ..silent };
    assert_eq!(world.db.start_simulation(&back, at(6)).await.unwrap(), SimulationTurn::Gone);
    assert!(!world.db.keep_simulation(&back).await.unwrap());
    assert!(!world.db.end_simulation(&back, &done()).await.unwrap());
    assert!(!world.db.cancel_simulation(world.store, silent.id, at(9)).await.unwrap());
    assert_eq!(state(&world, silent).await, SimulationState::Interrupted);
    // One that fell silent while it ran makes room for others.
    let ran = running(&world).await;
    let quiet = SimulationHold { lease: Duration::ZERO, ..ran };
    assert!(world.db.keep_simulation(&quiet).await.unwrap());
    assert_eq!(state(&world, ran).await, SimulationState::Interrupted);
    let step = [order(1, SimulatedOutcome::Winner)];
    assert!(!world.db.store_simulation_step(&ran, 1, "{}", &step).await.unwrap());
    let (_one, _two) = (running(&world).await, running(&world).await);
}

pub(crate) async fn another_process_moves_nothing(world: World) {
    let held = running(&world).await;
    let stranger = SimulationHold { holder: Uuid::from_u128(8), ..held };
    assert!(!world.db.keep_simulation(&stranger).await.unwrap());
    assert!(!world.db.store_simulation_step(&stranger, 1, "{}", &[]).await.unwrap());
    assert!(!world.db.end_simulation(&stranger, &done()).await.unwrap());
    assert!(!world.db.cancel_simulation(world.other, held.id, at(9)).await.unwrap());
    assert!(world.db.cancel_simulation(world.store, held.id, at(9)).await.unwrap());
    assert!(!world.db.store_simulation_step(&held, 1, "{}", &[]).await.unwrap());
    assert_eq!(state(&world, held).await, SimulationState::Cancelled);
}

pub(crate) async fn simulated_orders_are_listed_by_outcome_page_by_page(world: World) {
    let held = running(&world).await;
    let outcomes = [SimulatedOutcome::Winner, SimulatedOutcome::Failed, SimulatedOutcome::Winner];
    let rows: Vec<SimulatedOrder> = (1..).zip(outcomes).map(|(place, it)| order(place, it)).collect();
    assert!(world.db.store_simulation_step(&held, 2, "{}", &rows[..2]).await.unwrap());
    assert!(world.db.store_simulation_step(&held, 3, "{}", &rows[2..]).await.unwrap());
    let list = async |outcome, after, limit| {
        world.db.list_simulated_orders(world.store, held.id, outcome, after, limit).await.unwrap()
    };
    assert_eq!(list(None, 0, 9).await, rows);
    assert_eq!(list(None, 1, 1).await, rows[1..2]);
    let winners = Some(SimulatedOutcome::Winner);
    assert_eq!(list(winners, 0, 9).await, [rows[0].clone(), rows[2].clone()]);
    assert_eq!(list(winners, 1, 9).await, rows[2..]);
    assert_eq!(list(Some(SimulatedOutcome::Loser), 0, 9).await, []);
    let elsewhere = world.db.list_simulated_orders(world.other, held.id, None, 0, 9).await.unwrap();
    assert_eq!(elsewhere, []);
}

pub(crate) async fn the_oldest_simulations_that_have_ended_are_pruned(world: World) {
    let mut all = Vec::new();
    for _ in 0..4 {
        let held = running(&world).await;
        let rows = [order(1, SimulatedOutcome::Loser)];
        assert!(world.db.store_simulation_step(&held, 1, "{}", &rows).await.unwrap());
        assert!(world.db.end_simulation(&held, &done()).await.unwrap());
        all.push(held.id);
    }
    let under_way = running(&world).await;
    let ids = async || -> Vec<Id<Simulation>> {
        let listed = world.db.list_simulations(world.store, None, 9).await.unwrap();
        listed.iter().map(|simulation| simulation.id).collect()
    };
    assert_eq!(world.db.prune_simulations(world.store, 5).await.unwrap(), 0);
    assert_eq!(world.db.prune_simulations(world.other, 1).await.unwrap(), 0);
    assert_eq!(world.db.prune_simulations(world.store, 3).await.unwrap(), 2);
    assert_eq!(ids().await, [under_way.id, all[3], all[2]]);
    let gone = world.db.list_simulated_orders(world.store, all[0], None, 0, 9).await.unwrap();
    assert_eq!(gone, []);
    // One that is under way stays, however old.
    let _newer = queued(&world).await;
    assert_eq!(world.db.prune_simulations(world.store, 1).await.unwrap(), 2);
    assert_eq!(ids().await.len(), 2);
    let page = world.db.list_simulations(world.store, Some(under_way.id), 9).await.unwrap();
    assert_eq!(page, []);
}

pub(crate) async fn the_last_receipts_of_a_window_come_first(world: World) {
    let mut all = Vec::new();
    for moment in [1, 2, 3, 4] {
        let rules = martlet_domain::plugin::SealedRulebook::new(
            martlet_domain::plugin::Rulebook::without_rules(),
        );
        all.push(placed(&world, std::sync::Arc::new(rules), since_ids(moment)).await.0);
    }
    world
        .damage(format!(
            "UPDATE orders SET status = 'cancelled' WHERE store_id = X'{}' AND id = X'{}'",
            world.store.uuid().simple(),
            all[1].id.uuid().simple()
        ))
        .await;
    for (since, until, expected) in [
        (None, None, vec![3, 2, 0]),
        (Some(2), None, vec![3, 2]),
        (Some(1), Some(4), vec![2, 0]),
        (Some(9), None, vec![]),
        (None, Some(1), vec![]),
        (Some(-100_000_000), Some(100_000_000), vec![3, 2, 0]),
        (Some(i64::MIN / 2), Some(i64::MAX / 2), vec![3, 2, 0]),
    ] {
        let window = ReceiptWindow { since: since.map(since_ids), until: until.map(since_ids) };
        let count = world.db.count_latest_receipts(world.store, window, 9).await.unwrap();
        assert_eq!(count as usize, expected.len());
        let (mut found, mut before) = (Vec::new(), None);
        loop {
            let page = world.db.list_latest_receipts(world.store, window, before, 2).await.unwrap();
            let Some(last) = page.last() else { break };
            before = Some(last.order);
            found.extend(page.into_iter().map(|entry| entry.order));
        }
        let expected: Vec<_> = expected.into_iter().map(|index: usize| all[index].id).collect();
        assert_eq!(found, expected, "{since:?} {until:?}");
    }
    let window = ReceiptWindow::default();
    assert_eq!(world.db.count_latest_receipts(world.store, window, 2).await.unwrap(), 2);
    assert_eq!(world.db.count_latest_receipts(world.other, window, 2).await.unwrap(), 0);
}
