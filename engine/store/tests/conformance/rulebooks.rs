//! Rulebooks.

use martlet_domain::{
    plugin::{Group, GroupClass, GroupMode, Installation, Rulebook, SealedRulebook},
    quote::Class,
};
use martlet_store::{Published, RulebookDraft, StoreError};

use crate::{
    harness::World,
    samples::{self, ODD_TEXT, at},
};

fn draft(note: &str) -> RulebookDraft {
    RulebookDraft { note: note.to_owned(), created_at: at(9), groups: Vec::new(), installations: Vec::new() }
}

pub(crate) async fn no_rulebook_is_active_at_first(world: World) {
    assert_eq!(world.db.find_active_rulebook(world.store).await.unwrap(), None);
    assert_eq!(world.db.find_active_rulebook_number(world.store).await.unwrap(), None);
    assert_eq!(world.db.find_rulebook(world.store, 1).await.unwrap(), None);
    assert_eq!(world.db.list_rulebooks(world.store, None, 9).await.unwrap(), []);
}

pub(crate) async fn a_published_rulebook_is_active_and_found_by_number(world: World) {
    let installation = samples::stored_installation(&world.db, world.store).await;
    let group =
        |class, mode| Group { name: ODD_TEXT.to_owned(), class, rank: i32::MIN, mode, on_list_amounts: true };
    let mut asked = draft(ODD_TEXT);
    asked.created_at = at(i64::MAX);
    asked.groups = vec![
        group(GroupClass::Pricing, GroupMode::Stop),
        group(GroupClass::Candidates(Class::Total), GroupMode::Best),
    ];
    asked.installations = vec![installation];
    let published = world.db.publish_rulebook(world.store, asked.clone()).await.unwrap();
    let RulebookDraft { note, created_at, groups, installations } = asked;
    let expected = Rulebook { number: 1, note, created_at, groups, installations };
    assert_eq!(published, SealedRulebook::new(expected));
    assert_eq!(world.db.find_active_rulebook(world.store).await.unwrap(), Some(published.clone()));
    assert_eq!(world.db.find_active_rulebook_number(world.store).await.unwrap(), Some(1));
    assert_eq!(world.db.find_rulebook(world.store, 1).await.unwrap(), Some(published));
}

pub(crate) async fn an_older_rulebook_stays_as_it_was(world: World) {
    let first = world.db.publish_rulebook(world.store, draft("first")).await.unwrap();
    let second = world.db.publish_rulebook(world.store, draft("second")).await.unwrap();
    assert_eq!((first.number, second.number), (1, 2));
    assert_eq!(world.db.find_rulebook(world.store, 1).await.unwrap(), Some(first));
    assert_eq!(world.db.find_active_rulebook(world.store).await.unwrap(), Some(second));
}

pub(crate) async fn a_rulebook_of_an_unknown_component_is_refused(world: World) {
    let foreign = samples::stored_installation(&world.db, world.other).await;
    let mut asked = draft("foreign");
    asked.installations = vec![foreign];
    let error = world.db.publish_rulebook(world.store, asked).await.unwrap_err();
    assert!(matches!(error, StoreError::UnknownReference), "{error}");
    assert_eq!(world.db.find_active_rulebook(world.store).await.unwrap(), None);
    // The number that was counted for it is given to the next.
    assert_eq!(world.db.publish_rulebook(world.store, draft("first")).await.unwrap().number, 1);
}

pub(crate) async fn a_component_may_run_twice_in_a_rulebook(world: World) {
    let one = samples::stored_installation(&world.db, world.store).await;
    let again = samples::installation(one.component);
    let two = world.db.insert_installation(world.store, &again).await.unwrap();
    let mut asked = draft("twice");
    asked.installations = vec![one, two];
    let published = world.db.publish_rulebook(world.store, asked).await.unwrap();
    assert_eq!(world.db.find_rulebook(world.store, 1).await.unwrap(), Some(published));
}

