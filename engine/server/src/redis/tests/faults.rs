//! A server that freezes, dies, comes back, or stops being the one that takes writes.

use std::time::Duration;

use tokio::time::sleep;

use super::*;
use crate::redis::breaker::BreakerState;

/// A Redis that gives up soon.
fn impatient(server: &TestRedis) -> Redis {
    let config = RedisConfig {
        hot_path_budget_ms: 100,
        command_budget_ms: 200,
        breaker_failures: 3,
        breaker_open_ms: 20,
        ..server.config()
    };
    Redis::connect(&config).unwrap()
}

/// Calls until an answer comes.
async fn until_it_answers(redis: &Redis) {
    for _ in 0..3_000 {
        if redis.ping().await.is_ok() {
            return;
        }
        sleep(Duration::from_millis(5)).await;
    }
    panic!("{:?} never answers: {:?}", redis, redis.ping().await);
}

/// What calls say, until the breaker opens and refuses the next one at once.
async fn until_it_rests(redis: &Redis) -> Vec<Unavailable> {
    let mut said = Vec::new();
    while said.last() != Some(&Unavailable::Resting) {
        said.push(redis.product(STORE, PRODUCT).await.unwrap_err());
        assert!(said.len() < 100, "{said:?}");
    }
    said
}

#[tokio::test]
async fn a_frozen_server_is_given_up_and_taken_up_again() {
    let Some(server) = TestRedis::start().await else { return };
    let redis = impatient(&server);
    until_it_answers(&redis).await;
    server.command(&["SET", "martlet:{00000000-0000-0000-0000-000000000001}:kept", "1"]).await;
    for _ in 0..2 {
        server.freeze();
        let said = until_it_rests(&redis).await;
        let slow = Unavailable::Slow { budget: Duration::from_millis(100) };
        assert!(said[..said.len() - 1].iter().all(|why| *why == slow), "{said:?}");
        assert_ne!(redis.breaker(), Some(BreakerState::Closed));
        server.thaw();
        until_it_answers(&redis).await;
        assert_eq!(redis.breaker(), Some(BreakerState::Closed));
        assert_eq!(redis.product(STORE, PRODUCT).await, Ok(Cached::Missing));
    }
    assert_eq!(server.command(&["DBSIZE"]).await, "1");
}

#[tokio::test]
async fn a_killed_server_is_given_up_and_taken_up_again_when_it_is_back() {
    let Some(mut server) = TestRedis::start().await else { return };
    let redis = impatient(&server);
    until_it_answers(&redis).await;
    for _ in 0..2 {
        assert_eq!(redis.seed_coupon(STORE, COUPON, 5, None, NOW).await, Ok(true));
        server.kill();
        let said = until_it_rests(&redis).await;
        let failed = |why: &Unavailable| matches!(why, Unavailable::Failed(_));
        assert!(said[..said.len() - 1].iter().all(failed), "{said:?}");
        assert_eq!(redis.enter_gate(STORE, COUPON).await, Err(Unavailable::Resting));
        server.restart().await;
        until_it_answers(&redis).await;
        assert_eq!(redis.breaker(), Some(BreakerState::Closed));
        assert_eq!(redis.enter_gate(STORE, COUPON).await, Ok(Gate::Missing), "it comes back empty");
    }
}

#[tokio::test]
async fn one_that_starts_later_is_taken_up() {
    let Some(mut server) = TestRedis::start().await else { return };
    server.kill();
    let redis = impatient(&server);
    assert!(matches!(redis.ping().await, Err(Unavailable::Failed(_))));
    server.restart().await;
    until_it_answers(&redis).await;
}

#[tokio::test]
async fn budgets_include_connecting_and_no_call_waits_longer() {
    let Some(server) = TestRedis::start().await else { return };
    server.freeze();
    let config = RedisConfig {
        hot_path_budget_ms: 30,
        command_budget_ms: 60,
        breaker_failures: 1_000,
        ..server.config()
    };
    let redis = Redis::connect(&config).unwrap();
    let slow = |millis| Err(Unavailable::Slow { budget: Duration::from_millis(millis) });
    let nothing = async |_: Link| std::future::pending::<redis::RedisResult<()>>().await;
    assert_eq!(redis.product(STORE, PRODUCT).await.map(drop), slow(30));
    assert_eq!(redis.ping().await, slow(60));
    assert_eq!(redis.run("test", Budget::AtMost(Duration::from_millis(5)), nothing).await, slow(5));
    assert_eq!(redis.run("test", Budget::AtMost(Duration::from_secs(5)), nothing).await, slow(30));
    assert_eq!(redis.enter_gate(STORE, COUPON).await.map(drop), slow(30));
    assert!(redis.lock_stock(STORE, Id::new(Uuid::nil()), [1; 32], Duration::from_millis(5)).await.is_none());
    // The connection that all of them gave up waiting for is made all the same.
    server.thaw();
    until_it_answers(&redis).await;
    // And a call that never ends is ended on a server that is well.
    assert_eq!(redis.run("test", Budget::HotPath, nothing).await, slow(30));
}

#[tokio::test]
async fn a_lost_connection_is_made_again() {
    let Some(server) = TestRedis::start().await else { return };
    let redis = server.connect();
    let first = connection(&redis).await.unwrap();
    assert_eq!(connection(&redis).await, Ok(first), "all calls share one");
    server.command(&["CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"]).await;
    // The loss costs a call at most; the breaker doesn't open for it.
    let after = match connection(&redis).await {
        Ok(number) => number,
        Err(_) => connection(&redis).await.unwrap(),
    };
    assert_ne!(after, first);
    assert_eq!(redis.breaker(), Some(BreakerState::Closed));
}

#[tokio::test]
async fn a_primary_that_became_a_replica_is_looked_up_again() {
    let Some(server) = TestRedis::start().await else { return };
    let redis = server.connect();
    let first = connection(&redis).await.unwrap();
    server.command(&["REPLICAOF", "127.0.0.1", "1"]).await;
    let refused = redis.seed_coupon(STORE, COUPON, 1, None, NOW).await.unwrap_err();
    assert!(matches!(&refused, Unavailable::Failed(words) if words.starts_with("ReadOnly")), "{refused}");
    // Another connection, which by name would lead to the new primary.
    assert_ne!(connection(&redis).await.unwrap(), first);
    server.command(&["REPLICAOF", "NO", "ONE"]).await;
    assert_eq!(redis.seed_coupon(STORE, COUPON, 1, None, NOW).await, Ok(true));
}

#[tokio::test]
async fn a_caller_who_leaves_takes_nothing_with_it() {
    let Some(server) = TestRedis::start().await else { return };
    let redis = impatient(&server);
    until_it_answers(&redis).await;
    server.freeze();
    until_it_rests(&redis).await;
    // The probe's request is dropped, like that of a client who closes the connection.
    while redis.breaker() == Some(BreakerState::Open) {
        let (probe, nobody) = (redis.ping(), sleep(Duration::from_millis(1)));
        tokio::select! { _ = probe => {}, () = nobody => {} }
    }
    server.thaw();
    until_it_answers(&redis).await;
}
