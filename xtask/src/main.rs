//! Martlet's own tasks, run as `cargo xtask <task>`.

use std::process::ExitCode;

use anyhow::Result;
use clap::Parser;

mod debian;
mod demo;
mod fuzz;
mod infra;
mod mysql;
mod previous;
mod redis;
mod run;
mod soak;
mod test;
mod tools;
mod wasm;
mod wit;
mod workspace;

/// Martlet's own tasks.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", version)]
enum Task {
    /// Builds everything and starts a store with goods and promotions in it.
    Demo(demo::Options),
    /// Runs everything that has to hold: formatting, lints, documentation, tests.
    Test(test::Options),
    /// Runs what takes too long for every change: crashes everywhere, thousands of replays.
    Soak(soak::Options),
    /// Throws at the engine whatever libFuzzer comes up with.
    Fuzz(fuzz::Options),
    /// Measures the engine beside the floors it stands on.
    Bench,
    /// Builds the plugins into components under target/plugins.
    Wasm,
}

fn main() -> ExitCode {
    let outcome = match Task::parse() {
        Task::Demo(options) => demo::run(&options),
        Task::Test(options) => test::run(&options),
        Task::Soak(options) => soak::run(&options),
        Task::Fuzz(options) => fuzz::run(&options),
        Task::Bench => bench(),
        Task::Wasm => wasm::build(),
    };
    if let Err(error) = outcome {
        eprintln!("martlet: {error:#}");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

fn bench() -> Result<()> {
    // The engine is measured with real components in it.
    wasm::build()?;
    // With the server's own settings, under which what is committed survives a power cut.
    let server = mysql::Server::find_or_start()?;
    let bench = ["bench", "--package", "martlet", "--bench", "engine", "--locked"];
    let mut bench = run::cargo(&bench);
    run::command(bench.env("TEST_MYSQL_URL", &server.url).current_dir(workspace::root()))
}
