//! Everybody wants the same product that nobody has looked at yet.

use std::{sync::Arc, time::Duration};

use martlet_tests::{
    Engine,
    wire::{Connection, Request},
};
use tokio::{runtime::Runtime, sync::Barrier, task::JoinSet};

use crate::{
    changes::Marker,
    pair::{Pair, Shared, on_each_database},
};

/// How many want it, at each instance.
const SHOPPERS: usize = 500;

/// Requests that are sent at one moment. Their answers' statuses.
fn rush(engines: &[&Engine], path: &str) -> Vec<u16> {
    let request = Arc::new(Request::new("GET", path, &[], None));
    let start = Arc::new(Barrier::new(SHOPPERS * engines.len()));
    Runtime::new().expect("a runtime").block_on(async {
        let mut shoppers = JoinSet::new();
        for number in 0..SHOPPERS * engines.len() {
            let address = engines[number % engines.len()].address();
            let (request, start) = (request.clone(), start.clone());
            shoppers.spawn(async move {
                let mut connection = Connection::open(address).await.expect("a connection");
                start.wait().await;
                connection.send(&request).await.expect("an answer").status
            });
        }
        shoppers.join_all().await
    })
}

/// Pages of products that an instance has read from the database.
fn reads(engine: &Engine) -> u64 {
    engine.count("catalog_reads_total", &[("what", "product"), ("from", "database")])
}

/// How often each instance reads a product from the database that so many ask for at once.
fn reads_of_a_rush(pair: &Pair) -> [u64; 2] {
    let handle = "merino-socks".parse().expect("a handle");
    let found = pair.shop.block_on(pair.shop.db.find_product_by_handle(pair.shop.store, &handle));
    let product = found.expect("a read").expect("the product").id;
    // Both have heard of everything that was changed until now, so nothing makes them read again.
    Marker::new(&pair.shop, "MARKER").change(pair, Duration::from_secs(10));
    let before = pair.engines().map(reads);
    let answers = rush(&pair.engines(), &format!("/api/v1/products/{product}"));
    assert_eq!(answers, vec![200; 2 * SHOPPERS]);
    let after = pair.engines().map(reads);
    [after[0] - before[0], after[1] - before[1]]
}

#[test]
#[ignore = "needs the machine to itself: cargo xtask test instances"]
fn five_hundred_who_ask_at_once_cost_an_instance_one_read() {
    on_each_database("stampede_alone", Shared::Nothing, &[], |pair| {
        assert_eq!(reads_of_a_rush(pair), [1, 1]);
    });
}

#[test]
#[ignore = "needs the machine to itself: cargo xtask test instances"]
fn with_redis_five_hundred_who_ask_at_once_cost_an_instance_one_read_at_most() {
    on_each_database("stampede", Shared::Redis, &[], |pair| {
        let reads = reads_of_a_rush(pair);
        assert!(reads.iter().all(|reads| *reads <= 1) && reads != [0, 0], "{reads:?}");
    });
}
