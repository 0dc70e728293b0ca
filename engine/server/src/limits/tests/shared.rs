//! Instances that count together.

use axum::http::Method;
use martlet_domain::Id;
use serde_json::json;
use uuid::Uuid;

use super::{super::*, post, shown, three_at_once};
use crate::{
    clock::SetClock,
    testing::{Answer, NOW, TestApp, TestRedis},
};

/// The limits of an instance: six logins at once, after which nothing comes back while a test runs.
fn instance(redis: Redis) -> Limits {
    let six = LimitsConfig {
        login_per_minute: 1,
        login_burst: 6,
        browse_per_minute: 1,
        browse_burst: 6,
        ..three_at_once()
    };
    Limits::new(&six, &Clock::Set(SetClock::at(NOW)), redis).unwrap()
}

async fn allows(limits: &Limits, group: Group, whom: Whom) -> bool {
    let store = Id::new(Uuid::from_u128(1));
    limits.count_here(group, &[whom]).unwrap().allowed
        && limits.count_together(group, &[whom], store).await.is_none_or(|verdict| verdict.allowed)
}

fn somebody() -> Whom {
    Whom::address("203.0.113.1".parse().unwrap())
}

fn commands_run(info: &str) -> u64 {
    let scripts = info.lines().filter(|line| line.starts_with("cmdstat_eval"));
    let calls = |line: &str| line.split_once("calls=")?.1.split(',').next()?.parse::<u64>().ok();
    scripts.filter_map(calls).sum()
}

#[tokio::test]
async fn two_instances_count_logins_together_and_browsing_apart() {
    let Some(server) = TestRedis::start().await else { return };
    let (one, other) = (instance(server.connect()), instance(server.connect()));
    for _ in 0..3 {
        assert!(allows(&one, Group::Login, somebody()).await);
        assert!(allows(&other, Group::Login, somebody()).await);
    }
    assert!(!allows(&one, Group::Login, somebody()).await);
    assert!(!allows(&other, Group::Login, somebody()).await);
    // Another who isn't concerned.
    let another = Whom::address("203.0.113.2".parse().unwrap());
    assert!(allows(&one, Group::Login, another).await);
    for limits in [&one, &other] {
        for _ in 0..6 {
            assert!(allows(limits, Group::Browse, somebody()).await);
        }
        assert!(!allows(limits, Group::Browse, somebody()).await);
    }
}

#[tokio::test]
async fn a_flood_is_refused_without_asking_redis() {
    let Some(server) = TestRedis::start().await else { return };
    let limits = instance(server.connect());
    for _ in 0..6 {
        assert!(allows(&limits, Group::Login, somebody()).await);
    }
    let before = commands_run(&server.command(&["INFO", "commandstats"]).await);
    assert!(before >= 6, "{before}");
    for _ in 0..100 {
        assert!(!allows(&limits, Group::Login, somebody()).await);
    }
    assert_eq!(commands_run(&server.command(&["INFO", "commandstats"]).await), before);
}

#[tokio::test]
async fn when_redis_dies_each_instance_holds_to_what_it_has_counted() {
    let Some(mut server) = TestRedis::start().await else { return };
    let (one, other) = (instance(server.connect()), instance(server.connect()));
    for _ in 0..2 {
        assert!(allows(&one, Group::Login, somebody()).await);
        assert!(allows(&other, Group::Login, somebody()).await);
    }
    server.kill();
    for limits in [&one, &other] {
        for _ in 0..4 {
            assert!(allows(limits, Group::Login, somebody()).await);
        }
        for _ in 0..10 {
            assert!(!allows(limits, Group::Login, somebody()).await);
        }
    }
    // An empty one makes nobody forget what they have counted themselves.
    server.restart().await;
    assert!(!allows(&one, Group::Login, somebody()).await);
}

