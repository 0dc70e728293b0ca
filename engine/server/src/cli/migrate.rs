//! `martlet migrate`.

use std::process::ExitCode;

use crate::config::Config;

/// Brings the tables up to date and says what was done.
pub(super) async fn run(config: &Config) -> anyhow::Result<ExitCode> {
    let db = super::open(config).await?;
    let pending = db.pending_migrations().await?;
    db.migrate().await?;
    for migration in &pending {
        super::print(&format!("migrated to {} ({})", migration.number, migration.description))?;
    }
    if pending.is_empty() {
        super::print("the tables are up to date")?;
    }
    db.close().await;
    Ok(ExitCode::SUCCESS)
}
