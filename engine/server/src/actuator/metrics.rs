//! `/actuator/metrics` and `/actuator/prometheus`: what is counted and measured.

use std::{collections::BTreeMap, sync::Arc};

use axum::{extract::State, http::header, response::IntoResponse};
use martlet_store::Db;
use prometheus::{
    TextEncoder,
    proto::{Metric, MetricFamily, MetricType},
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    error::Error,
    extract::{Json, Path},
    operations::Operations,
};

/// The names of all metrics.
#[derive(Debug, Serialize, ToSchema)]
pub struct MetricNames {
    /// Sorted.
    pub names: Vec<String>,
}

/// One metric.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Metric)]
pub struct MetricBody {
    /// Its name.
    pub name: String,
    /// What it says.
    pub description: String,
    /// `counter`, `gauge` or `histogram`.
    pub kind: &'static str,
    /// Its values, one for each combination of labels.
    pub samples: Vec<Sample>,
}

/// A value of a metric.
#[derive(Debug, Serialize, ToSchema)]
pub struct Sample {
    /// What tells it from the others.
    pub labels: BTreeMap<String, String>,
    /// The count or the gauge; of a histogram, the sum of what was observed.
    pub value: f64,
    /// Of a histogram, how often something was observed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub count: Option<u64>,
}

/// The names of all metrics that have a value by now.
#[utoipa::path(get, path = "/actuator/metrics", tag = "operations", operation_id = "list_metrics",
    responses((status = 200, description = "The names", body = MetricNames)))]
pub async fn list(State(db): State<Db>, State(operations): State<Arc<Operations>>) -> Json<MetricNames> {
    let families = operations.metrics.gather(&db);
    Json(MetricNames { names: families.iter().map(|family| family.name().to_owned()).collect() })
}

/// One metric by name.
#[utoipa::path(get, path = "/actuator/metrics/{name}", tag = "operations", operation_id = "get_metric",
    params(("name" = String, Path, description = "Its name")),
    responses(
        (status = 200, description = "The metric", body = MetricBody),
        (status = 404, description = "`not_found`", body = crate::problem::Problem)))]
pub async fn get(
    State(db): State<Db>,
    State(operations): State<Arc<Operations>>,
    Path(name): Path<String>,
) -> Result<Json<MetricBody>, Error> {
    let families = operations.metrics.gather(&db);
    let family = families.into_iter().find(|family| family.name() == name);
    family.map(|family| Json(body(&family))).ok_or(Error::NotFound { entity: "metric" })
}

/// All metrics in the text format of Prometheus.
#[utoipa::path(get, path = "/actuator/prometheus", tag = "operations", operation_id = "prometheus",
    responses((status = 200, description = "The metrics", body = String, content_type = "text/plain")))]
pub async fn prometheus(
    State(db): State<Db>,
    State(operations): State<Arc<Operations>>,
) -> Result<impl IntoResponse, Error> {
    let text = TextEncoder::new()
        .encode_to_string(&operations.metrics.gather(&db))
        .map_err(|error| Error::Internal(format!("the metrics can't be written: {error}")))?;
    Ok(([(header::CONTENT_TYPE, prometheus::TEXT_FORMAT)], text))
}

fn body(family: &MetricFamily) -> MetricBody {
    let kind = family.get_field_type();
    MetricBody {
        name: family.name().to_owned(),
        description: family.help().to_owned(),
        kind: match kind {
            MetricType::COUNTER => "counter",
            MetricType::HISTOGRAM => "histogram",
            _ => "gauge",
        },
        samples: family.get_metric().iter().map(|metric| sample(kind, metric)).collect(),
    }
}

fn sample(kind: MetricType, metric: &Metric) -> Sample {
    let labels = metric.get_label().iter();
    let labels = labels.map(|label| (label.name().to_owned(), label.value().to_owned())).collect();
    let (value, count) = match kind {
        MetricType::COUNTER => (metric.get_counter().get_value(), None),
        MetricType::HISTOGRAM => {
            let histogram = metric.get_histogram();
            (histogram.get_sample_sum(), Some(histogram.get_sample_count()))
        }
        _ => (metric.get_gauge().get_value(), None),
    };
    Sample { labels, value, count }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::TestApp;

    #[tokio::test]
    async fn requests_are_counted_by_route_and_never_by_path() {
        let app = TestApp::new().await;
        app.get("/api/v1/products/xyzzy").await.expect_status(404);
        app.get("/xyzzy").await.expect_status(404);
        let text = app.get("/actuator/prometheus").await.expect_status(200);
        assert!(text.header("content-type").starts_with("text/plain"));
        let text = text.body.as_str().unwrap();
        let route = r#"http_requests_total{method="GET",route="/api/v1/products/{product}",status="4xx"} 1"#;
        let unmatched = r#"http_requests_total{method="GET",route="unmatched",status="4xx"} 1"#;
        for expected in [
            route,
            unmatched,
            "http_request_duration_seconds_bucket",
            "http_requests_in_flight 1",
            "process_start_time_seconds 1772366400",
            // A connection may still be on its way back into its pool.
            r#"db_pool_connections{pool="sqlite_write",state="idle"}"#,
            "martlet_build_info{",
        ] {
            assert!(text.contains(expected), "{expected} in {text}");
        }
        assert!(!text.contains("xyzzy"), "{text}");
    }

    #[tokio::test]
    async fn metrics_are_listed_and_shown_by_name() {
        let app = TestApp::new().await;
        app.get("/actuator/health").await;
        let names = app.get("/actuator/metrics").await.expect_status(200).body;
        assert!(names["names"].as_array().unwrap().contains(&json!("http_requests_total")), "{names}");
        let metric = app.get("/actuator/metrics/http_requests_total").await.expect_status(200).body;
        assert_eq!(
            (&metric["kind"], &metric["description"]),
            (&json!("counter"), &json!("Requests answered"))
        );
        let labels = json!({"method": "GET", "route": "/actuator/health", "status": "2xx"});
        assert!(metric["samples"].as_array().unwrap().contains(&json!({"labels": labels, "value": 1.0})));
        let latency =
            app.get("/actuator/metrics/http_request_duration_seconds").await.expect_status(200).body;
        assert!(latency["samples"][0]["count"].is_u64());
        app.get("/actuator/metrics/nothing").await.expect_problem(404, "not_found");
    }
}
