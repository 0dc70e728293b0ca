//! `martlet serve`.

use std::{path::PathBuf, process::ExitCode, time::Duration};

use anyhow::{Context as _, ensure};
use martlet_store::Db;
use tokio::net::TcpListener;

use crate::{
    auth::PasswordCost,
    clock::Clock,
    config::Config,
    error::Error,
    ids::Ids,
    inspector::{How, Program},
    plugins::{self, upkeep},
    redis::Redis,
    router,
    serve::{self, Certificates},
    state::{AppState, Foundation},
};

/// How often sessions that have ended are deleted: nothing waits for it.
const SESSIONS_SWEPT_EVERY: Duration = Duration::from_secs(600);

/// How long to wait for the changes of the last minutes before requests are taken.
const FIRST_LOOK: Duration = Duration::from_secs(5);

/// Serves until the process is asked to end.
pub(super) async fn run(config: &Config, migrate: bool) -> anyhow::Result<ExitCode> {
    let db = super::open(config).await?;
    if migrate {
        db.migrate().await?;
    }
    let pending = db.pending_migrations().await?;
    ensure!(pending.is_empty(), "{} migrations are pending: run `martlet migrate` first", pending.len());
    let certificates = Certificates::configured(&config.tls).await?;
    let state = state(config, db)?;
    state.selling.pricer.warm(&state.db).await?;
    // What another instance couldn't tell Redis before it ended.
    match tokio::time::timeout(FIRST_LOOK, state.copies.changes.catch_up()).await {
        Ok(caught_up) => drop(caught_up?),
        Err(_) => tracing::warn!("the database is slow to say what has changed lately"),
    }
    // Nobody is kept waiting for it: what isn't warm yet is read when it is asked for.
    let warming = tokio::spawn(warm(state.clone()));
    let address = config.server.address;
    let listener =
        TcpListener::bind(address).await.with_context(|| format!("{address} can't be listened on"))?;
    let (version, tls) = (crate::operations::VERSION, certificates.is_some());
    tracing::info!(address = %listener.local_addr()?, version, tls, "listening");
    if let Some(certificates) = certificates.clone() {
        let interval = config.tls.reload_interval();
        tokio::spawn(async move { certificates.follow(interval).await });
    }
    let listener = serve::Listener::new(listener, certificates);
    let operations = state.frame.operations.clone();
    let db = state.db.clone();
    let stop = async {
        if let Err(error) = serve::asked_to_end().await {
            tracing::error!(%error, "signals can't be waited for; leaving");
        }
    };
    let sweeping = tokio::spawn(state.selling.orders.clone().run(config.orders.sweep_interval()));
    let auth = state.auth.clone();
    let forgetting = tokio::spawn(async move { auth.sessions.run(SESSIONS_SWEPT_EVERY).await });
    let listening = tokio::spawn(state.copies.changes.clone().run());
    let tidying = tokio::spawn(upkeep::run(
        state.selling.pricer.clone(),
        state.db.clone(),
        config.plugins.idle(),
        config.plugins.cache_keep(),
    ));
    let counters = state.selling.counters.clone();
    let counting = tokio::spawn(counters.clone().run());
    let limits = state.frame.rules.limits.clone();
    let limiting = tokio::spawn(async move { limits.run().await });
    serve::serve(listener, router::router(state), operations, &config.server, stop).await;
    // Whatever it is at, another engine or the next start goes on with.
    sweeping.abort();
    forgetting.abort();
    listening.abort();
    warming.abort();
    limiting.abort();
    tidying.abort();
    counting.abort();
    // A connection that doesn't come back is given up: the database notices when the process is gone.
    let closing = async {
        if let Err(error) = counters.flush().await {
            tracing::warn!("the last figures of plugins are lost: {error}");
        }
        db.close().await;
    };
    if tokio::time::timeout(serve::CLOSING, closing).await.is_err() {
        tracing::warn!("the database was left without closing all connections to it");
    }
    Ok(ExitCode::SUCCESS)
}

/// Reads what is wanted most.
async fn warm(state: AppState) {
    let warmed = async {
        let mut pages = 0;
        for store in state.db.list_stores().await? {
            pages += state.copies.catalog.warm(store.id).await?;
        }
        Ok::<usize, Error>(pages)
    };
    match warmed.await {
        Ok(pages) => tracing::info!(pages, "the pages that are wanted most are at hand"),
        Err(error) => tracing::warn!("pages aren't read ahead: {error}"),
    }
}

/// Uploads are looked at by this program itself, in a process of its own.
fn inspection(config: &Config) -> anyhow::Result<How> {
    // What is running, even where the file has another release in it by now.
    let running = PathBuf::from("/proc/self/exe");
    let own = || std::env::current_exe().context("the server doesn't know its own file");
    let path = if running.exists() { running } else { own()? };
    Ok(How::Process(Program { path, bounds: config.plugins.bounds(), host: config.plugins.host() }))
}

fn state(config: &Config, db: Db) -> anyhow::Result<AppState> {
    if config.auth.signing_keys.is_empty() && config.database.url.reveal().starts_with("mysql:") {
        tracing::warn!(
            "auth.signing_keys is empty: access tokens are good on this instance only, until it ends"
        );
    }
    if config.limits.enabled && config.server.behind_tls && config.server.trusted_proxies.is_empty() {
        tracing::warn!(
            "server.trusted_proxies is empty: whoever comes through what stands in front is limited as one"
        );
    }
    Ok(AppState::new(
        config,
        Foundation {
            db,
            redis: Redis::connect(&config.redis)?,
            host: plugins::host(&config.plugins, &Clock::System, &Ids::System)?,
            inspection: inspection(config)?,
            clock: Clock::System,
            ids: Ids::System,
            password_cost: PasswordCost::default(),
        },
    )?)
}
