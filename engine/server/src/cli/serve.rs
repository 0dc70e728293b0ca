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
    orders::Orders,
    payments::Payments,
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
    let sweeping = tokio::spawn(state.orders.clone().run(config.orders.sweep_interval()));
    serve::serve(listener, router::router(state), operations, &config.server, stop).await;
    // Whatever it is at, another engine or the next start goes on with.
    sweeping.abort();
    db.close().await;
    Ok(ExitCode::SUCCESS)
}

fn state(config: &Config, db: Db) -> anyhow::Result<AppState> {
    let clock = Clock::System;
    let operations = Operations::new(clock.now()).context("the metrics can't be set up")?;
    let pricer = Arc::new(Pricer::new(Arc::new(Host::new(config.plugins.host())?)));
    let payments = Payments::new(db.clone(), clock.clone(), &config.payments);
    let rules = config.orders.rules();
    Ok(AppState {
        orders: Orders::new(db.clone(), pricer.clone(), clock.clone(), Ids::System, payments, rules),
        db,
        pricer,
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
