//! The binary `martlet`.

use std::process::ExitCode;

use clap::Parser as _;
use martlet_server::cli::Cli;

fn main() -> ExitCode {
    match Cli::parse().run() {
        Ok(code) => code,
        Err(error) => {
            eprintln!("martlet: {error:#}");
            ExitCode::FAILURE
        }
    }
}
