//! The layer around POSTs that don't keep their answers themselves.

use std::time::Duration;

use axum::{
    body::Body,
    extract::{FromRequestParts as _, MatchedPath, RawPathParams, Request, State},
    http::{Method, header, request::Parts},
    middleware::Next,
    response::Response,
};
use martlet_domain::{Id, settings::Store};
use martlet_store::{Claim, ClaimState};
use tracing::Instrument as _;

use super::{Scope, answer, claim_for, digest_of_request};
use crate::{
    error::Error,
    extract::{Caller, IDEMPOTENCY_KEY, IdempotencyKey, Staff, Who, whole},
    frame::{RequestId, handled},
    state::AppState,
};

/// What the routes of a cart begin with. Their `id` is the cart's.
pub(super) const OF_A_CART: &str = "/api/v1/carts/{id}/";
/// After so long a claim without an answer was left by an engine that died, unless requests may take
/// longer. The engine may have died between the work and keeping its answer: then the request that
/// takes the claim over does the work once more. Where that must not happen, the key is claimed in
/// the transaction that does the work instead.
const ABANDONED: Duration = Duration::from_secs(60);

/// Answers a POST that has an `Idempotency-Key` once, and again with the same answer.
pub async fn once(State(state): State<AppState>, request: Request, next: Next) -> Result<Response, Error> {
    if request.method() != Method::POST || !request.headers().contains_key(IDEMPOTENCY_KEY) {
        return Ok(next.run(request).await);
    }
    let (mut parts, body) = request.into_parts();
    let key = IdempotencyKey::from_request_parts(&mut parts, &state).await?;
    let route = MatchedPath::from_request_parts(&mut parts, &state).await;
    let route = route.map_err(|_| Error::Internal("a layer of routes stands elsewhere".to_owned()))?;
    // Without knowing who asks, whoever guessed a key would be answered with somebody else's cart.
    let Some((store, scope)) = scope(&mut parts, &state, route.as_str()).await? else {
        return Ok(next.run(Request::from_parts(parts, body)).await);
    };
    let RequestId(request_id) = RequestId::from_request_parts(&mut parts, &state).await?;
    let limit = state.frame.rules.body_limit_of(&parts.method, route.as_str());
    let longest = state.frame.rules.timeout_of(&parts.method, route.as_str());
    let body = whole(body, limit).await?;
    let (request, now) = (digest_of_request(&parts, &body), state.world.clock.now());
    let claim = claim_for(store, scope, route.as_str(), &key, request, &request_id, now);
    let request = Request::from_parts(parts, Body::from(body));
    // A task of its own, which goes on when whoever asked has gone: what is claimed is answered.
    let answered = tokio::spawn(answer_once(state, claim, longest, request, next).in_current_span()).await;
    answered.map_err(|error| Error::Internal(format!("a request ended early: {error}")))?
}

/// Whose key it is, and in which store. Nobody's where nobody shows who they are.
async fn scope(
    parts: &mut Parts,
    state: &AppState,
    route: &str,
) -> Result<Option<(Id<Store>, Scope)>, Error> {
    // On the merchants' side it is known by now.
    if let Some(staff) = parts.extensions.get::<Staff>() {
        return Ok(Some((staff.store.id, Scope::ApiKey(staff.key.id))));
    }
    if route.starts_with(OF_A_CART) {
        let params = RawPathParams::from_request_parts(parts, state).await.ok();
        let id = params.as_ref().and_then(|params| params.iter().find(|(name, _)| *name == "id"));
        // What is no id is the handler's to refuse.
        let Some(Ok(cart)) = id.map(|(_, id)| id.parse()) else { return Ok(None) };
        let Caller { store, who } = Caller::from_request_parts(parts, state).await?;
        return Ok(Some((store.id, Scope::Cart(cart, who))));
    }
    if !parts.headers.contains_key(header::AUTHORIZATION) {
        return Ok(None);
    }
    let Caller { store, who } = Caller::from_request_parts(parts, state).await?;
    Ok(match who {
        Who::Guest => None,
        Who::Customer(customer) => Some((store.id, Scope::Customer(customer))),
        Who::Staff(key) => Some((store.id, Scope::ApiKey(key))),
    })
}

async fn answer_once(
    state: AppState,
    claim: Claim,
    longest: Duration,
    request: Request,
    next: Next,
) -> Result<Response, Error> {
    match take(&state, &claim, longest).await? {
        ClaimState::Free => {}
        ClaimState::InFlight { .. } => return Err(Error::InFlight),
        ClaimState::OtherRequest => return Err(Error::IdempotencyKeyReused),
        ClaimState::Answered(kept) => return Ok(answer::respond(kept)),
    }
    let response = handled(request, next).await;
    if !answer::is_kept_status(response.status()) {
        release(&state, &claim).await;
        return Ok(response);
    }
    match answer::keep(response, &claim.request_id).await {
        Ok(kept) => {
            // Who asked is answered even if nobody will be again.
            if let Err(error) = state.db.answer_claim(claim.id, &claim.request_id, &kept).await {
                tracing::error!(%error, "an answer isn't kept: a request with its key may be answered anew");
            }
            Ok(answer::respond(kept))
        }
        Err(error) => {
            release(&state, &claim).await;
            Err(error)
        }
    }
}

/// Takes the key, from an engine that died if need be. `longest` is what a request of this kind takes.
async fn take(state: &AppState, claim: &Claim, longest: Duration) -> Result<ClaimState, Error> {
    let found = state.db.claim(claim).await?;
    let ClaimState::InFlight { since } = found else { return Ok(found) };
    let made_until = claim.created_at.minus(ABANDONED.max(longest));
    if since <= made_until && state.db.take_over_claim(claim, made_until).await? {
        tracing::warn!("a key is taken over from a request that never ended");
        return Ok(ClaimState::Free);
    }
    Ok(found)
}

async fn release(state: &AppState, claim: &Claim) {
    if let Err(error) = state.db.release_claim(claim.id, &claim.request_id).await {
        tracing::error!(%error, "a key isn't free again: requests with it have to wait");
    }
}
