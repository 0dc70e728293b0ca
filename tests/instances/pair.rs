//! Two engines that are the same shop.

use martlet_tests::{Database, Engine, EngineBuilder, Redis, shop::Shop};

/// Two engines on one database, and the Redis that both use.
pub(crate) struct Pair {
    /// One, and what a test needs beside it.
    pub(crate) shop: Shop,
    /// The other.
    pub(crate) other: Engine,
    /// Where they share one.
    pub(crate) redis: Option<Redis>,
}

impl Pair {
    /// Both.
    pub(crate) fn engines(&self) -> [&Engine; 2] {
        [&self.shop.engine, &self.other]
    }

    /// The Redis that both use.
    pub(crate) fn redis(&self) -> &Redis {
        self.redis.as_ref().expect("they share a Redis")
    }
}

/// What two engines share beside the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shared {
    /// A Redis.
    Redis,
    /// Nothing.
    Nothing,
}

/// Tries a behaviour of two engines on SQLite, and on the MySQL server where there is one. Nothing is
/// tried, which is said, where a Redis is needed and none is installed.
pub(crate) fn on_each_database(
    purpose: &str,
    shared: Shared,
    environment: &[(&str, &str)],
    behaviour: impl Fn(&Pair),
) {
    on_sqlite(shared, environment, &behaviour);
    if let Some(database) = Database::create(purpose) {
        on(Engine::builder().database(&database.url()), shared, environment, behaviour);
    }
}

/// The same for what has little to do with the database.
pub(crate) fn on_sqlite(shared: Shared, environment: &[(&str, &str)], behaviour: impl Fn(&Pair)) {
    on(Engine::builder(), shared, environment, behaviour);
}

fn on(
    mut builder: EngineBuilder,
    shared: Shared,
    environment: &[(&str, &str)],
    behaviour: impl FnOnce(&Pair),
) {
    let redis = match shared {
        Shared::Nothing => None,
        Shared::Redis => match Redis::start() {
            Some(redis) => Some(redis),
            None => return,
        },
    };
    if let Some(redis) = &redis {
        builder = builder.redis(&redis.url());
    }
    for (name, value) in environment {
        builder = builder.environment(name, value);
    }
    let engine = builder.start();
    let other = engine.beside().start();
    behaviour(&Pair { shop: Shop::new(engine), other, redis });
}
