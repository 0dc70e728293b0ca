//! What is counted of components.

use std::sync::Arc;

use martlet_plugin_host::Host;
use prometheus::{
    IntCounterVec, IntGauge, Opts,
    core::{Collector, Desc},
    proto::MetricFamily,
};

/// How many components came into being how, and how many there are, as the host counts them.
#[derive(Debug)]
pub struct LoadedMetrics {
    host: Arc<Host>,
    descriptions: (IntCounterVec, IntGauge),
}

impl LoadedMetrics {
    /// Of a host.
    pub fn new(host: Arc<Host>) -> Result<Self, prometheus::Error> {
        Ok(Self { host, descriptions: (counter()?, gauge()?) })
    }
}

impl Collector for LoadedMetrics {
    fn desc(&self) -> Vec<&Desc> {
        let (loaded, held) = &self.descriptions;
        loaded.desc().into_iter().chain(held.desc()).collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        // Of their own each time, since several may look at once.
        let (Ok(counter), Ok(gauge)) = (counter(), gauge()) else { return Vec::new() };
        let loaded = self.host.loaded();
        counter.with_label_values(&["compiler"]).inc_by(loaded.compiled);
        counter.with_label_values(&["cache"]).inc_by(loaded.cached);
        gauge.set(i64::try_from(self.host.held()).unwrap_or(i64::MAX));
        let mut collected = counter.collect();
        collected.extend(gauge.collect());
        collected
    }
}

fn counter() -> Result<IntCounterVec, prometheus::Error> {
    let help = "Components made ready to run, by whether they were compiled or taken from the cache";
    IntCounterVec::new(Opts::new("martlet_components_loaded_total", help), &["from"])
}

fn gauge() -> Result<IntGauge, prometheus::Error> {
    IntGauge::new("martlet_components_held", "Components that are ready to run, in memory")
}
