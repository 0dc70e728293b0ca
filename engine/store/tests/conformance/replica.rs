//! Reads that may lag behind. A second database stands for the replica, so that it shows which one was
//! read.

use std::net::TcpListener;

use martlet_store::{Db, StoreConfig, StoreError, transaction};

use crate::{harness::World, samples};

/// The world's database with a replica at a URL. Nothing where it can have none.
async fn with_replica(world: &World, replica: &str) -> Option<Db> {
    match Db::open_with_replica(&world.url, replica, &StoreConfig::default()).await {
        Ok(db) => Some(db),
        Err(StoreError::Unusable(problem)) => {
            assert!(matches!(world.db, Db::Sqlite { .. }), "{problem}");
            None
        }
        Err(error) => panic!("{error}"),
    }
}

pub(crate) async fn without_a_replica_nothing_lags(world: World) {
    let lagging = world.db.lagging();
    let category = samples::category(None);
    world.db.insert_category(world.store, &category).await.unwrap();
    assert_eq!(lagging.list_categories(world.store).await.unwrap(), [category]);
}

pub(crate) async fn lagging_reads_are_the_replicas_and_all_else_is_the_primarys(world: World) {
    let url = world.empty_database().await;
    let Some(db) = with_replica(&world, &url).await else { return };
    let replica = Db::open(&url, &StoreConfig::default()).await.unwrap();
    replica.migrate().await.unwrap();
    let (lagging, store) = (db.lagging(), world.store);
    assert_eq!(lagging.find_store(store).await.unwrap(), None, "it hasn't got there");
    assert!(db.find_store(store).await.unwrap().is_some());
    // Writes of either handle are the primary's, and so is what a transaction reads.
    let coupon = samples::stored_coupon(&lagging, store).await;
    assert_eq!(lagging.find_coupon(store, coupon.id).await.unwrap(), None);
    let there = transaction!(&lagging, |tx| tx.increment_coupon_usage(store, coupon.id, None).await);
    assert!(there.unwrap());
    assert_eq!(db.find_coupon(store, coupon.id).await.unwrap(), Some(coupon));
    // A lagging handle's lagging handle is the same.
    let late = samples::store();
    replica.insert_store(&late).await.unwrap();
    assert_eq!(lagging.lagging().list_stores().await.unwrap(), std::slice::from_ref(&late));
    assert_eq!(db.find_store(late.id).await.unwrap(), None);
    db.close().await;
    assert!(lagging.ping().await.is_err() && db.ping().await.is_err());
}

pub(crate) async fn a_replica_that_is_gone_is_read_around(world: World) {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let url = format!("mysql://someone:verysecret@127.0.0.1:{port}/x");
    let Some(db) = with_replica(&world, &url).await else { return };
    assert!(db.lagging().find_store(world.store).await.unwrap().is_some());
}

/// One that takes connections and says nothing is waited for once, and then left alone for a while.
pub(crate) async fn a_replica_that_hangs_is_read_around(world: World) {
    let mute = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("mysql://someone:verysecret@{}/x", mute.local_addr().unwrap());
    let Some(db) = with_replica(&world, &url).await else { return };
    let lagging = db.lagging();
    for _ in 0..10 {
        assert!(lagging.find_store(world.store).await.unwrap().is_some());
    }
    mute.set_nonblocking(true).unwrap();
    let asked = std::iter::from_fn(|| mute.accept().ok()).count();
    assert!((1..10).contains(&asked), "it was asked {asked} times");
}

pub(crate) async fn a_replica_is_one_of_mysql(world: World) {
    let replica = "mysql://someone:verysecret@127.0.0.1:1:1/x";
    for replica in [replica, "sqlite:replica.db", "mysql://someone:verysecret@127.0.0.1", ""] {
        let error = Db::open_with_replica(&world.url, replica, &StoreConfig::default()).await.unwrap_err();
        assert!(matches!(error, StoreError::Unusable(_)), "{replica}: {error}");
        let words = format!("{error} {error:?}");
        assert!(words.contains("replica") && !words.contains("verysecret"), "{words}");
    }
}