pub(crate) async fn components_of_all_rulebooks_of_all_stores_are_listed(world: World) {
    let one = samples::stored_installation(&world.db, world.store).await;
    let (_, unpublished) = samples::stored_version(&world.db, world.store).await;
    let foreign = samples::stored_installation(&world.db, world.other).await;
    // Other behaviours may have rulebooks in the same database.
    let listed = async || {
        let listed = world.db.list_rulebook_components().await.unwrap();
        [one.component, foreign.component, unpublished.digest].map(|component| listed.contains(&component))
    };
    assert_eq!(listed().await, [false, false, false]);
    for (store, installations, expected) in [
        (world.store, vec![one.clone()], [true, false, false]),
        (world.store, vec![one.clone()], [true, false, false]),
        // The active one names none.
        (world.store, Vec::new(), [true, false, false]),
        (world.other, vec![foreign.clone()], [true, true, false]),
    ] {
        world.db.publish_rulebook(store, RulebookDraft { installations, ..draft("") }).await.unwrap();
        assert_eq!(listed().await, expected);
    }
}

pub(crate) async fn sixteen_parallel_publishers_get_numbers_without_gaps(world: World) {
    let tasks: Vec<_> = (0..16)
        .map(|task| {
            let (db, store) = (world.db.clone(), world.store);
            tokio::spawn(async move { db.publish_rulebook(store, draft(&format!("{task}"))).await.unwrap() })
        })
        .collect();
    let mut published = Vec::new();
    for task in tasks {
        published.push(task.await.unwrap());
    }
    published.sort_by_key(|rulebook| rulebook.number);
    assert!(published.iter().map(|rulebook| rulebook.number).eq(1..=16));
    for rulebook in &published {
        let found = world.db.find_rulebook(world.store, rulebook.number).await.unwrap();
        assert_eq!(found.as_ref(), Some(rulebook));
    }
    assert_eq!(world.db.find_active_rulebook(world.store).await.unwrap(), published.pop());
}

pub(crate) async fn rulebooks_are_listed_from_the_highest(world: World) {
    for number in 1..=5 {
        world.db.publish_rulebook(world.store, draft(&number.to_string())).await.unwrap();
    }
    let numbers = async |before, limit| {
        let listed = world.db.list_rulebooks(world.store, before, limit).await.unwrap();
        assert!(listed.iter().all(|one| one.note == one.number.to_string() && one.created_at == at(9)));
        listed.into_iter().map(|one| one.number).collect::<Vec<_>>()
    };
    assert_eq!(numbers(None, 3).await, [5, 4, 3]);
    assert_eq!(numbers(Some(3), 3).await, [2, 1]);
    assert_eq!(numbers(Some(1), 3).await, [0; 0]);
}

pub(crate) async fn another_store_sees_no_rulebook(world: World) {
    world.db.publish_rulebook(world.store, draft("mine")).await.unwrap();
    assert_eq!(world.db.find_active_rulebook(world.other).await.unwrap(), None);
    assert_eq!(world.db.find_active_rulebook_number(world.other).await.unwrap(), None);
    assert_eq!(world.db.find_rulebook(world.other, 1).await.unwrap(), None);
    assert_eq!(world.db.list_rulebooks(world.other, None, 9).await.unwrap(), []);
    let theirs = world.db.publish_rulebook(world.other, draft("theirs")).await.unwrap();
    assert_eq!(theirs.number, 1);
}

/// The rulebook that comes after another, of some installations.
fn after(number: i64, note: &str, installations: Vec<Installation>) -> Rulebook {
    let draft = draft(note);
    let (created_at, note) = (draft.created_at, draft.note);
    Rulebook { number: number + 1, note, created_at, groups: Vec::new(), installations }
}

fn done(published: Published) -> SealedRulebook {
    match published {
        Published::Done(rulebook) => rulebook,
        Published::Stale { current } => panic!("rulebook {current} came first"),
    }
}

