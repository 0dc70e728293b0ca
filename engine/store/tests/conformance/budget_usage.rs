//! What installations have given of their budgets.

use std::collections::HashMap;

use martlet_domain::{Id, plugin::Installation};
use martlet_store::Tx;
use sqlx::AssertSqlSafe;

use crate::{
    harness::{World, id},
    samples,
};

/// Lets an installation of the store that is acted on have given so much.
async fn grant(world: &World, installation: Id<Installation>, granted: i64) {
    clear(world, installation).await;
    let (store, installation) = (world.store.uuid().simple(), installation.uuid().simple());
    execute(
        world,
        format!(
            "INSERT INTO budget_usage (store_id, installation_id, granted) \
             VALUES (X'{store}', X'{installation}', {granted})"
        ),
    )
    .await;
}

/// Takes an installation's row away, if there is one.
async fn clear(world: &World, installation: Id<Installation>) {
    let (store, installation) = (world.store.uuid().simple(), installation.uuid().simple());
    let sql = "DELETE FROM budget_usage WHERE store_id";
    execute(world, format!("{sql} = X'{store}' AND installation_id = X'{installation}'")).await;
}

async fn execute(world: &World, sql: String) {
    let mut tx = world.db.begin().await.unwrap();
    match &mut tx {
        Tx::MySql(tx) => drop(sqlx::query(AssertSqlSafe(sql)).execute(&mut **tx).await.unwrap()),
        Tx::Sqlite(tx) => drop(sqlx::query(AssertSqlSafe(sql)).execute(&mut **tx).await.unwrap()),
    }
    tx.commit().await.unwrap();
}

pub(crate) async fn what_was_granted_is_read_by_installation(world: World) {
    let (db, store) = (&world.db, world.store);
    let one = samples::stored_installation(db, store).await.id;
    let two = samples::stored_installation(db, store).await.id;
    let unasked = samples::stored_installation(db, store).await.id;
    for (installation, granted) in [(one, 0), (two, i64::MAX), (unasked, 7)] {
        grant(&world, installation, granted).await;
    }
    let found = db.budget_usage(store, &[two, id(), one, two]).await.unwrap();
    assert_eq!(found, HashMap::from([(one, 0), (two, i64::MAX)]));
}

pub(crate) async fn an_installation_without_a_row_has_granted_nothing(world: World) {
    let installation = samples::stored_installation(&world.db, world.store).await.id;
    clear(&world, installation).await;
    let found = world.db.budget_usage(world.store, &[installation]).await.unwrap();
    assert_eq!(found.get(&installation).copied().unwrap_or(0), 0);
    assert!(world.db.budget_usage(world.store, &[]).await.unwrap().is_empty());
}

pub(crate) async fn another_store_sees_no_grants(world: World) {
    let installation = samples::stored_installation(&world.db, world.store).await.id;
    grant(&world, installation, 900).await;
    assert!(world.db.budget_usage(world.other, &[installation]).await.unwrap().is_empty());
    assert_eq!(world.db.budget_usage(world.store, &[installation]).await.unwrap()[&installation], 900);
}
