//! Logs: JSON for machines, readable lines on a terminal. Both carry the request's span.

use std::io::{self, IsTerminal as _};

use tracing_subscriber::{
    EnvFilter, Layer as _, Registry, fmt, layer::SubscriberExt as _, util::SubscriberInitExt as _,
};

use crate::config::{LogConfig, LogFormat};

/// Where lines of log go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Output {
    /// Where the server's logs are collected.
    Stdout,
    /// Beside a command's own output.
    Stderr,
}

/// Logs from now on, in the whole process.
pub fn start(config: &LogConfig, output: Output) -> Result<(), tracing_subscriber::util::TryInitError> {
    let terminal = match output {
        Output::Stdout => io::stdout().is_terminal(),
        Output::Stderr => io::stderr().is_terminal(),
    };
    let human = match config.format {
        LogFormat::Auto => terminal,
        LogFormat::Human => true,
        LogFormat::Json => false,
    };
    // The filter was checked with the rest of the configuration.
    let filter = EnvFilter::new(&config.filter);
    let writer = move || -> Box<dyn io::Write> {
        match output {
            Output::Stdout => Box::new(io::stdout()),
            Output::Stderr => Box::new(io::stderr()),
        }
    };
    let layer = if human {
        fmt::layer().with_writer(writer).with_ansi(terminal).with_target(false).boxed()
    } else {
        fmt::layer().json().flatten_event(true).with_span_list(false).with_writer(writer).boxed()
    };
    Registry::default().with(layer.with_filter(filter)).try_init()
}
