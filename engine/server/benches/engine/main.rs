//! Measures the engine beside the floors it stands on: `cargo xtask bench`.
//!
//! A floor is what the same work takes with the library under the engine alone. Nothing is
//! asserted here; a request or call that fails ends the bench with an error.

#![expect(clippy::float_arithmetic, reason = "these are measurements; there is no money in them")]

use std::{
    fs::OpenOptions,
    io::{self, Write as _},
    path::{Path, PathBuf},
    sync::Mutex,
};

use anyhow::{Context as _, Result};
use tracing_subscriber::EnvFilter;

mod cart;
mod load;
mod neighbour;
mod orders;
mod raw;
mod report;
mod rounds;
mod rows;
mod shop;
mod walk;

fn main() -> Result<()> {
    log_to_nowhere()?;
    let target = target()?;
    let plugins = target.join("plugins");
    let (shop, raw) = (shop::Shop::open(&plugins)?, raw::told(raw::Raw::new())?);
    let on_mysql = shop::Shop::open_mysql(&plugins)?;
    let shops = [Some(&shop), on_mysql.as_ref()];
    let neighbour = neighbour::Neighbour::open(&shop, &plugins)?;
    let tills = shops.into_iter().flatten().map(orders::Till::open).collect::<Result<Vec<_>>>()?;
    let mut rows = vec![
        rows::product(&shop)?,
        rows::products(&shop)?,
        rows::evaluation(&shop, &raw, &plugins, 1)?,
        rows::evaluation(&shop, &raw, &plugins, 10)?,
        rows::evaluation(&shop, &raw, &plugins, 100)?,
        rows::quote(&shop, &raw, &plugins)?,
        rows::counted_quote(&shop)?,
        rows::quote_over_http(&shop)?,
        rows::quote_beside(&shop, &neighbour)?,
    ];
    for till in &tills {
        rows.extend([1, 8, 32].map(|clients| till.many(clients)));
        rows.extend([1, 8, 64].map(|clients| till.hot(clients)));
        rows.extend([64].map(|clients| till.reserving(clients)));
    }
    let wanted = wanted();
    let rows = rows.into_iter().filter(|row| row.name.contains(&wanted)).collect();
    let measured = rounds::run(rows)?;
    let file = target.join("bench").join("engine.json");
    report::write(&measured, &file)?;
    write!(io::stdout(), "\n{}\nAll numbers: {}\n", report::table(&measured)?, file.display())?;
    Ok(())
}

/// `cargo bench -p martlet --bench engine -- quote` measures the rows whose name contains that.
/// Cargo adds options of its own.
fn wanted() -> String {
    std::env::args().skip(1).find(|argument| !argument.starts_with('-')).unwrap_or_default()
}

/// Logs what the engine logs by default, so that its cost is in the figures.
fn log_to_nowhere() -> Result<()> {
    let nowhere = OpenOptions::new().write(true).open("/dev/null")?;
    let format = tracing_subscriber::fmt().json().flatten_event(true).with_span_list(false);
    let format = format.with_env_filter(EnvFilter::new("info")).with_writer(Mutex::new(nowhere));
    format.try_init().map_err(|error| anyhow::anyhow!("logging can't be set up: {error}"))
}

/// The workspace's target folder: this program is in its release/deps.
fn target() -> Result<PathBuf> {
    let program = std::env::current_exe()?;
    program.ancestors().nth(3).map(Path::to_owned).context("the bench is not in a target folder")
}
