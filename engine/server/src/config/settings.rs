//! The sections of the configuration, their defaults and what their values must satisfy.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use martlet_domain::{catalog::Handle, plugin::FailureRules};
use serde::{Deserialize, Serialize};
use tracing_subscriber::EnvFilter;

use super::TrustedProxies;
use crate::{price_cart::turns::TurnRules, secret::Secret};

/// The HTTP side.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ServerConfig {
    /// Where it listens: an IP address and a port.
    pub address: SocketAddr,
    /// Largest request body, in bytes.
    pub body_limit_bytes: usize,
    /// Longest time for a request, in milliseconds. A slower one gets 503.
    pub request_timeout_ms: u64,
    /// Whether something in front, such as a load balancer, speaks TLS with clients. It makes answers
    /// tell browsers to come back by https alone, as answers do that go over TLS from here.
    pub behind_tls: bool,
    /// Networks of the proxies and load balancers in front, such as `["10.0.0.0/16"]`: they are believed
    /// in `X-Forwarded-For` about whom they were asked by. Nobody else is.
    pub trusted_proxies: TrustedProxies,
    /// Most connections at once. Others wait where the operating system keeps them.
    pub max_connections: u32,
    /// Longest time for a client to shake hands and, after that, to send the headers of its first
    /// request, in milliseconds.
    pub header_timeout_ms: u64,
    /// How long a connection is kept on which nothing is asked, in milliseconds: longer than a load
    /// balancer in front keeps it, or that may ask on one which is just being closed.
    pub keep_alive_timeout_ms: u64,
    /// How long the server still takes requests after SIGTERM while it already reports itself as
    /// not ready, in milliseconds: the time a load balancer needs to notice.
    pub drain_delay_ms: u64,
    /// How long requests under way may take to finish after that, in milliseconds.
    pub shutdown_grace_ms: u64,
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self {
            address: SocketAddr::from(([127, 0, 0, 1], 8080)),
            body_limit_bytes: 1 << 20,
            request_timeout_ms: 10_000,
            behind_tls: false,
            trusted_proxies: TrustedProxies::default(),
            max_connections: 4_096,
            header_timeout_ms: 10_000,
            keep_alive_timeout_ms: 75_000,
            drain_delay_ms: 0,
            shutdown_grace_ms: 20_000,
        }
    }
}

impl ServerConfig {
    /// Longest time for a request.
    pub fn request_timeout(&self) -> Duration {
        Duration::from_millis(self.request_timeout_ms)
    }

    /// How long the server takes to leave, at most.
    pub fn longest_leave(&self) -> Duration {
        Duration::from_millis(self.drain_delay_ms + self.shutdown_grace_ms) + crate::serve::CLOSING
    }

    pub(super) fn check(&self, problems: &mut Vec<String>) {
        self.trusted_proxies.check(problems);
        within(problems, "server.body_limit_bytes", self.body_limit_bytes as u64, 1_024, 64 << 20);
        within(problems, "server.request_timeout_ms", self.request_timeout_ms, 100, 600_000);
        within(problems, "server.max_connections", self.max_connections.into(), 1, 1_000_000);
        within(problems, "server.header_timeout_ms", self.header_timeout_ms, 100, 600_000);
        within(problems, "server.keep_alive_timeout_ms", self.keep_alive_timeout_ms, 100, 3_600_000);
        within(problems, "server.drain_delay_ms", self.drain_delay_ms, 0, 600_000);
        within(problems, "server.shutdown_grace_ms", self.shutdown_grace_ms, 0, 600_000);
    }
}

/// Where state lives.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DatabaseConfig {
    /// `sqlite://FILE` or `mysql://USER:PASSWORD@HOST/DATABASE`.
    pub url: Secret,
    /// The same of a replica for MySQL, which reads go to that bear being a little behind; empty for
    /// none.
    #[serde(with = "super::optional")]
    pub read_url: Option<Secret>,
    /// A file with the password of MySQL's user, instead of those in the URLs; empty for none. It is read
    /// again when MySQL refuses the password.
    pub password_file: PathBuf,
    /// Most connections; for SQLite those that read, beside the one that writes.
    pub max_connections: u32,
    /// How long a request waits for a connection, in milliseconds.
    pub acquire_timeout_ms: u64,
    /// How long a statement waits for a lock, in milliseconds; MySQL counts whole seconds.
    pub lock_timeout_ms: u64,
    /// What SQLite does before it calls a transaction committed.
    pub durability: Durability,
}

/// What SQLite does before it calls a transaction committed. MySQL has settings of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Durability {
    /// Survives a crash of the engine; a power cut can take the last transactions, whole.
    Normal,
    /// Survives a power cut.
    Full,
}

impl Default for DatabaseConfig {
    fn default() -> Self {
        Self {
            url: Secret::new("sqlite://martlet.db"),
            read_url: None,
            password_file: PathBuf::new(),
            max_connections: 16,
            acquire_timeout_ms: 5_000,
            lock_timeout_ms: 5_000,
            durability: Durability::Normal,
        }
    }
}

