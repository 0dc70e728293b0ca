//! A cluster: the same keys and scripts, none of them over two slots.

use std::time::Duration;

use tokio::time::sleep;

use super::*;

#[tokio::test]
async fn everything_works_on_a_cluster() {
    let Some(server) = TestRedis::start_cluster().await else { return };
    let redis = Redis::connect(&RedisConfig { cluster: true, ..server.config() }).unwrap();
    let whom = Digest::of(b"jo");
    assert_eq!(redis.ping().await, Ok(()));
    assert_eq!(redis.fill_product(STORE, PRODUCT, b"page", PRODUCT_TTL).await, Ok(true));
    redis.bury_products(&[(STORE, PRODUCT)]).await.unwrap();
    assert_eq!(redis.fill_product(STORE, PRODUCT, b"page", PRODUCT_TTL).await, Ok(false));
    assert_eq!(redis.product(STORE, PRODUCT).await, Ok(Cached::Tombstone));
    assert_eq!(redis.confirm_session(STORE, SESSION, NOW).await, Ok(true));
    redis.revoke_sessions(STORE, &[SESSION, Id::new(Uuid::from_u128(5))]).await.unwrap();
    assert_eq!(redis.session(STORE, SESSION).await, Ok(SessionState::Revoked));
    assert_eq!(redis.seed_coupon(STORE, COUPON, 1, None, NOW).await, Ok(true));
    assert_eq!(redis.enter_gate(STORE, COUPON).await, Ok(Gate::Taken));
    redis.give_back_coupon(STORE, COUPON).await.unwrap();
    assert!(redis.limit(STORE, "login", &whom, quota()).await.unwrap().allowed);
    redis.fill_popular(STORE, &[PRODUCT], POPULAR_TTL).await.unwrap();
    assert_eq!(redis.popular(STORE).await, Ok(Some(vec![PRODUCT])));
    let patience = Duration::from_secs(9);
    let lock = redis.lock_stock(STORE, Id::new(Uuid::nil()), [1; 32], patience).await.unwrap();
    assert_eq!(redis.unlock_stock(lock).await, Ok(true));

    let mut notices = redis.notices();
    notices.next().await;
    redis.publish().await.unwrap();
    notices.next().await;

    // Scripts are sent again where a node has forgotten them.
    server.command(&["SCRIPT", "FLUSH"]).await;
    assert_eq!(redis.enter_gate(STORE, COUPON).await, Ok(Gate::Taken));
}

#[tokio::test]
async fn a_cluster_that_starts_later_or_again_is_taken_up() {
    let Some(mut server) = TestRedis::start_cluster().await else { return };
    server.kill();
    let config = RedisConfig { cluster: true, breaker_open_ms: 20, ..server.config() };
    let redis = Redis::connect(&config).unwrap();
    assert!(matches!(redis.ping().await, Err(Unavailable::Failed(_))));
    for _ in 0..2 {
        server.restart().await;
        server.until(&["CLUSTER", "INFO"], |info| info.contains("cluster_state:ok")).await;
        until_it_takes(&redis).await;
        server.kill();
        assert!(redis.enter_gate(STORE, COUPON).await.is_err());
    }
}

/// Calls until a write is taken.
async fn until_it_takes(redis: &Redis) {
    for _ in 0..3_000 {
        if redis.seed_coupon(STORE, COUPON, 1, None, NOW).await.is_ok() {
            return;
        }
        sleep(Duration::from_millis(5)).await;
    }
    panic!("it never answers: {:?}", redis.ping().await);
}
