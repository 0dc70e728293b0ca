//! `/api/v1/sessions`: signing in, staying signed in, signing out.

use std::sync::Arc;

use axum::{extract::State, http::StatusCode};
use martlet_domain::{Id, cart::Cart};
use martlet_store::Db;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    auth::{Auth, Password, SignedIn},
    carts::Carts,
    error::Error,
    extract::{CurrentStore, Json, Query, Shopper},
    limits::Tally,
    problem::Problem,
    secret::Secret,
};

/// Who signs in.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SignInRequest {
    /// The e-mail address.
    #[schema(example = "jo@example.com")]
    email: String,
    /// The password.
    #[schema(value_type = String, format = Password)]
    password: Secret,
    /// A cart that was filled before. It becomes the customer's; with an open one of theirs in the same
    /// currency it is put together, on the newer of the two. One that isn't there any more, is an order or
    /// is somebody else's is left alone.
    #[schema(value_type = Option<Uuid>)]
    cart: Option<Id<Cart>>,
}

/// A refresh token.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RefreshRequest {
    /// The one that was answered last.
    #[schema(value_type = String, example = "mr_...")]
    refresh_token: Secret,
}

/// What a customer who is signed in goes on with.
#[derive(Serialize, ToSchema)]
#[schema(as = Session)]
pub struct SessionBody {
    /// Goes with each request, as `Authorization: Bearer`.
    access_token: String,
    /// `Bearer`.
    token_type: &'static str,
    /// For how many seconds the access token is good.
    expires_in: u64,
    /// Is exchanged for the next two tokens, once. Used twice, it ends the session.
    refresh_token: String,
    /// Who.
    customer_id: Uuid,
}

/// The answer to who signs in.
#[derive(Serialize, ToSchema)]
pub struct SignedInBody {
    /// The tokens.
    #[serde(flatten)]
    session: SessionBody,
    /// The cart that is the customer's now, if there is one: not always the one that was named.
    cart_id: Option<Uuid>,
}

/// Which sessions end.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct SignOutParameters {
    /// All of the customer's, on all devices.
    all: bool,
}

/// Signs in.
#[utoipa::path(
    post, path = "/api/v1/sessions", tag = "storefront", operation_id = "signIn",
    request_body = SignInRequest,
    responses(
        (status = 201, description = "The customer is signed in", body = SignedInBody),
        (status = 401, description = "`invalid_credentials`: which of the two isn't told", body = Problem),
        (status = 422, description = "`invalid_body`", body = Problem),
        (status = 503, description = "`busy`", body = Problem),
    )
)]
pub async fn create(
    CurrentStore(store): CurrentStore,
    State(db): State<Db>,
    State(auth): State<Arc<Auth>>,
    State(carts): State<Carts>,
    tally: Tally,
    Json(request): Json<SignInRequest>,
) -> Result<(StatusCode, Json<SignedInBody>), Error> {
    tally.account(store.id, &request.email).await?;
    let found = db.find_credentials(store.id, &request.email.trim().to_lowercase()).await?;
    let (customer, hash) = found.map_or((None, None), |(customer, hash)| (Some(customer), hash));
    // One password is verified whatever was found, so that nothing shows in the time it takes.
    let fits = auth.passwords.verify(Password::typed(&request.password), hash).await?;
    let customer = customer.filter(|_| fits).ok_or(Error::InvalidCredentials)?;
    // Before the session: if this fails, signing in again does it again.
    let cart = match request.cart {
        Some(cart) => carts.take_along(store.id, customer.id, cart).await?,
        None => carts.open_cart_of(store.id, customer.id).await?,
    };
    let session = SessionBody::from(auth.begin(store.id, customer.id).await?);
    Ok((StatusCode::CREATED, Json(SignedInBody { session, cart_id: cart.map(Id::uuid) })))
}

/// Exchanges a refresh token for the next two tokens.
///
/// Each refresh token is good for one exchange. Clients do one at a time and keep what they get before
/// they go on: a token that comes a second time ends the session, because it may have been stolen.
#[utoipa::path(
    post, path = "/api/v1/sessions/refresh", tag = "storefront", operation_id = "refreshSession",
    request_body = RefreshRequest,
    responses(
        (status = 200, description = "The next two tokens", body = SessionBody),
        (status = 401, description = "`invalid_refresh_token`: sign in again", body = Problem),
        (status = 422, description = "`invalid_body`", body = Problem),
    )
)]
pub async fn refresh(
    CurrentStore(store): CurrentStore,
    State(auth): State<Arc<Auth>>,
    Json(request): Json<RefreshRequest>,
) -> Result<Json<SessionBody>, Error> {
    let signed_in = auth.refresh(store.id, request.refresh_token.reveal()).await?;
    Ok(Json(SessionBody::from(signed_in)))
}

/// Signs out: neither token is good any more.
#[utoipa::path(
    delete, path = "/api/v1/sessions", tag = "storefront", operation_id = "signOut",
    params(SignOutParameters), security(("customer" = [])),
    responses(
        (status = 204, description = "Signed out"),
        (status = 400, description = "`malformed_query`", body = Problem),
        (status = 401, description = "`unauthenticated`", body = Problem),
    )
)]
pub async fn delete(
    shopper: Shopper,
    State(auth): State<Arc<Auth>>,
    Query(parameters): Query<SignOutParameters>,
) -> Result<StatusCode, Error> {
    if parameters.all {
        auth.sessions.end_all(shopper.store.id, shopper.customer).await?;
    } else {
        auth.sessions.end(shopper.store.id, shopper.session).await?;
    }
    Ok(StatusCode::NO_CONTENT)
}

impl From<SignedIn> for SessionBody {
    fn from(SignedIn { access_token, expires_in, refresh_token, customer }: SignedIn) -> Self {
        Self {
            access_token,
            token_type: "Bearer",
            expires_in,
            refresh_token: refresh_token.reveal().to_owned(),
            customer_id: customer.uuid(),
        }
    }
}

#[cfg(test)]
mod tests;
