//! `/actuator/health`: whether the process lives, and whether it can take requests.

use std::{collections::BTreeMap, sync::Arc};

use axum::{extract::State, http::StatusCode};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{error::Error, extract::Json, operations::Operations, state::AppState};

/// How the process is.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Health {
    /// Of all together.
    pub status: Status,
    /// One by one, where anything was checked.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub checks: BTreeMap<&'static str, Check>,
}

/// Whether something works.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Status {
    /// It works.
    Up,
    /// It doesn't.
    Down,
    /// The process is leaving.
    OutOfService,
}

/// What one check found.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Check {
    /// Whether it works.
    pub status: Status,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub advice: Option<String>,
}

/// Whether the process answers at all. Nothing behind it is asked.
#[utoipa::path(get, path = "/actuator/health", tag = "operations", operation_id = "health",
    responses((status = 200, description = "It does", body = Health)))]
pub async fn health() -> Json<Health> {
    Json(Health { status: Status::Up, checks: BTreeMap::new() })
}

/// Whether the process answers at all; restart it when it doesn't.
#[utoipa::path(get, path = "/actuator/health/liveness", tag = "operations", operation_id = "liveness",
    responses((status = 200, description = "It does", body = Health)))]
pub async fn liveness() -> Json<Health> {
    health().await
}

/// Whether the process can take requests; send them elsewhere while it can't.
#[utoipa::path(get, path = "/actuator/health/readiness", tag = "operations", operation_id = "readiness",
    responses(
        (status = 200, description = "It can", body = Health),
        (status = 503, description = "It can't, or it is leaving", body = Health)))]
pub async fn readiness(
    State(state): State<AppState>,
    State(operations): State<Arc<Operations>>,
) -> (StatusCode, Json<Health>) {
    if operations.is_draining() {
        let leaving = Health { status: Status::OutOfService, checks: BTreeMap::new() };
        return (StatusCode::SERVICE_UNAVAILABLE, Json(leaving));
    }
    let checks = BTreeMap::from([
        ("database", check("database", database(&state).await)),
        ("migrations", check("migrations", migrations(&state).await)),
        ("rulebook", check("rulebook", rulebook(&state).await)),
    ]);
    let up = checks.values().all(|check| check.status == Status::Up);
    let (code, status) =
        if up { (StatusCode::OK, Status::Up) } else { (StatusCode::SERVICE_UNAVAILABLE, Status::Down) };
    (code, Json(Health { status, checks }))
}

/// What is wrong, in words that may be shown; what lies behind it is logged.
fn check(name: &str, found: Result<(), (String, Option<Error>)>) -> Check {
    match found {
        Ok(()) => Check { status: Status::Up, advice: None },
        Err((advice, cause)) => {
            let cause = cause.map(|cause| cause.to_string()).unwrap_or_default();
            tracing::warn!(check = name, cause, "not ready: {advice}");
            Check { status: Status::Down, advice: Some(advice) }
        }
    }
}

async fn database(state: &AppState) -> Result<(), (String, Option<Error>)> {
    let unreachable = "the database doesn't answer; the logs say why";
    state.db.ping().await.map_err(|error| (unreachable.to_owned(), Some(error.into())))
}

async fn migrations(state: &AppState) -> Result<(), (String, Option<Error>)> {
    let pending = state.db.pending_migrations().await;
    match pending.map(|pending| pending.len()) {
        Ok(0) => Ok(()),
        Ok(count) => Err((format!("{count} migrations are pending; run `martlet migrate`"), None)),
        Err(error) => Err(("the state of the tables can't be read".to_owned(), Some(error.into()))),
    }
}

/// The default store's rulebook can be read and each of its components runs here. A store without
/// a rulebook prices carts without plugins.
async fn rulebook(state: &AppState) -> Result<(), (String, Option<Error>)> {
    let advice = |error: &Error| match error {
        Error::RulesUnavailable(problem) => format!("the active rulebook can't be worked with: {problem}"),
        _ => "the active rulebook can't be loaded; the logs say why".to_owned(),
    };
    load_rulebook(state).await.map_err(|error| (advice(&error), Some(error)))
}

async fn load_rulebook(state: &AppState) -> Result<(), Error> {
    let Some(store) = state.db.find_store_by_handle(&state.frame.rules.default_store).await? else {
        return Ok(());
    };
    state.selling.pricer.load(&state.db, store.id).await
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::TestApp;

    const READINESS: &str = "/actuator/health/readiness";

    #[tokio::test]
    async fn a_process_lives_and_is_ready() {
        let app = TestApp::new().await;
        for path in ["/actuator/health", "/actuator/health/liveness"] {
            assert_eq!(app.get(path).await.expect_status(200).body, json!({"status": "UP"}));
        }
        let up = json!({"status": "UP"});
        assert_eq!(
            app.get(READINESS).await.expect_status(200).body,
            json!({"status": "UP", "checks": {"database": up, "migrations": up, "rulebook": up}})
        );
    }

    #[tokio::test]
    async fn a_leaving_process_lives_but_is_not_ready() {
        let app = TestApp::new().await;
        app.state.frame.operations.drain();
        let answer = app.get(READINESS).await.expect_status(503);
        assert_eq!(answer.body, json!({"status": "OUT_OF_SERVICE"}));
        app.get("/actuator/health").await.expect_status(200);
    }

    #[tokio::test]
    async fn a_process_without_database_is_not_ready_and_says_nothing_of_it() {
        let app = TestApp::new().await;
        app.state.db.close().await;
        let answer = app.get(READINESS).await.expect_status(503);
        assert_eq!(answer.body["status"], "DOWN");
        let expected = json!({"status": "DOWN", "advice": "the database doesn't answer; the logs say why"});
        assert_eq!(answer.body["checks"]["database"], expected);
        app.get("/actuator/health").await.expect_status(200);
    }

    #[tokio::test]
    async fn the_active_rulebooks_components_must_run_here() {
        let app = TestApp::new().await;
        let broken = app.install_broken().await;
        let sound = app.state.db.list_installations(app.store.id).await.unwrap().remove(0);
        app.publish_installations(vec![sound.clone()]).await;
        app.get(READINESS).await.expect_status(200);
        app.publish_installations(vec![sound, broken.clone()]).await;
        let answer = app.get(READINESS).await.expect_status(503);
        let check = &answer.body["checks"]["rulebook"];
        assert_eq!(check["status"], "DOWN");
        let advice = check["advice"].as_str().unwrap();
        let named = format!("the component {} of `broken` can't be used", broken.component);
        assert!(advice.contains(&named), "{advice}");
    }
}
