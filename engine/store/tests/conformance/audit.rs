//! The audit log.

use martlet_domain::{Id, access::Role};
use martlet_store::{
    Actor, ActorFilter, ApiKey, AuditEntry, AuditQuery, MAX_AUDIT_DETAIL, StoreError, transaction,
};
use serde_json::json;

use crate::{
    corrupt::{assert_named, damage},
    harness::{World, id},
    samples::{ODD_TEXT, at},
};

fn by_key(moment: i64, key: Id<ApiKey>, action: &str) -> AuditEntry {
    AuditEntry {
        id: id(),
        at: at(moment),
        // A name that others have as an actor doesn't make it one of them.
        actor: Actor::Key { id: key, name: "engine".to_owned(), role: Role::Staff },
        action: action.to_owned(),
        target: "/api/v1/admin/x".to_owned(),
        request_id: None,
        outcome: None,
        detail: None,
    }
}

async fn stored(world: &World, entry: AuditEntry) -> AuditEntry {
    world.db.insert_audit(world.store, &entry).await.unwrap();
    entry
}

async fn found(world: &World, query: AuditQuery) -> Vec<AuditEntry> {
    let page = world.db.list_audit(world.store, &query, 100).await.unwrap();
    assert_eq!(page.next, None);
    page.entries
}

pub(crate) async fn an_entry_round_trips_at_its_extremes(world: World) {
    let long: String = "🧶".repeat(500);
    let full = AuditEntry {
        id: id(),
        at: at(i64::MAX),
        actor: Actor::Key { id: id(), name: "🧶".repeat(255), role: Role::Developer },
        action: "a".repeat(100),
        target: long,
        request_id: Some("r".repeat(64)),
        outcome: Some(u16::MAX),
        detail: Some(json!({"text": ODD_TEXT, "numbers": [i64::MIN, u64::MAX, 0.5], "none": null})),
    };
    let full = stored(&world, full).await;
    let bare = stored(&world, by_key(0, id(), "x")).await;
    let line = AuditEntry { actor: Actor::CommandLine, at: at(-1), ..by_key(0, id(), "x") };
    let line = stored(&world, line).await;
    let engine =
        AuditEntry::by_engine(id(), at(i64::MIN), "quarantine", "/installations/1", Some(json!([])));
    let engine = stored(&world, engine).await;
    assert_eq!((engine.outcome, &engine.request_id), (Some(200), &None));
    assert_eq!(found(&world, AuditQuery::default()).await, [full, bare, line, engine]);
}

pub(crate) async fn an_outcome_is_set_once(world: World) {
    let entry = stored(&world, by_key(1, id(), "x")).await;
    let other = stored(&world, by_key(0, id(), "x")).await;
    assert!(world.db.finish_audit(world.store, entry.id, 201).await.unwrap());
    assert!(!world.db.finish_audit(world.store, entry.id, 500).await.unwrap());
    assert!(!world.db.finish_audit(world.store, id(), 200).await.unwrap());
    let entry = AuditEntry { outcome: Some(201), ..entry };
    assert_eq!(found(&world, AuditQuery::default()).await, [entry, other]);
}

pub(crate) async fn what_is_too_long_is_cut_or_left_out(world: World) {
    let fits = json!("x".repeat(MAX_AUDIT_DETAIL - 2));
    let long = json!("x".repeat(MAX_AUDIT_DETAIL - 1));
    let entry = AuditEntry { target: "é".repeat(501), ..by_key(1, id(), "x") };
    stored(&world, AuditEntry { detail: Some(long), ..entry.clone() }).await;
    stored(&world, AuditEntry { id: id(), detail: Some(fits.clone()), ..entry }).await;
    let found = found(&world, AuditQuery::default()).await;
    assert_eq!(found.iter().map(|entry| &entry.detail).collect::<Vec<_>>(), [&Some(fits), &None]);
    assert!(found.iter().all(|entry| entry.target == "é".repeat(500)));
    let error = world.db.insert_audit(world.store, &by_key(1, id(), &"x".repeat(101))).await.unwrap_err();
    assert!(matches!(error, StoreError::OutOfBounds), "{error}");
}

