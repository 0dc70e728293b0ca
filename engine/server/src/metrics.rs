//! What is counted and measured. The registry is a value: there are no globals.

use std::time::Duration;

use axum::http::StatusCode;
use martlet_domain::Timestamp;
use martlet_store::Db;
use prometheus::{
    Histogram, HistogramOpts, HistogramVec, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry,
    proto::MetricFamily,
};

use crate::operations::{COMMIT, VERSION};

/// Seconds. From a cached read to what the request time-out allows.
const LATENCY_BUCKETS: &[f64] =
    &[0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

/// What is counted and measured.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    requests: IntCounterVec,
    latency: HistogramVec,
    in_flight: IntGauge,
    connections: IntGaugeVec,
}

impl Metrics {
    /// Nothing counted yet, in a process that begins now.
    pub fn new(now: Timestamp) -> Result<Self, prometheus::Error> {
        let labels = &["method", "route", "status"];
        let metrics = Self {
            registry: Registry::new(),
            requests: IntCounterVec::new(Opts::new("http_requests_total", "Requests answered"), labels)?,
            latency: HistogramVec::new(
                HistogramOpts::new("http_request_duration_seconds", "Time until the answer's head")
                    .buckets(LATENCY_BUCKETS.to_vec()),
                labels,
            )?,
            in_flight: IntGauge::new("http_requests_in_flight", "Requests being answered")?,
            connections: IntGaugeVec::new(
                Opts::new("db_pool_connections", "Connections to the database"),
                &["pool", "state"],
            )?,
        };
        metrics.registry.register(Box::new(metrics.requests.clone()))?;
        metrics.registry.register(Box::new(metrics.latency.clone()))?;
        metrics.registry.register(Box::new(metrics.in_flight.clone()))?;
        metrics.registry.register(Box::new(metrics.connections.clone()))?;
        metrics.register_process(now)?;
        Ok(metrics)
    }

    fn register_process(&self, now: Timestamp) -> Result<(), prometheus::Error> {
        let start = IntGauge::new("process_start_time_seconds", "When the process began, as Unix time")?;
        start.set(now.as_millis() / 1_000);
        self.registry.register(Box::new(start))?;
        let labels = [("version", VERSION), ("commit", COMMIT.unwrap_or("unknown"))];
        let labels = labels.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        let build = Opts::new("martlet_build_info", "Always 1; the labels say what was built");
        let build = IntGauge::with_opts(build.const_labels(labels))?;
        build.set(1);
        self.registry.register(Box::new(build))
    }

    /// Where other parts of the engine register what they count.
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    /// Counts a request as being answered until the guard is dropped.
    pub fn request_begins(&self) -> InFlight {
        self.in_flight.inc();
        InFlight(self.in_flight.clone())
    }

    /// Counts an answer. `route` is the route's own path, never the request's.
    pub fn request_ends(&self, method: &'static str, route: &str, status: StatusCode, took: Duration) {
        let labels = &[method, route, class(status)];
        self.requests.with_label_values(labels).inc();
        let latency: Histogram = self.latency.with_label_values(labels);
        latency.observe(took.as_secs_f64());
    }

    /// All of it, as of now.
    pub fn gather(&self, db: &Db) -> Vec<MetricFamily> {
        match db {
            Db::MySql(pool) => self.pool("mysql", pool.size(), pool.num_idle()),
            Db::Sqlite { read, write } => {
                self.pool("sqlite_read", read.size(), read.num_idle());
                self.pool("sqlite_write", write.size(), write.num_idle());
            }
        }
        self.registry.gather()
    }

    fn pool(&self, pool: &str, size: u32, idle: usize) {
        let idle = i64::try_from(idle).unwrap_or(i64::MAX);
        self.connections.with_label_values(&[pool, "idle"]).set(idle);
        self.connections.with_label_values(&[pool, "used"]).set((i64::from(size) - idle).max(0));
    }
}

/// A request that is being answered.
#[derive(Debug)]
pub struct InFlight(IntGauge);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.dec();
    }
}

fn class(status: StatusCode) -> &'static str {
    match status.as_u16() / 100 {
        1 => "1xx",
        2 => "2xx",
        3 => "3xx",
        4 => "4xx",
        _ => "5xx",
    }
}
