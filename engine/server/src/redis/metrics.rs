//! What is counted of Redis.

use std::time::Duration;

use prometheus::{HistogramOpts, HistogramVec, IntCounterVec, IntGauge, Opts, Registry};

use super::{Unavailable, breaker::BreakerState};

/// Seconds, about the budget of hot paths.
const LATENCY_BUCKETS: &[f64] =
    &[0.000_25, 0.000_5, 0.001, 0.0025, 0.005, 0.01, 0.02, 0.03, 0.05, 0.1, 0.25, 0.5, 1.0];

/// What is counted of Redis.
#[derive(Debug)]
pub(super) struct RedisMetrics {
    calls: IntCounterVec,
    failures: IntCounterVec,
    latency: HistogramVec,
    breaker: IntGauge,
}

impl RedisMetrics {
    /// Nothing counted yet.
    pub(super) fn new() -> Result<Self, prometheus::Error> {
        Ok(Self {
            calls: IntCounterVec::new(
                Opts::new("redis_calls_total", "Calls of Redis, those refused by the breaker included"),
                &["call"],
            )?,
            failures: IntCounterVec::new(
                Opts::new("redis_call_failures_total", "Calls of Redis without an answer"),
                &["call", "reason"],
            )?,
            latency: HistogramVec::new(
                HistogramOpts::new(
                    "redis_call_duration_seconds",
                    "Time until Redis answered or was given up",
                )
                .buckets(LATENCY_BUCKETS.to_vec()),
                &["call"],
            )?,
            breaker: IntGauge::new(
                "redis_breaker_state",
                "Whether Redis is called: 0 yes, 1 by one probe, 2 no",
            )?,
        })
    }

    /// Shows them.
    pub(super) fn register(&self, registry: &Registry) -> Result<(), prometheus::Error> {
        registry.register(Box::new(self.calls.clone()))?;
        registry.register(Box::new(self.failures.clone()))?;
        registry.register(Box::new(self.latency.clone()))?;
        registry.register(Box::new(self.breaker.clone()))
    }

    /// Counts a call that begins.
    pub(super) fn begins(&self, call: &str) {
        self.calls.with_label_values(&[call]).inc();
    }

    /// Counts a call that Redis answered, or was given up on.
    pub(super) fn ends(&self, call: &str, took: Duration) {
        self.latency.with_label_values(&[call]).observe(took.as_secs_f64());
    }

    /// Counts a call without an answer.
    pub(super) fn fails(&self, call: &str, why: &Unavailable) {
        let reason = match why {
            Unavailable::Off => "off",
            Unavailable::Resting => "resting",
            Unavailable::Slow { .. } => "slow",
            Unavailable::Failed(_) => "failed",
        };
        self.failures.with_label_values(&[call, reason]).inc();
    }

    /// Shows what the breaker lets through.
    pub(super) fn breaker(&self, state: BreakerState) {
        self.breaker.set(match state {
            BreakerState::Closed => 0,
            BreakerState::Probing => 1,
            BreakerState::Open => 2,
        });
    }
}
