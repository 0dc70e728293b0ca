//! The command line.

mod cache;
mod config_check;
mod database_user;
mod key;
mod migrate;
mod quote;
mod replay;
mod seed;
mod serve;
mod store;

#[cfg(test)]
pub(crate) use key::create as create_key;

use std::{
    future::Future,
    io::{self, Write as _},
    path::PathBuf,
    process::ExitCode,
};

use anyhow::Context as _;
use clap::{Parser, Subcommand};
use martlet_store::Db;

use crate::{
    config::{self, Config},
    inspector, router,
    telemetry::{self, Output},
};

/// A storefront engine whose pricing, coupons and promotions are sandboxed WebAssembly.
#[derive(Debug, Parser)]
#[command(name = "martlet", version, arg_required_else_help = true)]
pub struct Cli {
    /// A TOML file; MARTLET_SECTION__KEY in the environment wins over it.
    #[arg(long, global = true, value_name = "FILE", env = "MARTLET_CONFIG")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve HTTP until SIGTERM or Ctrl-C.
    Serve {
        /// Bring the tables up to date first.
        #[arg(long)]
        migrate: bool,
    },
    /// Bring the tables up to date.
    Migrate,
    /// Make the user of MySQL that servers sign in as, or give it another password. For an administrator.
    DatabaseUser(database_user::UserArgs),
    /// Fill the database with the demo store.
    Seed {
        /// Folder of the built components.
        #[arg(long, value_name = "DIR", default_value = "target/plugins")]
        plugins: PathBuf,
    },
    /// Price a cart and print what each component did.
    Quote {
        /// The cart's id.
        cart: String,
    },
    /// Work out orders' prices again, and say whether each comes to the same bytes.
    Replay(replay::ReplayArgs),
    /// Stores.
    Store {
        #[command(subcommand)]
        command: store::StoreCommand,
    },
    /// API keys of the merchants' side.
    Key {
        #[command(subcommand)]
        command: key::KeyCommand,
    },
    /// What instances keep copies of.
    Cache {
        #[command(subcommand)]
        command: CacheCommand,
    },
    /// The configuration.
    Config {
        #[command(subcommand)]
        command: ConfigCommand,
    },
    /// Print the OpenAPI description.
    Openapi,
    /// Look at a component on standard input, within bounds. For the server itself.
    #[command(hide = true)]
    InspectComponent(inspector::ChildArgs),
}

#[derive(Debug, Subcommand)]
enum CacheCommand {
    /// Read the pages that are wanted most, so that Redis has them.
    Warm,
}

#[derive(Debug, Subcommand)]
enum ConfigCommand {
    /// Say what is set, and whether the server could start with it.
    Check,
}

impl Cli {
    /// Does what was asked for.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        if matches!(self.command, Command::Openapi) {
            let description =
                router::openapi().to_pretty_json().context("the description can't be written")?;
            return print(&description).map(|()| ExitCode::SUCCESS);
        }
        // Without configuration and log: nothing but the component and its bounds is there.
        if let Command::InspectComponent(arguments) = &self.command {
            return inspector::run(arguments).map(|()| ExitCode::SUCCESS);
        }
        let environment = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect();
        let config = config::load(self.config.as_deref(), &environment)?;
        let output =
            if matches!(self.command, Command::Serve { .. }) { Output::Stdout } else { Output::Stderr };
        telemetry::start(&config.log, output).context("logging can't start")?;
        match self.command {
            Command::Serve { migrate } => block_on(serve::run(&config, migrate)),
            Command::Migrate => block_on(migrate::run(&config)),
            Command::DatabaseUser(asked) => block_on(database_user::run(&config, asked)),
            Command::Seed { plugins } => block_on(seed::run(&config, &plugins)),
            Command::Quote { cart } => block_on(quote::run(&config, &cart)),
            Command::Replay(asked) => block_on(replay::run(&config, asked)),
            Command::Store { command } => block_on(store::run(&config, command)),
            Command::Key { command } => block_on(key::run(&config, command)),
            Command::Cache { command: CacheCommand::Warm } => block_on(cache::warm(&config)),
            Command::Config { command: ConfigCommand::Check } => block_on(config_check::run(&config)),
            Command::Openapi | Command::InspectComponent(_) => Ok(ExitCode::SUCCESS),
        }
    }
}

/// Runs a command to its end.
fn block_on(command: impl Future<Output = anyhow::Result<ExitCode>>) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    runtime.context("the threads that answer requests can't be started")?.block_on(command)
}

/// Opens the configured database.
async fn open(config: &Config) -> anyhow::Result<Db> {
    let (url, store) = (config.database.url.reveal(), config.database.store());
    Ok(match &config.database.read_url {
        Some(replica) => Db::open_with_replica(url, replica.reveal(), &store).await?,
        None => Db::open(url, &store).await?,
    })
}

/// Writes a line of a command's own output.
fn print(line: &str) -> anyhow::Result<()> {
    writeln!(io::stdout().lock(), "{line}").context("standard output can't be written to")
}
