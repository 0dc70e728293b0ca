//! A deployment: one instance after the other is asked to end and comes back.

use std::{
    thread::sleep,
    time::{Duration, Instant},
};

use martlet_tests::{Database, Engine, EngineBuilder, Redis, free_port, shop::Shop};

use crate::{
    balancer::Balancer,
    load::{Shoppers, during},
};

/// How long an instance takes requests after it was asked to end. The load balancer looks each 100 ms.
const DRAIN: (&str, &str) = ("MARTLET_SERVER__DRAIN_DELAY_MS", "2000");

#[expect(clippy::print_stdout, reason = "how requests fared is what the test is to show")]
fn roll(builder: EngineBuilder) {
    let redis = Redis::start();
    let url = redis.as_ref().map(Redis::url).unwrap_or_default();
    let builder = builder.redis(&url).environment(DRAIN.0, DRAIN.1);
    let shop = Shop::new(builder.at(free_port()).start());
    let shoppers = Shoppers::new(&shop);
    let others = [free_port(), free_port()].map(|port| shop.engine.beside().at(port).start());
    let mut engines: Vec<_> = [shop.engine].into_iter().chain(others).collect();
    let addresses: Vec<_> = engines.iter().map(Engine::address).collect();
    let report = during(Balancer::new(&addresses), shoppers, |balancer| {
        sleep(Duration::from_secs(2));
        for (place, engine) in engines.iter_mut().enumerate() {
            let begun = Instant::now();
            engine.roll();
            let before = balancer.answered(place);
            while balancer.answered(place) < before + 50 {
                assert!(begun.elapsed() < Duration::from_secs(60), "it isn't asked again");
                sleep(Duration::from_millis(20));
            }
            println!("instance {place} has another process {:?} after it was asked to end", begun.elapsed());
        }
    });
    println!("{report}");
    report.expect_well();
}

#[test]
#[ignore = "needs the machine to itself: cargo xtask test instances"]
fn a_deployment_under_load_loses_no_request() {
    roll(Engine::builder());
    if let Some(database) = Database::create("rolling") {
        roll(Engine::builder().database(&database.url()));
    }
}
