//! `cargo xtask soak`: what takes too long for every change.

use std::path::Path;

use anyhow::{Context as _, Result};

use crate::{mysql, run, wasm, workspace};

/// What `cargo xtask soak` can be told.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Only the tests of this name: `faults` or `replay`.
    #[arg(long)]
    only: Option<String>,
    /// How many orders are replayed.
    #[arg(long, default_value_t = 5_000)]
    orders: u32,
}

/// Kills the engine at every place that an order comes by, on SQLite and MySQL, and replays
/// thousands of orders.
pub(crate) fn run(options: &Options) -> Result<()> {
    let wanted = |name: &str| options.only.as_ref().is_none_or(|only| only == name);
    wasm::build()?;
    if wanted("faults") {
        build_with_faults()?;
    }
    run::build_engine(&[])?;
    if wanted("replay") {
        let mut replay = tests("replay");
        run::command(replay.env("MARTLET_TEST_ORDERS", options.orders.to_string()))?;
    }
    if wanted("faults") {
        let server = mysql::Server::find_or_start()?;
        run::command(tests("faults").env("TEST_MYSQL_URL", &server.url))?;
    }
    Ok(())
}

/// An engine with fault points, beside the one without: only its own crates are compiled twice.
fn build_with_faults() -> Result<()> {
    run::build_engine(&["--features", "martlet/faults"])?;
    let target = workspace::root().join("target");
    let folder = target.join("faults");
    std::fs::create_dir_all(&folder)?;
    copy(&target.join("debug/martlet"), &folder.join("martlet"))
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    // A program that runs can't be written to, but its file can be replaced.
    let beside = to.with_extension("new");
    std::fs::copy(from, &beside).with_context(|| format!("{} can't be copied", from.display()))?;
    Ok(std::fs::rename(beside, to)?)
}

fn tests(name: &str) -> std::process::Command {
    let mut test = run::black_box(name);
    test.args(["--", "--include-ignored", "--nocapture", "--test-threads=1"]);
    test
}
