//! What this process has counted, for `/actuator/prometheus`.

use std::{
    collections::{HashMap, hash_map::Entry},
    sync::Arc,
};

use martlet_domain::figures::{Activity, Amounts, FUEL_BOUNDS, Histogram, LATENCY_BOUNDS};
use prometheus::{
    core::{Collector, Desc},
    proto::{Bucket, Counter, Histogram as ShownHistogram, LabelPair, Metric, MetricFamily, MetricType},
};

use super::{
    Counters,
    shards::{Counted, Key},
};

const CALLS: &str = "martlet_plugin_calls_total";
const FAILURES: &str = "martlet_plugin_failures_total";
const DURATION: &str = "martlet_plugin_call_duration_seconds";
const FUEL: &str = "martlet_plugin_fuel";
const DISCOUNTS: &str = "martlet_plugin_discount_minor_units_total";
/// What all labels say of installations that have no series of their own.
const OTHER: &str = "other";
/// What is said of a plugin whose name isn't known, since only its orders were counted here.
const UNKNOWN: &str = "unknown";
/// The labels of every family, and those that some have besides.
const LABELS: [&str; 3] = ["store", "plugin", "installation"];
const KIND: &str = "kind";
const CURRENCY: &str = "currency";

/// What is shown of each installation.
#[derive(Debug)]
pub(super) struct Series {
    most: usize,
    by_installation: HashMap<Key, Shown>,
    other: Shown,
}

/// What is shown of one.
#[derive(Debug, Default)]
struct Shown {
    plugin: Option<String>,
    activity: Activity,
    discounts: Amounts,
}

impl Series {
    /// Of at most so many installations, and of all others together.
    pub(super) fn new(most: usize) -> Self {
        Self { most, by_installation: HashMap::new(), other: Shown::default() }
    }

    /// Adds what was counted since.
    pub(super) fn add(&mut self, key: Key, counted: &Counted) {
        let full = self.by_installation.len() >= self.most;
        let shown = match self.by_installation.entry(key) {
            Entry::Occupied(shown) => shown.into_mut(),
            Entry::Vacant(_) if full => &mut self.other,
            Entry::Vacant(place) => place.insert(Shown::default()),
        };
        if counted.plugin.is_some() {
            shown.plugin.clone_from(&counted.plugin);
        }
        shown.activity.merge(&counted.figures.live);
        shown.discounts.merge(&counted.figures.discounts);
    }

    fn families(&self) -> Vec<MetricFamily> {
        let mut shown: Vec<([String; 3], &Shown)> = self
            .by_installation
            .iter()
            .map(|((store, installation), shown)| {
                let plugin = shown.plugin.clone().unwrap_or_else(|| UNKNOWN.to_owned());
                ([store.to_string(), plugin, installation.to_string()], shown)
            })
            .collect();
        if self.other.activity != Activity::default() || self.other.discounts != Amounts::default() {
            shown.push(([OTHER; 3].map(str::to_owned), &self.other));
        }
        shown.sort_by(|(one, _), (other, _)| one.cmp(other));
        let mut families = Families::default();
        for (labels, shown) in shown {
            families.add(&labels, shown);
        }
        families.finish()
    }
}

/// Metrics by family.
#[derive(Default)]
struct Families {
    calls: Vec<Metric>,
    failures: Vec<Metric>,
    durations: Vec<Metric>,
    fuel: Vec<Metric>,
    discounts: Vec<Metric>,
}

impl Families {
    fn add(&mut self, labels: &[String; 3], shown: &Shown) {
        let Shown { activity, discounts, .. } = shown;
        self.calls.push(counter(labels, None, activity.calls));
        for (kind, count) in activity.failures.iter() {
            self.failures.push(counter(labels, Some((KIND, kind)), count));
        }
        self.durations.push(histogram(labels, &activity.latency, &LATENCY_BOUNDS, seconds));
        self.fuel.push(histogram(labels, &activity.fuel, &FUEL_BOUNDS, number));
        for money in discounts.iter() {
            // What raises a price in the end has taken nothing off.
            let amount = u64::try_from(money.minor_units).unwrap_or(0);
            self.discounts.push(counter(labels, Some((CURRENCY, money.currency.code())), amount));
        }
    }

