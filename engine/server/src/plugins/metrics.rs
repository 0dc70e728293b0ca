//! What is counted of components.

use std::sync::Arc;

use martlet_plugin_host::Host;
use prometheus::{
    IntCounterVec, Opts,
    core::{Collector, Desc},
    proto::MetricFamily,
};

/// How many components came into being how, as the host counts them.
#[derive(Debug)]
pub struct LoadedMetrics {
    host: Arc<Host>,
    description: IntCounterVec,
}

impl LoadedMetrics {
    /// Of a host.
    pub fn new(host: Arc<Host>) -> Result<Self, prometheus::Error> {
        Ok(Self { host, description: counter()? })
    }
}

impl Collector for LoadedMetrics {
    fn desc(&self) -> Vec<&Desc> {
        self.description.desc()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        // A counter of its own each time, since several may look at once.
        let Ok(counter) = counter() else { return Vec::new() };
        let loaded = self.host.loaded();
        counter.with_label_values(&["compiler"]).inc_by(loaded.compiled);
        counter.with_label_values(&["cache"]).inc_by(loaded.cached);
        counter.collect()
    }
}

fn counter() -> Result<IntCounterVec, prometheus::Error> {
    let help = "Components made ready to run, by whether they were compiled or taken from the cache";
    IntCounterVec::new(Opts::new("martlet_components_loaded_total", help), &["from"])
}