pub(crate) async fn entries_are_listed_newest_first_page_by_page(world: World) {
    // Of one moment the higher id comes first, and ids of other moments don't count.
    let mut entries = Vec::new();
    for moment in [5, 5, 5, 9, 1, 1, 7] {
        entries.push(stored(&world, by_key(moment, id(), "x")).await);
    }
    entries.sort_by_key(|entry| std::cmp::Reverse((entry.at, entry.id)));
    for limit in [1, 2, 3, 6, 7, 8] {
        let (mut query, mut listed) = (AuditQuery::default(), Vec::new());
        loop {
            let page = world.db.list_audit(world.store, &query, limit).await.unwrap();
            assert!(page.entries.len() <= limit as usize);
            listed.extend(page.entries);
            let Some(next) = page.next else { break };
            let text = serde_json::to_string(&next).unwrap();
            query.after = Some(serde_json::from_str(&text).unwrap());
        }
        assert_eq!(listed, entries, "{limit} a page");
    }
}

pub(crate) async fn a_list_is_narrowed_by_action_actor_and_time(world: World) {
    let (ann, joe) = (id(), id());
    let by_ann = stored(&world, by_key(4, ann, "make")).await;
    let by_joe = stored(&world, by_key(3, joe, "make")).await;
    let by_engine = stored(&world, AuditEntry::by_engine(id(), at(2), "stop", "", None)).await;
    let by_line =
        stored(&world, AuditEntry { actor: Actor::CommandLine, ..by_key(1, joe, "make") }).await;
    let all = [&by_ann, &by_joe, &by_engine, &by_line];
    let nothing = AuditQuery::default;
    let cases = [
        (nothing(), &all[..]),
        (AuditQuery { action: Some("make".to_owned()), ..nothing() }, &[&by_ann, &by_joe, &by_line]),
        (AuditQuery { action: Some("mak".to_owned()), ..nothing() }, &[]),
        (AuditQuery { actor: Some(ActorFilter::Key(joe)), ..nothing() }, &[&by_joe]),
        (AuditQuery { actor: Some(ActorFilter::Engine), ..nothing() }, &[&by_engine]),
        (AuditQuery { actor: Some(ActorFilter::CommandLine), ..nothing() }, &[&by_line]),
        (AuditQuery { since: Some(at(2)), until: Some(at(4)), ..nothing() }, &[&by_joe, &by_engine]),
        (
            AuditQuery {
                action: Some("make".to_owned()),
                actor: Some(ActorFilter::Key(ann)),
                since: Some(at(4)),
                until: Some(at(5)),
                after: None,
            },
            &[&by_ann],
        ),
    ];
    for (query, expected) in cases {
        let listed = found(&world, query.clone()).await;
        assert_eq!(listed.iter().collect::<Vec<_>>(), expected, "{query:?}");
    }
}

pub(crate) async fn an_entry_stands_or_falls_with_its_transaction(world: World) {
    let entry = AuditEntry::by_engine(id(), at(1), "quarantine", "x", None);
    let fails: Result<(), StoreError> = transaction!(&world.db, |tx| {
        tx.insert_audit(world.store, &entry).await?;
        Err(StoreError::OutOfBounds)
    });
    assert!(fails.is_err());
    assert_eq!(found(&world, AuditQuery::default()).await, []);
    transaction!(&world.db, |tx| tx.insert_audit(world.store, &entry).await).unwrap();
    assert_eq!(found(&world, AuditQuery::default()).await, [entry]);
}

pub(crate) async fn an_entry_of_an_unknown_store_is_refused(world: World) {
    let error = world.db.insert_audit(id(), &by_key(1, id(), "x")).await.unwrap_err();
    assert!(matches!(error, StoreError::UnknownReference), "{error}");
}

pub(crate) async fn a_corrupt_entry_is_named(world: World) {
    let entry = stored(&world, by_key(1, id(), "x")).await;
    let cases = [("role", "'queen'", "role", "'staff'"), ("outcome", "-1", "outcome", "200")];
    let more = [("detail", "'{'", "detail", "NULL"), ("role", "NULL", "actor", "'staff'")];
    for (column, value, named, sound) in cases.into_iter().chain(more) {
        damage(&world, "audit_log", column, value, "id", entry.id).await;
        let read = world.db.list_audit(world.store, &AuditQuery::default(), 10).await;
        assert_named(read, ("audit_log", named), &entry.id.to_string());
        damage(&world, "audit_log", column, sound, "id", entry.id).await;
    }
    assert_eq!(found(&world, AuditQuery::default()).await.len(), 1);
}

pub(crate) async fn another_store_sees_no_entry(world: World) {
    let entry = stored(&world, by_key(1, id(), "x")).await;
    let page = world.db.list_audit(world.other, &AuditQuery::default(), 10).await.unwrap();
    assert_eq!(page.entries, []);
    assert!(!world.db.finish_audit(world.other, entry.id, 200).await.unwrap());
    assert_eq!(found(&world, AuditQuery::default()).await, [entry]);
}