pub(crate) async fn a_change_is_stored_with_its_installations_and_active_at_once(world: World) {
    let (db, store) = (&world.db, world.store);
    let known = samples::stored_installation(db, store).await;
    let (_, version) = samples::stored_version(db, store).await;
    let louder = Installation { priority: 7, ..known.clone() };
    let new = Installation { sequence: 99, ..samples::installation(version.digest) };
    let asked = after(0, "both", vec![new.clone(), louder.clone()]);
    let first = done(db.publish_change(store, &asked, None, None).await.unwrap());
    let new = Installation { sequence: 2, ..new };
    assert_eq!((first.number, &first.installations), (1, &vec![louder.clone(), new.clone()]));
    assert_eq!(db.find_active_rulebook(store).await.unwrap(), Some(first.clone()));
    assert_eq!(db.list_installations(store).await.unwrap(), [louder.clone(), new.clone()]);
    assert_eq!(db.budget_usage(store, &[new.id]).await.unwrap()[&new.id], 0, "it has a row to count in");
    // Whoever leaves keeps its row, for what names it, and its number when it comes back.
    let second = done(db.publish_change(store, &after(1, "one", vec![louder.clone()]), None, None).await.unwrap());
    assert_eq!(second.installations, std::slice::from_ref(&louder));
    assert_eq!(db.find_installation(store, new.id).await.unwrap(), Some(new.clone()));
    let back = after(2, "back", first.installations.clone());
    let third = done(db.publish_change(store, &back, Some(1), None).await.unwrap());
    assert_eq!(third.installations, first.installations);
    let listed = db.list_rulebooks(store, None, 9).await.unwrap();
    let repeats: Vec<_> = listed.iter().map(|one| (one.number, one.repeats)).collect();
    assert_eq!(repeats, [(3, Some(1)), (2, None), (1, None)]);
    assert_eq!(db.find_rulebook_summary(store, 3).await.unwrap().as_ref(), listed.first());
    assert_eq!(db.find_rulebook_summary(world.other, 3).await.unwrap(), None);
}

pub(crate) async fn a_change_of_another_rulebook_than_the_active_one_is_stale(world: World) {
    let (db, store) = (&world.db, world.store);
    let (_, version) = samples::stored_version(db, store).await;
    let installations = vec![samples::installation(version.digest)];
    let early = after(1, "early", installations.clone());
    assert_eq!(db.publish_change(store, &early, None, None).await.unwrap(), Published::Stale { current: 0 });
    let first = done(db.publish_change(store, &after(0, "first", Vec::new()), None, None).await.unwrap());
    let late = after(0, "late", installations);
    assert_eq!(db.publish_change(store, &late, None, None).await.unwrap(), Published::Stale { current: 1 });
    assert_eq!(db.find_active_rulebook(store).await.unwrap(), Some(first));
    assert_eq!(db.list_installations(store).await.unwrap(), [], "nothing of it is stored");
    let second = done(db.publish_change(store, &after(1, "second", Vec::new()), None, None).await.unwrap());
    assert_eq!(second.number, 2, "and no number is used up");
}

pub(crate) async fn a_change_that_can_not_be_stored_leaves_everything_as_it_was(world: World) {
    let (db, store) = (&world.db, world.store);
    let foreign = samples::stored_installation(db, world.other).await;
    let (_, version) = samples::stored_version(db, store).await;
    let asked = after(0, "foreign", vec![samples::installation(version.digest), foreign]);
    let error = db.publish_change(store, &asked, None, None).await.unwrap_err();
    assert!(matches!(error, StoreError::UnknownReference), "{error}");
    assert_eq!(db.find_active_rulebook(store).await.unwrap(), None);
    assert_eq!(db.list_installations(store).await.unwrap(), []);
    let next = done(db.publish_change(store, &after(0, "first", Vec::new()), None, None).await.unwrap());
    assert_eq!(next.number, 1);
}

/// Eight who each add an installation to the same rulebook: one does, and the others hear that it did.
pub(crate) async fn of_parallel_changes_of_one_rulebook_one_is_made(world: World) {
    let mut tasks = Vec::new();
    for _ in 0..8 {
        let (_, version) = samples::stored_version(&world.db, world.store).await;
        let (db, store) = (world.db.clone(), world.store);
        tasks.push(tokio::spawn(async move {
            let asked = after(0, "mine", vec![samples::installation(version.digest)]);
            db.publish_change(store, &asked, None, None).await.unwrap()
        }));
    }
    let mut made = Vec::new();
    for task in tasks {
        match task.await.unwrap() {
            Published::Done(rulebook) => made.push(rulebook),
            Published::Stale { current } => assert_eq!(current, 1),
        }
    }
    assert_eq!(made.len(), 1);
    assert_eq!(world.db.find_active_rulebook(world.store).await.unwrap(), made.pop());
    assert_eq!(world.db.list_installations(world.store).await.unwrap().len(), 1);
}
