//! `martlet replay`: whether orders' prices still come to the same bytes.

use std::{
    io::{self, Write as _},
    process::ExitCode,
    sync::Arc,
};

use anyhow::{Context as _, bail};
use martlet_domain::{
    Id, Timestamp,
    order::{Order, OrderNumber},
    settings::Store,
};
use martlet_plugin_host::Host;
use martlet_store::Db;
use time::{Date, OffsetDateTime, format_description::well_known::Rfc3339, macros::format_description};

use crate::{
    clock::Clock,
    config::Config,
    ids::Ids,
    plugins,
    replay::{Finding, Replay, Replayed},
};

/// Orders between two words on how far it has got.
const PROGRESS: u64 = 500;

/// Which orders.
#[derive(Debug, clap::Args)]
pub(super) struct ReplayArgs {
    /// One order, by its id or its number.
    #[arg(value_name = "ORDER", conflicts_with_all = ["all", "since"], required_unless_present_any = ["all", "since"])]
    order: Option<String>,
    /// All orders of every store, or of one with --store.
    #[arg(long)]
    all: bool,
    /// Only orders placed from a moment on: 2026-03-01, or 2026-03-01T12:00:00Z.
    #[arg(long, value_name = "TIME", value_parser = moment)]
    since: Option<Timestamp>,
    /// Handle of the store; unless said the default store, or every store with --all.
    #[arg(long, value_name = "HANDLE")]
    store: Option<String>,
}

/// How many orders came to what.
#[derive(Debug, Default)]
struct Tally {
    same: u64,
    different: u64,
    refused: u64,
    not_now: u64,
}

/// Replays what was asked for. Succeeds where all of it comes to the same bytes.
pub(super) async fn run(config: &Config, asked: ReplayArgs) -> anyhow::Result<ExitCode> {
    let db = super::open(config).await?;
    let host = plugins::host(&config.plugins, &Clock::System, &Ids::System)?;
    let mut tally = Tally::default();
    match &asked.order {
        Some(order) => {
            let store = store(&db, config, asked.store.as_deref()).await?;
            one(&db, host, &store, order, &mut tally).await?;
        }
        None => {
            let every = asked.all && asked.store.is_none();
            let stores = if every {
                db.list_stores().await?
            } else {
                vec![store(&db, config, asked.store.as_deref()).await?]
            };
            for store in &stores {
                many(&db, &host, store, asked.since, &mut tally).await?;
            }
        }
    }
    super::print(&tally.summary())?;
    db.close().await;
    Ok(if tally.same == tally.count() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn store(db: &Db, config: &Config, handle: Option<&str>) -> anyhow::Result<Store> {
    let handle = handle.unwrap_or(&config.stores.default).parse()?;
    let store = db.find_store_by_handle(&handle).await?;
    store.with_context(|| format!("there is no store `{handle}`"))
}

async fn one(db: &Db, host: Arc<Host>, store: &Store, order: &str, tally: &mut Tally) -> anyhow::Result<()> {
    let replay = Replay::new(db.clone(), host, store.id);
    let replayed = match find(db, store, order).await? {
        Some(order) => replay.order(order).await?,
        None => None,
    };
    let Some(replayed) = replayed else {
        bail!("there is no order {order} in the store `{}`; --store names another", store.handle)
    };
    tally.count_in(&replayed);
    super::print(&describe(&replayed))
}

/// The id of an order that is named by its id or its number.
async fn find(db: &Db, store: &Store, order: &str) -> anyhow::Result<Option<Id<Order>>> {
    if let Ok(id) = order.parse() {
        return Ok(Some(id));
    }
    let number: OrderNumber = order.parse().context("an order is named by its id or its number")?;
    Ok(db.find_order_by_number(store.id, &number).await?.map(|order| order.id))
}

async fn many(
    db: &Db,
    host: &Arc<Host>,
    store: &Store,
    since: Option<Timestamp>,
    tally: &mut Tally,
) -> anyhow::Result<()> {
    let count = db.count_receipts(store.id, since).await?;
    let replay = Arc::new(Replay::new(db.clone(), Arc::clone(host), store.id));
    let (mut after, mut done) = (None, 0);
    loop {
        let page = replay.next(since, after).await?;
        let Some(last) = page.last() else { return Ok(()) };
        after = Some(last.order);
        for replayed in &page {
            tally.count_in(replayed);
            if replayed.finding != Finding::Same {
                super::print(&describe(replayed))?;
            }
            done += 1;
            if done % PROGRESS == 0 {
                // Nobody may be looking.
                _ = writeln!(io::stderr().lock(), "store `{}`: {done} of {count} orders", store.handle);
            }
        }
    }
}

impl Tally {
    fn count_in(&mut self, replayed: &Replayed) {
        *match &replayed.finding {
            Finding::Same => &mut self.same,
            Finding::Different(_) => &mut self.different,
            Finding::Refused(_) => &mut self.refused,
            Finding::NotNow(_) => &mut self.not_now,
        } += 1;
    }

    const fn count(&self) -> u64 {
        self.same + self.different + self.refused + self.not_now
    }

    fn summary(&self) -> String {
        let Self { same, different, refused, not_now } = self;
        let count = self.count();
        let orders = if count == 1 { "order" } else { "orders" };
        format!(
            "{count} {orders}: {same} the same, {different} different, {refused} refused, {not_now} not replayed now"
        )
    }
}

fn describe(replayed: &Replayed) -> String {
    let name = format!("order {} ({})", replayed.number, replayed.order);
    match &replayed.finding {
        Finding::Same => format!("the same   {name}"),
        Finding::Different(problem) => format!("different  {name}: {problem}"),
        Finding::Refused(problem) => format!("refused    {name}: {problem}"),
        Finding::NotNow(problem) => format!("not now    {name}: could not be replayed now: {problem}"),
    }
}

/// A moment, or the midnight (UTC) with which a day begins.
fn moment(text: &str) -> Result<Timestamp, String> {
    let day = || {
        Date::parse(text, format_description!("[year]-[month]-[day]")).map(|day| day.midnight().assume_utc())
    };
    let moment = OffsetDateTime::parse(text, &Rfc3339).or_else(|_| day());
    let nanos = moment
        .map_err(|_| "is a day such as 2026-03-01 or a time such as 2026-03-01T12:00:00Z".to_owned())?;
    let millis = i64::try_from(nanos.unix_timestamp_nanos().div_euclid(1_000_000));
    millis.map(Timestamp::from_millis).map_err(|_| "is too far away".to_owned())
}

#[cfg(test)]
mod tests;
