//! What installations logged.

use martlet_domain::{
    Id,
    plugin::{Installation, LogEntry, LogLevel},
    quote::Stage,
};
use martlet_store::LogQuery;

use crate::{
    harness::{World, id},
    samples::{ODD_TEXT, at},
};

fn entry(level: LogLevel, message: &str) -> LogEntry {
    LogEntry { id: id(), at: at(1_000), level, stage: Stage::Order, message: message.to_owned() }
}

fn numbered(numbers: std::ops::Range<usize>) -> Vec<LogEntry> {
    numbers.map(|number| entry(LogLevel::Info, &number.to_string())).collect()
}

async fn list(world: &World, installation: Id<Installation>, query: LogQuery, limit: u32) -> Vec<LogEntry> {
    world.db.list_log_entries(world.store, installation, query, limit).await.unwrap()
}

const ALL: LogQuery = LogQuery { least: LogLevel::Debug, before: None };

pub(crate) async fn lines_round_trip_at_their_extremes(world: World) {
    let installation = id();
    let long = "한".repeat(5_000);
    let mut entries: Vec<LogEntry> = LogLevel::ALL.map(|level| entry(level, ODD_TEXT)).into();
    for (entry, stage) in entries.iter_mut().zip(Stage::ALL.into_iter().rev()) {
        entry.stage = stage;
    }
    entries[0].at = at(i64::MIN);
    entries[1].at = at(i64::MAX);
    entries[2].message = String::new();
    entries[3].message = long;
    world.db.insert_log_entries(world.store, installation, &entries, 1_000).await.unwrap();
    entries.reverse();
    assert_eq!(list(&world, installation, ALL, 100).await, entries);
}

pub(crate) async fn lines_that_are_said_again_are_there_once(world: World) {
    let installation = id();
    let mut entries = numbered(0..25);
    for _ in 0..2 {
        world.db.insert_log_entries(world.store, installation, &entries, 1_000).await.unwrap();
    }
    entries.reverse();
    assert_eq!(list(&world, installation, ALL, 100).await, entries);
}

pub(crate) async fn lines_are_listed_from_the_newest_page_by_page(world: World) {
    let installation = id();
    let mut entries = numbered(0..25);
    world.db.insert_log_entries(world.store, installation, &entries, 1_000).await.unwrap();
    entries.reverse();
    let mut listed = Vec::new();
    let mut query = ALL;
    loop {
        let page = list(&world, installation, query, 10).await;
        let Some(last) = page.last() else { break };
        query.before = Some(last.id);
        listed.extend(page);
    }
    assert_eq!(listed, entries);
}

pub(crate) async fn lines_below_a_level_are_left_out(world: World) {
    let installation = id();
    let entries: Vec<LogEntry> = LogLevel::ALL.map(|level| entry(level, level.as_str())).into();
    world.db.insert_log_entries(world.store, installation, &entries, 1_000).await.unwrap();
    for (least, expected) in [
        (LogLevel::Debug, vec!["error", "warn", "info", "debug"]),
        (LogLevel::Info, vec!["error", "warn", "info"]),
        (LogLevel::Warn, vec!["error", "warn"]),
        (LogLevel::Error, vec!["error"]),
    ] {
        let listed = list(&world, installation, LogQuery { least, ..ALL }, 100).await;
        let messages: Vec<&str> = listed.iter().map(|entry| entry.message.as_str()).collect();
        assert_eq!(messages, expected);
    }
}

pub(crate) async fn only_the_newest_lines_are_kept(world: World) {
    let (installation, other) = (id(), id());
    world.db.insert_log_entries(world.store, other, &numbered(0..5), 20).await.unwrap();
    for numbers in [0..15, 15..20, 20..100, 100..101] {
        world.db.insert_log_entries(world.store, installation, &numbered(numbers), 20).await.unwrap();
    }
    world.db.insert_log_entries(world.store, installation, &[], 20).await.unwrap();
    let kept = list(&world, installation, ALL, 1_000).await;
    let kept: Vec<&str> = kept.iter().map(|entry| entry.message.as_str()).collect();
    let expected: Vec<String> = (81..101).rev().map(|number| number.to_string()).collect();
    assert_eq!(kept, expected);
    assert_eq!(list(&world, other, ALL, 1_000).await.len(), 5);
}

pub(crate) async fn instances_log_at_once_and_the_newest_lines_stay(world: World) {
    let installation = id();
    let batches: Vec<Vec<LogEntry>> = (0..16).map(|_| numbered(0..40)).collect();
    let newest = batches.last().unwrap().last().unwrap().clone();
    let logging = batches.into_iter().map(|entries| {
        let (db, store) = (world.db.clone(), world.store);
        tokio::spawn(
            async move { db.insert_log_entries(store, installation, &entries, 50).await.unwrap() },
        )
    });
    for logging in logging.collect::<Vec<_>>() {
        logging.await.unwrap();
    }
    // Those that came later by their ids may have been deleted by one whose lines were earlier only if
    // there are fifty newer ones.
    world.db.insert_log_entries(world.store, installation, &numbered(0..1), 50).await.unwrap();
    let kept = list(&world, installation, ALL, 1_000).await;
    assert_eq!(kept.len(), 50);
    assert_eq!(kept[1], newest);
}

pub(crate) async fn a_line_that_cannot_be_read_leaves_the_others(world: World) {
    let installation = id();
    let entries = numbered(0..3);
    world.db.insert_log_entries(world.store, installation, &entries, 1_000).await.unwrap();
    let broken = entries[1].id.uuid().simple();
    world.damage(format!("UPDATE installation_logs SET stage = 'lunch' WHERE id = X'{broken}'")).await;
    let listed = list(&world, installation, ALL, 100).await;
    assert_eq!(listed, [entries[2].clone(), entries[0].clone()]);
}

pub(crate) async fn another_store_sees_no_lines(world: World) {
    let installation = id();
    world.db.insert_log_entries(world.store, installation, &numbered(0..3), 1_000).await.unwrap();
    assert_eq!(world.db.list_log_entries(world.other, installation, ALL, 10).await.unwrap(), []);
    // Nor do theirs push ours out.
    world.db.insert_log_entries(world.other, installation, &numbered(0..9), 2).await.unwrap();
    assert_eq!(list(&world, installation, ALL, 100).await.len(), 3);
}