    fn finish(self) -> Vec<MetricFamily> {
        let families = DESCRIPTIONS.iter().zip([
            (self.calls, MetricType::COUNTER),
            (self.failures, MetricType::COUNTER),
            (self.durations, MetricType::HISTOGRAM),
            (self.fuel, MetricType::HISTOGRAM),
            (self.discounts, MetricType::COUNTER),
        ]);
        let shown = families.filter(|(_, (metrics, _))| !metrics.is_empty());
        let family = |((name, help, _), (metrics, kind)): (&Description, (Vec<Metric>, MetricType))| {
            let mut family = MetricFamily::default();
            family.set_name((*name).to_owned());
            family.set_help((*help).to_owned());
            family.set_field_type(kind);
            family.set_metric(metrics);
            family
        };
        shown.map(family).collect()
    }
}

/// Name, help, and the label it has besides those that all have.
type Description = (&'static str, &'static str, Option<&'static str>);

const DESCRIPTIONS: [Description; 5] = [
    (CALLS, "Calls of plugins for shoppers' carts", None),
    (FAILURES, "Calls of plugins without an answer", Some(KIND)),
    (DURATION, "Time that calls of plugins took", None),
    (FUEL, "Fuel that calls of plugins burnt", None),
    (
        DISCOUNTS,
        "What plugins took off orders that were paid, in minor units of the currency",
        Some(CURRENCY),
    ),
];

/// Shows it when it is asked for.
pub(super) struct Collected {
    counters: Arc<Counters>,
    descriptions: Vec<Desc>,
}

impl Collected {
    pub(super) fn new(counters: Arc<Counters>) -> Result<Self, prometheus::Error> {
        let description = |(name, help, label): Description| {
            let labels = LABELS.into_iter().chain(label).map(str::to_owned).collect();
            Desc::new(name.to_owned(), help.to_owned(), labels, HashMap::new())
        };
        let descriptions = DESCRIPTIONS.into_iter().map(description).collect::<Result<_, _>>()?;
        Ok(Self { counters, descriptions })
    }
}

impl Collector for Collected {
    fn desc(&self) -> Vec<&Desc> {
        self.descriptions.iter().collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        self.counters.absorb();
        self.counters.book().series.families()
    }
}

fn counter(labels: &[String; 3], more: Option<(&str, &str)>, count: u64) -> Metric {
    let mut metric = Metric::from_label(pairs(labels, more));
    let mut counter = Counter::default();
    counter.set_value(number(count));
    metric.set_counter(counter);
    metric
}

fn histogram(labels: &[String; 3], counted: &Histogram, bounds: &[u64], unit: fn(u64) -> f64) -> Metric {
    let mut shown = ShownHistogram::default();
    shown.set_sample_count(counted.count());
    shown.set_sample_sum(unit(counted.sum()));
    let mut below = 0_u64;
    let buckets = counted.buckets(bounds).filter_map(|(bound, count)| {
        below = below.saturating_add(count);
        // What is above all bounds is the count of all, which is shown by itself.
        let mut bucket = Bucket::default();
        bucket.set_upper_bound(unit(bound?));
        bucket.set_cumulative_count(below);
        Some(bucket)
    });
    shown.set_bucket(buckets.collect());
    let mut metric = Metric::from_label(pairs(labels, None));
    metric.set_histogram(shown);
    metric
}

fn pairs(labels: &[String; 3], more: Option<(&str, &str)>) -> Vec<LabelPair> {
    let all = LABELS.into_iter().zip(labels.iter().map(String::as_str)).chain(more);
    let pair = |(name, value): (&str, &str)| {
        let mut pair = LabelPair::default();
        pair.set_name(name.to_owned());
        pair.set_value(value.to_owned());
        pair
    };
    let mut pairs: Vec<LabelPair> = all.map(pair).collect();
    pairs.sort_by(|one, other| one.name().cmp(other.name()));
    pairs
}

/// Prometheus has no other numbers.
fn number(count: u64) -> f64 {
    count as f64
}

#[expect(clippy::float_arithmetic, reason = "Prometheus counts time in seconds")]
fn seconds(micros: u64) -> f64 {
    number(micros) / 1e6
}

#[cfg(test)]
mod tests {
    use martlet_domain::{Id, figures::Figures};
    use prometheus::TextEncoder;
    use uuid::Uuid;

    use super::*;

    fn key(installation: u128) -> Key {
        (Id::new(Uuid::from_u128(1)), Id::new(Uuid::from_u128(installation)))
    }

    fn counted(plugin: &str, calls: u64) -> Counted {
        let mut figures = Figures::default();
        for call in 0..calls {
            figures.live.call(100 + call, 2_000_000, (call == 0).then_some("trapped"));
        }
        figures.discounts.add("USD".parse().unwrap(), 1_000);
        figures.discounts.add("KRW".parse().unwrap(), -5);
        let mut counted = Counted::default();
        (counted.plugin, counted.figures) = (Some(plugin.to_owned()), figures);
        counted
    }

    fn text(series: &Series) -> String {
        TextEncoder::new().encode_to_string(&series.families()).unwrap()
    }

    #[test]
    fn an_installation_is_shown_with_all_there_is_to_count() {
        let mut series = Series::new(10);
        assert_eq!(text(&series), "");
        series.add(key(2), &counted("one", 3));
        series.add(key(2), &counted("one", 2));
        let text = text(&series);
        let labels = "installation=\"00000000-0000-0000-0000-000000000002\",";
        let (own, plugin) = (labels, "plugin=\"one\",store=\"00000000-0000-0000-0000-000000000001\"");
        for expected in [
            format!("martlet_plugin_calls_total{{{own}{plugin}}} 5\n"),
            format!("martlet_plugin_failures_total{{{own}kind=\"trapped\",{plugin}}} 2\n"),
            // The bound of 100 microseconds, and the one above.
            format!("martlet_plugin_call_duration_seconds_bucket{{{own}{plugin},le=\"0.0001\"}} 2\n"),
            format!("martlet_plugin_call_duration_seconds_bucket{{{own}{plugin},le=\"0.00025\"}} 5\n"),
            format!("martlet_plugin_call_duration_seconds_bucket{{{own}{plugin},le=\"+Inf\"}} 5\n"),
            format!("martlet_plugin_call_duration_seconds_sum{{{own}{plugin}}} 0.000504\n"),
            format!("martlet_plugin_fuel_bucket{{{own}{plugin},le=\"3000000\"}} 5\n"),
            format!("martlet_plugin_fuel_sum{{{own}{plugin}}} 10000000\n"),
            format!("martlet_plugin_discount_minor_units_total{{currency=\"USD\",{own}{plugin}}} 2000\n"),
            format!("martlet_plugin_discount_minor_units_total{{currency=\"KRW\",{own}{plugin}}} 0\n"),
        ] {
            assert!(text.contains(&expected), "{expected} in {text}");
        }
    }

    #[test]
    fn those_beyond_the_most_are_shown_together() {
        let mut series = Series::new(2);
        for installation in 1..=5 {
            series.add(key(installation), &counted("any", 1));
        }
        series.add(key(1), &counted("any", 1));
        let text = text(&series);
        assert_eq!(text.matches("martlet_plugin_calls_total{").count(), 3);
        let other = "martlet_plugin_calls_total{installation=\"other\",plugin=\"other\",store=\"other\"} 3\n";
        assert!(text.contains(other), "{text}");
        let first = "installation=\"00000000-0000-0000-0000-000000000001\",plugin=\"any\"";
        assert!(text.contains(&format!("martlet_plugin_calls_total{{{first},")), "{text}");
    }
}
