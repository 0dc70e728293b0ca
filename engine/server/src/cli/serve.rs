//! `martlet serve`.

use std::{process::ExitCode, sync::Arc};

use anyhow::{Context as _, ensure};
use martlet_plugin_host::Host;
use martlet_store::Db;
use tokio::net::TcpListener;

use crate::{
    clock::Clock,
    config::Config,
    ids::Ids,
    operations::Operations,
    price_cart::Pricer,
    router, serve,
    state::{AppState, BodyLimit, RequestRules},
};

/// Serves until the process is asked to end.
pub(super) async fn run(config: &Config, migrate: bool) -> anyhow::Result<ExitCode> {
    let db = super::open(config).await?;
    if migrate {
        db.migrate().await?;
    }
    let pending = db.pending_migrations().await?;
    ensure!(pending.is_empty(), "{} migrations are pending: run `martlet migrate` first", pending.len());
    let state = state(config, db)?;
    state.pricer.warm(&state.db).await?;
    let address = config.server.address;
    let listener =
        TcpListener::bind(address).await.with_context(|| format!("{address} can't be listened on"))?;
    tracing::info!(address = %listener.local_addr()?, version = crate::operations::VERSION, "listening");
    let operations = state.operations.clone();
    let db = state.db.clone();
    let stop = async {
        if let Err(error) = serve::asked_to_end().await {
            tracing::error!(%error, "signals can't be waited for; leaving");
        }
    };
    serve::serve(listener, router::router(state), operations, &config.server, stop).await;
    db.close().await;
    Ok(ExitCode::SUCCESS)
}

fn state(config: &Config, db: Db) -> anyhow::Result<AppState> {
    let clock = Clock::System;
    let operations = Operations::new(clock.now()).context("the metrics can't be set up")?;
    Ok(AppState {
        db,
        pricer: Arc::new(Pricer::new(Arc::new(Host::new(config.plugins.host())?))),
        clock,
        ids: Ids::System,
        operations: Arc::new(operations),
        rules: Arc::new(RequestRules {
            body_limit: BodyLimit(config.server.body_limit_bytes),
            timeout: config.server.request_timeout(),
            default_store: config.stores.default.parse()?,
        }),
    })
}
