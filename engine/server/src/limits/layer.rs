//! The layer around all routes.

use axum::{
    extract::{FromRequestParts as _, MatchedPath, RawPathParams, Request, State},
    http::request::Parts,
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use martlet_domain::{Id, cart::Cart};

use super::{Group, Limits, Tally, Whom};
use crate::{
    error::Error,
    extract::{ClientAddress, CurrentStore, hash_of_sent_key},
    router,
    state::AppState,
};

/// What the routes of a cart begin with. Their `id` is the cart's.
const OF_A_CART: &str = "/api/v1/carts/{id}/";

/// Counts a request in the group of its route, and refuses it if that makes too many.
pub async fn hold(State(state): State<AppState>, mut request: Request, next: Next) -> Response {
    let tally = Tally::new(state.frame.rules.limits.clone());
    request.extensions_mut().insert(tally.clone());
    let route = request.extensions().get::<MatchedPath>().cloned();
    let route = route.as_ref().map_or("", MatchedPath::as_str);
    let group = router::group_of(request.method(), route);
    let Some(group) = group.filter(|_| state.frame.rules.limits.is_enabled()) else {
        return next.run(request).await;
    };
    let (mut parts, body) = request.into_parts();
    let mut response = match admit(&tally, group, route, &mut parts, &state).await {
        Ok(()) => next.run(Request::from_parts(parts, body)).await,
        Err(error) => error.into_response(),
    };
    tally.show(response.headers_mut());
    response
}

async fn admit(
    tally: &Tally,
    group: Group,
    route: &str,
    parts: &mut Parts,
    state: &AppState,
) -> Result<(), Error> {
    let limits = &state.frame.rules.limits;
    let Ok(ClientAddress(address)) = ClientAddress::from_request_parts(parts, state).await;
    let address = Whom::address(address);
    let whom = match group {
        Group::Admin | Group::Upload => vec![known_key(limits, parts).unwrap_or(address)],
        // By the cart too: whoever has many addresses tries codes on one.
        Group::Coupon => [address].into_iter().chain(cart(route, parts, state).await).collect(),
        Group::Browse | Group::Carts | Group::Login | Group::Checkout => vec![address],
    };
    // Before the store is looked up: who is refused costs the database nothing.
    tally.count_here(group, &whom)?;
    if !limits.is_shared(group) {
        return Ok(());
    }
    // Without a store there is nothing to count together; why there is none, the handler says better.
    match CurrentStore::from_request_parts(parts, state).await {
        Ok(CurrentStore(store)) => tally.count_together(group, &whom, store.id).await,
        Err(_) => Ok(()),
    }
}

/// The API key of a request, if it was found to be good before. Else whoever guesses keys would have a
/// new allowance for each.
fn known_key(limits: &Limits, parts: &Parts) -> Option<Whom> {
    let key = hash_of_sent_key(&parts.headers)?;
    limits.known.contains(&key).then_some(Whom::ApiKey(key))
}

/// The cart whose route it is.
async fn cart(route: &str, parts: &mut Parts, state: &AppState) -> Option<Whom> {
    if !route.starts_with(OF_A_CART) {
        return None;
    }
    let params = RawPathParams::from_request_parts(parts, state).await.ok()?;
    let (_, id) = params.iter().find(|(name, _)| *name == "id")?;
    // What is no id is the handler's to refuse.
    id.parse::<Id<Cart>>().ok().map(Whom::Cart)
}
