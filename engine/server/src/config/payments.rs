//! How payments are made.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{ServerConfig, settings::within};

/// How payments are made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PaymentsConfig {
    /// How long a provider may take to answer, in milliseconds: less than a request may take, so that
    /// a shopper is told that the outcome isn't known yet.
    pub timeout_ms: u64,
    /// Whether shoppers may pay with the provider `test`, which takes no money. It is on for now, for
    /// development: switch it off before you sell. Payments that it has are looked after all the same.
    pub test: bool,
}

impl Default for PaymentsConfig {
    fn default() -> Self {
        Self { timeout_ms: 5_000, test: true }
    }
}

impl PaymentsConfig {
    /// How long a provider may take to answer.
    pub fn timeout(&self) -> Duration {
        Duration::from_millis(self.timeout_ms)
    }

    pub(super) fn check(&self, server: &ServerConfig, problems: &mut Vec<String>) {
        within(problems, "payments.timeout_ms", self.timeout_ms, 10, 600_000);
        let (own, request) = (self.timeout_ms, server.request_timeout_ms);
        if own >= request {
            problems.push(format!(
                "payments.timeout_ms is {own} and must be below server.request_timeout_ms, which is {request}"
            ));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(timeout_ms: u64, request_timeout_ms: u64) -> String {
        let server = ServerConfig { request_timeout_ms, ..ServerConfig::default() };
        let mut problems = Vec::new();
        PaymentsConfig { timeout_ms, ..PaymentsConfig::default() }.check(&server, &mut problems);
        problems.join("; ")
    }

    #[test]
    fn a_provider_has_to_answer_before_the_request_is_over() {
        assert_eq!(problems(5_000, 10_000), "");
        assert_eq!(problems(9_999, 10_000), "");
        assert_eq!(
            problems(10_000, 10_000),
            "payments.timeout_ms is 10000 and must be below server.request_timeout_ms, which is 10000"
        );
        assert_eq!(problems(9, 10_000), "payments.timeout_ms is 9 and must be 10 to 600000");
    }
}