#[tokio::test]
async fn without_redis_an_instance_counts_by_itself() {
    let limits = instance(Redis::off());
    for _ in 0..6 {
        assert!(allows(&limits, Group::Login, somebody()).await);
    }
    assert!(!allows(&limits, Group::Login, somebody()).await);
}

#[tokio::test]
async fn requests_are_counted_in_redis_by_the_tightest_of_both() {
    let Some(server) = TestRedis::start().await else { return };
    let slow = LimitsConfig { login_per_minute: 1, login_burst: 5, ..three_at_once() };
    let app = || TestApp::builder().limits(slow.clone()).redis(server.connect()).build();
    // Two instances: apps make the same store.
    let (one, other) = (app().await, app().await);
    assert_eq!(one.store.id, other.store.id);
    let keys = async |pattern: &str| {
        server.command(&["EVAL", "return #redis.call('KEYS', ARGV[1])", "0", pattern]).await
    };
    one.get("/api/v1/products").await.expect_status(200);
    assert_eq!(keys("*:limit:*").await, "0");
    for (app, left) in [(&one, "4"), (&other, "3"), (&one, "2")] {
        let answer = app.try_to_sign_in("jo@example.com", None).await.expect_status(401);
        assert_eq!(shown(&answer)[..2], ["5", left]);
    }
    // The address and the account.
    assert_eq!(keys(&format!("martlet:{{{}}}:limit:login:*", one.store.id)).await, "2");
    for _ in 0..2 {
        other.try_to_sign_in("jo@example.com", None).await.expect_status(401);
    }
    let refused = one.try_to_sign_in("jo@example.com", None).await.expect_problem(429, "rate_limited");
    assert_eq!(shown(&refused)[..2], ["5", "0"]);
    let wait: u64 = refused.header("retry-after").parse().unwrap();
    assert!((1..=60).contains(&wait), "{wait}");
    // What names no store is counted here alone, and answered as ever.
    let lost = one.request(Method::POST, "/api/v1/carts").header("martlet-store", "nowhere");
    let lost = lost.json(&json!({})).send().await.expect_problem(404, "store_not_found");
    assert_eq!(shown(&lost), ["3", "2", "1"]);
    assert_eq!(keys("*:limit:carts:*").await, "0");
}

/// Asks for a cart in a store.
async fn cart(app: &TestApp, peer: &str, store: &str) -> Answer {
    post(app, "/api/v1/carts", &json!({})).from(peer).header("martlet-store", store).send().await
}

#[tokio::test]
async fn who_is_refused_has_no_store_looked_up() {
    let Some(server) = TestRedis::start().await else { return };
    let app = TestApp::builder().limits(three_at_once()).redis(server.connect()).build().await;
    for _ in 0..3 {
        cart(&app, "203.0.113.1", "default").await.expect_status(201);
    }
    cart(&app, "203.0.113.1", "late").await.expect_problem(429, "rate_limited");
    let id = app.state.world.ids.next(NOW);
    let late = Store { id, handle: "late".parse().unwrap(), hosts: Vec::new(), ..app.store.clone() };
    app.state.db.insert_store(&late).await.unwrap();
    // Had it been looked for before, it would be remembered that it wasn't there.
    let answer = app.request(Method::GET, "/api/v1/categories").header("martlet-store", "late").send().await;
    answer.expect_status(200);
}

#[tokio::test]
async fn without_the_database_an_instance_still_refuses_who_asks_too_often() {
    let Some(server) = TestRedis::start().await else { return };
    let app = TestApp::builder().limits(three_at_once()).redis(server.connect()).build().await;
    app.state.copies.stores.forget();
    app.state.db.close().await;
    for left in ["2", "1", "0"] {
        let answer = cart(&app, "203.0.113.1", "default").await;
        assert!(answer.status.is_server_error(), "{answer:?}");
        assert_eq!(shown(&answer)[..2], ["3", left]);
    }
    cart(&app, "203.0.113.1", "default").await.expect_problem(429, "rate_limited");
}
