//! The database itself: opening, migrating, waiting, giving up.

use std::time::Duration;

use martlet_domain::{Id, catalog::Variant};
use martlet_store::{Committed, Db, StoreConfig, StoreError, Work, transaction};

use crate::{
    harness::World,
    ordering::{cart, placement, stocked},
    samples,
};

pub(crate) async fn an_open_database_answers(world: World) {
    world.db.ping().await.unwrap();
    world.db.close().await;
    assert!(world.db.ping().await.is_err());
}

pub(crate) async fn migrations_are_pending_until_they_ran(world: World) {
    let db = Db::open(&world.empty_database().await, &StoreConfig::default()).await.unwrap();
    let pending = db.pending_migrations().await.unwrap();
    assert_eq!(pending[0].number, 1);
    assert!(pending.is_sorted_by_key(|migration| migration.number));
    db.migrate().await.unwrap();
    assert_eq!(db.pending_migrations().await.unwrap(), []);
    db.insert_store(&samples::store()).await.unwrap();
    assert_eq!(db.list_stores().await.unwrap().len(), 1);
}

pub(crate) async fn migrating_again_changes_nothing(world: World) {
    let before = world.db.find_store(world.store).await.unwrap();
    assert!(before.is_some());
    world.db.migrate().await.unwrap();
    world.db.migrate().await.unwrap();
    assert_eq!(world.db.pending_migrations().await.unwrap(), []);
    assert_eq!(world.db.find_store(world.store).await.unwrap(), before);
}

pub(crate) async fn what_a_later_release_has_migrated_is_no_trouble(world: World) {
    let mut later = world;
    later.url = later.empty_database().await;
    later.db = Db::open(&later.url, &StoreConfig::default()).await.unwrap();
    later.db.migrate().await.unwrap();
    let added = "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
         VALUES (9999, 'later', TRUE, X'00', 0)";
    later.damage(added.to_owned()).await;
    assert_eq!(later.db.pending_migrations().await.unwrap(), []);
    later.db.migrate().await.unwrap();
}

pub(crate) async fn two_engines_may_migrate_at_once(world: World) {
    let url = world.empty_database().await;
    let engines: Vec<_> = (0..4)
        .map(|_| {
            let url = url.clone();
            tokio::spawn(async move {
                let db = Db::open(&url, &StoreConfig::default()).await.unwrap();
                db.migrate().await.unwrap();
                db.pending_migrations().await.unwrap()
            })
        })
        .collect();
    for engine in engines {
        assert_eq!(engine.await.unwrap(), []);
    }
}

pub(crate) async fn a_busy_pool_times_out_by_name(world: World) {
    let config =
        StoreConfig { max_connections: 1, acquire_timeout: Duration::from_secs(2), ..StoreConfig::default() };
    let db = Db::open(&world.url, &config).await.unwrap();
    let tx = db.begin().await.unwrap();
    let error = db.begin().await.unwrap_err();
    assert!(matches!(error, StoreError::PoolTimeout), "{error}");
    assert!(!error.is_transient());
    tx.rollback().await;
    db.begin().await.unwrap().rollback().await;
}

pub(crate) async fn an_abandoned_transaction_leaves_nothing(world: World) {
    let coupon = samples::stored_coupon(&world.db, world.store).await.id;
    let mut tx = world.db.begin().await.unwrap();
    assert!(tx.increment_coupon_usage(world.store, coupon, None).await.unwrap());
    drop(tx);
    let tx = world.db.begin().await.unwrap();
    tx.commit().await.unwrap();
    let standings = world.db.coupon_standings(world.store, &[coupon], None).await.unwrap();
    assert_eq!(standings[&coupon].used, 0);
}

pub(crate) async fn a_failed_transaction_leaves_nothing(world: World) {
    let (store, coupon) = (world.store, samples::stored_coupon(&world.db, world.store).await.id);
    let mut runs = 0;
    let failed: Result<(), _> = transaction!(&world.db, |tx| {
        runs += 1;
        tx.increment_coupon_usage(store, coupon, None).await?;
        Err(StoreError::CursorMismatch)
    });
    assert!(matches!(failed, Err(StoreError::CursorMismatch)));
    assert_eq!(runs, 1, "only what lost against another is tried again");
    let standings = world.db.coupon_standings(store, &[coupon], None).await.unwrap();
    assert_eq!(standings[&coupon].used, 0);
}

/// To prepare a statement is a round trip more, see `shape.rs`.
pub(crate) async fn statements_stay_prepared_whatever_their_lists(mut world: World) {
    let config = StoreConfig { max_connections: 1, ..StoreConfig::default() };
    world.db = Db::open(&world.url, &config).await.unwrap();
    let mut variants: Vec<Id<Variant>> = Vec::new();
    for orders in 1..=20 {
        variants.push(stocked(&world, 1_000).await);
        let units: Vec<(Id<Variant>, u32)> = variants.iter().map(|variant| (*variant, 1)).collect();
        let mut work = Vec::new();
        for _ in 0..orders {
            let placement = placement(world.store, &cart(&world, &units).await);
            work.push(Work::Place(Box::new(placement)));
        }
        let outcomes = world.db.commit(&work).await.unwrap();
        assert!(outcomes.iter().all(|outcome| *outcome == Committed::Done), "{outcomes:?}");
        let listed = world.db.list_variants_by_id(world.store, &variants).await.unwrap();
        assert_eq!(listed.len(), variants.len());
    }
    if let Db::MySql(pools) = &world.db {
        const COUNTS: &str =
            "SHOW SESSION STATUS WHERE Variable_name IN ('Com_stmt_close', 'Com_stmt_prepare')";
        let mut connection = pools.acquire().await.unwrap();
        let counts: Vec<(String, String)> =
            sqlx::query_as(COUNTS).fetch_all(&mut *connection).await.unwrap();
        let count = |name| counts.iter().find(|(of, _)| of == name).unwrap().1.parse::<usize>().unwrap();
        assert_eq!(count("Com_stmt_close"), 0);
        assert!(count("Com_stmt_prepare") <= config.statement_cache);
    }
}
