//! The side of the process that is bounded: `martlet inspect-component`.

use std::{
    io::{self, Read as _, Write as _},
    time::Duration,
};

use anyhow::Context as _;
use martlet_domain::quote::Failure;
use martlet_plugin_host::{GateReport, Host, HostConfig, Undecided};
use rlimit::Resource;
use serde::{Deserialize, Serialize};

/// Files that may be open: the three streams, and what is looked at for a moment, such as how many
/// processors there are.
const OPEN_FILES: u64 = 32;

/// What an inspection is told, beside the component on its standard input.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub struct ChildArgs {
    /// Bytes of the component.
    #[arg(long)]
    pub size: usize,
    /// Bytes of memory that the process may write to, beside its first thread's stack.
    #[arg(long)]
    pub data_bytes: u64,
    /// Seconds of processor time of the process.
    #[arg(long)]
    pub cpu_seconds: u64,
    /// Fuel of a call, beside that for its lines.
    #[arg(long)]
    pub fuel_per_call: u64,
    /// Fuel of a call for each line of the cart.
    #[arg(long)]
    pub fuel_per_line: u64,
    /// How long a call may take, in milliseconds.
    #[arg(long)]
    pub call_timeout_ms: u64,
    /// Memory of an instance, in bytes.
    #[arg(long)]
    pub instance_bytes: usize,
    /// Largest component, in bytes.
    #[arg(long)]
    pub module_bytes: usize,
}

/// What the process says on its standard output.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Said {
    Report(Box<GateReport>),
    /// There was no room.
    NoRoom,
    /// It may go well in a moment.
    Undecided(String),
}

impl ChildArgs {
    /// The arguments that are read as these.
    pub(super) fn to_arguments(&self) -> Vec<String> {
        let Self { size, data_bytes, cpu_seconds, fuel_per_call, fuel_per_line, .. } = self;
        vec![
            format!("--size={size}"),
            format!("--data-bytes={data_bytes}"),
            format!("--cpu-seconds={cpu_seconds}"),
            format!("--fuel-per-call={fuel_per_call}"),
            format!("--fuel-per-line={fuel_per_line}"),
            format!("--call-timeout-ms={}", self.call_timeout_ms),
            format!("--instance-bytes={}", self.instance_bytes),
            format!("--module-bytes={}", self.module_bytes),
        ]
    }

    fn host(&self) -> HostConfig {
        HostConfig {
            fuel_per_call: self.fuel_per_call,
            fuel_per_line: self.fuel_per_line,
            call_timeout: Duration::from_millis(self.call_timeout_ms),
            memory_bytes: self.instance_bytes,
            module_bytes: self.module_bytes,
            pool: false,
            ..HostConfig::default()
        }
    }
}

/// Bounds this process, then looks at the component on standard input. Steps are told on standard error,
/// so that who started it knows what it was at when it met a bound.
pub fn run(arguments: &ChildArgs) -> anyhow::Result<()> {
    bound(arguments)?;
    let mut bytes = Vec::with_capacity(arguments.size.min(arguments.module_bytes).saturating_add(1));
    let most = u64::try_from(arguments.module_bytes).unwrap_or(u64::MAX).saturating_add(1);
    io::stdin().lock().take(most).read_to_end(&mut bytes).context("the component can't be read")?;
    let host = Host::new(arguments.host())?;
    let outcome = host.examine(&bytes, &mut |step| {
        // Who started it may have gone: then nobody waits for the outcome either.
        drop(writeln!(io::stderr().lock(), "{}{}", super::process::STEP, step.as_str()));
    });
    let said = match outcome {
        Ok(report) => Said::Report(Box::new(report)),
        Err(Undecided::Host(Failure::HostResources)) => Said::NoRoom,
        Err(error) => Said::Undecided(error.to_string()),
    };
    serde_json::to_writer(io::stdout().lock(), &said).context("the report can't be written")
}

/// Nothing that follows can raise these. Address space isn't bounded: what is only reserved costs nothing.
fn bound(arguments: &ChildArgs) -> anyhow::Result<()> {
    for (resource, soft, hard) in [
        // A second after the signal that says why comes the one that can't be ignored.
        (Resource::CPU, arguments.cpu_seconds, arguments.cpu_seconds.saturating_add(1)),
        (Resource::DATA, arguments.data_bytes, arguments.data_bytes),
        (Resource::CORE, 0, 0),
        (Resource::NOFILE, OPEN_FILES, OPEN_FILES),
    ] {
        let name = resource.as_name();
        resource.set(soft, hard).with_context(|| format!("{name} can't be bounded"))?;
    }
    Ok(())
}
