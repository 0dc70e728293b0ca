//! The Redis that instances share.

use std::{path::PathBuf, time::Duration};

use serde::{Deserialize, Serialize};

use super::{ServerConfig, settings::within};
use crate::{
    redis::{Target, breaker::BreakerRules},
    secret::Secret,
};

/// The Redis that instances share. Without it each has a cache and limits of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RedisConfig {
    /// `redis://[[USER]:PASSWORD@]HOST[:PORT][/DATABASE]`, `rediss://` for TLS; empty for none. For a
    /// cluster some of its nodes, or the name that leads to them, with commas between. What isn't a
    /// letter or a digit in a password is percent-encoded.
    #[serde(with = "super::optional")]
    pub url: Option<Secret>,
    /// Whether it is a cluster.
    pub cluster: bool,
    /// A PEM file of the certificates that those of `rediss://` lead to; empty for those that the
    /// operating system trusts.
    pub ca_certificate: PathBuf,
    /// How long a request of a shopper waits for an answer before it goes on without, in milliseconds.
    pub hot_path_budget_ms: u64,
    /// How long anything else waits for an answer, in milliseconds.
    pub command_budget_ms: u64,
    /// How long making a connection may take, in milliseconds. Nobody waits longer than their budget.
    pub connect_timeout_ms: u64,
    /// After how many failures in a row Redis isn't called for a while.
    pub breaker_failures: u32,
    /// How long that is, in milliseconds, before one call tries again.
    pub breaker_open_ms: u64,
}

impl Default for RedisConfig {
    fn default() -> Self {
        Self {
            url: None,
            cluster: false,
            ca_certificate: PathBuf::new(),
            hot_path_budget_ms: 50,
            command_budget_ms: 500,
            connect_timeout_ms: 2_000,
            breaker_failures: 5,
            breaker_open_ms: 1_000,
        }
    }
}

impl RedisConfig {
    /// How long a request of a shopper waits for an answer.
    pub fn hot_path_budget(&self) -> Duration {
        Duration::from_millis(self.hot_path_budget_ms)
    }

    /// How long anything else waits for an answer.
    pub fn command_budget(&self) -> Duration {
        Duration::from_millis(self.command_budget_ms)
    }

    /// How long making a connection may take.
    pub fn connect_timeout(&self) -> Duration {
        Duration::from_millis(self.connect_timeout_ms)
    }

    /// When Redis isn't called.
    pub fn breaker(&self) -> BreakerRules {
        BreakerRules {
            failures: self.breaker_failures,
            open_for: Duration::from_millis(self.breaker_open_ms),
        }
    }

    pub(super) fn check(&self, server: &ServerConfig, problems: &mut Vec<String>) {
        if let Err(error) = Target::of(self, None) {
            problems.push(error.to_string());
        }
        let tls = self.url.as_ref().is_some_and(|url| url.reveal().starts_with("rediss://"));
        if !self.ca_certificate.as_os_str().is_empty() && !tls {
            problems.push("redis.ca_certificate is for a redis.url that begins with rediss://".to_owned());
        }
        within(problems, "redis.hot_path_budget_ms", self.hot_path_budget_ms, 1, 60_000);
        within(problems, "redis.command_budget_ms", self.command_budget_ms, 1, 60_000);
        within(problems, "redis.connect_timeout_ms", self.connect_timeout_ms, 10, 60_000);
        within(problems, "redis.breaker_failures", self.breaker_failures.into(), 1, 1_000);
        within(problems, "redis.breaker_open_ms", self.breaker_open_ms, 10, 60_000);
        let (hot, command, request) =
            (self.hot_path_budget_ms, self.command_budget_ms, server.request_timeout_ms);
        if hot > command {
            problems.push(format!(
                "redis.hot_path_budget_ms is {hot} and must not be above redis.command_budget_ms, which is \
                 {command}"
            ));
        }
        if command >= request {
            problems.push(format!(
                "redis.command_budget_ms is {command} and must be below server.request_timeout_ms, which is \
                 {request}"
            ));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Config, load};

    fn problems(config: &RedisConfig) -> String {
        let mut problems = Vec::new();
        config.check(&ServerConfig::default(), &mut problems);
        problems.join("; ")
    }

    #[test]
    fn it_is_absent_unless_an_address_is_given() {
        assert_eq!(RedisConfig::default().url, None);
        assert_eq!(problems(&RedisConfig::default()), "");
        let with = |name: &str, url: &str| load(None, &vec![(name.to_owned(), url.to_owned())]).unwrap();
        assert_eq!(with("MARTLET_REDIS__URL", " ").redis.url, None);
        let config = with("MARTLET_REDIS__URL", "redis://:hunter2@cache:6379/1");
        assert_eq!(config.redis.url.as_ref().unwrap().reveal(), "redis://:hunter2@cache:6379/1");
        let shown = format!("{config:?} {}", toml::to_string(&config).unwrap());
        assert!(shown.contains("[redis]") && !shown.contains("hunter2"), "{shown}");
        assert!(toml::to_string(&Config::default()).unwrap().contains("\nurl = \"\"\n"));
    }

    #[test]
    fn budgets_fit_into_each_other_and_into_a_request() {
        let with = |hot_path_budget_ms, command_budget_ms| {
            problems(&RedisConfig { hot_path_budget_ms, command_budget_ms, ..RedisConfig::default() })
        };
        assert_eq!(with(50, 50), "");
        assert_eq!(
            with(51, 50),
            "redis.hot_path_budget_ms is 51 and must not be above redis.command_budget_ms, which is 50"
        );
        assert_eq!(with(50, 9_999), "");
        assert_eq!(
            with(50, 10_000),
            "redis.command_budget_ms is 10000 and must be below server.request_timeout_ms, which is 10000"
        );
        assert!(with(0, 50).starts_with("redis.hot_path_budget_ms is 0 and must be 1 to 60000"));
    }

    #[test]
    fn an_address_that_cannot_be_used_is_refused_without_being_shown() {
        let environment = vec![("REDIS_URL".to_owned(), "memcached://:hunter2@cache".to_owned())];
        let error = load(None, &environment).unwrap_err().to_string();
        assert!(error.contains("redis.url begins with redis:// or rediss://"), "{error}");
        assert!(!error.contains("hunter2"), "{error}");
    }
}
