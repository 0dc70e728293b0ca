//! What orders name is kept: the tables themselves refuse to let it go, and no statement asks them to.

use std::path::Path;

use martlet_store::RulebookDraft;

use crate::{
    harness::World,
    samples::{self, at},
};

/// Asserts that a foreign key stands in the way of deleting rows.
pub(crate) async fn assert_kept(world: &World, table: &str, condition: &str) {
    let attempt = world.attempt(format!("DELETE FROM {table} WHERE {condition}")).await;
    let kept = matches!(&attempt, Err(error)
        if error.as_database_error().is_some_and(|known| known.is_foreign_key_violation()));
    assert!(kept, "{table}: {attempt:?}");
}

pub(crate) async fn a_component_that_a_rulebook_runs_cannot_be_deleted(world: World) {
    let installation = samples::stored_installation(&world.db, world.store).await;
    let first = installation.component;
    let installations = vec![installation.clone()];
    let draft = RulebookDraft { note: String::new(), created_at: at(9), groups: Vec::new(), installations };
    world.db.publish_rulebook(world.store, draft).await.unwrap();
    // Nothing but the rulebook names it any more, and its plugin version.
    let (_, second) = samples::stored_version(&world.db, world.store).await;
    let (second, id) = (second.digest, installation.id.uuid().simple());
    world.damage(format!("UPDATE installations SET component = X'{second}' WHERE id = X'{id}'")).await;
    assert_kept(&world, "components", &format!("digest = X'{first}'")).await;
    assert_kept(&world, "plugin_versions", &format!("digest = X'{first}'")).await;
    assert!(world.db.find_component(first).await.unwrap().is_some());
}

pub(crate) async fn a_rulebook_that_is_active_or_runs_components_cannot_be_deleted(world: World) {
    let installations = vec![samples::stored_installation(&world.db, world.store).await];
    for installations in [installations, Vec::new()] {
        let draft =
            RulebookDraft { note: String::new(), created_at: at(9), groups: Vec::new(), installations };
        world.db.publish_rulebook(world.store, draft).await.unwrap();
    }
    let store = world.store.uuid().simple();
    for number in [1, 2] {
        assert_kept(&world, "rulebooks", &format!("store_id = X'{store}' AND number = {number}")).await;
    }
}

/// Tables whose rows are written once and stay.
const FOR_EVER: [&str; 7] = [
    "components",
    "component_chunks",
    "plugin_versions",
    "rulebooks",
    "rulebook_components",
    "orders",
    "order_receipts",
];
/// Those of them whose rows never change either.
const UNCHANGING: [&str; 6] = [
    "components",
    "component_chunks",
    "plugin_versions",
    "rulebooks",
    "rulebook_components",
    "order_receipts",
];

#[test]
fn no_statement_deletes_or_changes_what_orders_name() {
    let sources = sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"));
    assert!(sources.contains("INSERT INTO rulebooks ("));
    for (verb, tables) in [("DELETE FROM", &FOR_EVER[..]), ("UPDATE", &UNCHANGING[..])] {
        let mut statements =
            sources.match_indices(verb).map(|(at, _)| sources[at + verb.len()..].trim_start());
        let forbidden = statements.find(|rest| {
            let table = rest.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_').next();
            table.is_some_and(|table| tables.contains(&table))
        });
        assert_eq!(forbidden.map(|rest| rest.lines().next()), None, "{verb}");
    }
}

/// All source files of a folder, one after the other.
fn sources(folder: &Path) -> String {
    let mut text = String::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        text.push_str(&if path.is_dir() { sources(&path) } else { std::fs::read_to_string(&path).unwrap() });
    }
    text
}
