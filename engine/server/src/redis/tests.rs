//! What becomes of calls while the server is well, slow, gone, replaced or another than expected.

mod cluster;
mod faults;
mod tls;

use martlet_domain::{Digest, Id, catalog::Product, coupon::Coupon, session::Session, settings::Store};
use prometheus::{Registry, TextEncoder};
use uuid::Uuid;

use super::{
    Budget, Cached, Gate, Link, Redis, SessionState, Unavailable,
    gcra::Quota,
    keys::{POPULAR_TTL, PRODUCT_TTL},
};
use crate::{
    config::RedisConfig,
    secret::Secret,
    testing::{NOW, TestRedis, logged},
};

const STORE: Id<Store> = Id::new(Uuid::from_u128(1));
const PRODUCT: Id<Product> = Id::new(Uuid::from_u128(2));
const COUPON: Id<Coupon> = Id::new(Uuid::from_u128(3));
const SESSION: Id<Session> = Id::new(Uuid::from_u128(4));

/// The number that the server gave to the connection in use.
async fn connection(redis: &Redis) -> Result<u64, Unavailable> {
    let ask = async |mut link: Link| redis::cmd("CLIENT").arg("ID").query_async(&mut link).await;
    redis.run("test.connection", Budget::Command, ask).await
}

fn quota() -> Quota {
    Quota::per_minute(1.try_into().unwrap(), 1.try_into().unwrap())
}

#[tokio::test]
async fn a_redis_that_is_not_configured_is_unavailable_and_nothing_else() {
    let redis = Redis::connect(&RedisConfig::default()).unwrap();
    assert!(!redis.is_configured());
    assert_eq!(redis.ping().await, Err(Unavailable::Off));
    assert_eq!(redis.product(STORE, PRODUCT).await, Err(Unavailable::Off));
    assert_eq!((redis.breaker(), format!("{redis:?}")), (None, "Redis::Off".to_owned()));
    redis.register(&Registry::new()).unwrap();
}

#[tokio::test]
async fn a_flush_in_the_middle_is_like_a_beginning() {
    let Some(server) = TestRedis::start().await else { return };
    let (redis, whom) = (server.connect(), Digest::of(b"jo"));
    for _ in 0..3 {
        assert_eq!(redis.product(STORE, PRODUCT).await, Ok(Cached::Missing));
        assert_eq!(redis.fill_product(STORE, PRODUCT, b"page", PRODUCT_TTL).await, Ok(true));
        assert_eq!(redis.session(STORE, SESSION).await, Ok(SessionState::Unknown));
        assert_eq!(redis.confirm_session(STORE, SESSION, NOW).await, Ok(true));
        assert_eq!(redis.enter_gate(STORE, COUPON).await, Ok(Gate::Missing));
        assert_eq!(redis.seed_coupon(STORE, COUPON, 1, None, NOW).await, Ok(true));
        assert_eq!(redis.enter_gate(STORE, COUPON).await, Ok(Gate::Taken));
        assert!(redis.limit(STORE, "login", &whom, quota()).await.unwrap().allowed);
        assert!(!redis.limit(STORE, "login", &whom, quota()).await.unwrap().allowed);
        assert_eq!(redis.popular(STORE).await, Ok(None));
        redis.fill_popular(STORE, &[PRODUCT], POPULAR_TTL).await.unwrap();
        server.command(&["FLUSHALL"]).await;
        // The scripts go too, as they do when a replica takes over.
        server.command(&["SCRIPT", "FLUSH"]).await;
    }
}

#[tokio::test]
async fn calls_and_failures_are_counted() {
    let Some(mut server) = TestRedis::start().await else { return };
    let config = RedisConfig { breaker_failures: 2, breaker_open_ms: 60_000, ..server.config() };
    let (redis, registry) = (Redis::connect(&config).unwrap(), Registry::new());
    redis.register(&registry).unwrap();
    let metrics = || TextEncoder::new().encode_to_string(&registry.gather()).unwrap();
    redis.ping().await.unwrap();
    let shown = metrics();
    for line in [
        "redis_calls_total{call=\"ping\"} 1",
        "redis_call_duration_seconds_count{call=\"ping\"} 1",
        "redis_breaker_state 0",
    ] {
        assert!(shown.contains(line), "{shown}");
    }
    assert!(!shown.contains("failures_total{"), "{shown}");
    server.kill();
    for _ in 0..5 {
        redis.ping().await.unwrap_err();
    }
    let shown = metrics();
    for line in [
        "redis_calls_total{call=\"ping\"} 6",
        "redis_call_duration_seconds_count{call=\"ping\"} 3",
        "redis_call_failures_total{call=\"ping\",reason=\"failed\"} 2",
        "redis_call_failures_total{call=\"ping\",reason=\"resting\"} 3",
        "redis_breaker_state 2",
    ] {
        assert!(shown.contains(line), "{shown}");
    }
}

#[tokio::test]
async fn credentials_are_used_and_never_shown() {
    let Some(server) = TestRedis::start().await else { return };
    server.command(&["CONFIG", "SET", "requirepass", "hunter2"]).await;
    let with = |password: &str| {
        let url = Secret::new(format!("redis://:{password}@127.0.0.1:{}", server.port()));
        Redis::connect(&RedisConfig { url: Some(url), ..server.config() }).unwrap()
    };
    let (right, wrong) = (with("hunter2"), with("hunter3"));
    assert_eq!(right.ping().await, Ok(()));
    let error = wrong.ping().await.unwrap_err();
    assert!(matches!(&error, Unavailable::Failed(words) if words.contains("uthentication")), "{error}");
    let shown = format!("{right:?} {wrong:?} {error} {error:?} {}", logged());
    assert!(shown.contains(&server.port().to_string()), "{shown}");
    assert!(!shown.contains("hunter"), "{shown}");
}