impl DatabaseConfig {
    /// The file with the password, if there is to be one.
    pub fn password_file(&self) -> Option<&Path> {
        (!self.password_file.as_os_str().is_empty()).then_some(&*self.password_file)
    }

    /// How the store uses its database.
    pub fn store(&self) -> martlet_store::StoreConfig {
        martlet_store::StoreConfig {
            password_file: self.password_file().map(Path::to_owned),
            max_connections: self.max_connections,
            acquire_timeout: Duration::from_millis(self.acquire_timeout_ms),
            lock_timeout: Duration::from_millis(self.lock_timeout_ms),
            durability: match self.durability {
                Durability::Normal => martlet_store::Durability::Normal,
                Durability::Full => martlet_store::Durability::Full,
            },
            ..martlet_store::StoreConfig::default()
        }
    }

    pub(super) fn check(&self, problems: &mut Vec<String>) {
        if !["sqlite:", "mysql:"].iter().any(|scheme| self.url.reveal().starts_with(scheme)) {
            problems.push("database.url begins with sqlite: or mysql:".to_owned());
        }
        if let Some(replica) = &self.read_url
            && ![&self.url, replica].iter().all(|url| url.reveal().starts_with("mysql:"))
        {
            problems.push("database.read_url begins with mysql:, and so does database.url then".to_owned());
        }
        if self.password_file().is_some() && !self.url.reveal().starts_with("mysql:") {
            problems.push("database.password_file is for a database.url that begins with mysql:".to_owned());
        }
        within(problems, "database.max_connections", self.max_connections.into(), 1, 1_000);
        within(problems, "database.acquire_timeout_ms", self.acquire_timeout_ms, 10, 600_000);
        within(problems, "database.lock_timeout_ms", self.lock_timeout_ms, 1_000, 600_000);
    }
}

/// What is logged, and how.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LogConfig {
    /// The form of a line.
    pub format: LogFormat,
    /// Which lines: directives such as `info,martlet_server=debug`.
    pub filter: String,
}

/// The form of a line of log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// For people on a terminal, JSON elsewhere.
    Auto,
    /// JSON.
    Json,
    /// For people.
    Human,
}

impl Default for LogConfig {
    fn default() -> Self {
        Self { format: LogFormat::Auto, filter: "info".to_owned() }
    }
}

impl LogConfig {
    pub(super) fn check(&self, problems: &mut Vec<String>) {
        if let Err(error) = EnvFilter::builder().parse(&self.filter) {
            problems.push(format!("log.filter is not a list of directives such as info: {error}"));
        }
    }
}

/// Limits of components.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PluginsConfig {
    /// Fuel of a call, beside that for its lines.
    pub fuel_per_call: u64,
    /// Fuel of a call for each line of the cart.
    pub fuel_per_line: u64,
    /// How many calls' worth of fuel one quote may burn.
    pub calls_per_quote: u64,
    /// How long a call may take, in milliseconds.
    pub call_timeout_ms: u64,
    /// Memory of an instance, in bytes.
    pub memory_bytes: usize,
    /// Calls that can be under way at once.
    pub slots: u32,
    /// Fuel that the plugins of one store may burn a second in the quotes and orders of this instance.
    /// What it doesn't burn it may burn later, of four seconds at most.
    pub fuel_per_second: u64,
    /// Quotes and orders of one store that may wait for their turn. One more gets 503.
    pub waiting_per_store: usize,
    /// For how many seconds a component stays in memory that no active rulebook asks; looked at five times
    /// in that time.
    pub idle_seconds: u64,
    /// A folder of the server's own for what components are compiled to, so that the next start needn't
    /// compile them; instances on one machine may share it. Empty for none.
    pub cache_dir: PathBuf,
    /// After how many days without use something leaves that folder that no rulebook names.
    pub cache_keep_days: u32,
    /// Memory of the process that looks at an uploaded component, in bytes.
    pub inspect_memory_bytes: u64,
    /// Time of a processor that looking at it may take, in seconds.
    pub inspect_cpu_seconds: u64,
    /// Time that it may take by the clock on the wall, in seconds. Other work may be going on.
    pub inspect_wall_seconds: u64,
    /// Carts of a store that are priced once more at a time, with the installations that are only tried; 0
    /// for none. It is done when no shopper waits.
    pub shadow_concurrency: usize,
    /// How many failures in a row quarantine an installation, as does half of its last 200 calls; 0 where
    /// nothing does. Each instance counts what it sees.
    pub quarantine_failures: u32,
}

