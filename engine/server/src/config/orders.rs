//! How orders are held and looked after.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{ServerConfig, settings::within};
use crate::orders::OrderRules;

/// How orders are held and looked after.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct OrdersConfig {
    /// How long an order holds its goods without being paid, in milliseconds.
    pub hold_ms: u64,
    /// After how long an order that isn't settled counts as left behind, in milliseconds: more than a
    /// request may take, so that nobody is settling it any more.
    pub reconcile_after_ms: u64,
    /// After how long an event whose delivery never ended is delivered again, in milliseconds.
    pub redeliver_after_ms: u64,
    /// How long to wait before looking again for what is left over, in milliseconds.
    pub sweep_interval_ms: u64,
}

impl Default for OrdersConfig {
    fn default() -> Self {
        Self {
            hold_ms: 900_000,
            reconcile_after_ms: 15_000,
            redeliver_after_ms: 30_000,
            sweep_interval_ms: 5_000,
        }
    }
}

impl OrdersConfig {
    /// What orders are held to.
    pub fn rules(&self) -> OrderRules {
        OrderRules {
            hold: Duration::from_millis(self.hold_ms),
            reconcile_after: Duration::from_millis(self.reconcile_after_ms),
            redeliver_after: Duration::from_millis(self.redeliver_after_ms),
        }
    }

    /// How long to wait before looking again for what is left over.
    pub fn sweep_interval(&self) -> Duration {
        Duration::from_millis(self.sweep_interval_ms)
    }

    pub(super) fn check(&self, server: &ServerConfig, problems: &mut Vec<String>) {
        // Below the time that keys are kept: whoever waits for an order must find its key when it is settled.
        within(problems, "orders.hold_ms", self.hold_ms, 1_000, 12 * 3_600_000);
        within(problems, "orders.reconcile_after_ms", self.reconcile_after_ms, 100, 86_400_000);
        within(problems, "orders.redeliver_after_ms", self.redeliver_after_ms, 100, 86_400_000);
        within(problems, "orders.sweep_interval_ms", self.sweep_interval_ms, 10, 600_000);
        let (hold, reconcile, request) = (self.hold_ms, self.reconcile_after_ms, server.request_timeout_ms);
        if reconcile <= request {
            problems.push(format!(
                "orders.reconcile_after_ms is {reconcile} and must be above server.request_timeout_ms, \
                 which is {request}"
            ));
        }
        if hold <= reconcile {
            problems.push(format!(
                "orders.hold_ms is {hold} and must be above orders.reconcile_after_ms, which is {reconcile}"
            ));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(hold_ms: u64, reconcile_after_ms: u64) -> String {
        let mut problems = Vec::new();
        let config = OrdersConfig { hold_ms, reconcile_after_ms, ..OrdersConfig::default() };
        config.check(&ServerConfig::default(), &mut problems);
        problems.join("; ")
    }

    #[test]
    fn requests_end_before_orders_are_reconciled_and_that_before_they_expire() {
        assert_eq!(problems(900_000, 15_000), "");
        assert_eq!(problems(10_002, 10_001), "");
        assert_eq!(
            problems(900_000, 10_000),
            "orders.reconcile_after_ms is 10000 and must be above server.request_timeout_ms, which is 10000"
        );
        assert_eq!(
            problems(15_000, 15_000),
            "orders.hold_ms is 15000 and must be above orders.reconcile_after_ms, which is 15000"
        );
        assert!(problems(999, 15_000).starts_with("orders.hold_ms is 999 and must be 1000 to 43200000"));
    }
}
