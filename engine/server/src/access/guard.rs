//! The layer around all routes that holds those of the merchants' side to what they need.

use axum::{
    body::Body,
    extract::{FromRequestParts as _, MatchedPath, Request, State},
    http::{Method, StatusCode},
    middleware::Next,
    response::Response,
};
use martlet_domain::Id;
use martlet_store::{Actor, AuditEntry};
use tracing::Instrument as _;

use super::{
    detail,
    operations::{ADMIN, Operation},
    timely::Timely,
};
use crate::{
    error::Error,
    extract::Staff,
    frame::{RequestId, handled},
    state::AppState,
};

/// Whether a request changes something on the merchants' side. Such a change goes on when its request is
/// given up.
pub fn is_change(method: &Method, route: &str) -> bool {
    route.starts_with(ADMIN) && !matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}

/// Finds the key of a request to the merchants' side, refuses what it may not do, and writes down what
/// changes something: before it is done, and afterwards what came of it. Without an entry nothing is done.
/// Other requests pass.
pub async fn guard(State(state): State<AppState>, request: Request, next: Next) -> Result<Response, Error> {
    let route = request.extensions().get::<MatchedPath>().map_or("", MatchedPath::as_str);
    if !route.starts_with(ADMIN) {
        return Ok(next.run(request).await);
    }
    let within = state.frame.rules.timeout_of(request.method(), route);
    let method = request.method();
    let operation = Operation::find(method, route);
    let operation =
        operation.ok_or_else(|| Error::Internal(format!("{method} {route} names no scope that it needs")))?;
    let (mut parts, body) = request.into_parts();
    // What is begun goes on for as long as it takes, but it isn't sent for longer than it may take.
    let body = Body::new(Timely::new(body, within));
    let staff = Staff::identify(&mut parts, &state).await?;
    let allowed = staff.needs(operation.scope);
    parts.extensions.insert(staff.clone());
    if matches!(parts.method, Method::GET | Method::HEAD) {
        allowed?;
        return Ok(next.run(Request::from_parts(parts, body)).await);
    }
    let RequestId(request_id) = RequestId::from_request_parts(&mut parts, &state).await?;
    let (detail, body) = detail::take(&parts.headers, body).await?;
    let now = state.world.clock.now();
    let entry = AuditEntry {
        id: state.world.ids.next(now),
        at: now,
        actor: Actor::Key { id: staff.key.id, name: staff.key.name.clone(), role: staff.role() },
        action: operation.id.clone(),
        target: parts.uri.path().to_owned(),
        request_id: Some(request_id),
        outcome: allowed.is_err().then_some(StatusCode::FORBIDDEN.as_u16()),
        detail,
    };
    state.db.insert_audit(staff.store.id, &entry).await.map_err(Error::Unaudited)?;
    allowed?;
    let request = Request::from_parts(parts, body);
    // A task of its own, which goes on when whoever asked has gone: what is begun gets its outcome.
    let done = tokio::spawn(carry_out(state, staff, entry.id, request, next).in_current_span()).await;
    done.map_err(|error| Error::Internal(format!("a request ended early: {error}")))
}

async fn carry_out(
    state: AppState,
    staff: Staff,
    entry: Id<AuditEntry>,
    request: Request,
    next: Next,
) -> Response {
    let response = handled(request, next).await;
    let outcome = response.status().as_u16();
    if let Err(error) = state.db.finish_audit(staff.store.id, entry, outcome).await {
        tracing::error!(%entry, outcome, %error, "what came of a change isn't in the audit log");
    }
    response
}