impl Default for PluginsConfig {
    fn default() -> Self {
        let host = martlet_plugin_host::HostConfig::default();
        Self {
            fuel_per_call: host.fuel_per_call,
            fuel_per_line: host.fuel_per_line,
            calls_per_quote: host.calls_per_quote,
            call_timeout_ms: u64::try_from(host.call_timeout.as_millis()).unwrap_or(u64::MAX),
            memory_bytes: host.memory_bytes,
            slots: host.slots,
            // A plain loop burns 3 to 4 billion a second on the core it was measured on: about half of one. A usual
            // promotion burns a hundred thousand on a cart of twenty lines.
            fuel_per_second: 1_500_000_000,
            waiting_per_store: 256,
            idle_seconds: 300,
            cache_dir: PathBuf::new(),
            cache_keep_days: 7,
            inspect_memory_bytes: 1 << 30,
            inspect_cpu_seconds: 30,
            inspect_wall_seconds: 60,
            shadow_concurrency: 1,
            quarantine_failures: 50,
        }
    }
}

impl PluginsConfig {
    /// What stores are held to, on this machine.
    pub fn turns(&self) -> TurnRules {
        TurnRules {
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            fuel_per_second: self.fuel_per_second,
            waiting_per_store: self.waiting_per_store,
        }
    }

    /// The folder for what components are compiled to, if there is to be one.
    pub fn cache(&self) -> Option<&Path> {
        (!self.cache_dir.as_os_str().is_empty()).then_some(&*self.cache_dir)
    }

    /// For how long a component stays in memory that nobody needs.
    pub const fn idle(&self) -> Duration {
        Duration::from_secs(self.idle_seconds)
    }

    /// After how long something leaves that folder that nobody uses.
    pub fn cache_keep(&self) -> Duration {
        Duration::from_secs(u64::from(self.cache_keep_days) * 86_400)
    }

    /// When an installation has failed too often.
    pub const fn failures(&self) -> FailureRules {
        FailureRules { in_a_row: self.quarantine_failures }
    }

    /// The limits of the plugin host: these, and the published ones for the rest.
    pub fn host(&self) -> martlet_plugin_host::HostConfig {
        martlet_plugin_host::HostConfig {
            fuel_per_call: self.fuel_per_call,
            fuel_per_line: self.fuel_per_line,
            calls_per_quote: self.calls_per_quote,
            call_timeout: Duration::from_millis(self.call_timeout_ms),
            memory_bytes: self.memory_bytes,
            slots: self.slots,
            ..martlet_plugin_host::HostConfig::default()
        }
    }

    /// How much looking at an uploaded component may take.
    pub const fn bounds(&self) -> crate::inspector::Bounds {
        crate::inspector::Bounds {
            memory: self.inspect_memory_bytes,
            cpu_seconds: self.inspect_cpu_seconds,
            wall: Duration::from_secs(self.inspect_wall_seconds),
        }
    }

    pub(super) fn check(&self, problems: &mut Vec<String>) {
        within(problems, "plugins.inspect_memory_bytes", self.inspect_memory_bytes, 64 << 20, 64 << 30);
        within(problems, "plugins.inspect_cpu_seconds", self.inspect_cpu_seconds, 1, 600);
        within(problems, "plugins.inspect_wall_seconds", self.inspect_wall_seconds, 1, 1_200);
        within(problems, "plugins.fuel_per_call", self.fuel_per_call, 100_000, 1 << 40);
        within(problems, "plugins.fuel_per_line", self.fuel_per_line, 0, 1 << 32);
        within(problems, "plugins.calls_per_quote", self.calls_per_quote, 1, 1_000);
        within(problems, "plugins.call_timeout_ms", self.call_timeout_ms, 10, 60_000);
        within(problems, "plugins.memory_bytes", self.memory_bytes as u64, 1 << 20, 64 << 20);
        within(problems, "plugins.slots", self.slots.into(), 1, 10_000);
        within(problems, "plugins.fuel_per_second", self.fuel_per_second, 1_000_000, 1 << 50);
        within(problems, "plugins.waiting_per_store", self.waiting_per_store as u64, 1, 100_000);
        within(problems, "plugins.idle_seconds", self.idle_seconds, 5, 30 * 86_400);
        within(problems, "plugins.cache_keep_days", self.cache_keep_days.into(), 1, 3_650);
        within(problems, "plugins.shadow_concurrency", self.shadow_concurrency as u64, 0, 64);
        within(problems, "plugins.quarantine_failures", self.quarantine_failures.into(), 0, 1_000_000);
    }
}

/// Which tenant requests mean.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StoresConfig {
    /// Handle of the store that a request means which names none.
    pub default: String,
}

impl Default for StoresConfig {
    fn default() -> Self {
        Self { default: "default".to_owned() }
    }
}

impl StoresConfig {
    pub(super) fn check(&self, problems: &mut Vec<String>) {
        if let Err(error) = self.default.parse::<Handle>() {
            problems.push(format!("stores.default: a {error}"));
        }
    }
}

pub(super) fn within(problems: &mut Vec<String>, name: &str, value: u64, least: u64, most: u64) {
    if !(least..=most).contains(&value) {
        problems.push(format!("{name} is {value} and must be {least} to {most}"));
    }
}
