//! How the server is set up: defaults < file < environment, one struct a section.

mod auth;
mod limits;
mod load;
mod optional;
mod orders;
mod payments;
mod proxies;
mod redis;
mod settings;
mod tls;

use serde::{Deserialize, Serialize};

pub use auth::{AuthConfig, SigningKeys};
pub use limits::LimitsConfig;
pub use load::{ConfigError, ENVIRONMENT_PREFIX, Environment, load};
pub use orders::OrdersConfig;
pub use payments::PaymentsConfig;
pub use proxies::{NotANetwork, TrustedProxies};
pub use redis::RedisConfig;
pub use settings::{
    DatabaseConfig, Durability, LogConfig, LogFormat, PluginsConfig, ServerConfig, StoresConfig,
};
pub use tls::TlsConfig;

/// Everything that can be set.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The HTTP side.
    pub server: ServerConfig,
    /// TLS of the server's address.
    pub tls: TlsConfig,
    /// Where state lives.
    pub database: DatabaseConfig,
    /// What instances share beside it.
    pub redis: RedisConfig,
    /// What is logged, and how.
    pub log: LogConfig,
    /// Limits of components.
    pub plugins: PluginsConfig,
    /// How payments are made.
    pub payments: PaymentsConfig,
    /// How orders are held and looked after.
    pub orders: OrdersConfig,
    /// How customers sign in.
    pub auth: AuthConfig,
    /// How many requests one side may make.
    pub limits: LimitsConfig,
    /// Which tenant requests mean.
    pub stores: StoresConfig,
}

impl Config {
    /// What is wrong with the values, each problem with the name of its setting.
    pub fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        self.server.check(&mut problems);
        self.tls.check(&mut problems);
        self.database.check(&mut problems);
        self.redis.check(&self.server, &mut problems);
        self.log.check(&mut problems);
        self.plugins.check(&mut problems);
        self.payments.check(&self.server, &mut problems);
        self.orders.check(&self.server, &mut problems);
        self.auth.check(&mut problems);
        self.limits.check(&mut problems);
        self.stores.check(&mut problems);
        problems
    }
}
