//! Installations that are switched off because they fail.

use martlet_domain::{
    Id,
    plugin::{Installation, InstallationStage, Quarantine, SealedRulebook},
};
use martlet_store::RulebookDraft;

use crate::{
    harness::{World, id},
    samples::{self, ODD_TEXT, at},
};

/// Two stored installations in the active rulebook 1, the first of them in some stage.
async fn published(world: &World, stage: InstallationStage) -> [Installation; 2] {
    let one = samples::stored_installation(&world.db, world.store).await;
    let one = Installation { stage, ..one };
    let two = samples::stored_installation(&world.db, world.store).await;
    world.db.update_installation(world.store, &one).await.unwrap();
    let draft = RulebookDraft {
        note: String::new(),
        created_at: at(9),
        groups: Vec::new(),
        installations: vec![one.clone(), two.clone()],
    };
    world.db.publish_rulebook(world.store, draft).await.unwrap();
    [one, two]
}

async fn quarantine(world: &World, installation: Id<Installation>) -> Option<SealedRulebook> {
    world.db.quarantine_installation(world.store, installation, ODD_TEXT, at(77)).await.unwrap()
}

pub(crate) async fn a_live_installation_is_switched_off_in_the_next_rulebook(world: World) {
    for (before, stage) in [InstallationStage::Active, InstallationStage::Canary(7), InstallationStage::Shadow]
        .into_iter()
        .enumerate()
    {
        let number = 2 * i64::try_from(before).unwrap() + 1;
        let [one, two] = published(&world, stage).await;
        let next = quarantine(&world, one.id).await.unwrap();
        let expected = Installation {
            stage: InstallationStage::Quarantined,
            quarantine: Some(Quarantine { reason: ODD_TEXT.to_owned(), at: at(77), from: stage }),
            ..one.clone()
        };
        assert_eq!((next.number, next.created_at), (number + 1, at(77)));
        assert_eq!(next.installations, [expected.clone(), two]);
        assert!(next.note.contains(ODD_TEXT) && next.note.contains(&one.plugin));
        assert_eq!(world.db.find_active_rulebook(world.store).await.unwrap(), Some(next));
        assert_eq!(world.db.find_installation(world.store, one.id).await.unwrap(), Some(expected));
    }
}

pub(crate) async fn what_is_not_asked_is_not_switched_off(world: World) {
    assert_eq!(quarantine(&world, id()).await, None);
    let [one, two] = published(&world, InstallationStage::Draft).await;
    assert_eq!(quarantine(&world, one.id).await, None);
    assert_eq!(quarantine(&world, id()).await, None);
    assert!(quarantine(&world, two.id).await.is_some());
    // It is already. Numbers have no gaps all the same.
    assert_eq!(quarantine(&world, two.id).await, None);
    let [_, two] = published(&world, InstallationStage::Draft).await;
    assert_eq!(quarantine(&world, two.id).await.unwrap().number, 4);
}

pub(crate) async fn of_many_who_switch_it_off_one_does(world: World) {
    let [one, _] = published(&world, InstallationStage::Active).await;
    let tasks = (0..12).map(|_| {
        let (db, store, id) = (world.db.clone(), world.store, one.id);
        tokio::spawn(async move { db.quarantine_installation(store, id, "it fails", at(1)).await.unwrap() })
    });
    let mut done = 0;
    for task in tasks.collect::<Vec<_>>() {
        done += usize::from(task.await.unwrap().is_some());
    }
    assert_eq!((done, world.db.find_active_rulebook_number(world.store).await.unwrap()), (1, Some(2)));
}

pub(crate) async fn another_store_switches_nothing_off(world: World) {
    let [one, _] = published(&world, InstallationStage::Active).await;
    let theirs = world.db.quarantine_installation(world.other, one.id, "it fails", at(1)).await.unwrap();
    assert_eq!(theirs, None);
    assert_eq!(world.db.find_active_rulebook_number(world.store).await.unwrap(), Some(1));
}
