//! Redis comes and goes, and shoppers don't notice.

use std::{
    thread::sleep,
    time::{Duration, Instant},
};

use crate::{
    balancer::Balancer,
    load::{Shoppers, during},
    pair::{Shared, on_each_database},
};

/// How long each state lasts: longer than a breaker stays open.
const A_WHILE: Duration = Duration::from_secs(4);
/// High limits, so that requests are counted in Redis and none is refused.
const COUNTED: [(&str, &str); 5] = [
    ("MARTLET_LIMITS__ENABLED", "true"),
    ("MARTLET_LIMITS__BROWSE_PER_MINUTE", "1000000"),
    ("MARTLET_LIMITS__BROWSE_BURST", "1000000"),
    ("MARTLET_LIMITS__CARTS_PER_MINUTE", "1000000"),
    ("MARTLET_LIMITS__CARTS_BURST", "1000000"),
];

#[test]
#[ignore = "needs the machine to itself: cargo xtask test instances"]
fn while_redis_is_stuck_or_gone_nothing_breaks_and_afterwards_it_is_used_again() {
    on_each_database("outage", Shared::Redis, &COUNTED, |pair| {
        let (redis, shoppers) = (pair.redis(), Shoppers::new(&pair.shop));
        let balancer = Balancer::new(&pair.engines().map(|engine| engine.address()));
        let report = during(balancer, shoppers, |_| {
            sleep(A_WHILE);
            assert!(redis.commands() > 0, "it is used");
            redis.freeze();
            sleep(A_WHILE);
            redis.kill();
            sleep(A_WHILE);
            redis.restart();
            let back = Instant::now();
            // A few are of who only looks whether it is there again.
            while redis.commands() < 100 {
                assert!(back.elapsed() < Duration::from_secs(10), "it isn't used again");
                sleep(Duration::from_millis(50));
            }
            println!("Redis is used again {:?} after it came back", back.elapsed());
            sleep(A_WHILE);
        });
        println!("{report}");
        report.expect_well();
    });
}
