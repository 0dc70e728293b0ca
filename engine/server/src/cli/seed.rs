//! `martlet seed`.

use std::{path::Path, process::ExitCode};

use crate::{clock::Clock, config::Config, ids::Ids, plugins, seed::Seeder};

/// Puts the demo store into the configured database, under the default store's handle.
pub(super) async fn run(config: &Config, components: &Path) -> anyhow::Result<ExitCode> {
    let db = super::open(config).await?;
    let pending = db.pending_migrations().await?;
    anyhow::ensure!(
        pending.is_empty(),
        "{} migrations are pending: run `martlet migrate` first",
        pending.len()
    );
    let host = plugins::host(&config.plugins, &Clock::System, &Ids::System)?;
    let seeder = Seeder { db: &db, host: &host, clock: &Clock::System, ids: &Ids::System };
    let mut progress = |line: &str| {
        if let Err(error) = super::print(line) {
            tracing::debug!(%error, "nobody reads the progress");
        }
    };
    seeder.seed(&config.stores.default.parse()?, components, &mut progress).await?;
    db.close().await;
    Ok(ExitCode::SUCCESS)
}
