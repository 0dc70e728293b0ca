//! `martlet cache`.

use std::{process::ExitCode, sync::Arc};

use anyhow::ensure;

use crate::{catalog::Catalog, clock::Clock, config::Config, ids::Ids, redis::Redis};

/// Reads the pages that are wanted most of every store, so that Redis has them, and says how many.
pub(super) async fn warm(config: &Config) -> anyhow::Result<ExitCode> {
    let redis = Redis::connect(&config.redis)?;
    ensure!(
        redis.is_configured(),
        "there is no Redis to warm: set redis.url. Without one each instance warms its own memory as it starts"
    );
    redis.ping().await?;
    let db = super::open(config).await?;
    let catalog = Arc::new(Catalog::new(db.clone(), redis, Clock::System, Ids::System)?);
    for store in db.list_stores().await? {
        let pages = catalog.warm(store.id).await?;
        super::print(&format!("{}: {pages} pages", store.handle))?;
    }
    db.close().await;
    Ok(ExitCode::SUCCESS)
}
