//! The binary `martlet`.

use std::process::ExitCode;

use clap::Parser as _;
use martlet_server::cli::Cli;

/// Gives back what was used for a while, such as for compiling components, where the system's own keeps
/// it in an arena for each thread.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    match Cli::parse().run() {
        Ok(code) => code,
        Err(error) => {
            eprintln!("martlet: {error:#}");
            ExitCode::FAILURE
        }
    }
}
