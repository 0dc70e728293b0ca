//! `/actuator/info`: what runs here.

use std::sync::Arc;

use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    api::time::Time,
    extract::Json,
    operations::{COMMIT, Operations, VERSION},
};

/// What runs here.
#[derive(Debug, Serialize, ToSchema)]
pub struct Info {
    /// `martlet`.
    pub name: &'static str,
    /// Its version.
    pub version: &'static str,
    /// The commit it was built from, where the build knew it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub commit: Option<&'static str>,
    /// The versions of `martlet:commerce` whose components run here.
    pub wit_versions: &'static [&'static str],
    /// When the process began.
    pub started_at: Time,
}

/// What runs here.
#[utoipa::path(get, path = "/actuator/info", tag = "operations", operation_id = "info",
    responses((status = 200, description = "What runs here", body = Info)))]
pub async fn info(State(operations): State<Arc<Operations>>) -> Json<Info> {
    Json(Info {
        name: "martlet",
        version: VERSION,
        commit: COMMIT,
        wit_versions: martlet_plugin_host::WIT_VERSIONS,
        started_at: Time(operations.started_at),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::testing::TestApp;

    #[tokio::test]
    async fn what_runs_is_said() {
        let app = TestApp::new().await;
        let mut body = app.get("/actuator/info").await.expect_status(200).body;
        assert_eq!(body.as_object_mut().unwrap().remove("commit"), COMMIT.map(Into::into));
        assert_eq!(
            body,
            json!({
                "name": "martlet", "version": VERSION, "wit_versions": ["0.1.0", "1.0.0"],
                "started_at": "2026-03-01T12:00:00Z",
            })
        );
    }
}
